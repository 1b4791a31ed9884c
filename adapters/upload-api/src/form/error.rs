//! The source of a form, its limits, and the errors of reading it.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use intake_core::BoxError;

use super::flaw::Flaw;

/// A request's body. The caller limits its size and its time before it gives it to a [`Form`](super::Form).
pub(crate) type Body = BoxStream<'static, Result<Bytes, BoxError>>;

/// The limits of a form. The size of the contents is limited by the body, not here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes before the first boundary.
    pub(crate) preamble: usize,
    /// Bytes after the closing boundary.
    pub(crate) epilogue: usize,
    /// Bytes of one part's headers with all their line ends, and of the padding after one boundary.
    pub(crate) head: usize,
    /// Headers of one part.
    pub(crate) headers: usize,
    /// Parts of one form.
    pub(crate) parts: usize,
    /// Bytes of a part's name, and of its file name, as decoded UTF-8.
    pub(crate) name: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Mail used to say "This is a multi-part message in MIME format." here; forms send nothing or one line end.
            preamble: 1024,
            // One line end, or nothing.
            epilogue: 1024,
            // Room for a name and both spellings of a file name, each as long as allowed and wholly percent-encoded.
            head: 12 * 1024,
            // Clients send one to four.
            headers: 16,
            // A group of 1000 files has 1000 fields, and a few more for the project and its signature.
            parts: 1024,
            // File systems stop at 255 characters; in UTF-8 that is less than this.
            name: 1024,
        }
    }
}

/// Why a form cannot be read.
///
/// An error of the form is final: every further call returns it again.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum FormError {
    /// The request's `Content-Type` is not `multipart/form-data`.
    #[error("not multipart/form-data")]
    NotAForm,
    /// The body does not follow the rules of `multipart/form-data`, or breaks a bound.
    #[error("malformed form: {0}")]
    Malformed(Flaw),
    /// More than [`Limits::parts`] parts.
    #[error("too many parts")]
    TooManyParts,
    /// A caller continued to read a part after the form had gone past it.
    #[error("the form has gone past this part")]
    Stale,
    /// The body broke off.
    #[error("the body broke off")]
    Body(#[source] Arc<dyn Error + Send + Sync>),
}
