//! Archives for clamd, made from their members.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::CompressionMethod::Deflated;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub(crate) fn zip(members: &[Vec<u8>]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(Deflated);
    for (at, member) in members.iter().enumerate() {
        zip.start_file(format!("{at}.bin"), options).unwrap();
        zip.write_all(member).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(content).unwrap();
    gzip.finish().unwrap()
}

pub(crate) fn tar(members: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (at, member) in members.iter().enumerate() {
        let mut header = tar::Header::new_ustar();
        header.set_size(member.len() as u64);
        tar.append_data(&mut header, format!("{at}.bin"), &member[..]).unwrap();
    }
    tar.into_inner().unwrap()
}

/// Packs a content, and the result, and so on, so many times.
pub(crate) fn nested(times: usize, content: &[u8], pack: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    (0..times).fold(content.to_vec(), |inner, _| pack(inner))
}

/// So many members of a size, of which the last one is given.
pub(crate) fn members(count: usize, size: usize, last: &[u8]) -> Vec<Vec<u8>> {
    let text = |at: usize| format!("{at} ").into_bytes().into_iter().cycle().take(size).collect();
    (1..count).map(text).chain([last.to_vec()]).collect()
}

/// Text of a length that ends with something.
pub(crate) fn text(len: usize, end: &[u8]) -> Vec<u8> {
    let mut text = vec![b'a'; len];
    text[len - end.len()..].copy_from_slice(end);
    text
}
