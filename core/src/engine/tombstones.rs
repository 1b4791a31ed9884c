//! Tombstones of refused uploads: a bounded number per project, and of uploads without a known project. The oldest are deleted
//! first, so a sender that is refused again and again cannot fill the database, and the newest refusals can be listed.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::sleep;
use tracing::{Instrument as _, debug, warn};

use crate::engine::pipeline::Pipeline;
use crate::record::account::Account;
use crate::record::event::Event;
use crate::record::update::Update;
use crate::record::upload::Record;
use crate::value::error::Fault;

/// Tombstones that are deleted in addition to the surplus, so that not every refusal deletes some.
const MORE: u64 = 16;
/// The most tombstones that are deleted in one round.
const BATCH: u64 = 64;
/// Tombstones that are deleted at the same time.
const AT_A_TIME: usize = 8;

/// The pauses before each further try to record a refusal: half a minute in all, in which a database may recover.
const PAUSES_IN_SECONDS: [u64; 5] = [1, 2, 4, 8, 15];

impl Pipeline {
    /// Records the refusal of an upload whose bytes are deleted, which returns its usage. If that fails, it is tried again for a
    /// while, beside the caller: a sweeper would do it only hours later, when the upload's lease ends.
    pub(crate) async fn leave_tombstone(&self, record: &Record, noted: Record) {
        let fault = match self.try_to_note(record, &noted).await {
            Ok(()) => return,
            Err(fault) => fault,
        };
        let Ok(late) = self.inner().late.clone().try_acquire_owned() else {
            warn!(id = %record.id, fault = fault.report(), "could not note a refusal; left to the sweeper");
            return;
        };
        warn!(id = %record.id, fault = fault.report(), "could not note a refusal; it is tried again");
        let (pipeline, record) = (self.clone(), record.clone());
        let again = async move {
            let _late = late;
            for seconds in PAUSES_IN_SECONDS {
                sleep(Duration::from_secs(seconds)).await;
                match pipeline.try_to_note(&record, &noted).await {
                    Ok(()) => return,
                    Err(fault) => debug!(id = %record.id, fault = fault.report(), "could not note a refusal again"),
                }
            }
            warn!(id = %record.id, "could not note a refusal in half a minute; left to the sweeper");
        };
        // Nothing waits for it: if the process ends first, the sweeper does it.
        tokio::spawn(again.in_current_span());
    }

    async fn try_to_note(&self, record: &Record, noted: &Record) -> Result<(), Fault> {
        // If the lease is lost, a sweeper has ended the upload.
        let _ended = self.put(record, noted).await?;
        self.bound_tombstones(noted.options.project.as_deref()).await;
        Ok(())
    }

    /// Deletes the oldest tombstones of this project, or of no project, if there are too many. Requests that are refused at the
    /// same moment may each record a tombstone before they count, so for that moment there may be a few more.
    pub(crate) async fn bound_tombstones(&self, project: Option<&str>) {
        if let Err(fault) = self.drop_oldest(project).await {
            warn!(
                fault = fault.report(),
                "could not drop old notes of refusals; the next refusal tries again"
            );
        }
    }

    async fn drop_oldest(&self, project: Option<&str>) -> Result<(), Fault> {
        let recorder = &self.inner().recorder;
        let has = recorder.catalog().usage(&Account::refused(project)).await?.files;
        let too_many = has.saturating_sub(self.inner().limits.max_tombstones_per_project);
        if too_many == 0 {
            return Ok(());
        }
        let count = too_many.saturating_add(MORE).min(BATCH).min(has);
        let oldest = recorder.oldest_refused(project, count as usize).await?;
        let dropped = stream::iter(&oldest).for_each_concurrent(AT_A_TIME, |noted| self.drop_note(noted));
        dropped.await;
        Ok(())
    }

    async fn drop_note(&self, noted: &Record) {
        let dropped = async {
            let forgotten = self.after(noted, Event::Forget)?;
            // If late bytes cannot be deleted now, a sweeper does it.
            if self.put(noted, &forgotten).await? == Update::Applied {
                self.forget(&forgotten).await;
            }
            Ok::<(), Fault>(())
        };
        if let Err(fault) = dropped.await {
            warn!(id = %noted.id, fault = fault.report(), "could not drop an old note of a refusal");
        }
    }
}
