//! The codes of this plugin's refusals and faults.

use intake_core::Code;

/// Refused: a signature matches; the subject is its name.
pub const INFECTED: Code = Code::new("infected");
/// Fault: clamd cannot be reached, or all connections are in use.
pub const SCANNER_UNAVAILABLE: Code = Code::new("scanner_unavailable");
/// Fault: clamd was reached and gave no verdict.
pub const SCANNER_FAILED: Code = Code::new("scanner_failed");
