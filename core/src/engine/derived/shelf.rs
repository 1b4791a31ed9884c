//! The store, with what this node knows of how full it is.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use crate::contract::measure;
use crate::contract::stages::{KeyList, Store};
use crate::engine::derived::entry::{Asked, HEAD, Head, head_of};
use crate::engine::derived::settings::DerivedSettings;
use crate::engine::derived::trouble::Trouble;
use crate::engine::derived::value::Derived;
use crate::value::codes;
use crate::value::config_error::ConfigError;
use crate::value::error::Fault;

/// The most bytes of an entry, with its head.
pub(super) const LARGEST: u64 = 16 << 20;
/// The most memory of what is being read or waits to be written, in KiB.
pub(crate) const MEMORY: usize = 32 << 10;
/// The most entries that wait to be written.
const QUEUE: usize = 64;
/// How long an answer waits for an entry: making it takes about as long.
const READING: Duration = Duration::from_secs(2);
/// How long one call of the store may take that nobody waits for.
pub(super) const CALL: Duration = Duration::from_secs(30);
/// A look that takes no longer may be followed by another one at once.
const QUICK: Duration = Duration::from_secs(1);
/// The shortest time between two notes that an entry was used. Each is a write.
const NOTED_EVERY: Duration = Duration::from_secs(3600);

/// Where what is made of files is kept.
pub(crate) struct Shelf {
    pub(super) store: Box<dyn Store>,
    pub(super) settings: DerivedSettings,
    pub(super) queue: Arc<Semaphore>,
    pub(super) memory: Arc<Semaphore>,
    /// One write or look at a time, so that the room is counted once.
    pub(super) room: Mutex<Option<Room>>,
    pub(super) trouble: Trouble,
}

/// How full the store is, as this node knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) bytes: u64,
    pub(super) count: u64,
    /// What this node wrote since it looked.
    pub(super) new_bytes: u64,
    pub(super) new_count: u64,
    pub(super) looked: Instant,
    /// How long the look took.
    pub(super) took: Duration,
}

/// What was found, and whether it has to be noted that it was used.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) derived: Derived,
    /// When it was made, if this use is to be noted.
    pub(super) note: Option<SystemTime>,
}

/// Why there is no entry.
#[derive(Debug)]
pub(super) enum NotFound {
    Missing,
    /// Torn or changed, or of another version of this program.
    Damaged,
    Failed(Fault),
}

impl Shelf {
    /// A store with these bounds. It has to list its keys.
    pub(crate) fn new(store: Box<dyn Store>, settings: DerivedSettings) -> Result<Self, ConfigError> {
        if store.key_list().is_none() {
            let message = "this store cannot list its keys, which what is made of files needs";
            return Err(ConfigError::at("derived", message));
        }
        Ok(Self {
            store,
            settings,
            queue: Arc::new(Semaphore::new(QUEUE)),
            memory: Arc::new(Semaphore::new(MEMORY)),
            room: Mutex::new(None),
            trouble: Trouble::default(),
        })
    }

    pub(super) fn key_list(&self) -> Result<&dyn KeyList, Fault> {
        let none = || Fault::new(codes::NOT_OPEN, "the store no longer lists its keys");
        self.store.key_list().ok_or_else(none)
    }

    /// The entry, read whole and checked, before any of it is given out.
    pub(super) async fn find(&self, asked: &Asked, now: SystemTime) -> Result<Found, NotFound> {
        match timeout(READING, self.read(asked, now)).await {
            Ok(found) => found,
            Err(_) => Err(NotFound::Failed(Fault::new(
                codes::TIMED_OUT,
                format!("no entry within {} s", READING.as_secs()),
            ))),
        }
    }

    async fn read(&self, asked: &Asked, now: SystemTime) -> Result<Found, NotFound> {
        let bytes = self.store.read(&asked.key, None).await;
        let mut pieces = bytes.map_err(|fault| match fault.code == codes::BYTES_MISSING {
            true => NotFound::Missing,
            false => NotFound::Failed(fault),
        })?;
        let failed =
            |error| NotFound::Failed(Fault::new(codes::BYTES_MISSING, "an entry broke off").with_source(error));
        let mut read = BytesMut::new();
        while read.len() < HEAD {
            let piece = pieces.try_next().await.map_err(failed)?;
            read.extend_from_slice(&piece.ok_or(NotFound::Damaged)?);
        }
        let head = Head::read(&read.split_to(HEAD), asked).ok_or(NotFound::Damaged)?;
        if head.length > LARGEST {
            return Err(NotFound::Damaged);
        }
        let age = now.duration_since(head.made).unwrap_or_default();
        if age >= self.settings.max_age {
            return Err(NotFound::Missing);
        }
        // Bounded here, by what the head says, because nothing says it before.
        let kibibytes = u32::try_from(head.length.div_ceil(1024)).map_err(|_| NotFound::Damaged)?;
        let Ok(_memory) = self.memory.acquire_many(kibibytes).await else {
            return Err(NotFound::Missing);
        };
        while let Some(piece) = pieces.try_next().await.map_err(failed)? {
            if (read.len() + piece.len()) as u64 > head.length {
                return Err(NotFound::Damaged);
            }
            read.extend_from_slice(&piece);
        }
        let idle = now.duration_since(head.written).unwrap_or_default();
        let is_due = age < self.settings.idle() && idle >= NOTED_EVERY.min(self.settings.max_age / 8);
        let made = head.made;
        let derived = head.open(read.freeze()).ok_or(NotFound::Damaged)?;
        let note = is_due.then_some(made);
        Ok(Found { derived, note })
    }

    /// Writes an entry, if there is room for it. `false`: there is none.
    pub(super) async fn write(&self, entry: &[Bytes], asked: &Asked, now: SystemTime) -> Result<bool, Fault> {
        let size = entry.iter().map(|piece| piece.len() as u64).sum();
        let mut room = self.room.lock().await;
        if !self.has_room(&mut room, size, now).await? {
            return Ok(false);
        }
        let written = timeout(CALL, self.put(entry, asked)).await;
        let late = || Err(Fault::new(codes::TIMED_OUT, "an entry was not written in time"));
        let written = written.unwrap_or_else(|_| late());
        if written.is_err() {
            // An attempt that failed may have left bytes. If they cannot be removed now, they age as every entry does.
            let _left = timeout(CALL, self.store.delete(&asked.key)).await;
        }
        written?;
        if let Some(room) = room.as_mut() {
            room.bytes += size;
            room.new_bytes += size;
            room.count += 1;
            room.new_count += 1;
            measure::derived_fill(room.bytes, room.count);
        }
        Ok(true)
    }

    async fn put(&self, entry: &[Bytes], asked: &Asked) -> Result<(), Fault> {
        let mut staged = self.store.stage(&asked.key, None).await?;
        for piece in entry {
            staged.write(piece.clone()).await?;
        }
        staged.commit().await
    }

    /// Whether there is room, after a look at the store if this node has not looked for a while, or has written much since.
    async fn has_room(&self, room: &mut Option<Room>, size: u64, now: SystemTime) -> Result<bool, Fault> {
        let bounds = &self.settings;
        let fits = |room: &Room| room.bytes + size <= bounds.max_size && room.count < bounds.max_count;
        let knows = |room: &Room| {
            let (bytes, count) = (room.new_bytes + size, room.new_count + 1);
            fits(room) && (room.new_count == 0 || bytes <= bounds.max_size / 8 && count <= bounds.max_count.div_ceil(8))
        };
        if room.as_ref().is_some_and(knows) {
            return Ok(true);
        }
        // Where looks take long, at most a twentieth of the time is spent looking.
        let is_too_soon = |room: Room| room.took > QUICK && room.looked.elapsed() < room.took * 20;
        if room.is_some_and(is_too_soon) {
            return Ok(false);
        }
        let seen = self.look(now, size).await?;
        *room = Some(seen);
        Ok(fits(&seen))
    }

    /// The entry as it is written.
    pub(super) fn sealed(derived: &Derived, asked: &Asked, made: SystemTime, now: SystemTime) -> Option<[Bytes; 2]> {
        Some([head_of(derived, asked, made, now)?, derived.bytes.clone()])
    }
}
