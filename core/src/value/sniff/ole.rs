//! Types of compound files, by the streams at their root ([MS-CFB]).

use super::bytes::Bytes;

pub(super) const MARK: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Bytes of an entry of the directory.
const ENTRY: usize = 128;
/// More entries than the head can have, unused ones included.
const MOST_STEPS: usize = 160;

const WORD: &str = "application/msword";
const EXCEL: &str = "application/vnd.ms-excel";
const POWERPOINT: &str = "application/vnd.ms-powerpoint";
const OUTLOOK: &str = "application/vnd.ms-outlook";
const VISIO: &str = "application/vnd.visio";

/// The type by the name of a stream or storage at the root.
const NAMES: [(&str, &str); 7] = [
    ("WordDocument", WORD),
    ("Workbook", EXCEL),
    ("Book", EXCEL),
    ("PowerPoint Document", POWERPOINT),
    ("VisioDocument", VISIO),
    ("__properties_version1.0", OUTLOOK),
    ("__nameid_version1.0", OUTLOOK),
];

/// The type by the class id of the root, as its bytes are in the file.
const CLASSES: [(&[u8; 16], &str); 3] = [
    (b"\x84\x10\x0C\0\0\0\0\0\xC0\0\0\0\0\0\0\x46", "application/x-msi"),
    (b"\x86\x10\x0C\0\0\0\0\0\xC0\0\0\0\0\0\0\x46", "application/x-msi"),
    (b"\x0B\x0D\x02\0\0\0\0\0\xC0\0\0\0\0\0\0\x46", OUTLOOK),
];

/// The beginning of the main stream, if it is the first one: the first record of a workbook ([MS-XLS] 2.4.21), the header of a
/// document ([MS-DOC] 2.5.2), and the record with the slides ([MS-PPT] 2.4.1).
const STREAMS: [(&[u8], &str); 5] = [
    (b"\x09\x08\x10\0\0\x06\x05\0", EXCEL),
    (b"\x09\x08\x08\0\0\x05\x05\0", EXCEL),
    (b"\xEC\xA5\xC1\0", WORD),
    (b"\xEC\xA5\xDC\0", WORD),
    (b"\x0F\0\xE8\x03", POWERPOINT),
];

/// The type of bytes that begin like a compound file.
pub(super) fn look(head: &[u8]) -> &'static str {
    let file = Bytes(head);
    let by_directory = directory(file).and_then(|directory| by_class(directory).or_else(|| by_names(directory)));
    by_directory
        .or_else(|| by_first_stream(file))
        .unwrap_or("application/x-ole-storage")
}

/// The directory, if it begins within the head.
fn directory(file: Bytes<'_>) -> Option<Bytes<'_>> {
    let sector_bytes = match file.le16(30)? {
        9 => 512,
        12 => 4096,
        _ => return None,
    };
    let at = file.le32(48)?.checked_add(1)?.checked_mul(sector_bytes)?;
    let directory = file.from(at);
    (directory.len() >= ENTRY).then_some(Bytes(directory))
}

fn by_class(directory: Bytes<'_>) -> Option<&'static str> {
    let class: [u8; 16] = directory.array(80)?;
    let known = CLASSES.iter().find(|(known, _)| **known == class)?;
    Some(known.1)
}

/// Only entries at the root count: a document may contain a workbook.
fn by_names(directory: Bytes<'_>) -> Option<&'static str> {
    let mut waiting = vec![directory.le32(76)?];
    let mut found: Option<usize> = None;
    for _ in 0..MOST_STEPS {
        let Some(index) = waiting.pop() else { break };
        let Some(entry) = index.checked_mul(ENTRY).map(|at| Bytes(directory.from(at))) else {
            continue;
        };
        if let (Some(left), Some(right)) = (entry.le32(68), entry.le32(72)) {
            waiting.extend([left, right]);
            let known = NAMES.iter().position(|(name, _)| is_called(entry, name));
            found = [found, known].into_iter().flatten().min();
        }
    }
    found.map(|at| NAMES[at].1)
}

/// The length of a name is its number of bytes in UTF-16, including the final zero.
fn is_called(entry: Bytes<'_>, name: &str) -> bool {
    let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    entry.le16(64) == Some(wide.len() + 2) && entry.has(0, &wide)
}

fn by_first_stream(file: Bytes<'_>) -> Option<&'static str> {
    let first = if file.le16(30)? == 12 { 4096 } else { 512 };
    let known = STREAMS.iter().find(|(begin, _)| file.has(first, begin))?;
    Some(known.1)
}
