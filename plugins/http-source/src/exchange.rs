//! One request and its answer, on a connection of its own.
//!
//! The connection is driven by whoever waits for the answer or for its bytes, in the same task: when they are dropped, so is
//! the connection, and nothing is read that nobody asked for.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{Builder, Connection};
use hyper::http::response::Parts;
use hyper_util::rt::TokioIo;

use crate::network::Io;

/// The most headers that an answer may have.
const HEADERS: usize = 100;
/// The most bytes that a connection buffers, and so the most that the head of an answer may have.
const BUFFER_BYTES: usize = 64 * 1024;

/// A connection, and whether it has nothing more to do.
struct Driven {
    connection: Connection<TokioIo<Box<dyn Io>>, Empty<Bytes>>,
    done: bool,
}

impl Driven {
    /// Lets the connection read and write. Why it ended is told to whoever waits for the answer or for its bytes.
    fn drive(&mut self, cx: &mut Context<'_>) {
        self.done = self.done || self.connection.poll_without_shutdown(cx).is_ready();
    }
}

/// A request that was answered.
pub(crate) struct Exchange {
    driven: Driven,
    body: Incoming,
}

pub(crate) fn without_body() -> Empty<Bytes> {
    Empty::new()
}

impl Exchange {
    /// Sends the request and reads the head of its answer.
    ///
    /// # Errors
    ///
    /// hyper's.
    pub(crate) async fn begin(io: Box<dyn Io>, request: Request<Empty<Bytes>>) -> Result<(Self, Parts), hyper::Error> {
        let handshake = Builder::new()
            .max_buf_size(BUFFER_BYTES)
            .max_headers(HEADERS)
            // Lines that are no headers are passed over, as browsers and curl do: what is taken of an answer is judged by itself.
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

    /// How many bytes the answer says that it has, if it says so.
    pub(crate) fn size(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The next bytes, `None` after the last. What comes behind them is of no use here.
    pub(crate) async fn piece(&mut self) -> Option<Result<Bytes, hyper::Error>> {
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

    /// The connection, after a proxy has said that it leads to somebody else from here on. `None` if bytes of somebody's
    /// came with the answer, to whom nobody has spoken yet.
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
