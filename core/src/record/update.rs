//! The outcome of a change of a record.

/// The outcome of a change of a record. None of these is a fault.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// The change was written.
    Applied,
    /// The record was changed or deleted since it was read. Nothing was written.
    Conflict,
    /// An account would exceed its quota. Nothing was written.
    QuotaExceeded,
}
