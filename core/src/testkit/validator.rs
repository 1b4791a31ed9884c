//! The rules of every validator.

use std::collections::BTreeMap;

use super::broken::broken;
use super::trial::{Checked, Patience, Trial};
use crate::contract::stages::Validator;
use crate::value::evidence::{Declared, Digest, Facts};
use crate::value::inspection::{Coverage, Inspection};
use crate::value::media_type::MediaType;
use crate::value::upload_info::{Head, UploadInfo};
use crate::value::verdict::Verdict;

/// Checks every rule of [`Validator`] with odd claims and contents: it answers, it gives the reason of a refusal, and its answers do
/// not depend on the order of the questions.
///
/// # Panics
///
/// If a rule is broken, with the rule, what was asked, what was expected and what was seen.
pub fn validator(validator: impl Validator + 'static) -> Checked {
    Patience::default().validator(validator)
}

impl Patience {
    /// As [`validator`](super::validator()), with other limits.
    ///
    /// # Panics
    ///
    /// If a rule is broken.
    pub fn validator(self, validator: impl Validator + 'static) -> Checked {
        Trial::new(self).apart_now(|trial| async move {
            let (validator, mut answers) = (&validator as &dyn Validator, Vec::new());
            rules!(trial, a_refusal_says_why(&trial, validator, &mut answers));
            rules!(
                trial,
                the_answer_does_not_depend_on_earlier_questions(&trial, validator, &answers)
            );
        })
    }
}

async fn a_refusal_says_why(trial: &Trial, validator: &dyn Validator, answers: &mut Vec<Verdict>) {
    for question in questions() {
        let answer = trial.call_now(question.shown(), || question.ask(validator));
        if let Verdict::Reject(rejection) = &answer
            && rejection.message.trim().is_empty()
        {
            broken("a refusal with a reason", format!("{rejection:?}"));
        }
        answers.push(answer);
    }
}

async fn the_answer_does_not_depend_on_earlier_questions(
    trial: &Trial,
    validator: &dyn Validator,
    answers: &[Verdict],
) {
    for (question, answer) in questions().iter().zip(answers).rev() {
        let again = trial.call_now(question.shown(), || question.ask(validator));
        same!(again, *answer, "another answer than before");
    }
}

/// A question to a validator, at one of its three moments.
enum Question {
    Declared(Declared),
    Head(Declared, Vec<u8>, Option<MediaType>),
    Whole(Declared, Facts),
}

impl Question {
    fn ask(&self, validator: &dyn Validator) -> Verdict {
        match self {
            Self::Declared(declared) => validator.declared(&UploadInfo::new(declared)),
            Self::Head(declared, bytes, media_type) => {
                validator.head(&Head::new(UploadInfo::new(declared), bytes, media_type.as_ref()))
            }
            Self::Whole(declared, facts) => validator.whole(&UploadInfo::new(declared), facts),
        }
    }

    fn shown(&self) -> String {
        let claims = |declared: &Declared| {
            let name: Option<String> = declared.name.as_deref().map(|name| name.chars().take(40).collect());
            format!("name {name:?}, size {:?}", declared.size)
        };
        match self {
            Self::Declared(declared) => format!("declared: {}", claims(declared)),
            Self::Head(declared, bytes, media_type) => {
                let len = bytes.len();
                format!("head: {}, {len} bytes, media type {media_type:?}", claims(declared))
            }
            Self::Whole(declared, facts) => {
                let (size, media_type) = (facts.size, &facts.media_type);
                format!("whole: {}, {size} bytes, media type {media_type:?}", claims(declared))
            }
        }
    }
}

fn questions() -> Vec<Question> {
    let mut questions = Vec::new();
    for declared in odd_claims() {
        questions.push(Question::Declared(declared.clone()));
        for bytes in odd_heads() {
            for media_type in [None, Some("image/png".parse::<MediaType>().unwrap())] {
                let facts = odd_facts(bytes.len() as u64, media_type.clone());
                questions.push(Question::Head(declared.clone(), bytes.clone(), media_type));
                questions.push(Question::Whole(declared.clone(), facts));
            }
        }
    }
    questions
}

pub(super) fn odd_facts(size: u64, media_type: Option<MediaType>) -> Facts {
    Facts {
        size,
        digest: Digest::from([0; 32]),
        media_type,
        inspections: vec![Inspection::new("some", Coverage::Partial("odd".to_owned()))],
        notes: BTreeMap::from([("image".to_owned(), serde_json::json!([{"odd": null}]))]),
    }
}

fn odd_claims() -> Vec<Declared> {
    let names = [
        "",
        ".",
        "..",
        "../../x",
        "C:\\x",
        "a\0b",
        "\u{202e}gpj.exe",
        "x.tar.gz",
        ".htaccess",
        "a/b",
    ];
    let long = "n".repeat(100_000);
    let named = names.into_iter().chain([long.as_str()]).map(Declared::named);
    let sized = [0, 1, u64::MAX].map(|size| Declared {
        size: Some(size),
        ..Declared::default()
    });
    named.chain(sized).chain([Declared::default()]).collect()
}

fn odd_heads() -> Vec<Vec<u8>> {
    vec![
        Vec::new(),
        vec![0],
        b"\x89PNG\r\n\x1a\n".to_vec(),
        vec![b'<'; 8192],
        vec![0xFF; 8192],
    ]
}
