//! Connects body and parser, and decides which part may be read.

use std::fmt;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;

use super::error::{Body, FormError, Limits};
use super::head::Head;
use super::parser::{Event, Parser};

/// Chunks that are taken from a body that is always ready, before other tasks get their turn.
const TURN: u32 = 32;

/// The data that a form and the streams of its parts share.
pub(super) struct Reader {
    /// `None` once it has ended or broken off.
    body: Option<Body>,
    parser: Parser,
    /// The first error: no bytes after it can be read.
    failed: Option<FormError>,
    /// The number of the reader that may read; those with a smaller number may not.
    number: u64,
    /// Whether the content of a part is being read.
    within_part: bool,
    /// The task that waits for a part's content.
    waiting: Option<Waker>,
    /// The chunks that are left of the turn.
    turn: u32,
}

impl Reader {
    /// A reader at the start of a body.
    pub(super) fn new(boundary: &[u8], body: Body, limits: Limits) -> Self {
        Self {
            body: Some(body),
            parser: Parser::new(boundary, limits),
            failed: None,
            number: 0,
            within_part: false,
            waiting: None,
            turn: TURN,
        }
    }

    /// A new number for the next reader, and the waker of the one before.
    pub(super) fn take_over(&mut self) -> (u64, Option<Waker>) {
        self.number += 1;
        (self.number, self.waiting.take())
    }

    /// The number and the head of the next part, or `None` at the end of the form. Skips content.
    pub(super) fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<(usize, Head)>, FormError>> {
        loop {
            match ready!(self.poll_event(cx))? {
                Event::Part(head) => {
                    self.within_part = true;
                    return Poll::Ready(Ok(Some((self.parser.number(), head))));
                }
                Event::Over => return Poll::Ready(Ok(None)),
                Event::More | Event::Delimiter | Event::Content(_) => {}
            }
        }
    }

    /// The next bytes of the part for which `number` was given, or `None` at its end.
    pub(super) fn poll_content(&mut self, number: u64, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, FormError>>> {
        if number != self.number {
            return Poll::Ready(Some(Err(FormError::Stale)));
        }
        while self.within_part {
            match self.poll_event(cx) {
                Poll::Ready(Ok(Event::Content(bytes))) => return Poll::Ready(Some(Ok(bytes))),
                Poll::Ready(Ok(Event::More)) => {}
                Poll::Ready(Ok(Event::Delimiter | Event::Part(_) | Event::Over)) => self.within_part = false,
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                Poll::Pending => {
                    match &mut self.waiting {
                        Some(waker) => waker.clone_from(cx.waker()),
                        None => self.waiting = Some(cx.waker().clone()),
                    }
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(None)
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, FormError>> {
        if let Some(error) = &self.failed {
            return Poll::Ready(Err(error.clone()));
        }
        let event = match self.parser.next() {
            Ok(Event::More) => match ready!(self.poll_body(cx)) {
                Ok(Some(chunk)) => {
                    self.parser.feed(chunk);
                    Ok(Event::More)
                }
                Ok(None) => self.parser.end(),
                Err(error) => Err(error),
            },
            other => other,
        };
        if let Err(error) = &event {
            self.failed = Some(error.clone());
        }
        Poll::Ready(event)
    }

    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, FormError>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(Ok(None));
        };
        if self.turn == 0 {
            self.turn = TURN;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match body.as_mut().poll_next(cx) {
            Poll::Ready(Some(Ok(chunk))) => {
                self.turn -= 1;
                Poll::Ready(Ok(Some(chunk)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.body = None;
                let error = FormError::Body(error.into());
                self.failed = Some(error.clone());
                Poll::Ready(Err(error))
            }
            Poll::Ready(None) => {
                self.body = None;
                Poll::Ready(Ok(None))
            }
            Poll::Pending => {
                self.turn = TURN;
                Poll::Pending
            }
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("parser", &self.parser)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
