//! An upload that arrives: an id, the sender's claims, and a stream of bytes.

use crate::value::id::ByteStream;
use crate::value::id::UploadId;
use std::fmt;

use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt, TryStreamExt};

use crate::value::evidence::Declared;
use crate::value::id::BoxError;
use crate::value::lifetime::UploadMethod;
use crate::value::options::UploadOptions;

/// One upload that arrives, before it is accepted.
#[non_exhaustive]
pub struct Incoming {
    /// The id. It is chosen before the first byte, so that logs and records can name the upload from its start.
    pub id: UploadId,
    /// What the sender declares. Nothing of it is trusted.
    pub declared: Declared,
    /// The most bytes that this upload may have, if that is less than the limit of the pipeline.
    pub at_most: Option<u64>,
    /// What the sender asks for, as far as it is known before the bytes. The rules of a project that is known are checked as soon as
    /// possible. The options of the commit replace them, but for project, authorization, sender and origin that the commit leaves out.
    pub options: UploadOptions,
    /// The way in which the upload arrives.
    pub method: UploadMethod,
    /// The bytes.
    pub body: ByteStream,
}

impl Incoming {
    /// An upload under a new id.
    pub fn new(declared: Declared, body: ByteStream) -> Self {
        Self {
            id: UploadId::random(),
            declared,
            at_most: None,
            options: UploadOptions::default(),
            method: UploadMethod::Direct,
            body,
        }
    }

    /// An upload from any stream of bytes.
    pub fn from_stream<S, E>(declared: Declared, body: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        Self::new(declared, body.map_err(Into::into).boxed())
    }

    /// An upload of bytes that are in memory.
    pub fn from_bytes(declared: Declared, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::new(declared, futures_util::stream::iter([Ok(bytes)]).boxed())
    }

    /// Sets some of what is known of the upload.
    ///
    /// ```
    /// use intake_core::{Declared, Incoming, UploadMethod};
    ///
    /// let incoming = Incoming::from_bytes(Declared::named("cat.txt"), "meow").with(|incoming| {
    ///     incoming.method = UploadMethod::FromUrl;
    /// });
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Sets the public key of the project: see [`Project`](crate::Project).
    #[must_use]
    pub fn of_project(mut self, public_key: impl Into<String>) -> Self {
        self.options.project = Some(public_key.into());
        self
    }

    /// Limits the size of this upload, in bytes. The limit of the pipeline holds too.
    #[must_use]
    pub fn at_most(mut self, bytes: u64) -> Self {
        self.at_most = Some(bytes);
        self
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("id", &self.id)
            .field("declared", &self.declared)
            .finish_non_exhaustive()
    }
}
