//! Keeps bytes on disk, in S3 or in memory, through [OpenDAL](opendal).
//!
//! ```
//! use intake_plugin_opendal::OpendalStore;
//!
//! let disk = OpendalStore::fs("/var/lib/intake/bytes"); // opens nothing yet
//! let memory = OpendalStore::memory();
//! ```
//!
//! OpenDAL reads, and writes to services. On a disk, `fs` writes with the standard library, as OpenDAL can neither make bytes
//! durable nor remove what an attempt has left that was cut off. The README lists settings and guarantees.

mod buffer_size;
mod codes;
mod failure;
mod fault;
mod fs;
mod name;
mod read;
mod s3;
mod settings;
#[cfg(feature = "testkit")]
pub mod testkit;
mod write_buffer;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use crate::s3::api::fuzz;

use std::ops::Range;
use std::path::PathBuf;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use intake_core::{
    ByteStream, Bytes, ConfigError, ConfigErrors, Fault, FromSettings, Key, KeyList, MediaType, Multipart, Plugin,
    Settings, Staged, Store, UploadId,
};
use opendal::Operator;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::fs::files::Files;
use crate::fs::store::FsStore;
use crate::name::Name;
use crate::s3::probe;
use crate::s3::store::ObjectStore;
use crate::settings::Scheme;

pub use crate::codes::{STORE_FAILED, STORE_FULL};

intake_core::inventory::submit! {
    Plugin::store::<OpendalStore>("opendal", "keeps bytes on disk, in S3 or in memory")
        .version(env!("CARGO_PKG_VERSION"))
}

/// Keeps bytes on disk, in S3 or in memory.
#[derive(Debug)]
pub struct OpendalStore {
    backend: Backend,
}

#[derive(Debug)]
enum Backend {
    Fs(FsStore),
    Objects(ObjectStore),
}

impl OpendalStore {
    /// Keeps bytes in a folder. Committed bytes survive a power failure. The folder is created at the first use.
    pub fn fs(root: impl Into<PathBuf>) -> Self {
        Self::at(Backend::Fs(FsStore::new(Files::durable(root.into()))))
    }

    /// Keeps bytes in memory, and loses them when the process ends.
    #[must_use]
    pub fn memory() -> Self {
        Self::at(Backend::Objects(ObjectStore::memory()))
    }

    /// Keeps bytes wherever an OpenDAL operator can. The guarantees are those of the operator: OpenDAL's `fs` does not sync
    /// folders.
    ///
    /// # Errors
    ///
    /// If the operator's service lacks a capability that a store needs; the message names it.
    pub fn new(operator: Operator) -> Result<Self, ConfigError> {
        ObjectStore::of(operator).map(|objects| Self::at(Backend::Objects(objects)))
    }

    fn at(backend: Backend) -> Self {
        Self { backend }
    }

    /// A random key for a probe, as other nodes may probe at the same time. No upload's key begins like this.
    fn probe_key() -> Key {
        const OURS: u128 = (1 << 48) - 1;
        Key::whole(UploadId::from(Uuid::from_u128(Uuid::new_v4().as_u128() & OURS)))
    }

    /// Writes, reads and removes an object once.
    async fn probe(&self) -> Result<(), Fault> {
        let objects = match &self.backend {
            Backend::Fs(disk) => return disk.try_out().await,
            Backend::Objects(objects) => objects,
        };
        let key = Self::probe_key();
        if objects.takes_parts() {
            return probe::probe(objects, &Name::of(&key)?).await;
        }
        let written = Bytes::from_static(b"intake was here");
        let staged = self.stage(&key, None).await?;
        // After a failure no further call is made: the service would have to be waited for again.
        let read = self.write_and_read(&key, staged, &written).await?;
        self.delete(&key).await?;
        if read == written {
            return Ok(());
        }
        Err(Fault::new(
            STORE_FAILED,
            "the bytes that were read differ from those that were written",
        ))
    }

    async fn write_and_read(&self, key: &Key, mut staged: Box<dyn Staged>, written: &Bytes) -> Result<Vec<u8>, Fault> {
        staged.write(written.clone()).await?;
        staged.commit().await?;
        let pieces: Vec<Bytes> = self
            .read(key, None)
            .await?
            .try_collect()
            .await
            .map_err(|error| Fault::new(STORE_FAILED, "cannot read what was just written").with_source(error))?;
        Ok(pieces.concat())
    }
}

impl FromSettings for OpendalStore {
    /// Read by hand, because the settings depend on `scheme`.
    type Settings = Map<String, Value>;

    fn from_settings(table: Map<String, Value>) -> Result<Self, ConfigError> {
        Ok(Self::from_table(Settings::new(table))?)
    }

    fn from_table(settings: Settings) -> Result<Self, ConfigErrors> {
        Ok(Self::at(match Scheme::read(settings)? {
            Scheme::Fs(fs) if fs.durable => Backend::Fs(FsStore::new(Files::durable(fs.root))),
            Scheme::Fs(fs) => Backend::Fs(FsStore::new(Files::fleeting(fs.root))),
            Scheme::S3(s3) => Backend::Objects(ObjectStore::s3(*s3)),
            Scheme::Memory => Backend::Objects(ObjectStore::memory()),
        }))
    }
}

#[async_trait]
impl Store for OpendalStore {
    async fn stage(&self, key: &Key, media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault> {
        let name = Name::of(key)?;
        match &self.backend {
            Backend::Fs(disk) => Ok(disk.stage(name)),
            Backend::Objects(objects) => objects.stage(name, media_type).await,
        }
    }

    async fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        let name = Name::of(key)?;
        match &self.backend {
            Backend::Fs(disk) => disk.read(&name, range).await,
            Backend::Objects(objects) => objects.read(&name, range).await,
        }
    }

    async fn size(&self, key: &Key) -> Result<Option<u64>, Fault> {
        let name = Name::of(key)?;
        match &self.backend {
            Backend::Fs(disk) => disk.size(&name).await,
            Backend::Objects(objects) => objects.size(&name).await,
        }
    }

    async fn delete(&self, key: &Key) -> Result<(), Fault> {
        let name = Name::of(key)?;
        match &self.backend {
            Backend::Fs(disk) => disk.delete(name).await,
            Backend::Objects(objects) => objects.delete(&name).await,
        }
    }

    fn multipart(&self) -> Option<&dyn Multipart> {
        match &self.backend {
            Backend::Fs(disk) => Some(disk),
            Backend::Objects(objects) => objects.takes_parts().then_some(objects),
        }
    }

    fn key_list(&self) -> Option<&dyn KeyList> {
        match &self.backend {
            Backend::Fs(disk) => Some(disk),
            Backend::Objects(objects) => objects.lists_keys().then_some(objects),
        }
    }

    fn most_bytes(&self) -> Option<u64> {
        match &self.backend {
            Backend::Fs(_) => None,
            Backend::Objects(objects) => objects.most_bytes(),
        }
    }

    fn bytes_of_upload(&self) -> u64 {
        /// The size of the write buffer.
        const BUFFERS: u64 = 256 * 1024;
        match &self.backend {
            Backend::Fs(_) => BUFFERS,
            Backend::Objects(objects) => objects.bytes_of_upload().unwrap_or(BUFFERS),
        }
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.probe().await
    }

    /// On a disk the probe of the start, which is cheap and also finds a full disk. A bucket gets one request for an object that
    /// does not exist: a dozen calls every few seconds would cost money.
    async fn alive(&self) -> Result<(), Fault> {
        match &self.backend {
            Backend::Fs(_) => self.ready().await,
            Backend::Objects(objects) => objects.size(&Name::checked("intake-is-alive")?).await.map(drop),
        }
    }
}
