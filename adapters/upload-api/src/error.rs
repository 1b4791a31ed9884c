//! An error as the sender receives it, and the translation of the pipeline's errors.

use std::borrow::Cow;

use intake_core::{Code, Error, Rejection};

use crate::codes;
use crate::error_table::{ErrorRow, TABLE};
use crate::key_names::KEY;

/// The seconds in `Retry-After` if all permits are in use.
pub(crate) const RETRY_AFTER_SECS: u64 = 3;
/// The same for too many unfinished uploads, which take longer to end.
const RETRY_AFTER_UNFINISHED_SECS: u64 = 30;

/// The beginning of the ids of access tokens; no policy token may have such an id.
pub(crate) const ACCESS_TOKEN_ID: &str = "sha256:";

/// An error in the answer to a request.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    row: &'static ErrorRow,
    /// The code of this project, also if the Upload API has none for it: see `docs/codes.md`.
    pub(crate) code: Code,
    args: Vec<String>,
    /// Replaces the message of the row: a plugin's message, for codes that the Upload API does not know.
    message: Option<String>,
    /// Seconds after which a retry makes sense; whole seconds, because all clients can read those.
    pub(crate) retry_after: Option<u64>,
    /// Only for the log.
    pub(crate) log: Box<LogDetails>,
}

/// Details of an error for the log, which the sender does not receive.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogDetails {
    /// The stage that refused the upload, if one did.
    pub(crate) by: Option<String>,
    /// The cause of a fault.
    pub(crate) cause: Option<String>,
    /// Whether the log already has a line about the upload with the reason.
    pub(crate) is_logged: bool,
}

/// The kind of cause of a failed fetch.
pub(crate) enum FailureKind {
    /// The URL.
    Url,
    /// The content.
    Content,
    /// This server.
    Fault,
}

impl ApiError {
    pub(crate) fn new(code: &Code) -> Self {
        let find = |code: &Code| TABLE.iter().find(|row| row.code == code.as_str());
        let Some(row) = find(code).or_else(|| find(&codes::UPLOAD_REFUSED)) else {
            unreachable!("the table has a row for every code that it does not list")
        };
        Self {
            row,
            code: code.clone(),
            args: Vec::new(),
            message: None,
            retry_after: None,
            log: Box::default(),
        }
    }

    /// The same error with another message.
    pub(crate) fn with_message(self, message: impl Into<String>) -> Self {
        Self {
            message: Some(message.into()),
            ..self
        }
    }

    /// The same error with one more sentence after its message.
    pub(crate) fn with_detail(self, sentence: &str) -> Self {
        let message = format!("{} {sentence}", self.message());
        self.with_message(message)
    }

    /// Fills the next `%s` of the message.
    pub(crate) fn arg(mut self, arg: impl ToString) -> Self {
        /// The most characters of a sender's text that an answer repeats.
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

    /// The Upload API's code for it.
    pub(crate) fn api_code(&self) -> &'static str {
        self.row.api_code
    }

    pub(crate) fn message(&self) -> Cow<'static, str> {
        if let Some(message) = &self.message {
            return Cow::Owned(message.clone());
        }
        let mut args = self.args.iter();
        let mut pieces = self.row.message.split("%s");
        let first = pieces.next().unwrap_or_default();
        let rest = pieces.map(|piece| format!("{}{piece}", args.next().map_or("", String::as_str)));
        let rest: String = rest.collect();
        if rest.is_empty() {
            Cow::Borrowed(first)
        } else {
            Cow::Owned(format!("{first}{rest}"))
        }
    }

    /// The error for an error of the pipeline. The sender learns nothing about faults.
    pub(crate) fn from_error(error: &Error) -> Self {
        let mut api_error = match error {
            Error::Rejected { rejection, .. } => Self::from_rejection(rejection),
            Error::Interrupted(_) | Error::NotFound(_) => Self::new(&error.code()),
            _ => Self::new(&codes::FAULT),
        };
        match error {
            Error::Rejected { by, .. } => api_error.log.by = Some(by.clone()),
            Error::Fault(fault) => {
                api_error.code = fault.code.clone();
                api_error.log.cause = Some(fault.report());
            }
            _ => {}
        }
        api_error
    }

    /// The same for an error of an upload: the pipeline has logged the reason.
    pub(crate) fn from_upload_error(error: &Error) -> Self {
        let mut api_error = Self::from_error(error);
        api_error.log.is_logged = true;
        api_error
    }

    pub(crate) fn from_rejection(rejection: &Rejection) -> Self {
        let error = Self::new(&rejection.code);
        let subject = rejection.subject.as_deref().unwrap_or("unknown");
        if let Some(error) = Self::from_rejected_access_token(error.row.code, subject) {
            return error;
        }
        match error.row.code {
            // The Upload API has no code for this one; the message gives the reason.
            "upload_refused" => error.with_message(format!("Upload failed: {}.", rejection.message)),
            "too_many_unfinished" => error
                .with_message(format!("Request was throttled: {}.", rejection.message))
                .retry_after(RETRY_AFTER_UNFINISHED_SECS),
            // The message of the reference, and the missing parts.
            "parts_missing" => match &rejection.subject {
                Some(parts) => error.with_detail(&format!("Missing parts: {parts}.")),
                None => error,
            },
            // The key was valid when the request began, and is no longer.
            "project_unknown" => error.arg(KEY.0),
            _ if error.row.message.contains("%s") => error.arg(subject),
            _ => error,
        }
    }

    /// The rejection for the record of the upload, with the same code.
    pub(crate) fn to_rejection(&self) -> Rejection {
        Rejection::new(self.code.clone(), self.message())
    }

    /// The kind of cause of a fetch that failed with this error.
    pub(crate) fn failure_kind(&self) -> FailureKind {
        match self.row {
            row if row.code == codes::FAULT.as_str() || row.status >= 500 => FailureKind::Fault,
            row if row.api_code.starts_with("URL") || row.api_code.starts_with("Hostname") => FailureKind::Url,
            _ => FailureKind::Content,
        }
    }
}

/// Errors of access tokens.
impl ApiError {
    pub(crate) fn invalid_access_token(reason: &str) -> Self {
        Self::new(&codes::ACCESS_TOKEN_INVALID).arg(reason)
    }

    pub(crate) fn revoked_access_token() -> Self {
        Self::invalid_access_token("it was revoked")
    }

    /// The error for a rejected upload that an access token authorized: the same reasons have other codes for a policy token or
    /// a signature. `None`: the upload was not authorized by an access token.
    fn from_rejected_access_token(code: &str, subject: &str) -> Option<Self> {
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

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self::from_error(&error)
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
    fn a_sentence_says_what_it_is_about() {
        let long = "k".repeat(500);
        let refusal = ApiError::new(&codes::METADATA_KEY_TOO_LONG).arg(&long).arg(64);
        let said = refusal.message();
        assert_eq!(
            said,
            format!(
                "Length of file metadata key `{}` can not be more than 64 symbols.",
                &long[..200]
            )
        );
        let infected = Rejection::new(Code::new("infected"), "it has a virus").with_subject("Eicar");
        assert_eq!(
            ApiError::from_rejection(&infected).message(),
            "The file is infected by Eicar virus."
        );
        let foreign = Rejection::new(Code::new("name_forbidden"), "programs are not taken");
        let foreign = ApiError::from_rejection(&foreign);
        assert_eq!(
            (foreign.api_code(), &*foreign.message()),
            ("UploadFailedError", "Upload failed: programs are not taken.")
        );
    }
}
