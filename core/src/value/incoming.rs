//! What comes in: an id of ours, claims of the sender's, and a stream of bytes.

use crate::value::id::ByteStream;
use crate::value::id::UploadId;
use std::fmt;

use bytes::Bytes;
use futures_util::stream::{Stream, StreamExt, TryStreamExt};

use crate::value::evidence::Declared;
use crate::value::id::BoxError;
use crate::value::lifetime::Door;
use crate::value::pass::Pass;

/// One upload that asks to be let in.
pub struct Incoming {
    /// Chosen before the first byte, so that whatever happens can be told of this upload.
    pub id: UploadId,
    /// What the sender says; nothing here is trusted.
    pub declared: Declared,
    /// Bytes that this one may have at most, if less than the pipeline takes anyway.
    pub at_most: Option<u64>,
    /// Whose it is, where that is known before its bytes come: then it is judged by the project's rules meanwhile.
    pub project: Option<String>,
    /// What has let it in, where that is known by now.
    pub pass: Option<Pass>,
    /// Who sends it: see [`Terms::sender`](crate::Terms::sender).
    pub sender: Option<String>,
    /// Which way it comes.
    pub door: Door,
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
            project: None,
            pass: None,
            sender: None,
            door: Door::Direct,
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

    /// An upload of bytes that are at hand.
    pub fn from_bytes(declared: Declared, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::new(declared, futures_util::stream::iter([Ok(bytes)]).boxed())
    }

    /// Says whose it is, by the project's public key, before its bytes come: see [`Project`](crate::Project).
    #[must_use]
    pub fn of_project(mut self, public_key: impl Into<String>) -> Self {
        self.project = Some(public_key.into());
        self
    }

    /// Bounds this upload more tightly than the pipeline does; in bytes.
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
