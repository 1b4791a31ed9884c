//! A wrapper around each call of a store or recorder. A pipeline counts and times the calls; tests watch them or make them fail.

use std::fmt::Debug;
use std::ops::{Deref, Range};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::contract::stages::{KeyList, Multipart, Staged, Store};
use crate::value::codes;
use crate::value::error::Fault;
use crate::value::id::{ByteStream, Key};
use crate::value::media_type::MediaType;
use crate::value::parts::MOST_PARTS;
use crate::value::parts::{Part, PartRange};

/// Does work around calls of a store or recorder.
pub(crate) trait Around: Clone + Debug + Send + Sync + 'static {
    /// Makes a call, or fails instead. `name` is the name of the trait's method; `asked` describes the call with its arguments.
    fn run<T: Send>(
        &self,
        name: &'static str,
        asked: impl FnOnce() -> String + Send,
        call: impl Future<Output = Result<T, Fault>> + Send,
    ) -> impl Future<Output = Result<T, Fault>> + Send;

    /// Does the same as [`run`](Self::run), for a call of a recorder's catalog.
    fn run_beside<T: Send>(
        &self,
        name: &'static str,
        asked: impl FnOnce() -> String + Send,
        call: impl Future<Output = Result<T, Fault>> + Send,
    ) -> impl Future<Output = Result<T, Fault>> + Send {
        self.run(name, asked, call)
    }

    /// Wraps the stream of bytes that a store returned.
    fn bytes(&self, _asked: impl FnOnce() -> String, bytes: ByteStream) -> ByteStream {
        bytes
    }

    /// Reports how many bytes were written to a store.
    fn written(&self, _bytes: usize) {}
}

/// A store or recorder behind a pointer, and the work around its calls.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "testkit"),
    allow(
        unreachable_pub,
        reason = "only the testkit shows it, in the stages that fail on command"
    )
)]
pub struct Wrapped<P, A> {
    pub(super) inner: P,
    pub(super) around: A,
}

impl<P, A> Wrapped<P, A> {
    pub(crate) fn around(inner: P, around: A) -> Self {
        Self { inner, around }
    }
}

#[async_trait]
impl<P, A> Store for Wrapped<P, A>
where
    P: Deref<Target: Store> + Debug + Send + Sync,
    A: Around,
{
    async fn stage(&self, key: &Key, media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault> {
        let call = self.inner.stage(key, media_type);
        let staged = self.around.run("stage", || format!("stage {key}"), call).await?;
        Ok(WrappedStaged::boxed(staged, key.to_string(), &self.around))
    }

    async fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        let asked = || format!("read {key}, range {range:?}");
        let call = self.inner.read(key, range.clone());
        let bytes = self.around.run("read", asked, call).await?;
        Ok(self.around.bytes(asked, bytes))
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>, Fault> {
        self.around
            .run("size", || format!("size of {key}"), self.inner.size(key))
            .await
    }

    async fn delete(&self, key: &Key) -> Result<(), Fault> {
        self.around
            .run("delete", || format!("delete {key}"), self.inner.delete(key))
            .await
    }

    fn multipart(&self) -> Option<&dyn Multipart> {
        self.inner.multipart().map(|_| self as &dyn Multipart)
    }

    fn key_list(&self) -> Option<&dyn KeyList> {
        self.inner.key_list()
    }

    fn most_bytes(&self) -> Option<u64> {
        self.inner.most_bytes()
    }

    fn bytes_of_upload(&self) -> u64 {
        self.inner.bytes_of_upload()
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.around
            .run("ready", || "ready".to_owned(), self.inner.ready())
            .await
    }

    async fn alive(&self) -> Result<(), Fault> {
        self.around
            .run("alive", || "alive".to_owned(), self.inner.alive())
            .await
    }
}

fn multipart_of(store: &impl Deref<Target: Store>) -> Result<&dyn Multipart, Fault> {
    let none = || {
        Fault::new(
            codes::NOT_OPEN,
            "the wrapped store no longer supports multipart uploads",
        )
    };
    store.multipart().ok_or_else(none)
}

#[async_trait]
impl<P, A> Multipart for Wrapped<P, A>
where
    P: Deref<Target: Store> + Debug + Send + Sync,
    A: Around,
{
    fn most_parts(&self) -> u16 {
        self.inner.multipart().map_or(MOST_PARTS, Multipart::most_parts)
    }

    async fn begin(&self, key: &Key) -> Result<String, Fault> {
        let call = multipart_of(&self.inner)?.begin(key);
        self.around.run("begin", || format!("begin parts of {key}"), call).await
    }

    async fn stage(
        &self,
        key: &Key,
        upload: &str,
        range: &PartRange,
        size: Option<u64>,
    ) -> Result<Box<dyn Staged>, Fault> {
        let what = format!("part {} of {key}", range.number);
        let call = multipart_of(&self.inner)?.stage(key, upload, range, size);
        let staged = self
            .around
            .run("stage", || format!("stage {what}, {size:?} bytes"), call)
            .await?;
        Ok(WrappedStaged::boxed(staged, what, &self.around))
    }

    async fn list(&self, key: &Key, upload: &str) -> Result<Vec<Part>, Fault> {
        let call = multipart_of(&self.inner)?.list(key, upload);
        self.around.run("list", || format!("list parts of {key}"), call).await
    }

    async fn read_part(
        &self,
        key: &Key,
        upload: &str,
        range: &PartRange,
        part: &Part,
    ) -> Result<Option<ByteStream>, Fault> {
        let call = multipart_of(&self.inner)?.read_part(key, upload, range, part);
        let asked = || format!("read part {} of {key}", part.number);
        self.around.run("read_part", asked, call).await
    }

    async fn assemble(&self, key: &Key, upload: &str, parts: &[Part]) -> Result<(), Fault> {
        let call = multipart_of(&self.inner)?.assemble(key, upload, parts);
        let asked = || format!("assemble {key} of {} parts", parts.len());
        self.around.run("assemble", asked, call).await
    }

    async fn url(
        &self,
        key: &Key,
        upload: &str,
        range: &PartRange,
        size: Option<u64>,
        lifetime: Duration,
    ) -> Result<Option<String>, Fault> {
        let call = multipart_of(&self.inner)?.url(key, upload, range, size, lifetime);
        let asked = || format!("the address of part {} of {key}", range.number);
        self.around.run("url", asked, call).await
    }
}

struct WrappedStaged<A> {
    inner: Box<dyn Staged>,
    name: String,
    around: A,
}

impl<A: Around> WrappedStaged<A> {
    fn boxed(inner: Box<dyn Staged>, name: String, around: &A) -> Box<dyn Staged> {
        let around = around.clone();
        Box::new(Self { inner, name, around })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<A: Around> Staged for WrappedStaged<A> {
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        let bytes = chunk.len();
        let asked = || format!("write {bytes} bytes of {}", self.name);
        self.around.run("write", asked, self.inner.write(chunk)).await?;
        self.around.written(bytes);
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        let asked = || format!("commit {}", self.name);
        self.around.run("commit", asked, self.inner.commit()).await
    }

    async fn discard(self: Box<Self>) -> Result<(), Fault> {
        let asked = || format!("discard {}", self.name);
        self.around.run("discard", asked, self.inner.discard()).await
    }
}
