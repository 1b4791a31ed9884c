//! The answers of clamd, and how they are shown.

use intake_core::Fault;

use crate::codes::SCANNER_FAILED;

/// The daemon's answer to a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It found nothing.
    Clean,
    /// It found a virus of this name.
    Found(String),
    /// The content exceeds the limit of this name, so the daemon did not scan all of it.
    Limit(String),
    /// The content is longer than the daemon accepts, so it scanned none of it.
    TooLong,
}

impl Answer {
    /// Reads an answer to `INSTREAM`.
    ///
    /// # Errors
    ///
    /// [`SCANNER_FAILED`] if it is any other answer.
    pub(crate) fn parse(answer: &[u8]) -> Result<Self, Fault> {
        match answer {
            b"stream: OK" => return Ok(Self::Clean),
            b"INSTREAM size limit exceeded. ERROR" => return Ok(Self::TooLong),
            _ => {}
        }
        let about = answer.strip_prefix(b"stream: ");
        match about.and_then(|about| about.strip_suffix(b" FOUND")) {
            Some(limit) if limit.starts_with(b"Heuristics.Limits.") => Ok(Self::Limit(legible(limit))),
            Some(name) => Ok(Self::Found(legible(name))),
            None => Err(failed(format!("clamd answered \"{}\"", legible(answer)))),
        }
    }
}

/// The fault of a daemon that was reached and gave no verdict.
pub(crate) fn failed(message: impl Into<String>) -> Fault {
    Fault::new(SCANNER_FAILED, message).retryable()
}

/// The text as it may be shown, logged and stored: printable, and not long.
pub(crate) fn legible(bytes: &[u8]) -> String {
    const LONGEST: usize = 200;
    let shown = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte),
        _ => '?',
    };
    bytes.trim_ascii().iter().take(LONGEST).map(shown).collect()
}
