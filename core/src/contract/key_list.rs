//! What a store may do besides: list its keys.

use std::fmt::Debug;
use std::time::SystemTime;

use futures_util::stream::BoxStream;

use crate::value::error::Fault;
use crate::value::id::Key;

/// A key under which a store has bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedKey {
    /// The key.
    pub key: Key,
    /// How many bytes are under it.
    pub size: u64,
    /// When they were written, by the clock of the store; now, if it does not say.
    pub written: SystemTime,
}

impl ListedKey {
    /// A key, how many bytes are under it, and when they were written.
    ///
    /// ```
    /// use std::time::SystemTime;
    ///
    /// use intake_core::{Key, ListedKey, UploadId};
    ///
    /// let listed = ListedKey::new(Key::whole(UploadId::random()), 13, SystemTime::now());
    /// ```
    #[must_use]
    pub fn new(key: Key, size: u64, written: SystemTime) -> Self {
        Self { key, size, written }
    }
}

/// A store's own list of its keys. Uploads do not need it, as the records list them; what is [derived](crate::Derived) from files
/// has no records.
///
/// - Keys come in any order. One that is written or deleted during the list may be missing.
/// - A key under which only a crashed attempt left something is listed too, so that [`Store::delete`](crate::Store::delete) can
///   remove that.
/// - What is under the store's place but has no key's name is left out.
/// - The list takes a bounded amount of memory, however many keys there are.
pub trait KeyList: Debug + Send + Sync {
    /// The keys that begin with a prefix, which is empty or has at least two of the characters of keys.
    fn list(&self, prefix: &str) -> BoxStream<'_, Result<ListedKey, Fault>>;
}
