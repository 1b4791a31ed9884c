//! The answers of a service.

use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt};
use intake_core::Bytes;
use reqwest::{RequestBuilder, Response};
use tokio::time::timeout;

use super::lists::Refusal;
use crate::failure::Failure;

/// The longest answer that is read. A page of a thousand parts is a third of this.
const LONGEST: usize = 1 << 20;

/// Sends a request, and returns the head of the answer.
pub(super) async fn sent(request: RequestBuilder) -> Result<Response, Failure> {
    request.send().await.map_err(Failure::on_the_way)
}

/// Reads an answer to its end; `limit` is the timeout for each piece. An error in the body counts even if the status is a
/// success.
///
/// A service that takes long to put parts together may send blanks meanwhile, so that no proxy closes the connection.
pub(super) async fn read(answer: Response, limit: Duration) -> Result<String, Failure> {
    let status = answer.status();
    let body = collected(answer.bytes_stream().map_err(Failure::on_the_way), limit).await?;
    match Refusal::read(&body) {
        None if status.is_success() => Ok(body),
        refusal => {
            let Refusal { code, message } = refusal.unwrap_or_default();
            Err(Failure::refused(status, code, &message))
        }
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
            .map_err(|failure| failure.to_string());
        assert_eq!(goes_on.unwrap(), " ".repeat(10));
        let stops = collected(after(LIMIT * 2, 1), LIMIT).await.unwrap_err();
        assert!(stops.passes, "{stops}");
    }
}
