//! Stores that are wrong, each in one way.

use std::collections::HashMap;
use std::future::pending;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use intake_core::memory::MemoryStore;
use intake_core::{ByteStream, Fault, Key, MediaType, Multipart, Staged, Store, async_trait, codes};

use super::{PATIENCE, caught_by};

/// How a store is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    LosesTheLastPiece,
    IgnoresRanges,
    SaysAnotherSize,
    NamesAnotherFault,
    CommitsWhatIsDiscarded,
    DeletesNothing,
    FaultsWhereNothingIsToDelete,
    KeepsTheFirstCommit,
    MixesAttempts,
    MixesAttemptsAtOneKey,
    HangsInCommit,
    HangsAmidBytes,
    ReadsWithoutEnd,
    Panics,
}

#[derive(Clone, Debug)]
struct Wrongly(Wrong, MemoryStore, Arc<Mutex<HashMap<Key, Vec<u8>>>>);

struct WronglyStaged {
    store: Wrongly,
    key: Key,
    pieces: Vec<Bytes>,
}

#[async_trait]
impl Store for Wrongly {
    async fn stage(&self, key: &Key, _media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault> {
        self.2.lock().unwrap().remove(key);
        Ok(Box::new(WronglyStaged {
            store: self.clone(),
            key: match self.0 {
                Wrong::MixesAttempts if self.1.keys().len() > 1 => self.1.keys()[0].clone(),
                _ => key.clone(),
            },
            pieces: Vec::new(),
        }))
    }

    async fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        let range = range.filter(|_| self.0 != Wrong::IgnoresRanges);
        let read = self.1.read(key, range).await;
        match self.0 {
            Wrong::NamesAnotherFault => read.map_err(|_| Fault::new(codes::TIMED_OUT, "nothing there")),
            Wrong::HangsAmidBytes => read.map(|bytes| bytes.chain(stream::once(pending())).boxed()),
            Wrong::ReadsWithoutEnd => {
                read.map(|_| stream::repeat_with(|| Ok(Bytes::from_static(&[0; 1 << 20]))).boxed())
            }
            Wrong::Panics if read.is_err() => panic!("nothing there"),
            _ => read,
        }
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>, Fault> {
        let size = self.1.size(key).await?;
        Ok(match self.0 {
            Wrong::SaysAnotherSize => size.map(|size| size + 1),
            _ => size,
        })
    }

    async fn delete(&self, key: &Key) -> Result<(), Fault> {
        match self.0 {
            Wrong::DeletesNothing => Ok(()),
            Wrong::FaultsWhereNothingIsToDelete if !self.1.keys().contains(key) => {
                Err(Fault::new(codes::BYTES_MISSING, "nothing there"))
            }
            _ => self.1.delete(key).await,
        }
    }

    fn multipart(&self) -> Option<&dyn Multipart> {
        None
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[async_trait]
impl Staged for WronglyStaged {
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        let written: usize = self.pieces.iter().map(Bytes::len).sum();
        let mut shared = self.store.2.lock().unwrap();
        let file = shared.entry(self.key.clone()).or_default();
        file.resize(file.len().max(written + chunk.len()), 0);
        file[written..written + chunk.len()].copy_from_slice(&chunk);
        self.pieces.push(chunk);
        Ok(())
    }

    async fn commit(mut self: Box<Self>) -> Result<(), Fault> {
        match self.store.0 {
            Wrong::HangsInCommit => pending().await,
            Wrong::LosesTheLastPiece => drop(self.pieces.pop()),
            // Both attempts write into one file.
            Wrong::MixesAttemptsAtOneKey => {
                let file = self.store.2.lock().unwrap().get(&self.key).cloned();
                self.pieces = vec![file.unwrap_or_default().into()];
            }
            Wrong::KeepsTheFirstCommit if self.store.1.keys().contains(&self.key) => return Ok(()),
            _ => {}
        }
        let mut staged = self.store.1.stage(&self.key, None).await?;
        for piece in self.pieces {
            staged.write(piece).await?;
        }
        staged.commit().await
    }

    async fn discard(self: Box<Self>) -> Result<(), Fault> {
        match self.store.0 {
            Wrong::CommitsWhatIsDiscarded => self.commit().await,
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn wrong_stores_are_caught_by_the_rule_that_they_break() {
    for (wrong, rule) in [
        (Wrong::LosesTheLastPiece, "committed bytes read back unchanged"),
        (Wrong::ReadsWithoutEnd, "committed bytes read back unchanged"),
        (Wrong::SaysAnotherSize, "committed bytes read back unchanged"),
        (Wrong::IgnoresRanges, "a range reads that range"),
        (Wrong::NamesAnotherFault, "reading a key without bytes says so"),
        (Wrong::CommitsWhatIsDiscarded, "discarded bytes are deleted"),
        (Wrong::DeletesNothing, "deleting removes committed bytes"),
        (Wrong::FaultsWhereNothingIsToDelete, "deleting removes committed bytes"),
        (Wrong::KeepsTheFirstCommit, "a second commit replaces the first"),
        (Wrong::MixesAttempts, "attempts do not mix"),
        (
            Wrong::MixesAttemptsAtOneKey,
            "of two attempts the last commit wins unmixed",
        ),
        (Wrong::HangsInCommit, "every call answers in time"),
        (Wrong::HangsAmidBytes, "every call answers in time"),
        (Wrong::Panics, "no call panics"),
    ] {
        let store = Wrongly(wrong, MemoryStore::default(), Arc::default());
        caught_by(rule, &format!("{wrong:?}"), PATIENCE.store(&store)).await;
    }
}
