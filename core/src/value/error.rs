//! The errors with which an upload may end, and whether the sender or the operator has to act.

use crate::value::codes;
use crate::value::id::BoxError;
use std::error::Error as StdError;
use std::fmt;

use crate::value::id::UploadId;
use crate::value::verdict::{Code, Rejection};

/// The error of a call of the [`Pipeline`](crate::Pipeline).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A stage refused the upload. The sender has to change it.
    #[error("refused by {by}: {rejection}")]
    Rejected {
        /// The name of the stage, as it was given to the pipeline.
        by: String,
        /// Code, sentence and subject of the refusal.
        rejection: Rejection,
    },
    /// The bytes broke off before their end, or never began to arrive. The sender may try again. If the source of the bytes knows
    /// the reason, the error is an [`Interruption`].
    #[error("the upload broke off")]
    Interrupted(#[source] BoxError),
    /// No readable upload has this id.
    #[error("no upload {0}")]
    NotFound(UploadId),
    /// A part of this system failed. The operator has to act.
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

    /// The rejection for the record of an upload that ended with this error. The reason of a fault is in the log only, because the
    /// sender must not see it.
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

    /// The stable code. Every error has one.
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

    /// What the sender may see: code, sentence and subject of a refusal or of an [`Interruption`].
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected { rejection, .. } => Some(rejection),
            Self::Interrupted(why) => why.downcast_ref::<Interruption>().map(|why| &why.rejection),
            Self::NotFound(_) | Self::Fault(_) => None,
        }
    }
}

/// The reason why bytes broke off or never began to arrive. It has a code and a sentence like a refusal, but nothing was judged,
/// and another try may succeed.
///
/// It is the source of [`Error::Interrupted`], or an error in the stream of bytes of an [`Incoming`](crate::Incoming).
#[derive(Debug)]
#[non_exhaustive]
pub struct Interruption {
    /// Code, sentence and subject, for the sender.
    pub rejection: Rejection,
    /// The underlying error, for the log.
    pub source: Option<BoxError>,
    /// How many tries to make in all, if fewer than [`Limits::fetch_tries`](crate::Limits::fetch_tries).
    pub most_tries: Option<u32>,
}

impl Interruption {
    /// An interruption without an underlying error.
    #[must_use]
    pub fn new(rejection: Rejection) -> Self {
        Self {
            rejection,
            source: None,
            most_tries: None,
        }
    }

    /// Sets how many tries to make in all, including this one. A source that accepts no connection deserves fewer tries than one
    /// that answers "not now", and a try that used up all its time deserves no further one.
    #[must_use]
    pub fn most_tries(mut self, tries: u32) -> Self {
        self.most_tries = Some(tries);
        self
    }

    /// Adds the underlying error, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
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

/// A failure of a part of this system: what failed, why, and whether the same call may succeed later.
///
/// A fault says nothing about the content of an upload. If a scanner fails, the upload is not accepted.
#[derive(Debug)]
#[non_exhaustive]
pub struct Fault {
    /// The stable code, for programs and alerts.
    pub code: Code,
    /// What failed, for the operator. It contains no secrets.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// The underlying error.
    pub source: Option<BoxError>,
}

impl Fault {
    /// A fault that another try will not cure.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retryable: false,
            source: None,
        }
    }

    /// Marks that the same call may succeed later.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// Adds the underlying error, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The sentence and all underlying errors, in one line for a log.
    #[must_use]
    pub fn report(&self) -> String {
        let mut line = self.to_string();
        let mut below = StdError::source(self);
        while let Some(error) = below {
            let said = error.to_string();
            // The errors of some libraries repeat the text of their source.
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
