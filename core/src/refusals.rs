//! Notes of what was refused: so many of each project, and so many of uploads whose project was not known. The oldest go first,
//! so that whoever is refused again and again fills no database, and what was refused last can still be asked after.

use futures_util::{StreamExt, stream};
use tracing::warn;

use crate::Fault;
use crate::books::Account;
use crate::pipeline::Pipeline;
use crate::record::{Event, Record};
use crate::stages::Swap;

/// Notes that are dropped at a time beside those that are too many, so that this is not done at every refusal.
const MORE: u64 = 16;
/// Notes that are dropped in one go at most.
const BATCH: u64 = 64;
/// Notes that are dropped at the same time.
const AT_A_TIME: usize = 8;

impl Pipeline {
    /// Drops the oldest notes of refusals of this project, or of no project, if there are more than may be. Of several that are
    /// refused at the same moment each may be noted before it looks, so for that moment there may be a few more.
    pub(crate) async fn bound_refusals(&self, project: Option<&str>) {
        if let Err(fault) = self.drop_oldest(project).await {
            warn!(
                fault = fault.chain(),
                "could not drop old notes of refusals; the next refusal tries again"
            );
        }
    }

    async fn drop_oldest(&self, project: Option<&str>) -> Result<(), Fault> {
        let recorder = &self.parts().recorder;
        let has = recorder.catalog().holdings(&Account::refused(project)).await?.files;
        let too_many = has.saturating_sub(self.parts().limits.refused_of_project);
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
            // If bytes that came late cannot be removed now, a sweeper does it.
            if self.put(noted, &forgotten).await? == Swap::Done {
                self.forget(&forgotten).await;
            }
            Ok::<(), Fault>(())
        };
        if let Err(fault) = dropped.await {
            warn!(id = %noted.id, fault = fault.chain(), "could not drop an old note of a refusal");
        }
    }
}
