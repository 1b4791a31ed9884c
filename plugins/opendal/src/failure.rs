//! Why a request to S3 failed.

use std::error::Error;
use std::fmt::{self, Write as _};

use intake_core::BoxError;
use reqwest::StatusCode;

/// Why one try failed.
#[derive(Debug)]
pub(crate) struct Failure {
    said: String,
    /// The service's error code, if it sent one.
    code: String,
    /// Whether another try may succeed.
    pub(crate) passes: bool,
    cause: Option<BoxError>,
}

impl Failure {
    fn new(said: impl Into<String>, passes: bool) -> Self {
        Self {
            said: said.into(),
            code: String::new(),
            passes,
            cause: None,
        }
    }

    /// A temporary failure.
    pub(crate) fn passing(said: &str) -> Self {
        Self::new(said, true)
    }

    /// An answer that does not conform to S3.
    pub(crate) fn nonsense(said: &str) -> Self {
        Self::new(format!("the service sent {said}"), false)
    }

    /// The service did not answer in time.
    pub(crate) fn silence() -> Self {
        Self::passing("the service did not answer in time")
    }

    /// The sender of the bytes failed.
    pub(crate) fn of_sender(error: BoxError) -> Self {
        Self::new("the bytes to be sent did not arrive", false).with_source(error)
    }

    /// A request without an answer. Its URL is never shown, as it is signed.
    pub(crate) fn on_the_way(error: reqwest::Error) -> Self {
        let passes = !error.is_builder();
        Self::new("the request was not answered", passes).with_source(error.without_url())
    }

    /// A refusal, with the code and the message of the service.
    pub(crate) fn refused(status: StatusCode, code: String, message: &str) -> Self {
        let by_code = [
            "InternalError",
            "OperationAborted",
            "RequestTimeout",
            "ServiceUnavailable",
            "SlowDown",
        ];
        let by_status = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
        let passes = by_status || status == StatusCode::TOO_MANY_REQUESTS || by_code.contains(&code.as_str());
        let mut said = format!("the service answered {}", status.as_u16());
        if !code.is_empty() || !message.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(said, " {code}: {message}");
        }
        let mut failure = Self::new(said, passes);
        failure.code = code;
        failure
    }

    pub(crate) fn with_source(mut self, cause: impl Into<BoxError>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Whether the service sent this error code.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code == code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let cause: &(dyn Error + 'static) = self.cause.as_deref()?;
        Some(cause)
    }
}
