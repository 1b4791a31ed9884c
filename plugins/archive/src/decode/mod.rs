//! Decoders of packed bytes, which take input in pieces of any size.

mod buffered;
mod bzip2;
mod decoder;
mod deflate;
mod gzip;
mod xz;
mod zstd;

pub(crate) use bzip2::bzip2;
pub(crate) use decoder::{Decoded, Decoder};
pub(crate) use deflate::Deflate;
pub(crate) use gzip::Gzip;
pub(crate) use xz::xz;
pub(crate) use zstd::zstd;

/// The most memory that one decoder holds, if its window may have so many bytes.
pub(crate) fn most_memory(max_window: u64) -> u64 {
    zstd::most(max_window).max(xz::most(max_window)).max(bzip2::MOST)
}
