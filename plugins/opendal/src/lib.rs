//! Keeps bytes on disk, in S3 or in memory, through [OpenDAL](opendal).
//!
//! ```
//! use intake_plugin_opendal::OpendalStore;
//!
//! let disk = OpendalStore::fs("/var/lib/intake/bytes"); // opens nothing yet
//! let memory = OpendalStore::memory();
//! ```
//!
//! OpenDAL reads and speaks to services. What it cannot do on a disk, making bytes durable and removing whatever an attempt
//! that died has left, `disk.rs` does with the standard library. The README has the settings and what is promised.

mod cause;
mod client;
mod disk;
mod disk_parts;
mod fault;
mod files;
mod gather;
mod multipart;
mod name;
mod object;
mod object_parts;
mod objects;
mod part_files;
mod part_list;
mod part_whole;
mod probe;
mod read;
mod s3;
mod settings;
mod sign;
mod spool;
#[cfg(feature = "testkit")]
pub mod testkit;

use std::ops::Range;
use std::path::PathBuf;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use intake_core::{
    ByteStream, Bytes, Code, ConfigError, ConfigErrors, Fault, FromSettings, Key, MediaType, Multipart, Plugin,
    Settings, Staged, Store, UploadId,
};
use opendal::Operator;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::disk::Disk;
use crate::files::Files;
use crate::name::Name;
use crate::objects::Objects;
use crate::settings::Scheme;

/// The store did not do what it was asked to.
pub const STORE_FAILED: Code = Code::new("store_failed");
/// There is no room left in the store.
pub const STORE_FULL: Code = Code::new("store_full");

intake_core::inventory::submit! {
    Plugin::store::<OpendalStore>("opendal", "keeps bytes on disk, in S3 or in memory")
}

/// Keeps bytes on disk, in S3 or in memory.
#[derive(Debug)]
pub struct OpendalStore {
    place: Place,
}

#[derive(Debug)]
enum Place {
    Disk(Disk),
    Objects(Objects),
}

impl OpendalStore {
    /// Keeps bytes in a folder. What was committed outlives a loss of power. The folder is made when it is first needed.
    pub fn fs(root: impl Into<PathBuf>) -> Self {
        Self::at(Place::Disk(Disk::new(Files::durable(root.into()))))
    }

    /// Keeps bytes in memory, and loses them at the end.
    #[must_use]
    pub fn memory() -> Self {
        Self::at(Place::Objects(Objects::memory()))
    }

    /// Keeps bytes wherever OpenDAL can. The operator's own promises hold: OpenDAL's `fs` does not sync folders.
    ///
    /// # Errors
    ///
    /// If the operator's service cannot do what a store must; the message says what is lacking.
    pub fn new(operator: Operator) -> Result<Self, ConfigError> {
        Objects::of(operator).map(|objects| Self::at(Place::Objects(objects)))
    }

    fn at(place: Place) -> Self {
        Self { place }
    }

    /// A key for a probe: of its own, as other nodes may do the same at the same time; no upload has one that begins like this.
    fn probe_key() -> Key {
        const OURS: u128 = (1 << 48) - 1;
        Key::whole(UploadId::from(Uuid::from_u128(Uuid::new_v4().as_u128() & OURS)))
    }

    /// Does once what an upload does, and one who reads and removes it.
    async fn probe(&self) -> Result<(), Fault> {
        let objects = match &self.place {
            Place::Disk(disk) => return disk.try_out().await,
            Place::Objects(objects) => objects,
        };
        let key = Self::probe_key();
        if objects.takes_parts() {
            return probe::probe(objects, &Name::of(&key)?).await;
        }
        let written = Bytes::from_static(b"intake was here");
        let staged = self.stage(&key, None).await?;
        // A service that failed just now is not waited for once more.
        let read = self.write_and_read(&key, staged, &written).await?;
        self.delete(&key).await?;
        if read == written {
            return Ok(());
        }
        Err(Fault::new(STORE_FAILED, "what was read is not what was written"))
    }

    async fn write_and_read(&self, key: &Key, mut staged: Box<dyn Staged>, written: &Bytes) -> Result<Vec<u8>, Fault> {
        staged.write(written.clone()).await?;
        staged.commit().await?;
        let pieces: Vec<Bytes> = self
            .read(key, None)
            .await?
            .try_collect()
            .await
            .map_err(|error| Fault::new(STORE_FAILED, "cannot read what was just written").because(error))?;
        Ok(pieces.concat())
    }
}

impl FromSettings for OpendalStore {
    /// Read by hand, because which settings there are depends on `scheme`.
    type Settings = Map<String, Value>;

    fn from_settings(table: Map<String, Value>) -> Result<Self, ConfigError> {
        Ok(Self::from_table(Settings::new(table))?)
    }

    fn from_table(settings: Settings) -> Result<Self, ConfigErrors> {
        Ok(Self::at(match Scheme::read(settings)? {
            Scheme::Fs(fs) if fs.durable => Place::Disk(Disk::new(Files::durable(fs.root))),
            Scheme::Fs(fs) => Place::Disk(Disk::new(Files::fleeting(fs.root))),
            Scheme::S3(s3) => Place::Objects(Objects::s3(*s3)),
            Scheme::Memory => Place::Objects(Objects::memory()),
        }))
    }
}

#[async_trait]
impl Store for OpendalStore {
    async fn stage(&self, key: &Key, media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault> {
        let name = Name::of(key)?;
        match &self.place {
            Place::Disk(disk) => disk.stage(name).await,
            Place::Objects(objects) => objects.stage(name, media_type).await,
        }
    }

    async fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        let name = Name::of(key)?;
        match &self.place {
            Place::Disk(disk) => disk.read(&name, range).await,
            Place::Objects(objects) => objects.read(&name, range).await,
        }
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>, Fault> {
        let name = Name::of(key)?;
        match &self.place {
            Place::Disk(disk) => disk.size(&name).await,
            Place::Objects(objects) => objects.size(&name).await,
        }
    }

    async fn delete(&self, key: &Key) -> Result<(), Fault> {
        let name = Name::of(key)?;
        match &self.place {
            Place::Disk(disk) => disk.delete(name).await,
            Place::Objects(objects) => objects.delete(&name).await,
        }
    }

    fn multipart(&self) -> Option<&dyn Multipart> {
        match &self.place {
            Place::Disk(disk) => Some(disk),
            Place::Objects(objects) => objects.takes_parts().then_some(objects),
        }
    }

    fn most_bytes(&self) -> Option<u64> {
        match &self.place {
            Place::Disk(_) => None,
            Place::Objects(objects) => objects.most_bytes(),
        }
    }

    fn bytes_of_upload(&self) -> u64 {
        /// What a file is gathered in before it is written.
        const BUFFERS: u64 = 256 * 1024;
        match &self.place {
            Place::Disk(_) => BUFFERS,
            Place::Objects(objects) => objects.bytes_of_upload().unwrap_or(BUFFERS),
        }
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.probe().await
    }

    /// On a disk as at the start, which is cheap and also notices that there is no room. A bucket is only asked for something that
    /// is not there: a dozen calls every few seconds would cost money.
    async fn alive(&self) -> Result<(), Fault> {
        match &self.place {
            Place::Disk(_) => self.ready().await,
            Place::Objects(objects) => objects.size(&Name::checked("intake-is-alive")?).await.map(drop),
        }
    }
}
