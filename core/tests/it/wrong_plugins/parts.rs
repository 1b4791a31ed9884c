//! Stores that break a rule of multipart uploads, each in one way.

use std::collections::HashMap;
use std::future::pending;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use intake_core::{ByteStream, Fault, Key, MediaType, Multipart, Part, PartRange, Staged, Store, async_trait};

use super::{PATIENCE, caught_by};
use crate::stores::InPlace;

/// How a store is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    /// All attempts at one part write into the same bytes.
    MixesAttempts,
    /// The first committed attempt is never replaced.
    KeepsTheFirst,
    /// A new attempt deletes the earlier part at its start.
    TakesBackWhatIsSentAgain,
    /// Discarding an attempt deletes the earlier part.
    DiscardsWhatWasKept,
    /// Assembling waits for attempts that are still being written.
    WaitsForWriters,
    /// A part that is committed after the assembly changes the whole.
    TakesLateParts,
}

#[derive(Clone, Debug)]
struct Wrongly {
    wrong: Wrong,
    inner: InPlace,
    /// The bytes that attempts have written, as if all attempts at one part had one file.
    shared: Arc<Mutex<HashMap<(Key, u16), BytesMut>>>,
    /// Attempts that are still open.
    writers: Arc<()>,
}

impl Wrongly {
    fn new(wrong: Wrong) -> Self {
        Self {
            wrong,
            inner: InPlace::default(),
            shared: Arc::default(),
            writers: Arc::default(),
        }
    }
}

#[async_trait]
impl Store for Wrongly {
    async fn stage(&self, key: &Key, media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault> {
        Store::stage(&self.inner, key, media_type).await
    }
    async fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        self.inner.read(key, range).await
    }
    async fn size(&self, key: &Key) -> Result<Option<u64>, Fault> {
        self.inner.size(key).await
    }
    async fn delete(&self, key: &Key) -> Result<(), Fault> {
        self.inner.delete(key).await
    }
    fn multipart(&self) -> Option<&dyn Multipart> {
        Some(self)
    }
    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[async_trait]
impl Multipart for Wrongly {
    async fn begin(&self, key: &Key) -> Result<String, Fault> {
        self.inner.begin(key).await
    }

    async fn stage(
        &self,
        key: &Key,
        upload: &str,
        range: &PartRange,
        size: Option<u64>,
    ) -> Result<Box<dyn Staged>, Fault> {
        // Checks that the upload takes parts.
        drop(Multipart::stage(&self.inner, key, upload, range, size).await?);
        match self.wrong {
            Wrong::TakesBackWhatIsSentAgain => self
                .inner
                .change_parts(key, |parts| drop(parts.remove(&range.number)))?,
            Wrong::MixesAttempts => drop(self.shared.lock().unwrap().remove(&(key.clone(), range.number))),
            _ => {}
        }
        Ok(Box::new(WrongPart {
            store: self.clone(),
            key: key.clone(),
            number: range.number,
            bytes: BytesMut::new(),
        }))
    }

    async fn list(&self, key: &Key, upload: &str) -> Result<Vec<Part>, Fault> {
        self.inner.list(key, upload).await
    }

    async fn assemble(&self, key: &Key, upload: &str, parts: &[Part]) -> Result<(), Fault> {
        if self.wrong == Wrong::WaitsForWriters && Arc::strong_count(&self.writers) > 1 {
            pending::<()>().await;
        }
        self.inner.assemble(key, upload, parts).await
    }

    async fn url(
        &self,
        _key: &Key,
        _upload: &str,
        _range: &PartRange,
        _size: Option<u64>,
        _: Duration,
    ) -> Result<Option<String>, Fault> {
        Ok(None)
    }
}

struct WrongPart {
    store: Wrongly,
    key: Key,
    number: u16,
    bytes: BytesMut,
}

#[async_trait]
impl Staged for WrongPart {
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        if self.store.wrong == Wrong::MixesAttempts {
            let mut shared = self.store.shared.lock().unwrap();
            let file = shared.entry((self.key.clone(), self.number)).or_default();
            let end = self.bytes.len() + chunk.len();
            file.resize(file.len().max(end), 0);
            file[self.bytes.len()..end].copy_from_slice(&chunk);
        }
        self.bytes.extend_from_slice(&chunk);
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        let Self {
            store,
            key,
            number,
            mut bytes,
        } = *self;
        if store.wrong == Wrong::MixesAttempts {
            bytes = store.shared.lock().unwrap()[&(key.clone(), number)].clone();
        }
        let late = bytes.clone();
        let kept = store.inner.change_parts(&key, |parts| {
            if store.wrong != Wrong::KeepsTheFirst || !parts.contains_key(&number) {
                parts.insert(number, bytes);
            }
        });
        if kept.is_err() && store.wrong == Wrong::TakesLateParts {
            let mut whole = Store::stage(&store, &key, None).await?;
            whole.write(late.freeze()).await?;
            return whole.commit().await;
        }
        kept
    }

    async fn discard(self: Box<Self>) -> Result<(), Fault> {
        if self.store.wrong == Wrong::DiscardsWhatWasKept {
            let parts = self
                .store
                .inner
                .change_parts(&self.key, |parts| drop(parts.remove(&self.number)));
            return parts;
        }
        Ok(())
    }
}

#[tokio::test]
async fn stores_that_are_wrong_with_parts_are_caught_by_the_rule_that_they_break() {
    for (wrong, rule) in [
        (
            Wrong::KeepsTheFirst,
            "a part that is sent again replaces the earlier one",
        ),
        (Wrong::MixesAttempts, "the last commit of a part wins unmixed"),
        (
            Wrong::TakesBackWhatIsSentAgain,
            "an attempt that breaks off keeps the earlier part",
        ),
        (
            Wrong::DiscardsWhatWasKept,
            "an attempt that breaks off keeps the earlier part",
        ),
        (
            Wrong::WaitsForWriters,
            "assembling does not wait for an attempt that hangs",
        ),
        (
            Wrong::TakesLateParts,
            "assembling does not wait for an attempt that hangs",
        ),
    ] {
        let store = Wrongly::new(wrong);
        caught_by(rule, &format!("{wrong:?}"), PATIENCE.store(&store)).await;
    }
}

/// The store from which the wrong ones are made passes.
#[tokio::test]
async fn the_store_without_a_fault_passes() {
    intake_core::testkit::store(&InPlace::default()).await;
}
