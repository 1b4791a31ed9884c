//! Lists and counts the files of a project.

use crate::contract::stages::{FileList, FileTotals};
use crate::engine::files::LONGEST_PAGE;
use crate::engine::pipeline::Pipeline;
use crate::record::account::Account;
use crate::record::file_times::FileStatus;
use crate::record::upload::Record;
use crate::value::error::{Error, Fault};
use crate::value::id::UploadId;

impl Pipeline {
    /// Lists files of a project, at most 1,000 per call. A file that has expired is listed until a sweeper deletes it:
    /// [`Record::has_expired`] says whether it has.
    ///
    /// # Errors
    ///
    /// If they could not be looked up.
    pub async fn list_files(&self, list: &FileList<'_>) -> Result<Vec<Record>, Fault> {
        let list = list.with(|list| list.limit = list.limit.min(LONGEST_PAGE));
        self.inner().recorder.files(&list).await
    }

    /// Counts the files of a project. The counts are kept with the records, so this reads no record.
    ///
    /// # Errors
    ///
    /// If they could not be looked up.
    pub async fn count_files(&self, project: &str) -> Result<FileTotals, Fault> {
        let mut totals = FileTotals::default();
        for status in FileStatus::ALL {
            let counted = self.catalog().usage(&Account::files(project, status)).await?.files;
            match status {
                FileStatus::Stored => totals.stored = counted,
                FileStatus::Unstored => totals.unstored = counted,
                FileStatus::Removed => totals.removed = counted,
            }
        }
        Ok(totals)
    }

    /// The record of a file that can be read, or that its owner deleted and can restore.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is none, and faults of the recorder.
    pub async fn get_file(&self, id: UploadId) -> Result<Record, Error> {
        let now = self.now();
        let found = self.inner().recorder.get(id).await?;
        found
            .filter(|record| record.file_status().is_some() && !record.has_expired(now))
            .ok_or(Error::NotFound(id))
    }
}
