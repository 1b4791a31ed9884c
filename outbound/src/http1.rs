//! One HTTP/1.1 request and its answer, on a connection of its own.
//!
//! The connection is driven by the future that waits for the answer or for its bytes, in the same task: dropping that future
//! drops the connection, and no byte is read before it is asked for.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{Builder, Connection};
use hyper::http::response::Parts;
use hyper_util::rt::TokioIo;

use crate::dialer::Io;

/// The most headers that an answer may have.
const HEADERS: usize = 100;
/// The most bytes that a connection buffers, and so the most that the head of an answer may have.
const BUFFER_BYTES: usize = 64 * 1024;

/// A connection, and whether it has ended.
struct Driven {
    connection: Connection<TokioIo<Box<dyn Io>>, Full<Bytes>>,
    done: bool,
}

impl Driven {
    /// Polls the connection. Its error is reported by the answer or by its body.
    fn drive(&mut self, cx: &mut Context<'_>) {
        self.done = self.done || self.connection.poll_without_shutdown(cx).is_ready();
    }
}

/// An answered request.
pub struct Exchange {
    driven: Driven,
    body: Incoming,
}

impl Exchange {
    /// Sends the request and reads the head of its answer, which may have 64 KiB and 100 headers. A request with an empty body
    /// has none.
    ///
    /// # Errors
    ///
    /// hyper's; see [`said`](crate::said).
    pub async fn begin(io: Box<dyn Io>, request: Request<Full<Bytes>>) -> Result<(Self, Parts), hyper::Error> {
        let handshake = Builder::new()
            .max_buf_size(BUFFER_BYTES)
            .max_headers(HEADERS)
            // Malformed header lines are ignored, as browsers and curl do. The headers that are used are checked one by one.
            .ignore_invalid_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .allow_obsolete_multiline_headers_in_responses(true)
            .handshake(TokioIo::new(io));
        let (mut sender, connection) = handshake.await?;
        let mut driven = Driven {
            connection,
            done: false,
        };
        let mut answer = pin!(sender.send_request(request));
        let answered = poll_fn(|cx| {
            driven.drive(cx);
            answer.as_mut().poll(cx)
        });
        let (head, body) = answered.await?.into_parts();
        Ok((Self { driven, body }, head))
    }

    /// The length of the body, if the answer announces it.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The next bytes, `None` after the last. Trailers are ignored.
    ///
    /// # Errors
    ///
    /// If they break off; see [`said`](crate::said).
    pub async fn piece(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        poll_fn(|cx| self.poll_piece(cx)).await
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, hyper::Error>>> {
        loop {
            self.driven.drive(cx);
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
    }

    /// The connection as a tunnel, after a proxy has confirmed `CONNECT`. `None` if bytes follow the proxy's answer, as the target
    /// must not send before it is asked.
    pub(crate) fn into_tunnel(self) -> Option<Box<dyn Io>> {
        let parts = self.driven.connection.into_parts();
        parts.read_buf.is_empty().then(|| parts.io.into_inner())
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").finish_non_exhaustive()
    }
}
