//! Fetches a URL as an upload: one request for each hop, each hop judged again, and the body of the last answer.

use std::borrow::Cow;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http_body_util::Full;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName, LOCATION, USER_AGENT,
};
use hyper::http::response::Parts;
use hyper::{Request, StatusCode};
use intake_core::{BoxError, Chunks, Declared, Error, Incoming, Interruption, Pace, Rejection};
use intake_outbound::{Connector, Exchange, Target};
use percent_encoding::{CONTROLS, percent_encode};
use tokio::time::Instant;
use tracing::debug;

use crate::codes::{DOWNLOAD_CLIENT_ERROR, DOWNLOAD_FAILED, DOWNLOAD_SERVER_ERROR, TOO_MANY_REDIRECTS};
use crate::coding;
use crate::error::{Budget, in_tiny_chunks, invalid, of_body, of_connection, of_hyper, of_target, refused};
use crate::file_name;
use crate::settings::Config;
use crate::unpack::unpacked;

/// Fetches from the targets that its connector connects to.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) config: Config,
    pub(crate) connector: Connector,
}

impl Client {
    /// Judges the source and the addresses of its host.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    pub(crate) async fn judge(&self, source: &str) -> Result<(), Error> {
        let target = self.target(source)?;
        let budget = Budget::new(self.config.timeout);
        let resolving = self.connector.resolve(&target);
        let resolved = budget.spend(self.config.connect_timeout, resolving).await?;
        resolved.map(drop).map_err(of_connection)
    }

    /// Follows the redirects of the source to its bytes.
    ///
    /// # Errors
    ///
    /// Why one of the hops is refused, or failed.
    pub(crate) async fn fetch(&self, source: &str) -> Result<Incoming, Error> {
        let budget = Budget::new(self.config.timeout);
        let first = self.target(source)?;
        let mut target = first.clone();
        for followed in 0..=self.config.max_redirects {
            let (exchange, head) = self.ask(&target, &budget).await?;
            debug!(
                host = target.shown(),
                status = head.status.as_u16(),
                "a source answered"
            );
            match redirect(&head) {
                Some(_) if followed == self.config.max_redirects => break,
                Some(location) => target = self.redirected(&target, location)?,
                None => {
                    let declared = declared(&head, &exchange, [&first, &target])?;
                    let pieces = Pieces {
                        // Only chunked bodies are counted: the pieces of others are those of the network.
                        chunks: exchange.size().is_none().then(|| Chunks::new(Instant::now())),
                        exchange,
                        budget,
                        pace: Pace::new(self.config.rate),
                    };
                    return incoming(&head, declared, pieces);
                }
            }
        }
        let most = self.config.max_redirects;
        let rejection = Rejection::new(TOO_MANY_REDIRECTS, format!("there are more than {most} redirects"));
        Err(refused(rejection.with_subject(most.to_string())))
    }

    fn target(&self, source: &str) -> Result<Target, Error> {
        self.connector.rules().target(source).map_err(|why| of_target(&why))
    }

    /// Judges the target of a redirect like a source.
    ///
    /// # Errors
    ///
    /// Why it is refused.
    fn redirected(&self, from: &Target, location: &[u8]) -> Result<Target, Error> {
        // Bytes of another encoding are percent-encoded as they are, as browsers do.
        let location = match str::from_utf8(location) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::from(percent_encode(location, CONTROLS)),
        };
        let joined = self.connector.rules().joined(from, &location);
        let target = joined.map_err(|why| of_target(&why))?;
        if from.is_secure() && !target.is_secure() && !self.config.allow_downgrade {
            return Err(invalid("redirected from https to http"));
        }
        Ok(target)
    }

    async fn ask(&self, target: &Target, budget: &Budget) -> Result<(Exchange, Parts), Error> {
        let request = self.request(target)?;
        let connector = &self.connector;
        let connecting = async { connector.connect(target, &connector.resolve(target).await?).await };
        let connected = budget.spend(self.config.connect_timeout, connecting).await?;
        let io = connected.map_err(of_connection)?;
        let asked = budget.spend(self.config.header_timeout, Exchange::begin(io, request));
        asked.await?.map_err(of_hyper)
    }

    /// The request: no cookies, no credentials, no referrer.
    fn request(&self, target: &Target) -> Result<Request<Full<Bytes>>, Error> {
        let misfit = || invalid("characters that HTTP has no place for");
        target
            .request()
            .ok_or_else(misfit)?
            .header(USER_AGENT, &self.config.user_agent)
            .header(ACCEPT, "*/*")
            .header(ACCEPT_ENCODING, "identity")
            .header(CONNECTION, "close")
            .body(Full::default())
            .map_err(|_| misfit())
    }
}

/// The location of a redirect, if the answer is one.
fn redirect(head: &Parts) -> Option<&[u8]> {
    match head.status {
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => head.headers.get(LOCATION).map(|location| location.as_bytes()),
        _ => None,
    }
}

/// The name, the size and the type of the file from the answer's head.
fn declared(head: &Parts, exchange: &Exchange, [first, last]: [&Target; 2]) -> Result<Declared, Error> {
    let status = head.status;
    let said = |code, message: &str| {
        Rejection::new(code, format!("{message} ({})", status.as_u16())).with_subject(status.as_str())
    };
    match status {
        StatusCode::OK | StatusCode::NON_AUTHORITATIVE_INFORMATION => {}
        // These statuses invite a retry.
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            return Err(Interruption::new(said(DOWNLOAD_CLIENT_ERROR, "the source does not give it now")).into());
        }
        status if status.is_client_error() => {
            return Err(refused(said(DOWNLOAD_CLIENT_ERROR, "the source does not give it")));
        }
        status if status.is_server_error() => {
            return Err(Interruption::new(said(DOWNLOAD_SERVER_ERROR, "the source cannot give it")).into());
        }
        _ => return Err(refused(said(DOWNLOAD_FAILED, "the source answers with no file"))),
    }
    let text = |header: HeaderName| head.headers.get(header)?.to_str().ok();
    let disposition = head.headers.get(CONTENT_DISPOSITION);
    Ok(Declared::default().with(|declared| {
        declared.name = disposition
            .and_then(|value| file_name::of_disposition(value.as_bytes()))
            .or_else(|| file_name::of_path(first.url.path()))
            .or_else(|| file_name::of_path(last.url.path()));
        declared.size = exchange.size();
        declared.media_type = text(CONTENT_TYPE).and_then(|value| value.parse().ok());
    }))
}

/// The upload from an answer.
///
/// # Errors
///
/// If its coding is not supported.
fn incoming(head: &Parts, declared: Declared, pieces: Pieces) -> Result<Incoming, Error> {
    let coding = coding::of_answer(&head.headers, &declared).map_err(|how| {
        let message =
            format!("the source packs its file although asked not to, in a way that is not unpacked here ({how})");
        refused(Rejection::new(DOWNLOAD_FAILED, message).with_subject(how))
    })?;
    Ok(match coding {
        None => Incoming::from_stream(declared, pieces.into_stream()),
        Some(coding) => {
            // The declared size is that of the packed bytes.
            let declared = declared.with(|it| it.size = None);
            let pieces = pieces.into_stream();
            Incoming::from_stream(declared, unpacked(pieces, coding))
        }
    })
}

/// An answer's bytes, as they are asked for.
struct Pieces {
    exchange: Exchange,
    budget: Budget,
    pace: Pace,
    chunks: Option<Chunks>,
}

impl Pieces {
    fn into_stream(self) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
        stream::unfold(Some(self), |pieces| async {
            let mut pieces = pieces?;
            match pieces.next().await {
                Ok(None) => None,
                Ok(Some(piece)) => Some((Ok(piece), Some(pieces))),
                Err(why) => Some((Err(why), None)),
            }
        })
    }

    async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
        let waiting = self.budget.spend_in_pace(&mut self.pace, self.exchange.piece());
        let Some(piece) = waiting.await? else {
            return Ok(None);
        };
        let (piece, now) = (piece.map_err(of_body)?, Instant::now());
        self.pace.moved(piece.len() as u64, now);
        if let Some(chunks) = self.chunks.as_mut().filter(|_| !piece.is_empty()) {
            chunks.count(piece.len(), now).map_err(in_tiny_chunks)?;
        }
        Ok(Some(piece))
    }
}
