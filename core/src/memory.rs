//! Reference implementations that keep everything in memory: for tests, for first experiments, and as examples.

mod kept_events;
mod outbox;
mod recorder;

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use serde::Deserialize;

pub use self::recorder::MemoryRecorder;
use crate::contract::plugin::{FromSettings, Plugin};
use crate::contract::stages::{Expirer, KeyList, ListedKey, Multipart, Staged, Store};
use crate::value::codes;
use crate::value::config_error::ConfigError;
use crate::value::error::Fault;
use crate::value::evidence::Facts;
use crate::value::id::{ByteStream, Key};
use crate::value::lifetime::{Lifetime, Retention};
use crate::value::media_type::MediaType;

inventory::submit! { Plugin::store::<MemoryStore>("in-memory", "keeps bytes in memory, and loses them at the end") }
inventory::submit! { Plugin::recorder::<MemoryRecorder>("in-memory", "keeps records in memory, and loses them at the end") }

/// No settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Locks, even if a thread panicked while it held the lock: no change here is ever half done at a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps bytes in memory. It shows them from the commit on, as object stores do.
#[derive(Clone, Default)]
pub struct MemoryStore(std::sync::Arc<Mutex<HashMap<Key, Kept>>>);

/// What is under a key, and since when.
#[derive(Clone)]
struct Kept {
    bytes: Bytes,
    written: SystemTime,
}

impl MemoryStore {
    /// The keys that have bytes.
    #[must_use]
    pub fn keys(&self) -> Vec<Key> {
        lock(&self.0).keys().cloned().collect()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryStore").field(&self.keys()).finish()
    }
}

impl FromSettings for MemoryStore {
    type Settings = Nothing;

    fn from_settings(Nothing {}: Nothing) -> Result<Self, ConfigError> {
        Ok(Self::default())
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn stage(&self, key: &Key, _media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault> {
        Ok(Box::new(MemoryStaged {
            store: self.clone(),
            key: key.clone(),
            bytes: BytesMut::new(),
        }))
    }

    async fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        let Some(bytes) = lock(&self.0).get(key).map(|kept| kept.bytes.clone()) else {
            return Err(Fault::new(
                codes::BYTES_MISSING,
                format!("there are no bytes under {key}"),
            ));
        };
        let at_most = |end: u64| usize::try_from(end).map_or(bytes.len(), |end| end.min(bytes.len()));
        let slice = match range {
            Some(range) => bytes.slice(at_most(range.start)..at_most(range.end.max(range.start))),
            None => bytes,
        };
        Ok(stream::iter([Ok(slice)]).boxed())
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>, Fault> {
        Ok(lock(&self.0).get(key).map(|kept| kept.bytes.len() as u64))
    }

    async fn delete(&self, key: &Key) -> Result<(), Fault> {
        lock(&self.0).remove(key);
        Ok(())
    }

    fn multipart(&self) -> Option<&dyn Multipart> {
        None
    }

    fn key_list(&self) -> Option<&dyn KeyList> {
        Some(self)
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

impl KeyList for MemoryStore {
    fn list(&self, prefix: &str) -> BoxStream<'_, Result<ListedKey, Fault>> {
        let kept = lock(&self.0);
        let matching = kept.iter().filter(|(key, _)| key.as_str().starts_with(prefix));
        let listed = matching.map(|(key, kept)| ListedKey::new(key.clone(), kept.bytes.len() as u64, kept.written));
        stream::iter(listed.map(Ok).collect::<Vec<_>>()).boxed()
    }
}

struct MemoryStaged {
    store: MemoryStore,
    key: Key,
    bytes: BytesMut,
}

#[async_trait]
impl Staged for MemoryStaged {
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        self.bytes.extend_from_slice(&chunk);
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        let (bytes, written) = (self.bytes.freeze(), SystemTime::now());
        lock(&self.store.0).insert(self.key, Kept { bytes, written });
        Ok(())
    }

    async fn discard(self: Box<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

/// Keeps every upload for good, whatever the sender asks for. For tests, and for deployments that delete files themselves.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeepAll;

impl Expirer for KeepAll {
    fn lifetime(&self, _facts: &Facts, _wish: Retention, _now: SystemTime) -> Lifetime {
        Lifetime {
            kept: true,
            expires: None,
        }
    }
}
