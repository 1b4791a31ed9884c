//! Recorders that are wrong, each in one way.

use std::future::pending;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use intake_core::memory::MemoryRecorder;
use intake_core::{
    Backlog, Catalog, Fault, FileList, Listing, ListingOfAll, Outbox, Record, Recorder, Task, Update, UploadId,
    UsageChange, async_trait,
};

use super::{PATIENCE, caught_by};

/// How a recorder is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    KeepsSecondsOnly,
    PutsAnotherInItsPlace,
    LooksBeforeItInserts,
    TakesAnyRevision,
    SaysThatEveryoneHasWon,
    AnswersInAnyOrder,
    SweepsWhatIsToBeResumed,
    KnowsOnlyAnId,
    ListsNoFetchJobs,
    ForgetsAnyRevision,
    ListsWithoutEnd,
    ListsNoQuarantine,
    BooksNothing,
    HangsInUpdate,
    UpdatesOneAfterTheOther,
    BooksEachByItself,
}

#[derive(Debug)]
struct Wrongly(Wrong, MemoryRecorder);

#[async_trait]
impl Recorder for Wrongly {
    async fn insert(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault> {
        let mut record = record.clone();
        match self.0 {
            Wrong::KeepsSecondsOnly => {
                let since = record.created.duration_since(UNIX_EPOCH).unwrap().as_secs();
                record.created = UNIX_EPOCH + Duration::from_secs(since);
            }
            Wrong::LooksBeforeItInserts => {
                let is_there = self.1.get(record.id).await?.is_some();
                tokio::task::yield_now().await;
                if let Some(old) = self.1.get(record.id).await?.filter(|_| !is_there) {
                    self.1.remove(old.id, old.revision).await?;
                }
            }
            Wrong::PutsAnotherInItsPlace => {
                if let Some(old) = self.1.get(record.id).await? {
                    self.1.remove(old.id, old.revision).await?;
                }
            }
            _ => {}
        }
        let usage_change = match self.0 {
            Wrong::BooksNothing => UsageChange::none(),
            _ => usage_change,
        };
        self.1.insert(&record, usage_change).await
    }

    async fn get(&self, id: UploadId) -> Result<Option<Record>, Fault> {
        self.1.get(id).await
    }

    async fn update(&self, record: &Record, usage_change: &UsageChange) -> Result<Update, Fault> {
        match self.0 {
            Wrong::HangsInUpdate => pending().await,
            Wrong::TakesAnyRevision => {
                if let Some(old) = self.1.get(record.id).await? {
                    self.1.remove(old.id, old.revision).await?;
                }
                self.1.insert(record, usage_change).await
            }
            Wrong::SaysThatEveryoneHasWon if record.revision == 1 => {
                let is_there = self.1.get(record.id).await?.is_some_and(|old| old != *record);
                let swap = self.1.update(record, usage_change).await?;
                Ok(if is_there { Update::Applied } else { swap })
            }
            _ => self.1.update(record, usage_change).await,
        }
    }

    async fn update_all(&self, changes: &[(Record, UsageChange)]) -> Result<Update, Fault> {
        match self.0 {
            Wrong::UpdatesOneAfterTheOther => {
                for (record, usage_change) in changes {
                    match self.1.update(record, usage_change).await? {
                        Update::Applied => {}
                        other => return Ok(other),
                    }
                }
                Ok(Update::Applied)
            }
            Wrong::BooksEachByItself => {
                let unbooked: Vec<_> = changes
                    .iter()
                    .map(|(record, _)| (record.clone(), UsageChange::default()))
                    .collect();
                self.1.update_all(&unbooked).await
            }
            _ => self.1.update_all(changes).await,
        }
    }

    async fn remove(&self, id: UploadId, revision: u64) -> Result<(), Fault> {
        let there = self.1.get(id).await?.map(|record| record.revision);
        match (self.0, there) {
            (Wrong::ForgetsAnyRevision, Some(there)) => self.1.remove(id, there).await,
            _ => self.1.remove(id, revision).await,
        }
    }

    async fn due(&self, task: Task, now: SystemTime, limit: usize) -> Result<Vec<Record>, Fault> {
        let mut due = self.1.due(task, now, limit).await?;
        match self.0 {
            Wrong::AnswersInAnyOrder => due.reverse(),
            Wrong::SweepsWhatIsToBeResumed if task == Task::Sweep => {
                due.extend(self.1.due(Task::Resume, now, limit).await?);
            }
            _ => {}
        }
        Ok(due)
    }

    async fn find_by_source_key(&self, name: &str) -> Result<Option<Record>, Fault> {
        match self.0 {
            Wrong::KnowsOnlyAnId => Ok(None),
            _ => self.1.find_by_source_key(name).await,
        }
    }

    async fn list(
        &self,
        kind: Listing,
        project: &str,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        let limit = match self.0 {
            Wrong::ListsWithoutEnd if kind == Listing::Files => limit + 1,
            Wrong::ListsNoFetchJobs if kind == Listing::Fetches => 0,
            _ => limit,
        };
        self.1.list(kind, project, behind, limit).await
    }

    async fn list_all(
        &self,
        kind: ListingOfAll,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        let limit = match self.0 {
            Wrong::ListsNoQuarantine if kind == ListingOfAll::Quarantined => 0,
            _ => limit,
        };
        self.1.list_all(kind, behind, limit).await
    }

    async fn files(&self, list: &FileList<'_>) -> Result<Vec<Record>, Fault> {
        self.1.files(list).await
    }

    async fn oldest_refused(&self, project: Option<&str>, limit: usize) -> Result<Vec<Record>, Fault> {
        self.1.oldest_refused(project, limit).await
    }

    async fn backlog(&self) -> Result<Backlog, Fault> {
        self.1.backlog().await
    }

    fn catalog(&self) -> &dyn Catalog {
        self.1.catalog()
    }

    fn outbox(&self) -> &dyn Outbox {
        self.1.outbox()
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[tokio::test]
async fn wrong_recorders_are_caught_by_the_rule_that_they_break() {
    for (wrong, rule) in [
        (Wrong::KeepsSecondsOnly, "a record reads back unchanged"),
        (Wrong::PutsAnotherInItsPlace, "an id is inserted once"),
        (
            Wrong::LooksBeforeItInserts,
            "of inserts of one id at the same time one succeeds",
        ),
        (Wrong::TakesAnyRevision, "an update needs the revision before"),
        (
            Wrong::SaysThatEveryoneHasWon,
            "of updates of one revision at the same time one succeeds",
        ),
        (
            Wrong::AnswersInAnyOrder,
            "due records are listed in the order of their times",
        ),
        (
            Wrong::SweepsWhatIsToBeResumed,
            "a record to resume is not due for a sweep",
        ),
        (Wrong::KnowsOnlyAnId, "the newest readable upload is found by its name"),
        (
            Wrong::ListsNoFetchJobs,
            "unfinished uploads and fetch jobs are listed until they end",
        ),
        (Wrong::ForgetsAnyRevision, "only the given revision is removed"),
        (
            Wrong::ListsNoQuarantine,
            "files and quarantined uploads are listed over all projects",
        ),
        (Wrong::ListsWithoutEnd, "files of a project are listed the newest first"),
        (
            Wrong::BooksNothing,
            "a booking is written with its change or not at all",
        ),
        (Wrong::HangsInUpdate, "every call answers in time"),
        (
            Wrong::UpdatesOneAfterTheOther,
            "updates of one transaction are all written or none",
        ),
        (
            Wrong::BooksEachByItself,
            "updates of one transaction are all written or none",
        ),
    ] {
        let recorder = Wrongly(wrong, MemoryRecorder::default());
        caught_by(rule, &format!("{wrong:?}"), PATIENCE.recorder(&recorder)).await;
    }
}
