//! How a suite reports a broken rule.

use std::fmt::{Debug, Display};
use std::panic::resume_unwind;

use crate::value::error::Fault;

/// What a rule expected, and what was seen. The [`Trial`](super::trial::Trial) adds the rule and the call.
pub(super) struct Broken {
    /// The rule, if it is not the rule that is being checked.
    pub(super) rule: Option<&'static str>,
    /// The call, if it was not the last one.
    pub(super) asked: Option<String>,
    pub(super) expected: String,
    pub(super) seen: String,
}

/// Ends the suite, because the rule is broken. It does not call the panic hook, so that the report is printed once, at the end.
pub(super) fn broken(expected: impl Display, seen: impl Display) -> ! {
    Broken {
        rule: None,
        asked: None,
        expected: expected.to_string(),
        seen: seen.to_string(),
    }
    .end()
}

impl Broken {
    pub(super) fn end(self) -> ! {
        resume_unwind(Box::new(self))
    }
}

/// A value for a report. Long values are cut.
pub(super) fn shown(value: &dyn Debug) -> String {
    const LONGEST: usize = 2_000;
    let text = format!("{value:?}");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

/// Checks that two values are equal. The text says what is wrong if they are not.
macro_rules! same {
    ($seen:expr, $expected:expr $(,)?) => {
        same!($seen, $expected, "another answer")
    };
    ($seen:expr, $expected:expr, $($what:tt)+) => {
        match (&$seen, &$expected) {
            (seen, expected) => {
                if !(*seen == *expected) {
                    let what = format!($($what)+);
                    let seen = format!("{} ({what})", $crate::testkit::broken::shown(&seen));
                    $crate::testkit::broken::broken($crate::testkit::broken::shown(&expected), seen);
                }
            }
        }
    };
}

/// Checks a condition. The text says what was seen if it does not hold.
macro_rules! holds {
    ($condition:expr $(,)?) => {
        holds!($condition, "the condition does not hold")
    };
    ($condition:expr, $($what:tt)+) => {
        if !$condition {
            let expected = concat!("`", stringify!($condition), "`");
            $crate::testkit::broken::broken(expected, format!($($what)+));
        }
    };
}

/// Ends a suite whose stream of bytes never ends.
pub(super) struct Bounds {
    bytes_left: usize,
    empty_pieces: usize,
}

impl Bounds {
    pub(super) fn new(most: usize) -> Self {
        Self {
            bytes_left: most,
            empty_pieces: 0,
        }
    }

    /// Counts a piece with this number of bytes.
    pub(super) fn count(&mut self, len: usize) {
        const MOST_EMPTY: usize = 1_000;
        match self.bytes_left.checked_sub(len) {
            Some(left) => self.bytes_left = left,
            None => broken("an end of the bytes", "more bytes than the content has"),
        }
        self.empty_pieces = if len == 0 { self.empty_pieces + 1 } else { 0 };
        if self.empty_pieces > MOST_EMPTY {
            broken("bytes, or their end", format!("{MOST_EMPTY} empty pieces in a row"));
        }
    }
}

/// A call that has to succeed: a fault breaks the rule.
pub(super) trait Answers<T> {
    fn answers(self) -> T;
}

impl<T> Answers<T> for Result<T, Fault> {
    fn answers(self) -> T {
        match self {
            Ok(answer) => answer,
            Err(fault) => broken("an answer", format!("a fault: {}", fault.report())),
        }
    }
}

/// A call that has to fail with a fault.
pub(super) trait Fails {
    fn fails(self) -> Fault;
}

impl<T: Debug> Fails for Result<T, Fault> {
    fn fails(self) -> Fault {
        match self {
            Ok(answer) => broken("a fault", shown(&answer)),
            Err(fault) => fault,
        }
    }
}
