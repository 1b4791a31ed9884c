//! Private functions that the fuzz targets call.

use crate::answer::Answer;
use crate::judge::{Asked, Finding, finding};
use crate::settings::Method;
use crate::tally::Tally;

/// What an answer says of a content.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing was found.
    Harmless,
    /// A virus or a reason, as it is shown.
    Found(String),
    /// The answer is malformed or has no verdict, as it is shown.
    Failed(String),
    /// It is not whole.
    Nothing,
}

/// What an answer says that comes in these pieces, to a content of five bytes.
#[must_use]
pub fn answer(pieces: &[&[u8]]) -> Told {
    let asked = Asked {
        method: Method::Respmod,
        target: String::new(),
    };
    let mut sent = Tally::default();
    sent.add(b"hello");
    let mut answer = Answer::default();
    for piece in pieces {
        if let Err(fault) = answer.read(piece) {
            return Told::Failed(fault.message);
        }
    }
    match finding(&answer, &asked, &sent) {
        Ok(None) => Told::Nothing,
        Ok(Some(Finding::Clean | Finding::Unchanged)) => Told::Harmless,
        Ok(Some(Finding::Infected(shown) | Finding::Blocked(Some(shown)))) => Told::Found(shown),
        Ok(Some(Finding::Blocked(None))) => Told::Found("blocked".to_owned()),
        Err(fault) => Told::Failed(fault.message),
    }
}
