//! A fetch job: the source to fetch, and the progress. Pure: it opens no source.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::value::file_name::FileName;
use crate::value::id::UploadId;

/// The data of a fetch job in its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FetchJob {
    /// The source that a [`Fetcher`](crate::Fetcher) fetches, such as a URL.
    pub source: String,
    /// The name of the file, if the sender gives one. It replaces the name that the source gives.
    #[serde(default, deserialize_with = "crate::value::file_name::if_it_is_one")]
    pub name: Option<FileName>,
    /// The most bytes that the file may have, if that is less than the limit of the pipeline.
    pub at_most: Option<u64>,
    /// How many tries were made.
    pub tries: u32,
    /// The id of the upload that the last try makes. If no record has this id, the try has not begun to write.
    pub upload: Option<UploadId>,
    /// Bytes that have arrived with the last try.
    pub done: u64,
    /// Bytes of the whole source, if it declares them.
    pub total: Option<u64>,
}

impl FetchJob {
    /// A fetch job of which no try was made yet.
    pub fn new(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            name: None,
            at_most: None,
            tries: 0,
            upload: None,
            done: 0,
            total: None,
        }
    }

    /// Sets some of what is recorded.
    ///
    /// ```
    /// use intake_core::{FetchJob, FileName};
    ///
    /// let fetch_job = FetchJob::new("https://example.com/1").with(|job| job.name = FileName::new("cat.jpeg"));
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn try_again(&self, upload: UploadId) -> Self {
        Self {
            tries: self.tries.saturating_add(1),
            upload: Some(upload),
            done: 0,
            total: None,
            ..self.clone()
        }
    }

    pub(crate) fn at(&self, done: u64, total: Option<u64>) -> Self {
        Self {
            done,
            total,
            ..self.clone()
        }
    }

    /// How long to wait before the next try: `first` after the first try, and twice as long after each further one. `None` if
    /// `tries` tries were made.
    pub(crate) fn pause(&self, tries: u32, first: Duration) -> Option<Duration> {
        let doubled = 2_u32.saturating_pow(self.tries.saturating_sub(1));
        (self.tries < tries).then(|| first.saturating_mul(doubled))
    }
}
