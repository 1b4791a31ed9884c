//! The rules of every fetcher, checked with sources of which its author knows the outcome.

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::join_all;

use super::broken::{Answers, Bounds, broken};
use super::trial::{Checked, Patience, Trial};
use crate::contract::stages::Fetcher;
use crate::value::error::Error;
use crate::value::incoming::Incoming;
use crate::value::verdict::{Code, Rejection};

/// A source, and the outcome of fetching it. Its name is a text that the fetcher understands, such as a URL.
#[derive(Clone, Debug)]
pub struct Source {
    name: String,
    ending: Ending,
}

/// The outcome of fetching a source.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ending {
    Fetched(Bytes),
    /// The source must not be fetched, and `judge` refuses it.
    Forbidden(Code),
    /// The source may be fetched, but never can be.
    Refused(Code),
    /// The source cannot be fetched this time.
    Interrupted(Code),
}

impl Source {
    /// A source that can be fetched, with this content. The suite fetches it several times.
    pub fn fetched(name: impl Into<String>, content: impl Into<Bytes>) -> Self {
        Self::ending(name, Ending::Fetched(content.into()))
    }

    /// A source that must not be fetched: both `judge` and `receive` refuse it.
    pub fn forbidden(name: impl Into<String>, code: Code) -> Self {
        Self::ending(name, Ending::Forbidden(code))
    }

    /// A source that `judge` accepts and `receive` always refuses, such as a page that does not exist.
    pub fn refused(name: impl Into<String>, code: Code) -> Self {
        Self::ending(name, Ending::Refused(code))
    }

    /// A source that `judge` accepts and that breaks off, at once or amid its bytes. Another try may succeed.
    pub fn interrupted(name: impl Into<String>, code: Code) -> Self {
        Self::ending(name, Ending::Interrupted(code))
    }

    fn ending(name: impl Into<String>, ending: Ending) -> Self {
        Self {
            name: name.into(),
            ending,
        }
    }
}

/// Checks every rule of [`Fetcher`] with these sources and with texts that name no source, on a thread and a runtime of its own.
/// There should be sources of each kind.
///
/// # Panics
///
/// If a rule is broken, with the rule, what was asked, what was expected and what was seen.
pub async fn fetcher(fetcher: impl Fetcher + 'static, sources: &[Source]) -> Checked {
    Patience::default().fetcher(fetcher, sources).await
}

impl Patience {
    /// As [`fetcher`](super::fetcher()), with other limits.
    ///
    /// # Panics
    ///
    /// If a rule is broken.
    pub async fn fetcher(self, fetcher: impl Fetcher + 'static, sources: &[Source]) -> Checked {
        let sources = sources.to_vec();
        let suite = |trial: Trial| async move {
            let asker = &Asker {
                trial: trial.clone(),
                fetcher: Arc::new(fetcher),
                most_bytes: longest(&sources) + ROOM,
            };
            let sources = &sources[..];
            rules!(
                trial,
                it_is_ready(asker),
                judge_refuses_sources_that_must_not_be_fetched(asker, sources),
                a_source_ends_as_its_author_expects(asker, sources),
                sources_at_the_same_time_do_not_mix(asker, sources),
                every_upload_has_an_id_of_its_own(asker, sources),
                a_dropped_upload_does_not_disturb_the_next(asker, sources),
                names_that_are_no_source_are_refused_with_a_reason(asker),
            );
            asker.leave_out_what_has_no_source(sources);
        };
        Trial::new(self).apart(suite).await
    }
}

/// The outcome that the suite saw, with its reason.
enum Ended {
    Fetched { declared: Option<u64>, content: Bytes },
    Rejected(Rejection),
    Interrupted(Option<Rejection>, String),
    Other(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetched { content, .. } => write!(f, "{} bytes", content.len()),
            Self::Rejected(rejection) => write!(f, "Error::Rejected: {rejection}"),
            Self::Interrupted(Some(rejection), _) => write!(f, "Error::Interrupted: {rejection}"),
            Self::Interrupted(None, text) => write!(f, "Error::Interrupted without a reason for the sender: {text}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        match error {
            Error::Rejected { rejection, .. } => Self::Rejected(rejection),
            Error::Interrupted(_) => Self::Interrupted(error.rejection().cloned(), error.to_string()),
            Error::Fault(fault) => Self::Other(format!("a fault: {}", fault.report())),
            error => Self::Other(format!("{error:?}")),
        }
    }
}

struct Asker {
    trial: Trial,
    fetcher: Arc<dyn Fetcher>,
    most_bytes: usize,
}

impl Asker {
    async fn judge(&self, source: &str) -> Result<(), Error> {
        let asked = format!("judge {}", short(source));
        self.trial.call(asked, self.fetcher.judge(source)).await
    }

    async fn receive(&self, source: &str) -> Result<Incoming, Error> {
        let asked = format!("receive {}", short(source));
        self.trial.call(asked, self.fetcher.receive(source)).await
    }

    async fn fetch(&self, source: &str) -> Ended {
        let Incoming { declared, mut body, .. } = match self.receive(source).await {
            Ok(incoming) => incoming,
            Err(error) => return error.into(),
        };
        let mut content = BytesMut::new();
        let mut bounds = Bounds::new(self.most_bytes);
        loop {
            let asked = format!("the bytes of {} behind {}", short(source), content.len());
            match self.trial.call(asked, body.next()).await {
                Some(Ok(piece)) => {
                    bounds.count(piece.len());
                    content.extend_from_slice(&piece);
                }
                Some(Err(why)) => return Error::Interrupted(why).into(),
                None => break,
            }
        }
        Ended::Fetched {
            declared: declared.size,
            content: content.freeze(),
        }
    }

    /// Fetches a source, and checks that the outcome is the expected one.
    async fn expect(&self, source: &Source) {
        let name = short(&source.name);
        match (&source.ending, self.fetch(&source.name).await) {
            (Ending::Fetched(expected), Ended::Fetched { declared, content }) => {
                if content != expected {
                    let differs = content.iter().zip(expected).take_while(|(one, other)| one == other);
                    let (len, at) = (content.len(), differs.count());
                    broken(
                        format!("{} bytes of {name}", expected.len()),
                        format!("{len} bytes, which differ behind the first {at}"),
                    );
                }
                if declared.is_some_and(|declared| declared != content.len() as u64) {
                    broken(
                        format!("{} bytes declared, or none", content.len()),
                        format!("{declared:?} declared"),
                    );
                }
            }
            (Ending::Forbidden(code) | Ending::Refused(code), Ended::Rejected(rejection)) => {
                expect_code(&rejection, code);
            }
            (Ending::Interrupted(code), Ended::Interrupted(Some(rejection), _)) => expect_code(&rejection, code),
            (expected, seen) => {
                let expected = match expected {
                    Ending::Fetched(content) => format!("{} bytes", content.len()),
                    Ending::Forbidden(code) | Ending::Refused(code) => format!("Error::Rejected with the code {code}"),
                    Ending::Interrupted(code) => format!("Error::Interrupted with an Interruption in it: {code}"),
                };
                broken(format!("{expected}, of {name}"), seen)
            }
        }
    }

    fn leave_out_what_has_no_source(&self, sources: &[Source]) {
        let has = |is: fn(&Ending) -> bool| sources.iter().any(|source| is(&source.ending));
        for (sort, is_there) in [
            ("is fetched", has(|ending| matches!(ending, Ending::Fetched(_)))),
            ("is forbidden", has(|ending| matches!(ending, Ending::Forbidden(_)))),
            ("is refused", has(|ending| matches!(ending, Ending::Refused(_)))),
            ("breaks off", has(|ending| matches!(ending, Ending::Interrupted(_)))),
        ] {
            if !is_there {
                self.trial.leave_out(format!("endings: no source {sort}"));
            }
        }
    }
}

/// The most bytes that a source may deliver before it breaks off, or although it should not be fetched.
const ROOM: usize = 64 << 20;

fn longest(sources: &[Source]) -> usize {
    let lengths = fetched(sources).map(|source| match &source.ending {
        Ending::Fetched(content) => content.len(),
        _ => 0,
    });
    lengths.max().unwrap_or_default()
}

fn short(source: &str) -> String {
    let short: String = source.chars().take(60).collect();
    format!("{short:?}")
}

fn expect_code(rejection: &Rejection, code: &Code) {
    same!(rejection.code, *code, "another code: {rejection}");
    expect_reason(rejection);
}

fn expect_reason(rejection: &Rejection) {
    if rejection.message.trim().is_empty() {
        broken("a refusal with a reason", format!("{rejection:?}"));
    }
}

fn fetched(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources
        .iter()
        .filter(|source| matches!(source.ending, Ending::Fetched(_)))
}

async fn it_is_ready(asker: &Asker) {
    asker.trial.call("ready", asker.fetcher.ready()).await.answers();
}

async fn judge_refuses_sources_that_must_not_be_fetched(asker: &Asker, sources: &[Source]) {
    for source in sources {
        match (&source.ending, asker.judge(&source.name).await) {
            (Ending::Forbidden(code), Err(Error::Rejected { rejection, .. })) => expect_code(&rejection, code),
            (Ending::Forbidden(code), judged) => {
                broken(format!("Error::Rejected with the code {code}"), format!("{judged:?}"));
            }
            (_, Ok(())) => {}
            (_, Err(error)) => broken("a source that may be fetched", format!("{error:?}")),
        }
    }
}

async fn a_source_ends_as_its_author_expects(asker: &Asker, sources: &[Source]) {
    for source in sources {
        asker.expect(source).await;
    }
}

async fn sources_at_the_same_time_do_not_mix(asker: &Asker, sources: &[Source]) {
    let several = sources.iter().chain(sources.iter().rev());
    join_all(several.map(|source| asker.expect(source))).await;
}

async fn every_upload_has_an_id_of_its_own(asker: &Asker, sources: &[Source]) {
    for source in fetched(sources) {
        let mut ids = Vec::new();
        for _ in 0..2 {
            match asker.receive(&source.name).await {
                Ok(incoming) => ids.push(incoming.id),
                Err(error) => broken(format!("{} once more", short(&source.name)), format!("{error:?}")),
            }
        }
        if ids[0] == ids[1] {
            broken("two ids of two uploads", format!("{} twice", ids[0]));
        }
    }
}

async fn a_dropped_upload_does_not_disturb_the_next(asker: &Asker, sources: &[Source]) {
    for source in fetched(sources) {
        for read in [0, 1] {
            for _ in 0..8 {
                let Ok(mut incoming) = asker.receive(&source.name).await else {
                    broken(
                        format!("{} once more", short(&source.name)),
                        "an error, after uploads that were dropped",
                    );
                };
                if read > 0 {
                    let asked = format!("the first bytes of {}", short(&source.name));
                    let _first = asker.trial.call(asked, incoming.body.next()).await;
                }
            }
        }
        asker.expect(source).await;
    }
}

async fn names_that_are_no_source_are_refused_with_a_reason(asker: &Asker) {
    let long = "x".repeat(100_000);
    let names = [
        "",
        " ",
        "\0",
        "\n",
        ":",
        "//",
        "?#",
        "a\u{202e}b",
        "\u{fffd}",
        "%zz",
        "::1",
        &long,
    ];
    for name in names {
        for ended in [
            asker.judge(name).await.map_err(Ended::from).err(),
            asker.receive(name).await.map_err(Ended::from).err(),
        ] {
            match ended {
                None => {}
                Some(Ended::Rejected(rejection) | Ended::Interrupted(Some(rejection), _)) => expect_reason(&rejection),
                Some(seen) => broken(
                    "Error::Rejected, because the name is the sender's mistake",
                    format!("{seen}, of {}", short(name)),
                ),
            }
        }
    }
}
