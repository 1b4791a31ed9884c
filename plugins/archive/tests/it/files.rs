//! Packed files.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

pub(crate) fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

pub(crate) fn bzip2(data: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

pub(crate) fn xz(data: &[u8], preset: u32) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), preset);
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

pub(crate) fn zstd(data: &[u8]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(zstd_safe::compress_bound(data.len()));
    zstd_safe::compress(&mut packed, data, 3).expect("room");
    packed
}

/// Text that packs well, but not suspiciously so.
pub(crate) fn text(bytes: usize) -> Vec<u8> {
    let lines = (0..).flat_map(|line: u32| format!("{line} of the quick brown foxes\n").into_bytes());
    lines.take(bytes).collect()
}
