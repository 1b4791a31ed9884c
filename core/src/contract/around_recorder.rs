//! The wrapper around each call of a recorder and of its catalog.

use std::fmt::Debug;
use std::ops::{Deref, RangeInclusive};
use std::time::SystemTime;

use async_trait::async_trait;

use crate::contract::around::{Around, Wrapped};
use crate::contract::catalog::Catalog;
use crate::contract::outbox::Outbox;
use crate::contract::stages::{Backlog, FileList, Listing, ListingOfAll, Order, Recorder};
use crate::record::account::{Account, Usage};
use crate::record::accounting::UsageChange;
use crate::record::accounting::{DailyUsage, Day};
use crate::record::group::Group;
use crate::record::managed::ManagedProject;
use crate::record::update::Update;
use crate::record::upload::{Record, Task};
use crate::value::error::Fault;
use crate::value::id::UploadId;

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

    async fn list_all(
        &self,
        kind: ListingOfAll,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        self.around
            .run(
                "list_all",
                || format!("list {kind:?} of all projects"),
                self.inner.list_all(kind, behind, limit),
            )
            .await
    }

    async fn files(&self, list: &FileList<'_>) -> Result<Vec<Record>, Fault> {
        self.around
            .run("files", || format!("{list:?}"), self.inner.files(list))
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

    fn outbox(&self) -> &dyn Outbox {
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
        order: Order,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Group>, Fault> {
        let call = self.inner.catalog().groups(project, order, behind, limit);
        let asked = || format!("groups of {project:?} behind {behind:?}, {order:?}, at most {limit}");
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
