//! The memory that all uploads together may take for what can be large.
//!
//! The budget has two parts. Uploads share the first one, each up to an eighth of the budget. The second part is as large as the
//! deepest upload that the settings allow, and one upload at a time has it: an upload that needs more than an eighth, or that finds
//! the shared part used up. Such an upload moves to the second part with all that it holds, and leaves it when it holds nothing.
//!
//! So uploads that hold memory while they wait for more do not block each other for ever: the upload that has the second part
//! never waits, and when it ends, the first upload that waits gets that part. Only senders that stall can make others wait
//! longer, up to the time limit.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use intake_core::Fault;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::codes::ARCHIVE_BUSY;

/// What takes no more than this is not counted.
const SMALL: usize = 64 * 1024;

/// How much of so many bytes is counted: all or nothing.
pub(crate) fn counted(bytes: usize) -> u64 {
    if bytes > SMALL { bytes as u64 } else { 0 }
}

/// The memory of all uploads.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The part that uploads share.
    common: u64,
    /// The part for one upload.
    alone: u64,
    /// The most that one upload may have of the shared part.
    share: u64,
    ledger: Mutex<Ledger>,
}

#[derive(Debug, Default)]
struct Ledger {
    uploads: HashMap<u64, Upload>,
    next: u64,
    /// What was taken out of the shared part.
    taken: u64,
    /// The upload that has the second part.
    alone: Option<u64>,
    /// Those who wait, in the order in which they came.
    waiting: VecDeque<Waiting>,
}

#[derive(Debug, Default)]
struct Upload {
    held: u64,
    /// What was granted after it had to wait, and is held by no lease yet. It is part of what is held.
    spare: u64,
    /// What it asked for and did not get.
    missing: u64,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    granted: oneshot::Sender<()>,
}

impl Budget {
    /// A budget of `memory` bytes, of which one upload may need up to `alone`.
    pub(crate) fn new(memory: u64, alone: u64) -> Self {
        Self(Arc::new(Shared {
            common: memory.saturating_sub(alone),
            alone,
            share: memory / 8,
            ledger: Mutex::default(),
        }))
    }

    /// An account for another upload.
    pub(crate) fn open(&self) -> Account {
        let mut ledger = self.0.ledger();
        let id = ledger.next;
        ledger.next = id.wrapping_add(1);
        ledger.uploads.insert(id, Upload::default());
        Account(Arc::new(Opened {
            shared: Arc::clone(&self.0),
            id,
        }))
    }

    /// How many bytes all uploads hold now.
    pub(crate) fn held(&self) -> u64 {
        self.0.ledger().uploads.values().map(|upload| upload.held).sum()
    }
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Each change of the ledger is complete before anything can panic.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Grants bytes to an upload, if a part of the budget has them for it.
    fn grant(&self, ledger: &mut Ledger, id: u64, bytes: u64) -> bool {
        let Some(upload) = ledger.uploads.get_mut(&id) else {
            return false;
        };
        let held = upload.held.saturating_add(bytes);
        let taken = ledger.taken.saturating_add(bytes);
        if ledger.alone == Some(id) {
            if held > self.alone {
                return false;
            }
        } else if held <= self.share && taken <= self.common {
            ledger.taken = taken;
        } else if ledger.alone.is_none() && held <= self.alone {
            ledger.taken = ledger.taken.saturating_sub(upload.held);
            ledger.alone = Some(id);
        } else {
            return false;
        }
        upload.held = held;
        true
    }

    /// Takes bytes back from an upload, and grants what others wait for.
    fn give_back(&self, ledger: &mut Ledger, id: u64, bytes: u64) {
        let Some(upload) = ledger.uploads.get_mut(&id) else {
            return;
        };
        upload.held = upload.held.saturating_sub(bytes);
        if ledger.alone != Some(id) {
            ledger.taken = ledger.taken.saturating_sub(bytes);
        } else if upload.held == 0 {
            ledger.alone = None;
        }
        self.serve(ledger);
    }

    /// Grants what others wait for, in their order. Who needs less may come first, because it can end first.
    fn serve(&self, ledger: &mut Ledger) {
        for waiting in std::mem::take(&mut ledger.waiting) {
            let missing = ledger.uploads.get(&waiting.id).map_or(0, |upload| upload.missing);
            if !self.grant(ledger, waiting.id, missing) {
                ledger.waiting.push_back(waiting);
                continue;
            }
            if let Some(upload) = ledger.uploads.get_mut(&waiting.id) {
                (upload.spare, upload.missing) = (upload.spare.saturating_add(missing), 0);
            }
            // A scan that does not wait any more gives it back when it ends.
            let _gone = waiting.granted.send(());
        }
    }
}

/// The account of one upload.
#[derive(Clone, Debug)]
pub(crate) struct Account(Arc<Opened>);

#[derive(Debug)]
struct Opened {
    shared: Arc<Shared>,
    id: u64,
}

impl Drop for Opened {
    fn drop(&mut self) {
        let mut ledger = self.shared.ledger();
        // Leases keep their account, so only what was never leased is left.
        let held = ledger.uploads.get(&self.id).map_or(0, |upload| upload.held);
        self.shared.give_back(&mut ledger, self.id, held);
        ledger.uploads.remove(&self.id);
    }
}

impl Account {
    /// A lease of nothing yet.
    pub(crate) fn lease(&self) -> Lease {
        Lease {
            account: self.clone(),
            bytes: 0,
        }
    }

    /// Waits until there is the memory that a lease did not get.
    ///
    /// # Errors
    ///
    /// If there is none within the time limit.
    pub(crate) async fn wait(&self, limit: Duration) -> Result<(), Fault> {
        let granted = {
            let shared = &self.0.shared;
            let mut ledger = shared.ledger();
            let (sender, granted) = oneshot::channel();
            ledger.waiting.push_back(Waiting {
                id: self.0.id,
                granted: sender,
            });
            // It may be there by now.
            shared.serve(&mut ledger);
            granted
        };
        let _place = Place(self);
        if let Ok(Ok(())) = timeout(limit, granted).await {
            return Ok(());
        }
        let limit = humantime_serde::re::humantime::format_duration(limit);
        let message = format!("other archives take the memory that is set aside for them, for more than {limit}");
        Err(Fault::new(ARCHIVE_BUSY, message).retryable())
    }

    /// Takes bytes, of what was granted while it waited or of what is free.
    fn take(&self, bytes: u64) -> bool {
        let Opened { shared, id } = &*self.0;
        let mut ledger = shared.ledger();
        let spare = ledger.uploads.get(id).map_or(0, |upload| upload.spare.min(bytes));
        let missing = bytes.saturating_sub(spare);
        let is_granted = shared.grant(&mut ledger, *id, missing);
        if let Some(upload) = ledger.uploads.get_mut(id) {
            if is_granted {
                upload.spare = upload.spare.saturating_sub(spare);
            }
            upload.missing = if is_granted { 0 } else { missing };
        }
        is_granted
    }
}

/// A place among those who wait. A scan may be dropped while it waits.
struct Place<'a>(&'a Account);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Opened { shared, id } = &*self.0.0;
        shared.ledger().waiting.retain(|waiting| waiting.id != *id);
    }
}

/// Memory that one decoder or list holds. Dropping it gives the memory back.
#[derive(Debug)]
pub(crate) struct Lease {
    account: Account,
    bytes: u64,
}

impl Lease {
    /// Makes the lease as large as this. Returns whether there was memory for it: if not, the scan has to pause and to wait.
    #[must_use]
    pub(crate) fn hold(&mut self, bytes: u64) -> bool {
        if bytes > self.bytes {
            if !self.account.take(bytes - self.bytes) {
                return false;
            }
            self.bytes = bytes;
        } else {
            self.shrink(bytes);
        }
        true
    }

    /// Gives back what is more than this.
    pub(crate) fn shrink(&mut self, bytes: u64) {
        let more = self.bytes.saturating_sub(bytes);
        if more > 0 {
            let Opened { shared, id } = &*self.account.0;
            shared.give_back(&mut shared.ledger(), *id, more);
            self.bytes = bytes;
        }
    }

    /// How many bytes it holds.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn one_upload_at_a_time_holds_more_than_an_eighth() {
        let budget = Budget::new(256 * MIB, 70 * MIB);
        let [mut first, mut second, mut third] = [(); 3].map(|()| budget.open().lease());
        assert!(second.hold(32 * MIB), "an eighth");
        assert!(first.hold(33 * MIB));
        assert!(!second.hold(33 * MIB), "there is one already");
        assert!(third.hold(32 * MIB), "others may have an eighth");
        assert!(first.hold(60 * MIB), "the one never waits");
        first.shrink(1);
        assert!(
            !second.hold(33 * MIB),
            "it keeps its place until it has given back everything"
        );
        drop(first);
        assert!(second.hold(33 * MIB));
        assert_eq!(budget.held(), 65 * MIB);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_waited_in_vain_leaves_the_queue() {
        let budget = Budget::new(256 * MIB, 70 * MIB);
        let accounts = [(); 2].map(|()| budget.open());
        let mut leases = accounts.clone().map(|account| account.lease());
        assert!(leases[0].hold(40 * MIB) && !leases[1].hold(40 * MIB));
        let fault = accounts[1].wait(Duration::from_secs(3)).await.expect_err("no memory");
        assert!(fault.message.ends_with("for more than 3s"), "{fault}");
        assert!(budget.0.ledger().waiting.is_empty());
    }
}
