//! Test suites, one for each trait. An implementation that keeps the contract passes, and the test of a plugin is one line.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use intake_core::{memory, testkit};
//!
//! testkit::store(&memory::MemoryStore::default()).await;
//! testkit::recorder(&memory::MemoryRecorder::default()).await;
//! let checked = testkit::expirer(memory::KeepAll);
//! println!("{checked}");
//! # });
//! ```
//!
//! | trait | suite | the author of the plugin provides |
//! | --- | --- | --- |
//! | [`Validator`](crate::Validator) | [`validator()`] | |
//! | [`Scanner`](crate::Scanner) | [`scanner()`] | contents, with the verdict on each: [`Sample`] |
//! | [`Store`](crate::Store), [`Multipart`](crate::Multipart) | [`store()`] | |
//! | [`Recorder`](crate::Recorder), [`Catalog`](crate::Catalog), [`Outbox`](crate::Outbox) | [`recorder()`] | |
//! | [`Expirer`](crate::Expirer) | [`expirer()`] | |
//! | [`Fetcher`](crate::Fetcher) | [`fetcher()`] | sources, with how each ends: [`Source`] |
//! | [`Notifier`](crate::Notifier) | [`notifier()`] | targets, with what becomes of a message to each: [`Destination`] |
//!
//! A suite panics at the first broken rule, with a report of four lines:
//!
//! ```text
//! rule: uploads at the same time do not mix
//! asked: finish for sample 0 (5 bytes)
//! expected: for sample 0 (5 bytes), as alone and in one piece: Accepted { coverage: Whole, notes: {} }
//! seen: Refused(infected)
//! ```
//!
//! A suite notices calls that hang or block: see [`Patience`]. A suite that passes returns [`Checked`]: the rules that hold, and what
//! it left out. [`faulty`] has stores and recorders that fail on command.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a suite reports a broken rule by a panic"
)]

#[macro_use]
mod broken;
#[macro_use]
mod trial;

mod catalog;
mod content;
mod deliveries;
mod expirer;
pub mod faulty;
mod fetcher;
mod files;
mod keys;
mod lists;
mod multipart;
mod notifier;
mod outbox;
mod recorder;
mod sample;
mod scanner;
mod scripted_notifier;
mod store;
mod subscriptions;
mod told;
mod validator;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;

use crate::value::id::ByteStream;

pub use self::expirer::expirer;
pub use self::fetcher::{Source, fetcher};
pub use self::notifier::{Destination, notifier};
pub use self::recorder::recorder;
pub use self::sample::{changed, sample_record};
pub use self::scanner::{Sample, scan, scanner};
pub use self::scripted_notifier::ScriptedNotifier;
pub use self::store::store;
pub use self::trial::{Checked, Patience};
pub use self::validator::validator;

/// Reads a stream to its end.
///
/// # Panics
///
/// If the stream ends with an error.
pub async fn collect(stream: ByteStream) -> Bytes {
    let read = stream.try_fold(BytesMut::new(), |mut all, piece| async move {
        all.extend_from_slice(&piece);
        Ok(all)
    });
    read.await.expect("the stream ends well").freeze()
}

/// Bytes that look like no known type and compress badly. The same seed gives the same bytes.
#[must_use]
pub fn noise(seed: u64, len: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        // xorshift64 is good enough here, and needs no dependency.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = std::iter::repeat_with(next).take(len.div_ceil(8)).flatten().collect();
    bytes.truncate(len);
    bytes.into()
}
