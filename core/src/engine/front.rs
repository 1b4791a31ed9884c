//! The uploads in parts that this process reads ahead: see `read_ahead.rs`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::engine::judged::Judged;
use crate::value::id::UploadId;
use crate::value::parts::Part;

/// Uploads that are read ahead at the same time: each may occupy a scanner.
const MOST: usize = 8;
/// Those of one sender.
const MOST_OF_SENDER: usize = 2;

/// How far the parts of an upload are.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    /// Parts arrive: so many commits so far.
    Arriving(u64),
    /// They are being joined; no further one is opened.
    Joining,
    /// They are joined, as these parts.
    Joined(Arc<Vec<Part>>),
}

/// The uploads that this process reads ahead.
#[derive(Default)]
pub(crate) struct Fronts(Mutex<HashMap<UploadId, Front>>);

/// One of them.
pub(crate) struct Front {
    sender: Option<String>,
    phase: watch::Sender<Phase>,
    reading: JoinHandle<Option<Judged>>,
}

impl Fronts {
    /// Tells the task that reads this upload that another part was committed. Whether there is one.
    pub(crate) fn go_on(&self, id: UploadId) -> bool {
        let fronts = self.lock();
        let Some(front) = fronts.get(&id) else { return false };
        front.phase.send_if_modified(|phase| match phase {
            Phase::Arriving(commits) => {
                *commits += 1;
                true
            }
            Phase::Joining | Phase::Joined(_) => false,
        });
        true
    }

    /// Begins to read an upload, if there is room for another one of its sender. `read` starts the task.
    pub(crate) fn begin(
        &self,
        id: UploadId,
        sender: Option<&str>,
        read: impl FnOnce(watch::Receiver<Phase>) -> JoinHandle<Option<Judged>>,
    ) {
        // The task cannot end before it is in the map, as it removes itself from it.
        let mut fronts = self.lock();
        fronts.retain(|_, front| !front.reading.is_finished());
        let of_sender = fronts.values().filter(|front| front.sender.as_deref() == sender);
        if of_sender.count() >= MOST_OF_SENDER || fronts.len() >= MOST {
            return;
        }
        let (phase, phases) = watch::channel(Phase::Arriving(1));
        let front = Front {
            sender: sender.map(str::to_owned),
            phase,
            reading: read(phases),
        };
        fronts.insert(id, front);
    }

    /// Removes an upload whose task has failed.
    pub(crate) fn end(&self, id: UploadId) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UploadId, Front>> {
        // The map is whole after a panic: no code that can panic changes it in several steps.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The upload, to be completed. From now on no further part of it is opened.
    pub(crate) fn take(&self, id: UploadId) -> Option<Front> {
        let front = self.lock().remove(&id)?;
        front.phase.send_replace(Phase::Joining);
        Some(front)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // Nobody asks for its result any more. It has nothing that would have to be removed.
        self.reading.abort();
    }
}

impl Front {
    /// Has the rest read, after these parts were joined. `None` if what was read is not what was joined.
    pub(crate) async fn finish(mut self, parts: Vec<Part>) -> Option<Judged> {
        self.phase.send_replace(Phase::Joined(Arc::new(parts)));
        (&mut self.reading).await.ok().flatten()
    }
}
