//! One attempt to send a message: one connection, one request, and the beginning of its answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use hyper::http::response::Parts;
use hyper::{Method, Request};
use intake_core::{Message, Rejection, Sent};
use intake_outbound::codes::{URL_INVALID, URL_SCHEME_FORBIDDEN};
use intake_outbound::{Exchange, Failure, Refused, Target, said};
use tokio::time::{Instant, timeout};
use tracing::debug;

use crate::Webhook;
use crate::answer;
use crate::sign::Signatures;

/// How much of the body of an answer is read, in bytes.
const ANSWER_BYTES: usize = 4096;
/// How long the body of an answer is waited for: its status is known, and nothing depends on the rest.
const LINGER: Duration = Duration::from_secs(1);

const UC_SIGNATURE: HeaderName = HeaderName::from_static("x-uc-signature");
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

impl Webhook {
    /// Judges a target without a lookup.
    ///
    /// # Errors
    ///
    /// Why nothing is sent to it.
    pub(crate) fn judge(&self, target: &str) -> Result<Target, Rejection> {
        let target = self.connector.rules().target(target).map_err(|why| rejection(&why))?;
        if !target.is_secure() && !self.config.allow_http {
            let message = "events are sent to https only; the operator may set `allow_http`";
            return Err(Rejection::new(URL_SCHEME_FORBIDDEN, message).with_subject("http"));
        }
        match target.request() {
            Some(_) => Ok(target),
            None => {
                let what = "characters that HTTP has no place for";
                let message = format!("events are not sent to this URL: {what}");
                Err(Rejection::new(URL_INVALID, message).with_subject(what))
            }
        }
    }

    /// Sends a message once, within the time of an attempt.
    pub(crate) async fn attempt(&self, message: &Message) -> Sent {
        let (began, limit) = (Instant::now(), self.config.timeout);
        let answered = timeout(limit, self.answered(message)).await;
        let (mut exchange, head) = match answered.unwrap_or_else(|_| Err(took_longer(limit))) {
            Ok(answered) => answered,
            Err(reason) => {
                return Sent::Failed {
                    reason,
                    retry_after: None,
                };
            }
        };
        let mut body = Vec::new();
        // Whether the rest of the body comes in time changes nothing. The pipeline's own limit may be the same as this one: what is
        // known is said before it is over.
        let linger = LINGER.min(limit.saturating_sub(began.elapsed()) / 2);
        let _in_time = timeout(linger, beginning(&mut exchange, &mut body)).await;
        answer::sent(&head, &body, self.now())
    }

    /// The head of an answer.
    ///
    /// # Errors
    ///
    /// Why there is none, in one sentence.
    async fn answered(&self, message: &Message) -> Result<(Exchange, Parts), String> {
        let target = self.judge(&message.target).map_err(|why| why.message)?;
        let request = self.request(message, &target)?;
        let connecting = async {
            let permitted = self.connector.resolve(&target).await?;
            self.connector.connect(&target, &permitted).await
        };
        let within = self.config.connect_timeout;
        let connected = timeout(within, connecting).await.map_err(|_| took_longer(within))?;
        let io = connected.map_err(no_connection)?;
        let answered = Exchange::begin(io, request).await;
        answered.map_err(|error| format!("the receiver gave no answer: {}", said(&error)))
    }

    /// The request: no cookies, no credentials.
    fn request(&self, message: &Message, target: &Target) -> Result<Request<Full<Bytes>>, String> {
        let now = self.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signatures =
            Signatures::of(message, now).map_err(|why| format!("a secret of the target cannot be read: {why}"))?;
        let mut request = target
            .request()
            .ok_or("the URL has characters that HTTP has no place for")?
            .method(Method::POST)
            .header(USER_AGENT, concat!("intake/", env!("CARGO_PKG_VERSION")))
            .header(ACCEPT, "*/*")
            .header(ACCEPT_ENCODING, "identity")
            .header(CONNECTION, "close")
            .header(CONTENT_TYPE, message.content_type)
            .header(WEBHOOK_ID, &message.id)
            .header(WEBHOOK_TIMESTAMP, HeaderValue::from(now));
        let signed = [
            (UC_SIGNATURE, signatures.uploadcare),
            (WEBHOOK_SIGNATURE, signatures.standard),
        ];
        for (name, value) in signed {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let request = request.body(Full::new(message.body.clone()));
        request.map_err(|_| "the id or the media type of the event cannot be a header".to_owned())
    }

    fn now(&self) -> SystemTime {
        self.time.unwrap_or_else(SystemTime::now)
    }
}

/// Reads the beginning of a body. What is behind it is not read: the connection ends.
async fn beginning(exchange: &mut Exchange, into: &mut Vec<u8>) {
    while let Some(Ok(piece)) = exchange.piece().await {
        let left = ANSWER_BYTES - into.len();
        into.extend_from_slice(&piece[..piece.len().min(left)]);
        if into.len() == ANSWER_BYTES {
            break;
        }
    }
}

fn took_longer(limit: Duration) -> String {
    format!("the receiver took longer than {} s", limit.as_secs_f64())
}

fn no_connection(failure: Failure) -> String {
    match failure {
        Failure::Refused(why) => rejection(&why).message,
        other => format!("no connection to the receiver: {other}"),
    }
}

/// Why nothing is sent to a target, in words that name no address.
fn rejection(why: &Refused) -> Rejection {
    if let Refused::NotPublic {
        host,
        address: Some((address, what)),
    } = why
    {
        debug!(host, %address, what, "refused a target that is not public");
    }
    let message = match why {
        Refused::Scheme(_) => "events are sent to https URLs only".to_owned(),
        Refused::Forbidden { .. } => "events are not sent to this host".to_owned(),
        Refused::NotPublic { .. } => "events are sent to public addresses only".to_owned(),
        other => format!("events are not sent to this URL: {other}"),
    };
    let rejection = Rejection::new(why.code(), message);
    match why.subject() {
        Some(subject) => rejection.with_subject(subject),
        None => rejection,
    }
}
