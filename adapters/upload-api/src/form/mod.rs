//! Reads `multipart/form-data` as it arrives: with limits, without copying, one part at a time.
//!
//! The rules are those of RFC 7578 and of the forms that clients really send: it reads names in every notation. If bytes could
//! be lost, or a file be taken for a field, it refuses the form and does not guess. A part ends only after its whole delimiter
//! line, and a form only with its body: an incomplete part or form never looks complete. An error names its part and header.
//!
//! It holds the last chunk, and either the headers of one part (at most [`Limits::head`] bytes), the bytes before or after all
//! parts (at most [`Limits::preamble`], [`Limits::epilogue`]), or the *number* of bytes of a delimiter that may have begun. Time
//! is linear in the size of the body, for all chunk sizes.
//!
//! Why this project has its own reader, and what other readers do: `docs/decisions/0002-own-multipart-reader.md`.

mod disposition;
mod error;
mod flaw;
mod head;
mod parser;
mod reader;
mod scan;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::Stream;

use self::reader::Reader;

pub(crate) use self::error::{Body, FormError, Limits};
pub(crate) use self::flaw::Flaw;
pub(crate) use self::head::{begins, boundary};

/// A form that is being read.
///
/// Its parts arrive one after the other. A part shares the body with its form, so that its stream can be passed to code that
/// does not know forms.
#[derive(Debug)]
pub(crate) struct Form {
    reader: Arc<Mutex<Reader>>,
}

impl Form {
    /// Reads `body`, whose parts are separated by `boundary`: the result of [`boundary`].
    pub(crate) fn new(boundary: impl AsRef<[u8]>, body: Body, limits: Limits) -> Self {
        let boundary = boundary.as_ref();
        debug_assert!(
            head::is_boundary(boundary),
            "{} is not a boundary",
            boundary.escape_ascii()
        );
        let reader = Reader::new(boundary, body, limits);
        Self {
            reader: Arc::new(Mutex::new(reader)),
        }
    }

    /// The next part, or `None` when the form and its body have ended.
    ///
    /// It skips the rest of the part before; a stream of that part that still exists ends with [`FormError::Stale`]. Dropping
    /// the future loses nothing: the next call continues at the same byte.
    ///
    /// # Errors
    ///
    /// All of [`FormError`] but `NotAForm` and `Stale`.
    pub(crate) async fn next_part(&mut self) -> Result<Option<Part>, FormError> {
        let number = self.take_over();
        let head = poll_fn(|cx| lock(&self.reader).poll_part(cx)).await?;
        Ok(head.map(|(place, head)| Part {
            place,
            name: head.name,
            file_name: head.file_name,
            media_type: head.media_type,
            content: Content {
                reader: Arc::clone(&self.reader),
                number,
                first: None,
                over: false,
            },
        }))
    }

    /// Makes this call the only reader, and returns the number of the part that it may begin.
    fn take_over(&mut self) -> u64 {
        let (number, stale) = lock(&self.reader).take_over();
        // Wakes a task that waits for the part before, because the body keeps one waker only.
        if let Some(waker) = stale {
            waker.wake();
        }
        number
    }
}

/// One part of a form.
#[derive(Debug)]
pub(crate) struct Part {
    /// The number of the part in its form, counted from 1.
    pub(crate) place: usize,
    /// The name of the form's field; it can be empty, and can have any character.
    pub(crate) name: String,
    /// The file's name as the client gave it: it can be empty, a whole path, or have any character. `None` if this is not a
    /// file.
    pub(crate) file_name: Option<String>,
    /// The part's `Content-Type` as the client gave it, not parsed.
    pub(crate) media_type: Option<String>,
    content: Content,
}

impl Part {
    /// The content. It borrows nothing: the form may be dropped, or kept to read the next part later.
    pub(crate) fn into_stream(self) -> Content {
        self.content
    }

    /// Whether there is no content. It reads the beginning, which the content still returns.
    ///
    /// # Errors
    ///
    /// As [`Form::next_part`].
    pub(crate) async fn is_empty(&mut self) -> Result<bool, FormError> {
        if self.content.first.is_none() {
            self.content.first = self.content.next().await.transpose()?;
        }
        Ok(self.content.first.is_none())
    }

    /// The content as text, or `None` if it is longer than `at_most` bytes; the rest is skipped later.
    ///
    /// # Errors
    ///
    /// [`FormError::Malformed`] if it is not UTF-8: it may be a file whose sender left out the file name, and text in another
    /// encoding would be kept garbled. Otherwise as [`Form::next_part`].
    pub(crate) async fn text(mut self, at_most: usize) -> Result<Option<String>, FormError> {
        let mut text = Vec::new();
        while let Some(bytes) = self.content.next().await.transpose()? {
            if bytes.len() > at_most - text.len() {
                return Ok(None);
            }
            text.extend_from_slice(&bytes);
        }
        String::from_utf8(text).map(Some).map_err(|_| {
            let flaw = Flaw::new("its text is not UTF-8; send text as UTF-8, and a file with a `filename`");
            FormError::Malformed(flaw.in_part(self.place).of_field(&self.name))
        })
    }
}

/// The content of a part, in slices of the body's own chunks.
///
/// Ends with `None` only if the part is complete. It may be dropped half read.
#[derive(Debug)]
pub(crate) struct Content {
    reader: Arc<Mutex<Reader>>,
    number: u64,
    /// The bytes that were read ahead.
    first: Option<Bytes>,
    over: bool,
}

impl Stream for Content {
    type Item = Result<Bytes, FormError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        if self.over {
            return Poll::Ready(None);
        }
        let polled = lock(&self.reader).poll_content(self.number, cx);
        self.over = matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }
}

/// Locked within one poll only, never across an await.
fn lock(reader: &Mutex<Reader>) -> MutexGuard<'_, Reader> {
    // Only the body can panic here, and the reader does not change before the body has answered.
    reader.lock().unwrap_or_else(PoisonError::into_inner)
}
