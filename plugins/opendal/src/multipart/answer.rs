//! What a service answers, and what it means if it does not.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt};
use intake_core::{BoxError, Bytes};
use reqwest::{RequestBuilder, Response, StatusCode};
use tokio::time::timeout;

use super::lists::Refusal;

/// The longest answer that is read. A page of a thousand parts is a third of this.
const LONGEST: usize = 1 << 20;

/// Why one try did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    said: String,
    /// The service's own name for it, if it gave one.
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

    /// Something that may be otherwise next time.
    pub(super) fn passing(said: &str) -> Self {
        Self::new(said, true)
    }

    /// An answer from something that is no S3, or another one than is known here.
    pub(super) fn nonsense(said: &str) -> Self {
        Self::new(format!("the service gave {said}"), false)
    }

    pub(super) fn silence() -> Self {
        Self::passing("the service did not answer in time")
    }

    /// Bytes that were to be sent did not come.
    pub(super) fn of_sender(error: BoxError) -> Self {
        Self::new("its bytes did not come", false).because(error)
    }

    /// A request that had no answer. Its URL is good for doing what it asks, and so is never shown.
    pub(super) fn on_the_way(error: reqwest::Error) -> Self {
        let passes = !error.is_builder();
        Self::new("the request was not answered", passes).because(error.without_url())
    }

    fn refused(status: StatusCode, refusal: Refusal) -> Self {
        let Refusal { code, message } = refusal;
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
            // It goes to a string, which takes everything.
            let _ = write!(said, " {code}: {message}");
        }
        let mut failure = Self::new(said, passes);
        failure.code = code;
        failure
    }

    pub(super) fn because(mut self, cause: impl Into<BoxError>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Whether the service calls it so.
    pub(super) fn is(&self, code: &str) -> bool {
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

/// Sends a request: the head of the answer.
pub(super) async fn sent(request: RequestBuilder) -> Result<Response, Failure> {
    request.send().await.map_err(Failure::on_the_way)
}

/// Reads an answer to its end, as long as there is another piece of it within the limit. A refusal is one even if it says that all
/// is well.
///
/// A service that takes long to put parts together may send blanks meanwhile, so that nobody on the way hangs up.
pub(super) async fn read(answer: Response, limit: Duration) -> Result<String, Failure> {
    let status = answer.status();
    let body = collected(answer.bytes_stream().map_err(Failure::on_the_way), limit).await?;
    match Refusal::read(&body) {
        None if status.is_success() => Ok(body),
        refusal => Err(Failure::refused(status, refusal.unwrap_or_default())),
    }
}

async fn collected(pieces: impl Stream<Item = Result<Bytes, Failure>>, limit: Duration) -> Result<String, Failure> {
    tokio::pin!(pieces);
    let mut body = Vec::new();
    while let Some(piece) = timeout(limit, pieces.next()).await.map_err(|_| Failure::silence())? {
        let piece = piece?;
        if body.len() + piece.len() > LONGEST {
            return Err(Failure::nonsense("an answer without end"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use tokio::time::sleep;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    /// Pieces with so much time before each.
    fn after(pause: Duration, pieces: usize) -> impl Stream<Item = Result<Bytes, Failure>> {
        stream::iter(0..pieces).then(move |_| async move {
            sleep(pause).await;
            Ok(Bytes::from_static(b" "))
        })
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_may_take_long_as_long_as_it_goes_on() {
        let goes_on = collected(after(LIMIT / 2, 10), LIMIT)
            .await
            .map_err(|failure| failure.said);
        assert_eq!(goes_on.unwrap(), " ".repeat(10));
        let stops = collected(after(LIMIT * 2, 1), LIMIT).await.unwrap_err();
        assert!(stops.passes, "{stops}");
    }
}
