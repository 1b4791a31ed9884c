//! The codes of this plugin's faults.

use intake_core::Code;

/// The database could not be reached, or could not do what it was asked.
pub const RECORD_FAILED: Code = Code::new("record_failed");
/// A row is not one that this version has written.
pub const RECORD_UNREADABLE: Code = Code::new("record_unreadable");
