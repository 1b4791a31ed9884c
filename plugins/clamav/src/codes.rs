//! The codes of this plugin's refusals and faults.

use intake_core::Code;

/// Refused: a signature matches; the subject is its name.
pub const INFECTED: Code = intake_core::codes::INFECTED;
/// Fault: clamd cannot be reached, or all connections are in use.
pub const SCANNER_UNAVAILABLE: Code = intake_core::codes::SCANNER_UNAVAILABLE;
/// Fault: clamd was reached and gave no verdict.
pub const SCANNER_FAILED: Code = intake_core::codes::SCANNER_FAILED;
