//! The codes of this plugin's refusals and faults.

use intake_core::Code;

/// Refused: a rule matches; the subject is its name, behind the name of its file and a colon.
pub const YARA_MATCH: Code = Code::new("yara_match");
/// Fault: other scans take all threads, or all of the disk that is set aside, or the folder for it cannot be written.
pub const SCANNER_UNAVAILABLE: Code = intake_core::codes::SCANNER_UNAVAILABLE;
/// Fault: the scan took too long, or failed.
pub const SCANNER_FAILED: Code = intake_core::codes::SCANNER_FAILED;
