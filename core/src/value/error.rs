//! How an upload may end otherwise than well, and whose turn it is then.

use crate::value::codes;
use crate::value::id::BoxError;
use std::error::Error as StdError;
use std::fmt;

use crate::value::id::UploadId;
use crate::value::verdict::{Code, Rejection};

/// What a call of the [`Pipeline`](crate::Pipeline) may end with instead of a success.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A stage said no: the sender's to mend.
    #[error("refused by {by}: {rejection}")]
    Rejected {
        /// The name of the stage, as it was given to the pipeline.
        by: String,
        /// Code, sentence and subject of the refusal.
        rejection: Rejection,
    },
    /// The bytes stopped coming before their end, or never began to: the sender's to try again. An [`Interruption`] in it
    /// says why, if whoever brought the bytes could tell.
    #[error("the upload broke off")]
    Interrupted(#[source] BoxError),
    /// No readable upload has this id.
    #[error("no upload {0}")]
    NotFound(UploadId),
    /// Something of ours failed: the operator's to mend.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Error {
    pub(crate) fn rejected(by: &str, rejection: Rejection) -> Self {
        Self::Rejected {
            by: by.to_owned(),
            rejection,
        }
    }

    /// What is noted in the record of an upload that ended so. Why one of our parts failed is for the log, not for the sender.
    pub(crate) fn noted(&self) -> Rejection {
        match self {
            Self::Interrupted(_) if self.rejection().is_none() => {
                Rejection::new(codes::INTERRUPTED, "the upload broke off")
            }
            Self::Rejected { by, rejection } => rejection.clone().by(by),
            error => error.rejection().cloned().unwrap_or_else(|| {
                let message = "the upload could not be processed";
                Rejection::new(codes::FAULT, message)
            }),
        }
    }

    /// The stable code of this ending; every ending has one.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Rejected { rejection, .. } => rejection.code.clone(),
            Self::Interrupted(_) => self
                .rejection()
                .map_or(crate::value::codes::INTERRUPTED, |rejection| rejection.code.clone()),
            Self::NotFound(_) => crate::value::codes::NOT_FOUND,
            Self::Fault(fault) => fault.code.clone(),
        }
    }

    /// What the sender may be told of it: code, sentence and subject of a refusal, or of an [`Interruption`].
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected { rejection, .. } => Some(rejection),
            Self::Interrupted(why) => why.downcast_ref::<Interruption>().map(|why| &why.rejection),
            Self::NotFound(_) | Self::Fault(_) => None,
        }
    }
}

/// Why bytes stopped coming, or never began to: said like a refusal, though nothing was judged and another try may end well.
///
/// It travels in [`Error::Interrupted`], and as an error among the bytes of an [`Incoming`](crate::Incoming).
#[derive(Debug)]
pub struct Interruption {
    /// Code, sentence and subject, for the sender.
    pub rejection: Rejection,
    /// What the library below said, for the log.
    pub source: Option<BoxError>,
    /// How many tries are worth making in all, where that is fewer than [`Limits::pull_tries`](crate::Limits::pull_tries).
    pub most_tries: Option<u32>,
}

impl Interruption {
    /// An interruption of which nothing more is known.
    #[must_use]
    pub fn new(rejection: Rejection) -> Self {
        Self {
            rejection,
            source: None,
            most_tries: None,
        }
    }

    /// Says how many tries are worth making in all, the one that broke off included: a source that takes connections from
    /// nobody is given up sooner than one that answers "not now", and a try that used up all its time is not repeated.
    #[must_use]
    pub fn most_tries(mut self, tries: u32) -> Self {
        self.most_tries = Some(tries);
        self
    }

    /// Keeps the error below, for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rejection.fmt(f)
    }
}

impl StdError for Interruption {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_ref()
            .map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

impl From<Interruption> for Error {
    fn from(why: Interruption) -> Self {
        Self::Interrupted(why.into())
    }
}

/// A failure: what failed, whether trying again may help, and why.
///
/// A fault never decides anything about the upload's content; a scanner that cannot say is not a scanner that says yes.
#[derive(Debug)]
pub struct Fault {
    /// Stable, for programs and alerts.
    pub code: Code,
    /// What failed, for the operator; without secrets.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// What the library below said.
    pub source: Option<BoxError>,
}

impl Fault {
    /// A fault that trying again will not mend.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retryable: false,
            source: None,
        }
    }

    /// Trying again may help.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// Keeps the error below, for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The sentence and everything below it, in one line for a log.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut line = self.to_string();
        let mut below = StdError::source(self);
        while let Some(error) = below {
            let said = error.to_string();
            // Some libraries' errors say what the one below them says.
            if !line.ends_with(&said) {
                line.push_str(": ");
                line.push_str(&said);
            }
            below = error.source();
        }
        line
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl StdError for Fault {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_ref()
            .map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}
