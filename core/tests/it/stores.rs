//! Stores for tests: the one that makes it hardest for the pipeline, and what tests ask of a store.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use intake_core::{ByteStream, Fault, Key, MediaType, Multipart, Part, PartRange, Staged, Store, async_trait, codes};

/// A store that shows bytes from the first write on, as a disk does.
#[derive(Clone, Debug, Default)]
pub struct InPlace(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    wholes: HashMap<Key, BytesMut>,
    /// Multipart uploads that were started, with their committed parts.
    uploads: HashMap<Key, BTreeMap<u16, BytesMut>>,
    /// How many parts were committed: the tag of a part says which of these commits it is.
    commits: u64,
    tags: HashMap<(Key, u16), u64>,
    /// How many bytes of wholes were read.
    read: u64,
}

impl InPlace {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }

    /// Changes the parts of an open multipart upload.
    pub fn change_parts(&self, key: &Key, change: impl FnOnce(&mut BTreeMap<u16, BytesMut>)) -> Result<(), Fault> {
        let mut kept = self.lock();
        let parts = kept.uploads.get_mut(key);
        parts
            .map(change)
            .ok_or_else(|| Fault::new(codes::NOT_OPEN, "put together"))
    }

    /// How many bytes of wholes were read since this was asked the last time.
    pub fn read_of_wholes(&self) -> u64 {
        std::mem::take(&mut self.lock().read)
    }

    /// The keys that have bytes.
    pub fn keys(&self) -> Vec<Key> {
        let kept = self.lock();
        kept.wholes.keys().chain(kept.uploads.keys()).cloned().collect()
    }
}

#[async_trait]
impl Store for InPlace {
    async fn stage(&self, key: &Key, _media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault> {
        self.lock().wholes.insert(key.clone(), BytesMut::new());
        Ok(Box::new(InPlaceStaged {
            store: self.clone(),
            key: key.clone(),
        }))
    }

    async fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        let bytes = self.lock().wholes.get(key).map(|bytes| Bytes::copy_from_slice(bytes));
        let bytes = bytes.ok_or_else(|| Fault::new(codes::BYTES_MISSING, "no bytes"))?;
        let end = |end: u64| usize::try_from(end).map_or(bytes.len(), |end| end.min(bytes.len()));
        let bytes = match range {
            Some(range) => bytes.slice(end(range.start)..end(range.end)),
            None => bytes,
        };
        let kept = self.0.clone();
        let counted = move |piece: Bytes| {
            kept.lock().unwrap().read += piece.len() as u64;
            Ok(piece)
        };
        // In pieces, so that it shows whether all of it is read.
        let pieces: Vec<_> = bytes.chunks(5).map(|piece| bytes.slice_ref(piece)).collect();
        Ok(stream::iter(pieces).map(counted).boxed())
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>, Fault> {
        Ok(self.lock().wholes.get(key).map(|bytes| bytes.len() as u64))
    }

    async fn delete(&self, key: &Key) -> Result<(), Fault> {
        let mut kept = self.lock();
        kept.wholes.remove(key);
        kept.uploads.remove(key);
        Ok(())
    }

    fn multipart(&self) -> Option<&dyn Multipart> {
        Some(self)
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

struct InPlaceStaged {
    store: InPlace,
    key: Key,
}

#[async_trait]
impl Staged for InPlaceStaged {
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        let mut kept = self.store.lock();
        kept.wholes
            .entry(self.key.clone())
            .or_default()
            .extend_from_slice(&chunk);
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        Ok(())
    }

    async fn discard(self: Box<Self>) -> Result<(), Fault> {
        self.store.lock().wholes.remove(&self.key);
        Ok(())
    }
}

#[async_trait]
impl Multipart for InPlace {
    async fn begin(&self, key: &Key) -> Result<String, Fault> {
        self.lock().uploads.insert(key.clone(), BTreeMap::new());
        Ok("in place".to_owned())
    }

    async fn stage(
        &self,
        key: &Key,
        _upload: &str,
        range: &PartRange,
        _size: Option<u64>,
    ) -> Result<Box<dyn Staged>, Fault> {
        self.change_parts(key, |_| ())?;
        Ok(Box::new(InPlacePart {
            store: self.clone(),
            key: key.clone(),
            number: range.number,
            bytes: BytesMut::new(),
        }))
    }

    async fn list(&self, key: &Key, _upload: &str) -> Result<Vec<Part>, Fault> {
        let kept = self.lock();
        let parts = kept.uploads.get(key).into_iter().flatten();
        Ok(parts
            .map(|(number, bytes)| {
                let tag = kept.tags.get(&(key.clone(), *number));
                Part::new(*number, bytes.len() as u64, tag.map(u64::to_string).unwrap_or_default())
            })
            .collect())
    }

    async fn read_part(
        &self,
        key: &Key,
        _upload: &str,
        _range: &PartRange,
        part: &Part,
    ) -> Result<Option<ByteStream>, Fault> {
        let kept = self.lock();
        let is_this = kept
            .tags
            .get(&(key.clone(), part.number))
            .is_some_and(|tag| tag.to_string() == part.tag);
        let bytes = kept
            .uploads
            .get(key)
            .and_then(|parts| parts.get(&part.number))
            .filter(|_| is_this);
        let bytes = bytes.ok_or_else(|| Fault::new(codes::PARTS_MISSING, "sent again"))?;
        Ok(Some(stream::iter([Ok(Bytes::copy_from_slice(bytes))]).boxed()))
    }

    async fn assemble(&self, key: &Key, _upload: &str, parts: &[Part]) -> Result<(), Fault> {
        let mut kept = self.lock();
        if let Some(mut came) = kept.uploads.remove(key) {
            let tag = |part: &Part| kept.tags.get(&(key.clone(), part.number)).map(u64::to_string);
            let is_this = |part: &Part| tag(part).unwrap_or_default() == part.tag;
            if !parts.iter().all(is_this) {
                kept.uploads.insert(key.clone(), came);
                return Err(Fault::new(codes::PARTS_MISSING, "sent again"));
            }
            let mut bytes = BytesMut::new();
            for part in parts {
                bytes.extend_from_slice(&came.remove(&part.number).unwrap());
            }
            kept.wholes.insert(key.clone(), bytes);
        }
        Ok(())
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

struct InPlacePart {
    store: InPlace,
    key: Key,
    number: u16,
    bytes: BytesMut,
}

#[async_trait]
impl Staged for InPlacePart {
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        self.store.change_parts(&self.key, |_| ())?;
        self.bytes.extend_from_slice(&chunk);
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), Fault> {
        let Self {
            store,
            key,
            number,
            bytes,
        } = *self;
        store.change_parts(&key, |parts| drop(parts.insert(number, bytes)))?;
        let mut kept = store.lock();
        kept.commits += 1;
        let commit = kept.commits;
        kept.tags.insert((key, number), commit);
        Ok(())
    }

    async fn discard(self: Box<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

/// A store whose keys a test can list.
pub trait Seen: Store + Clone + Default + 'static {
    fn seen(&self) -> Vec<Key>;
}

impl Seen for InPlace {
    fn seen(&self) -> Vec<Key> {
        self.keys()
    }
}

impl Seen for intake_core::memory::MemoryStore {
    fn seen(&self) -> Vec<Key> {
        self.keys()
    }
}
