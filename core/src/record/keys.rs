//! Under which keys the bytes of an upload are. Every key that the pipeline uses is made here.

use crate::record::upload::Record;
use crate::value::id::{Key, Place};

/// The key of an upload's whole content.
pub(crate) fn key_of(record: &Record) -> Key {
    key_at(record, &record.place)
}

/// The same, in another place.
pub(crate) fn key_at(record: &Record, place: &Place) -> Key {
    Key::whole(record.id).behind(place.prefix.as_deref())
}

/// The key of a part of its own.
pub(crate) fn part_key_of(record: &Record, number: u16) -> Key {
    Key::part(record.id, number).behind(record.place.prefix.as_deref())
}

/// What the store calls this upload, if it keeps its parts in a way of its own.
pub(crate) fn upload_of(record: &Record) -> Option<&str> {
    let parts = record.parts.as_ref().filter(|parts| !parts.apart)?;
    parts.upload.as_deref()
}
