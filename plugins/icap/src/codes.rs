//! The codes of this plugin's refusals and faults.

use intake_core::Code;

/// Refused: the server found a virus; the subject is its name.
pub const INFECTED: Code = intake_core::codes::INFECTED;
/// Refused: the server blocked or changed the file, and named no virus. The subject is its reason, if it gave one.
pub const CONTENT_BLOCKED: Code = Code::new("content_blocked");
/// Fault: the server cannot be reached, is overloaded, or all connections are in use.
pub const SCANNER_UNAVAILABLE: Code = intake_core::codes::SCANNER_UNAVAILABLE;
/// Fault: the server was reached and gave no verdict.
pub const SCANNER_FAILED: Code = intake_core::codes::SCANNER_FAILED;
