//! Types of ZIP files, by their first entries (PKWARE APPNOTE, 4.3).
//!
//! The list of entries is at the end of the file, which has not arrived yet. So the headers before each entry are read.

use super::bytes::{Bytes, find};
use super::office;

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";
/// Bytes of a local header before the name.
const HEADER: usize = 30;
/// The bytes before the first entry in the first part of a split ZIP, or in a ZIP that was made as one.
const SPANNED: &[u8] = b"PK00";

const STORED: usize = 0;
const DEFLATED: usize = 8;

/// The most bytes to which an entry is unpacked.
const MOST_UNPACKED: usize = 64 * 1024;

/// The types that an entry `mimetype` may name: those of formats that begin with such an entry. Any other name could be false.
const BELIEVED: [&str; 5] = [
    "application/vnd.oasis.opendocument.",
    "application/vnd.sun.xml.",
    "application/epub+zip",
    "application/vnd.adobe.indesign-idml-package",
    "image/openraster",
];

/// The endings of the names of parts of an Office package.
const PARTS: [&[u8]; 2] = [b".xml", b".rels"];

/// One entry, as far as it lies within the head.
#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    name: &'a [u8],
    method: usize,
    data: &'a [u8],
}

impl Entry<'_> {
    /// The content, as far as it has arrived and can be unpacked.
    fn content(&self) -> Vec<u8> {
        match self.method {
            STORED => self.data[..self.data.len().min(MOST_UNPACKED)].to_vec(),
            // An entry that is cut off is unpacked as far as it goes.
            DEFLATED => miniz_oxide::inflate::decompress_to_vec_with_limit(self.data, MOST_UNPACKED)
                .unwrap_or_else(|broken| broken.output),
            _ => Vec::new(),
        }
    }
}

/// The type of bytes that begin like a ZIP.
pub(super) fn look(head: &[u8]) -> Option<String> {
    let head = head.strip_prefix(SPANNED).unwrap_or(head);
    if !head.starts_with(LOCAL) {
        return head.starts_with(b"PK\x05\x06").then(|| "application/zip".to_owned());
    }
    let entries: Vec<_> = Entries { head, at: 0 }.collect();
    let found = said_first(&entries)
        .or_else(|| office::of_content_types(&content_of(&entries, b"[Content_Types].xml")?))
        .or_else(|| by_names(&entries).map(str::to_owned));
    Some(found.unwrap_or_else(|| "application/zip".to_owned()))
}

/// The type in the first entry, if it is called `mimetype` (OpenDocument 1.3, part 2, 3.3; EPUB OCF 3.3, 4.2.6.1).
fn said_first(entries: &[Entry<'_>]) -> Option<String> {
    let first = entries.first().filter(|entry| entry.name == b"mimetype")?;
    let said = String::from_utf8(first.content()).ok()?;
    let said = said.trim();
    BELIEVED
        .iter()
        .any(|believed| said.starts_with(believed))
        .then(|| said.to_owned())
}

fn content_of(entries: &[Entry<'_>], name: &[u8]) -> Option<Vec<u8>> {
    Some(entries.iter().find(|entry| entry.name == name)?.content())
}

fn by_names(entries: &[Entry<'_>]) -> Option<&'static str> {
    let has = |name: &[u8]| entries.iter().any(|entry| entry.name == name);
    let first = entries.first()?;
    if has(b"AndroidManifest.xml") {
        return Some("application/vnd.android.package-archive");
    }
    if has(b"META-INF/mozilla.rsa") {
        return Some("application/x-xpinstall");
    }
    if has(b"META-INF/MANIFEST.MF") {
        return Some("application/java-archive");
    }
    // A KMZ has a KML file at its root (OGC KML 2.3, annex C). A USDZ begins with its scene, which is not compressed.
    if has(b"doc.kml") || first.name.ends_with(b".kml") {
        return Some("application/vnd.google-earth.kmz");
    }
    let scene = [b".usda".as_slice(), b".usdc", b".usd"];
    if first.method == STORED && scene.iter().any(|ending| first.name.ends_with(ending)) {
        return Some("model/vnd.usdz+zip");
    }
    // A folder that is called `word` is not enough: it must have parts.
    let is_part = |entry: &Entry<'_>| PARTS.iter().any(|ending| entry.name.ends_with(ending));
    let has_parts = |folder: &[u8]| {
        entries
            .iter()
            .any(|entry| entry.name.starts_with(folder) && is_part(entry))
    };
    let has_macros = entries.iter().any(|entry| entry.name.ends_with(b"/vbaProject.bin"));
    office::of_folder(has_parts, has_macros)
}

/// The entries within the head, up to the first one whose end is unknown.
struct Entries<'a> {
    head: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let header = Bytes(self.head).from(self.at);
        if !header.starts_with(LOCAL) {
            return None;
        }
        let fields = Bytes(header);
        let (flags, method) = (fields.le16(6)?, fields.le16(8)?);
        let (packed, name, extra) = (fields.le32(18)?, fields.le16(26)?, fields.le16(28)?);
        let name = header.get(HEADER..HEADER + name)?;
        let begin = HEADER + name.len() + extra;
        let rest = fields.from(begin);
        // A writer to a pipe puts the length after the bytes.
        let streamed = flags & 8 != 0 && packed == 0;
        let (packed, next) = match streamed {
            false => (packed.min(rest.len()), begin.saturating_add(packed)),
            true => described(rest).map_or((rest.len(), usize::MAX), |(packed, next)| (packed, begin + next)),
        };
        self.at = self.at.saturating_add(next);
        Some(Entry {
            name,
            method,
            data: &rest[..packed],
        })
    }
}

/// The length of an entry that is followed by its data descriptor, and the offset of the next entry.
///
/// A descriptor may have a mark, and its lengths have four or eight bytes. It counts only if its length is right.
fn described(rest: &[u8]) -> Option<(usize, usize)> {
    let mut from = 0;
    loop {
        let next = from + find(&rest[from..], b"PK")?;
        if Bytes(rest).has(next, LOCAL) || Bytes(rest).has(next, CENTRAL) {
            for (long, length_at) in [(16, 8), (12, 4), (24, 8), (20, 4)] {
                let Some(packed) = next.checked_sub(long) else { continue };
                let description = Bytes(&rest[packed..]);
                let marked = length_at == 8;
                if marked == description.has(0, DESCRIPTOR) && description.le32(length_at) == Some(packed) {
                    return Some((packed, next));
                }
            }
        }
        from = next + 2;
    }
}
