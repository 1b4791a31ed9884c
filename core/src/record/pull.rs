//! What is ordered to be fetched, and how far it is. Pure: it knows no source.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::value::file_name::FileName;
use crate::value::id::UploadId;
use crate::value::lifetime::Retention;

/// What is recorded of an order to fetch something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// What a [`Receiver`](crate::Receiver) is to fetch.
    pub source: String,
    /// What the upload is to be called, whatever the source calls it.
    pub name: Option<FileName>,
    /// How long the sender would like the upload to be kept.
    pub wish: Retention,
    /// The name under which the upload is to be found again.
    pub known_as: Option<String>,
    /// Bytes that it may have at most, if less than the pipeline takes anyway.
    pub at_most: Option<u64>,
    /// How often it was tried.
    pub tries: u32,
    /// The upload that the last try is, or was, going to be. A try that is recorded here and nowhere else has not begun.
    pub upload: Option<UploadId>,
    /// Bytes that came with this try.
    pub done: u64,
    /// Bytes that there are, if the source has said so.
    pub total: Option<u64>,
}

impl Pull {
    /// An order that was not tried yet.
    pub fn new(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            name: None,
            wish: Retention::Default,
            known_as: None,
            at_most: None,
            tries: 0,
            upload: None,
            done: 0,
            total: None,
        }
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
    /// this was the last of so many tries.
    pub(crate) fn pause(&self, tries: u32, first: Duration) -> Option<Duration> {
        let doubled = 2_u32.saturating_pow(self.tries.saturating_sub(1));
        (self.tries < tries).then(|| first.saturating_mul(doubled))
    }
}
