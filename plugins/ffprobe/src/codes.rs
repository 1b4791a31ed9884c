//! The codes of this plugin's faults.

use intake_core::Code;

/// Fault: `ffprobe` or `prlimit` cannot be started, other files take all processes, or the spool folder cannot be written.
pub const SCANNER_UNAVAILABLE: Code = intake_core::codes::SCANNER_UNAVAILABLE;
