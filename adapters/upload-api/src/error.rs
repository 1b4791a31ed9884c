//! A "no" on its way to the sender, and what becomes of the pipeline's errors there.

use std::borrow::Cow;

use intake_core::{Code, Error, Rejection};

pub(crate) use crate::codes;
use crate::error_table::{ErrorRow, TABLE};
use crate::key_names::KEY;

/// Seconds after which one who found everything taken may ask again.
pub(crate) const COME_AGAIN: u64 = 3;
/// The same for one who has too many unfinished uploads, which take longer to end.
const COME_AGAIN_LATER: u64 = 30;

/// What the ids of access tokens begin with; no policy token may have such an id.
pub(crate) const ACCESS_TOKEN_ID: &str = "sha256:";

/// What a refusal is about, where an order came to nothing.
pub(crate) enum Group {
    /// Where the file is.
    Url,
    /// What is in it.
    Content,
    /// One of our parts.
    Fault,
}

/// A "no" on its way to the sender.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    row: &'static ErrorRow,
    /// Our own code, also where the wire has none for it: see `docs/codes.md`.
    pub(crate) ours: Code,
    args: Vec<String>,
    /// Said instead of the row's sentence: a plugin's own words, for codes that the wire does not know.
    words: Option<String>,
    /// Seconds after which trying again makes sense; a whole number, since that is what all clients read.
    pub(crate) retry_after: Option<u64>,
    /// For the log alone.
    pub(crate) for_log: Box<ForLog>,
}

/// What the log says of a refusal, and its sender is not told.
#[derive(Clone, Debug, Default)]
pub(crate) struct ForLog {
    /// The stage that refused, if one did.
    pub(crate) by: Option<String>,
    /// Why one of our parts failed.
    pub(crate) cause: Option<String>,
    /// Whether the upload's own line in the log says why.
    pub(crate) is_logged: bool,
}

impl Refusal {
    pub(crate) fn new(code: &Code) -> Self {
        let found = TABLE.iter().find(|row| row.ours == code.as_str());
        let Some(row) = found.or_else(|| TABLE.iter().find(|row| row.ours == codes::UPLOAD_REFUSED.as_str())) else {
            unreachable!("the table has a row for what it has no row for")
        };
        Self {
            row,
            ours: code.clone(),
            args: Vec::new(),
            words: None,
            retry_after: None,
            for_log: Box::default(),
        }
    }

    /// A refusal that the wire has no code for, in our own words.
    pub(crate) fn saying(words: &'static str) -> Self {
        Self {
            words: Some(words.to_owned()),
            ..Self::new(&codes::UPLOAD_REFUSED)
        }
    }

    /// The same, said in other words.
    pub(crate) fn in_words(self, words: String) -> Self {
        Self {
            words: Some(words),
            ..self
        }
    }

    /// The same, with another sentence behind its own.
    pub(crate) fn adding(self, sentence: &str) -> Self {
        let words = format!("{} {sentence}", self.sentence());
        self.in_words(words)
    }

    /// Fills the next `%s` of the sentence.
    pub(crate) fn arg(mut self, arg: impl ToString) -> Self {
        /// Whatever a sender said is said back only so far.
        const LONGEST: usize = 200;
        self.args.push(arg.to_string().chars().take(LONGEST).collect());
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub(crate) fn status(&self) -> u16 {
        self.row.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.row.theirs
    }

    pub(crate) fn sentence(&self) -> Cow<'static, str> {
        if let Some(words) = &self.words {
            return Cow::Owned(words.clone());
        }
        let mut args = self.args.iter();
        let mut pieces = self.row.sentence.split("%s");
        let first = pieces.next().unwrap_or_default();
        let rest = pieces.map(|piece| format!("{}{piece}", args.next().map_or("", String::as_str)));
        let rest: String = rest.collect();
        if rest.is_empty() {
            Cow::Borrowed(first)
        } else {
            Cow::Owned(format!("{first}{rest}"))
        }
    }

    /// What the pipeline ended with, in the wire's words. Faults are not the sender's to know.
    pub(crate) fn of(error: &Error) -> Self {
        let mut refusal = match error {
            Error::Rejected { rejection, .. } => Self::of_rejection(rejection),
            Error::Interrupted(_) | Error::NotFound(_) => Self::new(&error.code()),
            _ => Self::new(&codes::FAULT),
        };
        match error {
            Error::Rejected { by, .. } => refusal.for_log.by = Some(by.clone()),
            Error::Fault(fault) => {
                refusal.ours = fault.code.clone();
                refusal.for_log.cause = Some(fault.chain());
            }
            _ => {}
        }
        refusal
    }

    /// The same for an upload that was admitted, or was to be: the pipeline has logged why it failed.
    pub(crate) fn of_upload(error: &Error) -> Self {
        let mut refusal = Self::of(error);
        refusal.for_log.is_logged = true;
        refusal
    }

    /// For the record of what the request brought, with the code that says why.
    pub(crate) fn rejection(&self) -> Rejection {
        Rejection::new(self.ours.clone(), self.sentence())
    }

    /// What it is about, where an order to fetch something came to nothing.
    pub(crate) fn group(&self) -> Group {
        match self.row {
            row if row.ours == codes::FAULT.as_str() || row.status >= 500 => Group::Fault,
            row if row.theirs.starts_with("URL") || row.theirs.starts_with("Hostname") => Group::Url,
            _ => Group::Content,
        }
    }

    pub(crate) fn of_rejection(rejection: &Rejection) -> Self {
        let refusal = Self::new(&rejection.code);
        let subject = rejection.subject.as_deref().unwrap_or("unknown");
        if let Some(refusal) = Self::of_access_token(refusal.row.ours, subject) {
            return refusal;
        }
        match refusal.row.ours {
            // The wire has no code for this one, but whoever uploads can still read why.
            "upload_refused" => Self {
                words: Some(format!("Upload failed: {}.", rejection.message)),
                ..refusal
            },
            "too_many_unfinished" => refusal
                .in_words(format!("Request was throttled: {}.", rejection.message))
                .retry_after(COME_AGAIN_LATER),
            // The reference's sentence, and which parts they are.
            "parts_missing" => match &rejection.subject {
                Some(parts) => {
                    let words = format!("{} Missing parts: {parts}.", refusal.sentence());
                    refusal.in_words(words)
                }
                None => refusal,
            },
            // The key was known when the request came, and is not any more.
            "project_unknown" => refusal.arg(KEY.0),
            _ if refusal.row.sentence.contains("%s") => refusal.arg(subject),
            _ => refusal,
        }
    }
}

/// Refusals of access tokens.
impl Refusal {
    pub(crate) fn invalid_access_token(reason: &str) -> Self {
        Self::new(&codes::ACCESS_TOKEN_INVALID).arg(reason)
    }

    pub(crate) fn revoked_access_token() -> Self {
        Self::invalid_access_token("it was revoked")
    }

    /// What the sender is told where the pipeline has refused what an access token let in: for a policy token or a signature the
    /// same reasons have other codes. `None`: it was no access token.
    fn of_access_token(code: &str, subject: &str) -> Option<Self> {
        if !subject.starts_with(ACCESS_TOKEN_ID) {
            return None;
        }
        match code {
            "token_used_up" => Some(codes::OPERATIONS_USED_UP.into()),
            "token_revoked" => Some(Self::revoked_access_token()),
            "signature_invalid" => Some(Self::invalid_access_token("signature does not match")),
            _ => None,
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(&code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_row() {
        for (at, row) in TABLE.iter().enumerate() {
            assert!(
                TABLE[..at].iter().all(|other| other.ours != row.ours),
                "{} has two rows",
                row.ours
            );
        }
    }

    #[test]
    fn a_sentence_says_what_it_is_about() {
        let long = "k".repeat(500);
        let refusal = Refusal::new(&codes::METADATA_KEY_TOO_LONG).arg(&long).arg(64);
        let said = refusal.sentence();
        assert_eq!(
            said,
            format!(
                "Length of file metadata key `{}` can not be more than 64 symbols.",
                &long[..200]
            )
        );
        let infected = Rejection::new(Code::new("infected"), "it has a virus").about("Eicar");
        assert_eq!(
            Refusal::of_rejection(&infected).sentence(),
            "The file is infected by Eicar virus."
        );
        let foreign = Rejection::new(Code::new("name_forbidden"), "programs are not taken");
        let foreign = Refusal::of_rejection(&foreign);
        assert_eq!(
            (foreign.code(), &*foreign.sentence()),
            ("UploadFailedError", "Upload failed: programs are not taken.")
        );
    }
}
