//! The codes of this plugin's faults.

use intake_core::Code;

/// The store could not do what it was asked.
pub const STORE_FAILED: Code = Code::new("store_failed");
/// There is no room left in the store.
pub const STORE_FULL: Code = Code::new("store_full");
