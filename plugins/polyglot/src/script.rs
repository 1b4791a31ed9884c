//! Images that are also scripts: a browser reads the letters at their beginning as a name, and the bytes behind them as a comment
//! or as an operator.

use crate::host::Host;
use crate::signatures::first_of;

/// How many characters of text a script has at least where the image should go on. Compressed data does not have so many.
const RUN: usize = 16;
/// In the head, where XMP may begin with 28 characters of text behind the length of its segment.
const LONG_RUN: usize = 40;
/// How many it has if the file ends before.
const SHORT_RUN: usize = 4;

/// What the beginning of an image is to a browser that reads it as a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Script {
    /// None.
    #[default]
    No,
    /// It is one already.
    Now,
    /// A comment up to `*/`, or up to the end of the line, which is one if text follows.
    Comment,
    Line,
}

impl Script {
    pub(crate) fn of(host: Host, head: &[u8]) -> Self {
        // Behind the letters that are a name.
        let name = match host {
            Host::Gif => 6,
            Host::Webp => 4,
            Host::Jpeg if head.get(2) == Some(&0xFF) => 4,
            Host::Image if head.starts_with(b"BM") => 2,
            _ => return Self::No,
        };
        let Some(rest) = head.get(name..) else {
            return Self::No;
        };
        let spaces = rest.iter().take_while(|byte| is_space(**byte)).count();
        let rest = &rest[spaces..];
        match rest {
            [b'/', b'*', ..] => Self::Comment,
            [b'/', b'/', ..] => Self::Line,
            [operator, ..] if is_operator(*operator) && is_text(rest, LONG_RUN) => Self::Now,
            _ => Self::No,
        }
    }

    /// The position below `count` at which the script goes on behind its comment.
    pub(crate) fn goes_on(self, window: &[u8], count: usize) -> Option<usize> {
        let ends = match self {
            Self::Comment => *b"**",
            Self::Line => *b"\n\r",
            Self::No | Self::Now => return None,
        };
        let mut from = 0;
        while let Some(at) = first_of(ends, &window[from..count]).map(|at| from + at) {
            let behind = match self {
                Self::Comment => window[at..].strip_prefix(b"*/"),
                _ => window.get(at + 1..),
            };
            if behind.is_some_and(|behind| is_text(behind, RUN)) {
                return Some(at);
            }
            from = at + 1;
        }
        None
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0B | 0x0C | b'\r' | b' ')
}

fn is_operator(byte: u8) -> bool {
    matches!(
        byte,
        b'=' | b';' | b',' | b'.' | b'(' | b'[' | b'?' | b'+' | b'-' | b'*' | b'&' | b'|' | b'`'
    )
}

/// Whether so many characters of text begin here, or fewer and then the file ends.
fn is_text(bytes: &[u8], least: usize) -> bool {
    let run = bytes.iter().take(least);
    let is_text = run.clone().all(|byte| matches!(byte, b' '..=b'~') || is_space(*byte));
    is_text && run.len() >= SHORT_RUN
}
