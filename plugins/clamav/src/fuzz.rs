//! Private functions that the fuzz targets call.

use crate::answer::{Answer, legible};

/// Whether an answer of clamd's calls a content clean, and the name or the sentence in it that is shown and logged.
#[must_use]
pub fn answer(said: &[u8]) -> (bool, String) {
    match Answer::parse(said) {
        Ok(Answer::Clean) => (true, String::new()),
        Ok(Answer::Found(name) | Answer::Limit(name)) => (false, name),
        Ok(Answer::TooLong) | Err(_) => (false, legible(said)),
    }
}
