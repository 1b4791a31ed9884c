//! Parts, and how putting them together ends.

use crate::name::Name;

/// The identity of a part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartId<'a> {
    pub(crate) name: &'a Name,
    /// The upload's id.
    pub(crate) upload: &'a str,
    /// The part's number, from 1.
    pub(crate) number: u16,
}

/// A part that the service has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) number: u16,
    /// In bytes.
    pub(crate) size: u64,
    /// The service's tag for its content.
    pub(crate) tag: String,
}

/// How putting parts together ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completed {
    /// The object exists.
    Done,
    /// There is no such upload, perhaps because an earlier call put it together and its answer was lost.
    NoSuchUpload,
    /// A part differs from the listed one, as it was sent again meanwhile. The upload is unchanged.
    PartsChanged,
}
