//! A wrapper that does something around each call of a store or recorder. A pipeline counts and times the calls; tests watch them
//! or make them fail.

use std::fmt::Debug;
use std::ops::{Deref, Range, RangeInclusive};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;

use crate::contract::catalog::Catalog;
use crate::contract::stages::{Backlog, Listing, Multipart, Recorder, Staged, Store};
use crate::record::accounting::UsageChange;
use crate::record::accounting::{Account, DailyUsage, Day, Usage};
use crate::record::group::Group;
use crate::record::managed::ManagedProject;
use crate::record::update::Update;
use crate::record::upload::{Record, Task};
use crate::value::codes;
use crate::value::error::Fault;
use crate::value::id::{ByteStream, Key, UploadId};
use crate::value::media_type::MediaType;
use crate::value::parts::MOST_PARTS;
use crate::value::parts::{Part, PartRange};

/// Does something around calls of a store or recorder.
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

    /// Is told how many bytes were written to a store.
    fn written(&self, _bytes: usize) {}
}

/// A store or recorder behind a pointer, and what to do around its calls.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(feature = "testkit"),
    allow(
        unreachable_pub,
        reason = "only the testkit shows it, in the stages that fail on command"
    )
)]
pub struct Wrapped<P, A> {
    inner: P,
    around: A,
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

#[async_trait]
impl<P, A> Recorder for Wrapped<P, A>
where
    P: Deref<Target: Recorder> + Debug + Send + Sync,
    A: Around,
{
    async fn insert(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault> {
        let asked = || format!("insert {}, revision {}", record.id, record.revision);
        self.around
            .run("insert", asked, self.inner.insert(record, usage_change))
            .await
    }

    async fn get(&self, id: UploadId) -> Result<Option<Record>, Fault> {
        self.around.run("get", || format!("get {id}"), self.inner.get(id)).await
    }

    async fn update(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault> {
        let asked = || format!("update {} to revision {}", record.id, record.revision);
        self.around
            .run("update", asked, self.inner.update(record, usage_change))
            .await
    }

    async fn update_all(&self, changes: &[(Record, UsageChange)]) -> Result<Update, Fault> {
        let asked = || {
            let updates = changes
                .iter()
                .map(|(record, _)| format!("{} to revision {}", record.id, record.revision));
            format!("update {} in one transaction", updates.collect::<Vec<_>>().join(", "))
        };
        self.around
            .run("update_all", asked, self.inner.update_all(changes))
            .await
    }

    async fn remove(&self, id: UploadId, revision: u64) -> Result<(), Fault> {
        let asked = || format!("remove {id}, revision {revision}");
        self.around.run("remove", asked, self.inner.remove(id, revision)).await
    }

    async fn due(&self, task: Task, now: SystemTime, limit: usize) -> Result<Vec<Record>, Fault> {
        let asked = || format!("what is due for {task:?} at {now:?}, at most {limit}");
        self.around.run("due", asked, self.inner.due(task, now, limit)).await
    }

    async fn find_by_source_key(&self, name: &str) -> Result<Option<Record>, Fault> {
        let asked = || format!("what is known as {name:?}");
        self.around
            .run("find_by_source_key", asked, self.inner.find_by_source_key(name))
            .await
    }

    async fn list(
        &self,
        kind: Listing,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        let asked = || format!("{kind:?} of {project:?} behind {behind:?}, at most {limit}");
        self.around
            .run("list", asked, self.inner.list(kind, project, behind, limit))
            .await
    }

    async fn oldest_refused(&self, project: Option<&str>, limit: usize) -> Result<Vec<Record>, Fault> {
        let asked = || format!("the oldest refused of {project:?}, at most {limit}");
        self.around
            .run("oldest_refused", asked, self.inner.oldest_refused(project, limit))
            .await
    }

    async fn backlog(&self) -> Result<Backlog, Fault> {
        self.around
            .run("backlog", || "backlog".to_owned(), self.inner.backlog())
            .await
    }

    fn catalog(&self) -> &dyn Catalog {
        self
    }

    async fn exists(&self) -> Result<bool, Fault> {
        self.around
            .run("exists", || "exists".to_owned(), self.inner.exists())
            .await
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.around
            .run("ready", || "ready".to_owned(), self.inner.ready())
            .await
    }
}

#[async_trait]
impl<P, A> Catalog for Wrapped<P, A>
where
    P: Deref<Target: Recorder> + Debug + Send + Sync,
    A: Around,
{
    async fn project(&self, public_key: &str) -> Result<Option<ManagedProject>, Fault> {
        let call = self.inner.catalog().project(public_key);
        self.around
            .run_beside("project", || format!("project {public_key:?}"), call)
            .await
    }

    async fn put_project(&self, project: &ManagedProject) -> Result<Update, Fault> {
        let asked = || format!("put project {:?}, revision {}", project.public_key, project.revision);
        let call = self.inner.catalog().put_project(project);
        self.around.run_beside("put_project", asked, call).await
    }

    async fn projects(&self, behind: &str, limit: usize) -> Result<Vec<ManagedProject>, Fault> {
        let call = self.inner.catalog().projects(behind, limit);
        let asked = || format!("projects behind {behind:?}, at most {limit}");
        self.around.run_beside("projects", asked, call).await
    }

    async fn add_group(&self, group: &Group, usage_change: &UsageChange) -> Result<Update, Fault> {
        let call = self.inner.catalog().add_group(group, usage_change);
        self.around
            .run_beside("add_group", || format!("add group {}", group.id), call)
            .await
    }

    async fn group(&self, id: UploadId) -> Result<Option<Group>, Fault> {
        let call = self.inner.catalog().group(id);
        self.around.run_beside("group", || format!("group {id}"), call).await
    }

    async fn groups(
        &self,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Group>, Fault> {
        let call = self.inner.catalog().groups(project, behind, limit);
        let asked = || format!("groups of {project:?} behind {behind:?}, at most {limit}");
        self.around.run_beside("groups", asked, call).await
    }

    async fn expired_groups(&self, now: SystemTime, limit: usize) -> Result<Vec<Group>, Fault> {
        let call = self.inner.catalog().expired_groups(now, limit);
        let asked = || format!("groups that have expired at {now:?}, at most {limit}");
        self.around.run_beside("expired_groups", asked, call).await
    }

    async fn remove_group(&self, id: UploadId, usage_change: &UsageChange) -> Result<Update, Fault> {
        let call = self.inner.catalog().remove_group(id, usage_change);
        self.around
            .run_beside("remove_group", || format!("remove group {id}"), call)
            .await
    }

    async fn usage(&self, account: &Account) -> Result<Usage, Fault> {
        let call = self.inner.catalog().usage(account);
        self.around
            .run_beside("usage", || format!("usage of {account:?}"), call)
            .await
    }

    async fn daily_usage(&self, project: Option<&str>, days: RangeInclusive<Day>) -> Result<Vec<DailyUsage>, Fault> {
        let asked = || format!("flows of {project:?} on {days:?}");
        let call = self.inner.catalog().daily_usage(project, days.clone());
        self.around.run_beside("daily_usage", asked, call).await
    }

    async fn forget_accounts(&self, now: SystemTime, limit: usize) -> Result<u64, Fault> {
        let call = self.inner.catalog().forget_accounts(now, limit);
        let asked = || format!("forget accounts at {now:?}, at most {limit}");
        self.around.run_beside("forget_accounts", asked, call).await
    }
}
