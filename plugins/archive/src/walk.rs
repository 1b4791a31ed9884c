//! The walk through one upload.

use std::collections::VecDeque;

use intake_core::Bytes;

use crate::budget::Account;
use crate::format::{Format, HEAD};
use crate::layer::Content;
use crate::reader::{Flow, Pushed};
use crate::settings::Settings;
use crate::tally::{Checked, Tally};

/// The end of a ZIP without a comment.
const END: usize = 22;

/// So many bytes are read at a time, because what is not read for lack of memory has to be kept.
const PIECE: usize = 64 * 1024;

/// The walk through one upload, from its first byte to its last.
pub(crate) struct Walk {
    content: Content,
    tally: Tally,
    size: u64,
    /// The last bytes.
    last: Vec<u8>,
    /// Bytes that are not read yet.
    input: VecDeque<Bytes>,
    is_ending: bool,
    is_starved: bool,
}

impl Walk {
    /// `head` has the first bytes of the upload, which are pushed nevertheless.
    pub(crate) fn new(settings: Settings, account: Account, head: &[u8]) -> Self {
        let is_other = head.len() >= HEAD && Format::of(head).is_none();
        Self {
            content: if is_other {
                Content::Other
            } else {
                Content::Unknown {
                    head: Vec::new(),
                    has_relations: false,
                }
            },
            tally: Tally::new(settings, account),
            size: 0,
            last: Vec::with_capacity(2 * END),
            input: VecDeque::new(),
            is_ending: false,
            is_starved: false,
        }
    }

    /// Takes the next bytes. They are read when it goes on.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.size = self.size.saturating_add(bytes.len() as u64);
        let last = bytes.get(bytes.len().saturating_sub(END)..).unwrap_or_default();
        self.last.extend_from_slice(last);
        self.last.drain(..self.last.len().saturating_sub(END));
        if !bytes.is_empty() {
            self.input.push_back(bytes);
        }
    }

    /// No more bytes follow.
    pub(crate) fn end(&mut self) {
        self.is_ending = true;
    }

    /// Reads what came. When it is starved, it can go on as soon as its account has the memory.
    pub(crate) fn go_on(&mut self) -> Pushed {
        if self.is_starved && self.content.go_on(&mut self.tally)? == Flow::Starved {
            return Ok(Flow::Starved);
        }
        self.is_starved = false;
        while let Some(bytes) = self.input.front_mut() {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            if bytes.is_empty() {
                self.input.pop_front();
            }
            if self.content.push(&piece, 0, b"", &mut self.tally)? == Flow::Starved {
                self.is_starved = true;
                return Ok(Flow::Starved);
            }
        }
        if self.is_ending {
            if self.content.end(0, b"", &mut self.tally)? == Flow::Starved {
                self.is_starved = true;
                return Ok(Flow::Starved);
            }
            self.ended()?;
        }
        Ok(Flow::On)
    }

    /// Looks at the upload as a whole.
    fn ended(&mut self) -> Checked {
        if matches!(self.content, Content::Other) && self.ends_as_zip() {
            self.tally.archive(Format::Zip.name(), 1, b"")?;
            self.tally.inconsistent(b"", "begins as a file of another type")?;
        }
        self.tally.ratio_of_upload(self.size)
    }

    /// Whether programs that look for a ZIP at the end of a file find one.
    fn ends_as_zip(&self) -> bool {
        let number = |at: usize| {
            let field = self.last.get(at..).and_then(<[u8]>::first_chunk);
            field.copied().map_or(0, |field| u64::from(u32::from_le_bytes(field)))
        };
        // No comment follows, and the list of members has a place in front of its end.
        let has_signature = self.last.starts_with(b"PK\x05\x06") && self.last.ends_with(&[0, 0]);
        has_signature && number(12) > 0 && number(12).saturating_add(END as u64) <= self.size
    }

    /// How many of the next bytes it would only count.
    pub(crate) fn passes(&self) -> u64 {
        if self.is_starved { 0 } else { self.content.passes() }
    }

    /// What was counted.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }
}
