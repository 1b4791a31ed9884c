//! The recorder for any dialect: changes go through the one writer, queries through connections that only read.

use std::cmp::Reverse;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::SystemTime;

use async_trait::async_trait;
use futures_util::future::join_all;
use intake_core::accounting::{Account, DailyUsage, Day, Usage, UsageChange};
use intake_core::micros::to_micros;
use intake_core::{
    Backlog, Catalog, Fault, FileList, Group, Listing, ListingOfAll, ManagedProject, Order, Outbox, Record, Recorder,
    Task, Update, UploadId, codes,
};
use sqlx::Pool;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use crate::catalog::at_most;
use crate::change::{Change, RowUpdate};
use crate::codes::RECORD_FAILED;
use crate::dialect::{Dialect, PAUSE};
use crate::failure::{Failure, by_database};
use crate::file_lists::from;
use crate::queries::{Found, Query, look_up};
use crate::readers::Readers;
use crate::row::{Row, Stored, revision, task};
use crate::statements::Answer;
use crate::writer::{Made, Writer};

/// The records of one database, which is opened at first use.
#[derive(Debug)]
pub(crate) struct Records<D: Dialect> {
    dialect: Arc<D>,
    /// Not a `OnceCell`: a writer ends with the runtime that started it, and the next use starts another.
    opened: Mutex<Option<Arc<Opened<D>>>>,
    /// The lane of deliveries at which the last claim stopped.
    pub(crate) last_lane: AtomicI64,
}

#[derive(Debug)]
struct Opened<D: Dialect> {
    writer: Writer<D>,
    readers: Arc<Readers<D::Database>>,
}

impl<D: Dialect> Records<D> {
    pub(crate) fn new(dialect: D) -> Self {
        Self {
            dialect: Arc::new(dialect),
            opened: Mutex::new(None),
            last_lane: AtomicI64::new(i64::MIN),
        }
    }

    async fn opened(&self) -> Result<Arc<Opened<D>>, Failure> {
        // With a timeout: while a database cannot be opened, the callers that wait here would try one after the other.
        let Ok(mut opened) = timeout(self.dialect.patience(), self.opened.lock()).await else {
            let message = format!(
                "another caller is still opening the records in {}",
                self.dialect.place()
            );
            return Err(Failure::passing(message));
        };
        if let Some(opened) = opened.as_ref().filter(|opened| !opened.writer.has_ended()) {
            return Ok(Arc::clone(opened));
        }
        let session = self.dialect.writer().await?;
        let readers = Arc::new(Readers::of(&*self.dialect)?);
        let writer = Writer::start(Arc::clone(&self.dialect), session, Arc::clone(&readers))?;
        tracing::info!(place = self.dialect.place(), "opened the records");
        Ok(Arc::clone(opened.insert(Arc::new(Opened { writer, readers }))))
    }

    pub(crate) async fn change(&self, change: Change) -> Result<Made, Failure> {
        self.opened().await?.writer.make(change).await
    }

    /// Runs a query, again on another connection if one breaks: a query can safely be repeated.
    pub(crate) async fn read(&self, query: Query<'_>) -> Result<Found, Failure> {
        let opened = self.opened().await?;
        if let Some(answer) = opened.readers.look_up(&query).await {
            return answer;
        }
        let deadline = Instant::now() + self.dialect.patience();
        loop {
            match self.ask_once(opened.readers.for_asking(&query), &query).await {
                Err(error) if D::is_fleeting(&error) && Instant::now() < deadline => sleep(PAUSE).await,
                answer => return answer.map_err(|error| self.unread(error)),
            }
        }
    }

    async fn ask_once(&self, readers: &Pool<D::Database>, query: &Query<'_>) -> sqlx::Result<Found> {
        let mut reader = readers.acquire().await?;
        let look_up = look_up::<D>(&mut reader, query);
        let answer = match self.dialect.silence() {
            None => look_up.await,
            Some(silence) => {
                let silent = |_| Err(sqlx::Error::PoolTimedOut);
                timeout(silence, look_up).await.unwrap_or_else(silent)
            }
        };
        if answer.as_ref().is_err_and(|error| by_database(error).is_none()) {
            // The pool would ping a connection that is returned to it, and wait for the answer.
            reader.close_on_drop();
        }
        answer
    }

    fn unread(&self, error: sqlx::Error) -> Failure {
        let message = format!("cannot read from the records in {}", self.dialect.place());
        Failure::of_database(message, error, D::is_passing)
    }
}

#[async_trait]
impl<D: Dialect> Recorder for Records<D> {
    async fn insert(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault> {
        let row = Box::new(Row::of(record)?);
        match self.change(Change::Insert(row, usage_change.clone())).await? {
            Made::Rows(0) => Err(taken(record.id)),
            Made::Rows(_) => Ok(Update::Applied),
            Made::Full => Ok(Update::QuotaExceeded),
        }
    }

    async fn get(&self, id: UploadId) -> Result<Option<Record>, Fault> {
        let found = self.read(Query::Of(&id.to_string())).await?;
        record_of(found)
    }

    async fn update(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault> {
        // The first revision has no predecessor to replace.
        let Some(before) = record.revision.checked_sub(1) else {
            return Ok(Update::Conflict);
        };
        let row = Box::new(Row::of(record)?);
        let from = revision(before);
        let usage_change = usage_change.clone();
        Ok(swap(
            self.change(Change::Update {
                row,
                from,
                usage_change,
            })
            .await?,
        ))
    }

    async fn update_all(&self, changes: &[(Record, UsageChange)]) -> Result<Update, Fault> {
        let mut updates = Vec::with_capacity(changes.len());
        for (record, usage_change) in changes {
            let Some(before) = record.revision.checked_sub(1) else {
                return Ok(Update::Conflict);
            };
            updates.push(RowUpdate {
                row: Row::of(record)?,
                from: revision(before),
                usage_change: usage_change.clone(),
            });
        }
        if updates.is_empty() {
            return Ok(Update::Applied);
        }
        // Nodes that lock rows in the same order do not deadlock.
        updates.sort_by(|one, other| one.row.id.cmp(&other.row.id));
        Ok(swap(self.change(Change::UpdateAll(updates)).await?))
    }

    async fn remove(&self, id: UploadId, of: u64) -> Result<(), Fault> {
        let id = id.to_string();
        let revision = revision(of);
        self.change(Change::Remove { id, revision }).await?;
        Ok(())
    }

    async fn due(&self, of: Task, now: SystemTime, limit: usize) -> Result<Vec<Record>, Fault> {
        /// Rows that are asked for at most, while none of those before can be read.
        const MOST: i64 = 16 * 1024;

        let mut asked = at_most(limit);
        loop {
            let query = Query::Due {
                task: task(of),
                now: to_micros(now),
                limit: asked,
            };
            let rows = self.read(query).await?.rows();
            let are_all = i64::try_from(rows.len()).is_ok_and(|count| count < asked);
            match readable(rows) {
                // Rows that cannot be read stay the first ones that are due, and must not hide the others.
                Err(_) if !are_all && asked < MOST => asked = asked.saturating_mul(4).min(MOST),
                found => {
                    let mut found = found?;
                    found.truncate(limit);
                    return Ok(found);
                }
            }
        }
    }

    async fn find_by_source_key(&self, name: &str) -> Result<Option<Record>, Fault> {
        record_of(self.read(Query::KnownAs(name)).await?)
    }

    async fn list(
        &self,
        kind: Listing,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        let (created, id) = before(behind);
        let of = async |project| {
            let query = Query::List {
                kind,
                project,
                behind: (created, &id),
                limit: at_most(limit),
            };
            readable(self.read(query).await?.rows())
        };
        let mut listed = of(project).await?;
        if kind == Listing::Refused {
            // Two queries by the index, instead of one over the rows of all projects.
            listed.extend(of("").await?);
            listed.sort_by_key(|record| Reverse((record.created, record.id)));
            listed.truncate(limit);
        }
        Ok(listed)
    }

    async fn list_all(
        &self,
        kind: ListingOfAll,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        let ((created, id), limit) = (before(behind), at_most(limit));
        let behind = (created, &*id);
        readable(self.read(Query::ListAll { kind, behind, limit }).await?.rows())
    }

    async fn files(&self, list: &FileList<'_>) -> Result<Vec<Record>, Fault> {
        readable(self.read(Query::Files(*list)).await?.rows())
    }

    async fn oldest_refused(&self, project: Option<&str>, limit: usize) -> Result<Vec<Record>, Fault> {
        let (project, limit) = (project.unwrap_or_default(), at_most(limit));
        let oldest = self.read(Query::OldestRefused { project, limit }).await?;
        readable(oldest.rows())
    }

    async fn backlog(&self) -> Result<Backlog, Fault> {
        Ok(self.read(Query::Backlog).await?.backlog())
    }

    fn catalog(&self) -> &dyn Catalog {
        self
    }

    fn outbox(&self) -> &dyn Outbox {
        self
    }

    async fn exists(&self) -> Result<bool, Fault> {
        Ok(self.dialect.exists().await?)
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.change(Change::Nothing).await?;
        // Any query by the index would do; this one reads at most one row.
        self.read(Query::Due {
            task: task(Task::Sweep),
            now: i64::MIN,
            limit: 1,
        })
        .await?;
        Ok(())
    }
}

#[async_trait]
impl<D: Dialect> Catalog for Records<D> {
    async fn project(&self, public_key: &str) -> Result<Option<ManagedProject>, Fault> {
        Ok(self.read(Query::Project(public_key)).await?.projects()?.pop())
    }

    async fn put_project(&self, project: &ManagedProject) -> Result<Update, Fault> {
        let settings = serde_json::to_string(&project.settings).map_err(|error| {
            let message = format!("the project {} cannot be serialised", project.public_key);
            Fault::new(RECORD_FAILED, message).with_source(error)
        })?;
        let row = (project.public_key.clone(), revision(project.revision), settings);
        Ok(swap(self.change(Change::PutProject(row)).await?))
    }

    async fn projects(&self, behind: &str, limit: usize) -> Result<Vec<ManagedProject>, Fault> {
        let limit = at_most(limit);
        self.read(Query::Projects { behind, limit }).await?.projects()
    }

    async fn add_group(&self, group: &Group, usage_change: &UsageChange) -> Result<Update, Fault> {
        let members = serde_json::to_string(&group.members).map_err(|error| {
            Fault::new(RECORD_FAILED, format!("the group {} cannot be serialised", group.id)).with_source(error)
        })?;
        let row = (
            group.id.to_string(),
            group.project.clone(),
            to_micros(group.created),
            group.expires.map(to_micros),
            members,
        );
        match self.change(Change::AddGroup(row, usage_change.clone())).await? {
            Made::Rows(0) => Err(taken(group.id)),
            made => Ok(swap(made)),
        }
    }

    async fn group(&self, id: UploadId) -> Result<Option<Group>, Fault> {
        Ok(self.read(Query::Group(&id.to_string())).await?.groups()?.pop())
    }

    async fn groups(
        &self,
        project: &str,
        order: Order,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Group>, Fault> {
        let (created, id) = from(order, behind);
        let (behind, limit) = ((created, id.as_str()), at_most(limit));
        let groups = Query::Groups {
            project,
            order,
            behind,
            limit,
        };
        self.read(groups).await?.groups()
    }

    async fn expired_groups(&self, now: SystemTime, limit: usize) -> Result<Vec<Group>, Fault> {
        let (now, limit) = (to_micros(now), at_most(limit));
        self.read(Query::ExpiredGroups { now, limit }).await?.groups()
    }

    async fn remove_group(&self, id: UploadId, usage_change: &UsageChange) -> Result<Update, Fault> {
        let (id, usage_change) = (id.to_string(), usage_change.clone());
        Ok(swap(self.change(Change::RemoveGroup { id, usage_change }).await?))
    }

    async fn usage(&self, account: &Account) -> Result<Usage, Fault> {
        match self.read(Query::Usage(account.as_str())).await? {
            Found::Usage(usage) => Ok(usage),
            _ => Ok(Usage::default()),
        }
    }

    async fn daily_usage(&self, project: Option<&str>, days: RangeInclusive<Day>) -> Result<Vec<DailyUsage>, Fault> {
        let days = days.start().0..=days.end().0;
        match self.read(Query::Flows { project, days }).await? {
            Found::Flows(daily_usage) => Ok(daily_usage),
            _ => Ok(Vec::new()),
        }
    }

    async fn forget_accounts(&self, now: SystemTime, limit: usize) -> Result<u64, Fault> {
        let (now, limit) = (to_micros(now), at_most(limit));
        let Found::Names(over) = self.read(Query::Over { now, limit }).await? else {
            return Ok(0);
        };
        let forget = over.into_iter().map(|name| self.change(Change::Forget { name, now }));
        let mut forgotten = 0;
        for made in join_all(forget).await {
            forgotten += u64::from(matches!(made?, Made::Rows(1..)));
        }
        Ok(forgotten)
    }
}

pub(crate) fn swap(made: Made) -> Update {
    match made {
        Made::Rows(0) => Update::Conflict,
        Made::Rows(_) => Update::Applied,
        Made::Full => Update::QuotaExceeded,
    }
}

fn taken(id: UploadId) -> Fault {
    Fault::new(codes::ID_TAKEN, format!("{id} is recorded already"))
}

/// The records of rows. An unreadable row is skipped, so that it does not block all other uploads.
fn readable(rows: Vec<Answer>) -> Result<Vec<Record>, Fault> {
    let mut records = Vec::with_capacity(rows.len());
    let mut unreadable = None;
    for row in rows {
        match row.and_then(Stored::record) {
            Ok(record) => records.push(record),
            Err(fault) => {
                tracing::error!(fault = fault.report(), "skipped a record that cannot be read");
                unreadable = Some(fault);
            }
        }
    }
    match unreadable {
        Some(fault) if records.is_empty() => Err(fault),
        _ => Ok(records),
    }
}

fn record_of(found: Found) -> Result<Option<Record>, Fault> {
    match found.rows().into_iter().next() {
        None => Ok(None),
        Some(row) => row?.record().map(Some),
    }
}

/// Where a list continues: after this record, or at the newest.
fn before(behind: Option<(SystemTime, UploadId)>) -> (i64, String) {
    from(Order::NewestFirst, behind)
}
