//! Stores and recorders that fail on command: before their effect, or after it.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;

use crate::parts::MOST_PARTS;
use crate::{
    Booking, ByteStream, Catalog, Code, Duty, Fault, Key, MediaType, Multipart, Part, Record, Recorder, Slot, Staged,
    Store, Swap, UploadId,
};

/// The code of the faults that are made here.
pub const MADE: Code = Code::new("made_to_fail");

/// When a fault comes relative to what the call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The call fails and has done nothing.
    Before,
    /// The call has done its work, and its answer is lost.
    After,
}

/// Counts the calls of everything that shares it, and makes one of them fail, or that one and all later ones.
#[derive(Clone, Debug)]
pub struct Plan(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    calls: AtomicUsize,
    fails: Option<(usize, Moment)>,
    for_ever: bool,
    healed: AtomicBool,
}

impl Plan {
    /// Nothing fails; [`calls`](Self::calls) tells how many there were.
    #[must_use]
    pub fn flawless() -> Self {
        Self::new(None, false)
    }

    /// The call of this number (from zero) fails.
    #[must_use]
    pub fn once(call: usize, moment: Moment) -> Self {
        Self::new(Some((call, moment)), false)
    }

    /// The call of this number (from zero) fails, and so do all later ones until [`heal`](Self::heal).
    #[must_use]
    pub fn from(call: usize, moment: Moment) -> Self {
        Self::new(Some((call, moment)), true)
    }

    fn new(fails: Option<(usize, Moment)>, for_ever: bool) -> Self {
        let calls = AtomicUsize::new(0);
        Self(Arc::new(Inner {
            calls,
            fails,
            for_ever,
            healed: AtomicBool::new(false),
        }))
    }

    /// How many calls there were.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.0.healed.store(true, Ordering::SeqCst);
    }

    async fn run<T>(&self, call: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let number = self.0.calls.fetch_add(1, Ordering::SeqCst);
        let fault = || Fault::new(MADE, format!("call {number} was made to fail"));
        let moment = match self.0.fails {
            Some((first, moment)) if number == first || (self.0.for_ever && number > first) => Some(moment),
            _ => None,
        };
        match moment.filter(|_| !self.0.healed.load(Ordering::SeqCst)) {
            None => call.await,
            Some(Moment::Before) => Err(fault()),
            Some(Moment::After) => {
                call.await?;
                Err(fault())
            }
        }
    }
}

/// A store or recorder that fails as its plan says.
#[derive(Clone, Debug)]
pub struct Faulty<T> {
    inner: T,
    plan: Plan,
}

impl<T> Faulty<T> {
    /// Wraps something that works.
    pub fn new(inner: T, plan: &Plan) -> Self {
        Self {
            inner,
            plan: plan.clone(),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for Faulty<S> {
    async fn stage(&self, key: &Key, media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault> {
        let staged = self.plan.run(self.inner.stage(key, media_type)).await?;
        Ok(Box::new(FaultyStaged {
            inner: staged,
            plan: self.plan.clone(),
        }))
    }

    async fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        self.plan.run(self.inner.read(key, range)).await
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>, Fault> {
        self.plan.run(self.inner.size(key)).await
    }

    async fn delete(&self, key: &Key) -> Result<(), Fault> {
        self.plan.run(self.inner.delete(key)).await
    }

    fn multipart(&self) -> Option<&dyn Multipart> {
        self.inner.multipart().map(|_| self as &dyn Multipart)
    }

    fn most_bytes(&self) -> Option<u64> {
        self.inner.most_bytes()
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.plan.run(self.inner.ready()).await
    }
}

impl<S: Store> Faulty<S> {
    fn inner_multipart(&self) -> Result<&dyn Multipart, Fault> {
        let none = || Fault::new(MADE, "the store inside has no way of its own with parts any more");
        self.inner.multipart().ok_or_else(none)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Store> Multipart for Faulty<S> {
    fn most_parts(&self) -> u16 {
        self.inner.multipart().map_or(MOST_PARTS, Multipart::most_parts)
    }

    async fn begin(&self, key: &Key) -> Result<String, Fault> {
        self.plan.run(self.inner_multipart()?.begin(key)).await
    }

    async fn stage(&self, key: &Key, upload: &str, slot: &Slot, size: Option<u64>) -> Result<Box<dyn Staged>, Fault> {
        let staged = self
            .plan
            .run(self.inner_multipart()?.stage(key, upload, slot, size))
            .await?;
        Ok(Box::new(FaultyStaged {
            inner: staged,
            plan: self.plan.clone(),
        }))
    }

    async fn list(&self, key: &Key, upload: &str) -> Result<Vec<Part>, Fault> {
        self.plan.run(self.inner_multipart()?.list(key, upload)).await
    }

    async fn assemble(&self, key: &Key, upload: &str, parts: &[Part]) -> Result<(), Fault> {
        self.plan
            .run(self.inner_multipart()?.assemble(key, upload, parts))
            .await
    }

    async fn url(
        &self,
        key: &Key,
        upload: &str,
        slot: &Slot,
        size: Option<u64>,
        lifetime: Duration,
    ) -> Result<Option<String>, Fault> {
        self.plan
            .run(self.inner_multipart()?.url(key, upload, slot, size, lifetime))
            .await
    }
}

struct FaultyStaged {
    inner: Box<dyn Staged>,
    plan: Plan,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Staged for FaultyStaged {
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        self.plan.run(self.inner.write(chunk)).await
    }

    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        self.plan.run(self.inner.commit()).await
    }

    async fn discard(self: Box<Self>) -> Result<(), Fault> {
        self.plan.run(self.inner.discard()).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<R: Recorder> Recorder for Faulty<R> {
    async fn insert(&self, record: &Record, booking: &Booking) -> Result<Swap, Fault> {
        self.plan.run(self.inner.insert(record, booking)).await
    }

    async fn get(&self, id: UploadId) -> Result<Option<Record>, Fault> {
        self.plan.run(self.inner.get(id)).await
    }

    async fn update(&self, record: &Record, booking: &Booking) -> Result<Swap, Fault> {
        self.plan.run(self.inner.update(record, booking)).await
    }

    async fn remove(&self, id: UploadId, revision: u64) -> Result<(), Fault> {
        self.plan.run(self.inner.remove(id, revision)).await
    }

    async fn due(&self, duty: Duty, now: SystemTime, limit: usize) -> Result<Vec<Record>, Fault> {
        self.plan.run(self.inner.due(duty, now, limit)).await
    }

    async fn known_as(&self, name: &str) -> Result<Option<Record>, Fault> {
        self.plan.run(self.inner.known_as(name)).await
    }

    async fn pulls_of(&self, project: &str) -> Result<u64, Fault> {
        self.plan.run(self.inner.pulls_of(project)).await
    }

    async fn files_of(
        &self,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        self.plan.run(self.inner.files_of(project, behind, limit)).await
    }

    /// As it is: no upload's story has a step in it.
    fn catalog(&self) -> &dyn Catalog {
        self.inner.catalog()
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.plan.run(self.inner.ready()).await
    }
}
