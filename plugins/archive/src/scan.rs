//! The scan of one upload.

use async_trait::async_trait;
use intake_core::inspection::Walked;
use intake_core::{Bytes, Coverage, Fault, Rejection, Report, Scan, Verdict};

use crate::budget::Account;
use crate::note::ArchiveNote;
use crate::reader::Flow;
use crate::settings::Settings;
use crate::tally::{Checked, Tally};
use crate::walk::Walk;
use intake_core::Workers;

/// Smaller pieces are put together before they go to another thread.
const BATCH: usize = 32 * 1024;

/// The scan of one upload.
pub(crate) struct ArchiveScan {
    settings: Settings,
    workers: Workers,
    account: Account,
    /// `None` once it panicked.
    walk: Option<Walk>,
    /// Bytes that are not looked at yet.
    waiting: Vec<u8>,
    refused: Option<Rejection>,
}

impl ArchiveScan {
    pub(crate) fn new(settings: Settings, workers: Workers, account: Account, head: &[u8]) -> Self {
        Self {
            settings,
            workers,
            walk: Some(Walk::new(settings, account.clone(), head)),
            account,
            waiting: Vec::new(),
            refused: None,
        }
    }

    /// Reads what came on another thread, if no walk has panicked before. While it waits for memory, it keeps no thread.
    async fn go_on(&mut self) -> Result<(), Fault> {
        while let Some(mut walk) = self.walk.take() {
            let worked = self.workers.run(move || {
                let pushed = walk.go_on();
                (walk, pushed)
            });
            let Some((walk, pushed)) = worked.await else {
                let checked = self.lost().1;
                self.note(checked);
                break;
            };
            self.walk = Some(walk);
            match pushed {
                Ok(Flow::Starved) => self.account.wait(self.settings.wait).await?,
                Ok(Flow::On) => break,
                Err(rejection) => {
                    self.note(Err(rejection));
                    break;
                }
            }
        }
        Ok(())
    }

    fn note(&mut self, checked: Checked) {
        if let Err(rejection) = checked {
            self.refused = Some(*rejection);
        }
    }

    /// What remains to be said when a reader panicked.
    fn lost(&self) -> (Tally, Checked) {
        let mut tally = Tally::new(self.settings, self.account.clone());
        let checked = tally.unreadable(b"", "could not be read");
        (tally, checked)
    }

    fn verdict(&self) -> Verdict {
        self.refused.clone().map_or(Verdict::Accept, Verdict::Reject)
    }

    fn report(&self) -> Report {
        let lost;
        let tally = if let Some(walk) = &self.walk {
            walk.tally()
        } else {
            lost = self.lost().0;
            &lost
        };
        let mut report = Report::new(self.verdict(), tally.coverage());
        let Some(note) = tally.note() else {
            report.walked = if report.coverage == Coverage::Whole {
                Walked::NoArchive
            } else {
                Walked::Unknown
            };
            return report;
        };
        report.walked = match report.coverage {
            Coverage::Whole => Walked::Archive(note.extent()),
            // Of an archive that was not walked to its end, nobody knows how large it is.
            _ => Walked::Unknown,
        };
        report.note(ArchiveNote::SUBJECT, note)
    }
}

#[async_trait]
impl Scan for ArchiveScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        let Some(walk) = self.walk.as_mut().filter(|_| self.refused.is_none()) else {
            return Ok(self.verdict());
        };
        let is_passed = self.waiting.is_empty() && walk.passes() >= chunk.len() as u64;
        if !is_passed && self.waiting.len() + chunk.len() < BATCH {
            self.waiting.extend_from_slice(chunk);
            return Ok(self.verdict());
        }
        walk.push(std::mem::take(&mut self.waiting).into());
        walk.push(chunk.clone());
        if is_passed {
            // It only counts them, which needs neither a thread nor memory.
            let checked = walk.go_on().map(|_| ());
            self.note(checked);
        } else {
            self.go_on().await?;
        }
        Ok(self.verdict())
    }

    async fn finish(mut self: Box<Self>) -> Result<Report, Fault> {
        if self.refused.is_none() {
            if let Some(walk) = &mut self.walk {
                walk.push(std::mem::take(&mut self.waiting).into());
                walk.end();
            }
            self.go_on().await?;
        }
        Ok(self.report())
    }
}
