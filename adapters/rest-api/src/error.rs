//! An error as the client receives it, and the translation of the pipeline's errors.

use intake_core::metadata::{FlawKind, MetadataFlaw};
use intake_core::{Code, Error, Fault, Rejection};

use crate::codes;
use crate::error_table::{ErrorRow, TABLE};

/// The seconds in `Retry-After` if the most requests are under way.
pub(crate) const RETRY_AFTER_SECS: u64 = 3;

/// An error in the answer to a request.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    row: &'static ErrorRow,
    /// The code of this project, also if the table has no row for it: see `docs/codes.md`.
    pub(crate) code: Code,
    args: Vec<String>,
    /// Whole seconds after which a retry makes sense.
    pub(crate) retry_after: Option<u64>,
    /// The cause of a fault, for the log alone.
    pub(crate) cause: Option<String>,
}

impl ApiError {
    pub(crate) fn new(code: &Code) -> Self {
        let find = |code: &Code| TABLE.iter().find(|row| row.code == code.as_str());
        let Some(row) = find(code).or_else(|| find(&codes::REQUEST_REFUSED)) else {
            unreachable!("the table has a row for every code that it does not list")
        };
        Self {
            row,
            code: code.clone(),
            args: Vec::new(),
            retry_after: None,
            cause: None,
        }
    }

    /// Fills the next `%s` of the text.
    pub(crate) fn arg(mut self, arg: impl ToString) -> Self {
        /// The most characters of a client's text that an answer repeats.
        const LONGEST: usize = 200;
        self.args.push(arg.to_string().chars().take(LONGEST).collect());
        self
    }

    /// Too many requests: the client may come again after so many seconds.
    pub(crate) fn throttled(seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(&codes::THROTTLED).arg(seconds)
        }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(&codes::NOT_FOUND)
    }

    pub(crate) fn invalid_param(what: impl ToString) -> Self {
        Self::new(&codes::PARAM_INVALID).arg(what)
    }

    pub(crate) fn malformed_body(what: impl ToString) -> Self {
        Self::new(&codes::BODY_MALFORMED).arg(what)
    }

    pub(crate) fn status(&self) -> u16 {
        self.row.status
    }

    /// The text for the client.
    pub(crate) fn detail(&self) -> String {
        let mut args = self.args.iter();
        let mut pieces = self.row.detail.split("%s");
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |text, piece| {
            text + args.next().map_or("", String::as_str) + piece
        })
    }
}

impl From<Rejection> for ApiError {
    fn from(rejection: Rejection) -> Self {
        let error = Self::new(&rejection.code);
        match error.row.code {
            "request_refused" => error.arg(format!("The file was refused: {}.", rejection.message)),
            "tags_invalid" => error.arg(rejection.message),
            _ => error,
        }
    }
}

impl From<MetadataFlaw> for ApiError {
    fn from(flaw: MetadataFlaw) -> Self {
        let error = Self::new(&flaw.code());
        let error = match flaw.kind {
            FlawKind::KeyEmpty | FlawKind::TooMany(_) => error,
            _ => error.arg(&flaw.key),
        };
        match flaw.limit() {
            Some(limit) => error.arg(limit),
            None => error,
        }
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        Self {
            code: fault.code.clone(),
            cause: Some(fault.report()),
            ..Self::new(&codes::FAULT)
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Rejected { rejection, .. } => rejection.into(),
            Error::NotFound(_) => Self::not_found(),
            Error::Fault(fault) => fault.into(),
            error => Self {
                cause: Some(error.to_string()),
                ..Self::new(&codes::FAULT)
            },
        }
    }
}

impl From<Code> for ApiError {
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
                TABLE[..at].iter().all(|other| other.code != row.code),
                "{} has two rows",
                row.code
            );
        }
    }

    #[test]
    fn a_text_says_what_it_is_about_and_repeats_no_long_text_of_a_client() {
        let unknown = ApiError::new(&codes::PUBLIC_KEY_UNKNOWN).arg("k".repeat(500));
        assert_eq!(unknown.detail(), format!("Public key {} not found.", "k".repeat(200)));
        let foreign = ApiError::from(Rejection::new(Code::new("name_forbidden"), "programs are not taken"));
        assert_eq!(
            (foreign.status(), &*foreign.detail(), foreign.code.as_str()),
            (400, "The file was refused: programs are not taken.", "name_forbidden")
        );
        let throttled = ApiError::throttled(10);
        assert_eq!(
            (throttled.status(), &*throttled.detail()),
            (429, "Request was throttled. Expected available in 10 seconds.")
        );
    }
}
