//! The contract for plugin authors: seven stages, one trait each.
//!
//! | stage | what the pipeline asks of it | may wait | may fail |
//! | --- | --- | --- | --- |
//! | [`Fetcher`] | to fetch what a source names | yes | yes |
//! | [`Validator`] | to judge an upload by its facts | no | no |
//! | [`Scanner`] | to read the content as it arrives, then to judge it | yes | yes |
//! | [`Store`] | to keep bytes | yes | yes |
//! | [`Recorder`] | to keep records, and to replace a record by its next revision | yes | yes |
//! | [`Expirer`] | to decide how long an upload is kept | no | no |
//! | [`Notifier`](crate::Notifier) | to tell others what happened to a file | yes | yes |
//!
//! These rules hold for every stage:
//!
//! - A refusal is an answer ([`Verdict`]). A failure is an error ([`Fault`]). A failure never counts as acceptance.
//! - Building a stage opens no connection and starts no task. The first call opens what it needs; `ready` is the probe.
//! - No call blocks its thread. Blocking work goes to `tokio::task::spawn_blocking`.
//! - The pipeline calls one stage for many uploads at the same time.
//! - The caller may drop the future of a call at any moment.
//!
//! Each trait has a suite in `testkit`. An implementation that passes its suite keeps the contract.

use std::fmt::Debug;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;

pub use crate::contract::catalog::Catalog;
pub use crate::contract::key_list::{KeyList, ListedKey};
pub use crate::contract::listing::{Backlog, FileFilter, FileList, FileTotals, Listing, ListingOfAll, Order};
pub use crate::contract::recorder::Recorder;
pub use crate::contract::report::Report;
use crate::value::error::{Error, Fault};
use crate::value::evidence::Facts;
use crate::value::id::{ByteStream, Key};
use crate::value::incoming::Incoming;
use crate::value::inspection::Engine;
use crate::value::lifetime::{Lifetime, Retention};
use crate::value::media_type::MediaType;
use crate::value::parts::{MOST_PARTS, Part, PartRange};
use crate::value::scan_policy::OnPartial;
use crate::value::upload_info::{Head, UploadInfo};
use crate::value::verdict::Verdict;

/// Fetches the bytes of an upload from a source that the sender names, such as a URL.
///
/// Only *fetched* uploads need a fetcher. An adapter that already has the bytes builds an [`Incoming`] itself.
///
/// The pipeline fetches many sources at the same time. Each upload has an id of its own, and the pipeline may drop any of them
/// at any moment. A text that names no source is the sender's mistake: the fetcher refuses it with [`Error::Rejected`], never
/// with a fault.
#[async_trait]
pub trait Fetcher: Debug + Send + Sync {
    /// Checks early whether the source may be fetched: [`receive`](Self::receive) checks again. Opens no connection to the source.
    ///
    /// # Errors
    ///
    /// - [`Error::Rejected`] if the source must not be fetched.
    /// - [`Error::Interrupted`] if the fetcher cannot tell now.
    async fn judge(&self, source: &str) -> Result<(), Error>;

    /// Checks the source and opens it. The fetcher reads bytes only as fast as the pipeline asks for them.
    ///
    /// # Errors
    ///
    /// - [`Error::Rejected`] if the source must not be fetched, or never can be.
    /// - [`Error::Interrupted`] if this try failed and another one may succeed.
    /// - [`Error::Fault`] if a part of this system failed.
    ///
    /// The first two tell the sender what is wrong with the source: see [`Error::rejection`]. An error in the stream of bytes
    /// tells it too if it is an [`Interruption`](crate::Interruption) or an [`Error`].
    async fn receive(&self, source: &str) -> Result<Incoming, Error>;

    /// Checks whether the stage can work now. Health checks call it.
    ///
    /// # Errors
    ///
    /// The reason why it cannot.
    async fn ready(&self) -> Result<(), Fault>;
}

/// Judges an upload by its facts.
///
/// A validator does not wait, cannot fail, and keeps no state between uploads: the same facts get the same verdict. The pipeline
/// asks it at three moments, and the type of the argument says what is known by then. The first refusal ends the upload.
/// [`UploadInfo`] has an example.
///
/// The methods accept by default: implement those that the rule needs.
pub trait Validator: Debug + Send + Sync {
    /// Judges what the sender declares, before the first byte. Nothing is recorded or stored yet.
    fn declared(&self, _upload: &UploadInfo<'_>) -> Verdict {
        Verdict::Accept
    }

    /// Judges the first bytes. Nothing is stored yet, and the rest is not read.
    fn head(&self, _head: &Head<'_>) -> Verdict {
        Verdict::Accept
    }

    /// Judges the whole upload, after the last byte. Nothing is committed yet.
    ///
    /// In a form, the project and the metadata may follow the file. If they do, the pipeline asks a second time, when all of it is
    /// known: a rule for one project belongs here, and accepts an upload whose project is not known yet.
    fn whole(&self, _upload: &UploadInfo<'_>, _facts: &Facts) -> Verdict {
        Verdict::Accept
    }
}

/// Reads the content of uploads as it arrives, and judges it.
///
/// A scanner may wait and may fail. It keeps the state of one upload in a [`Scan`].
///
/// - The verdict does not depend on how the content is cut into chunks: the network cuts it anywhere.
/// - An upload may stall for as long as its sender does. It must not hold up the scans of other uploads.
#[async_trait]
pub trait Scanner: Debug + Send + Sync {
    /// Starts the scan of one upload. [`Scan::feed`] gets all of the content, including the bytes of `head`.
    ///
    /// # Errors
    ///
    /// If the scanner cannot scan now. What happens to the upload then is [`ScanPolicy::on_fault`](crate::ScanPolicy::on_fault).
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault>;

    /// What happens to an upload that this scanner did not look at completely, unless the pipeline is told otherwise: it is
    /// accepted. A scanner whose verdict is worth nothing for what it did not see answers [`OnPartial::Refuse`].
    fn on_partial(&self) -> OnPartial {
        OnPartial::Accept
    }

    /// The engine behind the scanner as it is now, with the version of its signatures. The pipeline asks from time to time: files
    /// that were last scanned with other signatures are scanned again. `None`: there is none, and no file is scanned again.
    ///
    /// # Errors
    ///
    /// If the engine does not answer.
    async fn engine(&self) -> Result<Option<Engine>, Fault> {
        Ok(None)
    }

    /// Checks whether the stage can work now. Health checks call it.
    ///
    /// # Errors
    ///
    /// The reason why it cannot.
    async fn ready(&self) -> Result<(), Fault>;
}

/// The scan of one upload. The pipeline may drop it at any moment, which means that the upload ended in another way.
#[async_trait]
pub trait Scan: Send {
    /// Takes the next bytes. The upload waits until this returns. A refusal ends the upload at once.
    ///
    /// # Errors
    ///
    /// If the scan cannot go on.
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault>;

    /// What this scan will not look at, whatever comes, if it knows of something already. Where partly covered uploads are
    /// refused, the pipeline then refuses this one and reads no more of it.
    fn gap(&self) -> Option<String> {
        None
    }

    /// Ends the scan after the last byte. Returns the verdict, and how much of the content it covers.
    ///
    /// # Errors
    ///
    /// If the scanner has no verdict. The upload is then not accepted, unless its [`ScanPolicy`](crate::ScanPolicy) says so.
    async fn finish(self: Box<Self>) -> Result<Report, Fault>;
}

/// Keeps bytes under keys. It knows nothing of uploads.
///
/// - Only the pipeline writes keys.
/// - The key of a whole upload has one writer. A second one writes it only after the first one crashed.
/// - The key of a part may be written again, even by two writers at the same time. The last commit wins: its bytes replace the
///   others entirely, and are never mixed with them.
/// - A store may show bytes before [`Staged::commit`]. The record, not the store, says whether an upload is readable.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Starts to write under a key. [`Store::delete`] of the same key removes everything that this writes, even if the process crashes
    /// at any later moment.
    ///
    /// # Errors
    ///
    /// If the store cannot start.
    async fn stage(&self, key: &Key, media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault>;

    /// Reads the bytes under a key, or a range of them. A range that goes beyond the last byte ends at the last byte.
    ///
    /// # Errors
    ///
    /// [`BYTES_MISSING`](crate::codes::BYTES_MISSING) if no bytes are under the key, else the reason why they cannot be read.
    async fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<ByteStream, Fault>;

    /// Returns how many bytes are committed under a key, or `None` if nothing is.
    ///
    /// # Errors
    ///
    /// If the store could not look it up.
    async fn size(&self, key: &Key) -> Result<Option<u64>, Fault>;

    /// Deletes everything under a key: committed bytes, staged bytes, and what a crashed attempt left behind. Deleting a key under
    /// which there is nothing succeeds.
    ///
    /// # Errors
    ///
    /// If bytes may still be there.
    async fn delete(&self, key: &Key) -> Result<(), Fault>;

    /// The store's own support for multipart uploads, if it has any. With `None`, the pipeline stores each part under a key of its
    /// own, and copies the parts into one at the end.
    fn multipart(&self) -> Option<&dyn Multipart>;

    /// The store's own list of its keys, if it has one. `None`: it can keep uploads, but nothing that is [derived](crate::Derived)
    /// from them.
    fn key_list(&self) -> Option<&dyn KeyList> {
        None
    }

    /// The most bytes that the store can keep under one key, if there is a bound. Building a pipeline with a higher size limit fails.
    fn most_bytes(&self) -> Option<u64> {
        None
    }

    /// The most memory, in bytes, that the store uses for one upload while it is written. A program bounds its memory with it. The
    /// default is 256 KiB.
    fn bytes_of_upload(&self) -> u64 {
        const BUFFERS: u64 = 256 * 1024;
        BUFFERS
    }

    /// Checks whether the store can work now. A program calls it once at its start, so it may try everything that uploads need.
    ///
    /// # Errors
    ///
    /// The reason why it cannot.
    async fn ready(&self) -> Result<(), Fault>;

    /// Checks whether the store still works. A program calls it every few seconds.
    ///
    /// A store whose calls cost money or time does less here than in [`ready`](Self::ready). By default it does the same.
    ///
    /// # Errors
    ///
    /// The reason why it does not work.
    async fn alive(&self) -> Result<(), Fault> {
        self.ready().await
    }
}

/// One write into a store.
///
/// The caller ends it with [`commit`](Self::commit) or [`discard`](Self::discard), or drops it. A dropped write may leave bytes
/// behind, which [`Store::delete`] removes later.
#[async_trait]
pub trait Staged: Send {
    /// Writes the next bytes. The upload waits until this returns.
    ///
    /// # Errors
    ///
    /// If the bytes could not be written. The caller may then only discard or drop the write.
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault>;

    /// Makes all bytes durable: after this returns, neither a crash nor a power failure loses them.
    ///
    /// # Errors
    ///
    /// If the bytes may not be durable.
    async fn commit(self: Box<Self>) -> Result<(), Fault>;

    /// Deletes all bytes of this write. The caller may call it after a write that failed or was cancelled.
    ///
    /// # Errors
    ///
    /// If bytes may still be there.
    async fn discard(self: Box<Self>) -> Result<(), Fault>;
}

/// A store's own support for multipart uploads, such as the one of S3.
///
/// - Parts come in any order, at the same time, and more than once.
/// - [`Store::delete`] of the key removes everything of the upload, at any moment.
/// - A part may still be written during [`Store::delete`] or [`assemble`](Self::assemble). The store chooses whether that write
///   fails. Its bytes must neither stay after a delete nor change the assembled whole.
#[async_trait]
pub trait Multipart: Debug + Send + Sync {
    /// The most parts that one upload can have here. If it has more, the pipeline stores its parts under keys of their own.
    fn most_parts(&self) -> u16 {
        MOST_PARTS
    }

    /// Starts a multipart upload and returns the store's own name for it. The pipeline records this name and passes it to every later
    /// call as `upload`. Do little here: senders start many uploads of which they never send a part.
    ///
    /// # Errors
    ///
    /// If the store cannot start it.
    async fn begin(&self, key: &Key) -> Result<String, Fault>;

    /// Starts to write a part.
    ///
    /// The commit makes the part durable and replaces an earlier part with the same number. Until then the earlier part stays as
    /// it is. If several writes of one part run at the same time, the last commit wins, and the parts are never mixed.
    ///
    /// `size` is the size in bytes that the sender declares, if it declares one. The pipeline writes at most as many bytes, and
    /// may write fewer.
    ///
    /// # Errors
    ///
    /// - [`NOT_OPEN`](crate::codes::NOT_OPEN) if the parts are already assembled or deleted.
    /// - [`LENGTH_REQUIRED`](crate::codes::LENGTH_REQUIRED) if the store has to know the size.
    /// - [`PARTS_TOO_OFTEN`](crate::codes::PARTS_TOO_OFTEN) if the store keeps no more writes of this upload.
    /// - Any other fault if the store cannot start.
    async fn stage(
        &self,
        key: &Key,
        upload: &str,
        range: &PartRange,
        size: Option<u64>,
    ) -> Result<Box<dyn Staged>, Fault>;

    /// Lists the committed parts, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// If the store could not look them up.
    async fn list(&self, key: &Key, upload: &str) -> Result<Vec<Part>, Fault>;

    /// Reads a committed part before the parts are joined, so that stages can read it while others arrive. `None` if this store
    /// cannot; then the whole is read after it was joined.
    ///
    /// A store that can has to give each commit of a part another [tag](Part::tag) in [`list`](Self::list), return the bytes of
    /// the part with this tag or an error, and let [`assemble`](Self::assemble) fail if a part has another tag by then.
    ///
    /// # Errors
    ///
    /// If the part cannot be read, such as because it was replaced.
    async fn read_part(
        &self,
        _key: &Key,
        _upload: &str,
        _range: &PartRange,
        _part: &Part,
    ) -> Result<Option<ByteStream>, Fault> {
        Ok(None)
    }

    /// Joins these parts into one object that is durable and readable under the key.
    ///
    /// It does not wait for parts that are still being written. After it returns, none of them changes the whole. Calling it again
    /// after it succeeded succeeds.
    ///
    /// # Errors
    ///
    /// [`PARTS_MISSING`](crate::codes::PARTS_MISSING) if a part is no longer there as it was listed. Any other fault if the parts
    /// may not be joined.
    async fn assemble(&self, key: &Key, upload: &str, parts: &[Part]) -> Result<(), Fault>;

    /// Makes a URL to which a sender can `PUT` a part directly, without passing through this program. The URL is valid for
    /// `lifetime`.
    ///
    /// Returns `None` if the store is not configured to make such URLs. If `size` is given and the store can enforce it, the URL
    /// takes exactly so many bytes.
    ///
    /// # Errors
    ///
    /// If the store could not make a URL.
    async fn url(
        &self,
        key: &Key,
        upload: &str,
        range: &PartRange,
        size: Option<u64>,
        lifetime: Duration,
    ) -> Result<Option<String>, Fault>;
}

/// Decides how long an upload is kept.
///
/// The answer depends on the arguments alone: the same arguments get the same answer. An expirer reads no clock beside `now`.
pub trait Expirer: Debug + Send + Sync {
    /// Returns the lifetime of an upload that is committed, or that its owner asks to keep, at `now`.
    ///
    /// If the lifetime ends, it ends later than `now`. Otherwise not even the sender could read the upload.
    fn lifetime(&self, facts: &Facts, retention: Retention, now: SystemTime) -> Lifetime;
}
