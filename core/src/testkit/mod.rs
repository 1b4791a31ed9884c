//! One suite for each trait: what keeps the contract passes, and a plugin's test is one line.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! use intake_core::{memory, testkit};
//!
//! testkit::store(&memory::MemoryStore::default()).await;
//! testkit::recorder(&memory::MemoryRecorder::default()).await;
//! # });
//! ```
//!
//! A rule is a function whose name is the sentence that it checks; a suite panics at the first rule that is broken.
//! [`faulty`] has stores and recorders that fail on command.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a suite says no by panicking")]

mod catalog;
pub mod faulty;
mod multipart;
mod recorder;
mod sample;
mod scanner;
mod store;
mod validator;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;

use crate::ByteStream;

pub use self::recorder::recorder;
pub use self::sample::sample_record;
pub use self::scanner::{Sample, scan, scanner};
pub use self::store::store;
pub use self::validator::validator;

/// Reads a stream to its end.
///
/// # Panics
///
/// If it breaks off.
pub async fn collect(stream: ByteStream) -> Bytes {
    let read = stream.try_fold(BytesMut::new(), |mut all, piece| async move {
        all.extend_from_slice(&piece);
        Ok(all)
    });
    read.await.expect("the stream ends well").freeze()
}

/// Bytes that look like nothing and compress badly, the same for the same seed.
#[must_use]
pub fn noise(seed: u64, len: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        // xorshift64: good enough to differ, and no dependency.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut bytes: Vec<u8> = std::iter::repeat_with(next).take(len.div_ceil(8)).flatten().collect();
    bytes.truncate(len);
    bytes.into()
}
