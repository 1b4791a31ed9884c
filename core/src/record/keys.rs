//! The keys of the bytes of an upload. Every key that the pipeline uses is made here.

use crate::record::upload::Record;
use crate::value::id::{Key, Location};

/// The key of an upload's whole content.
pub(crate) fn key_of(record: &Record) -> Key {
    key_at(record, &record.location)
}

/// The key of the whole content at another location.
pub(crate) fn key_at(record: &Record, location: &Location) -> Key {
    Key::whole(record.id).with_prefix(location.prefix.as_deref())
}

/// The key of one part that is stored under a key of its own.
pub(crate) fn part_key_of(record: &Record, number: u16) -> Key {
    Key::part(record.id, number).with_prefix(record.location.prefix.as_deref())
}

/// The store's own name for this multipart upload, if the store supports multipart uploads.
pub(crate) fn upload_of(record: &Record) -> Option<&str> {
    let parts = record.parts.as_ref().filter(|parts| !parts.separate_keys)?;
    parts.upload.as_deref()
}
