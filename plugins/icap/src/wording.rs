//! How the server's words are shown, and the fault of a server that gives no verdict.

use intake_core::{BoxError, Fault};

use crate::codes::{SCANNER_FAILED, SCANNER_UNAVAILABLE};

/// The text as it may be shown, logged and stored: printable, and not long.
pub(crate) fn legible(bytes: &[u8]) -> String {
    const LONGEST: usize = 200;
    let shown = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '?',
    };
    bytes.trim_ascii().iter().take(LONGEST).map(shown).collect()
}

/// The fault of a server that was reached and gave no verdict.
pub(crate) fn failed(message: impl Into<String>) -> Fault {
    Fault::new(SCANNER_FAILED, message).retryable()
}

/// The fault of a server that cannot be used now.
pub(crate) fn unavailable(message: impl Into<String>, why: impl Into<BoxError>) -> Fault {
    Fault::new(SCANNER_UNAVAILABLE, message).retryable().with_source(why)
}
