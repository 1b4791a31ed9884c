//! An error on its way to the sender, and what the pipeline's errors become there.

use std::borrow::Cow;

use intake_core::{Code, Error, Rejection};

use crate::codes;
use crate::error_table::{ErrorRow, TABLE};
use crate::key_names::KEY;

/// Seconds after which a sender may try again where all permits were in use.
pub(crate) const RETRY_AFTER_SECS: u64 = 3;
/// The same where there are too many unfinished uploads, which take longer to end.
const RETRY_AFTER_UNFINISHED_SECS: u64 = 30;

/// What the ids of access tokens begin with; no policy token may have such an id.
pub(crate) const ACCESS_TOKEN_ID: &str = "sha256:";

/// An error that a request is answered with.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    row: &'static ErrorRow,
    /// Our own code, also where the Upload API has none for it: see `docs/codes.md`.
    pub(crate) code: Code,
    args: Vec<String>,
    /// Replaces the message of the row: the words of a plugin, for codes that the Upload API does not know.
    message: Option<String>,
    /// Seconds after which a retry makes sense; whole seconds, since that is what all clients read.
    pub(crate) retry_after: Option<u64>,
    /// For the log alone.
    pub(crate) log: Box<LogDetails>,
}

/// What the log says of an error, and its sender is not told.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogDetails {
    /// The stage that refused, if one did.
    pub(crate) by: Option<String>,
    /// Why one of our parts failed.
    pub(crate) cause: Option<String>,
    /// Whether the log has a line about the upload that says why.
    pub(crate) is_logged: bool,
}

/// What a failed fetch failed by.
pub(crate) enum FailureKind {
    /// Where the file is.
    Url,
    /// What is in it.
    Content,
    /// One of our parts.
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

    /// The same with another message.
    pub(crate) fn with_message(self, message: impl Into<String>) -> Self {
        Self {
            message: Some(message.into()),
            ..self
        }
    }

    /// The same with one more sentence behind its message.
    pub(crate) fn with_detail(self, sentence: &str) -> Self {
        let message = format!("{} {sentence}", self.message());
        self.with_message(message)
    }

    /// Fills the next `%s` of the message.
    pub(crate) fn arg(mut self, arg: impl ToString) -> Self {
        /// Characters that are repeated of what a sender sent.
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

    /// The code that the Upload API has for it.
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

    /// What the pipeline ended with. The sender is told nothing of faults.
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

    /// The same of an upload that was admitted, or was to be: the pipeline has logged why it failed.
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
            // The Upload API has no code for this one; the message says why.
            "upload_refused" => error.with_message(format!("Upload failed: {}.", rejection.message)),
            "too_many_unfinished" => error
                .with_message(format!("Request was throttled: {}.", rejection.message))
                .retry_after(RETRY_AFTER_UNFINISHED_SECS),
            // The message of the reference, and which parts they are.
            "parts_missing" => match &rejection.subject {
                Some(parts) => error.with_detail(&format!("Missing parts: {parts}.")),
                None => error,
            },
            // The key was known when the request came, and is not any more.
            "project_unknown" => error.arg(KEY.0),
            _ if error.row.message.contains("%s") => error.arg(subject),
            _ => error,
        }
    }

    /// For the record of what the request brought, with the code that says why.
    pub(crate) fn to_rejection(&self) -> Rejection {
        Rejection::new(self.code.clone(), self.message())
    }

    /// What a fetch failed by, if this is why.
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

    /// What the sender is told where the pipeline has rejected an upload that an access token authorized: the same reasons have
    /// other codes for a policy token or a signature. `None`: it was no access token.
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
