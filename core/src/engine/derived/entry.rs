//! An entry as it is in the store: a head of fixed length, then the bytes.
//!
//! ```text
//! 0   8 magic · 8 length of the bytes · 8 made · 8 written, in seconds since 1970; big-endian
//! 32  32 media type, filled up with zeros
//! 64  32 SHA-256 of the key's meaning: project, content, and what is made
//! 96  32 seal: SHA-256 of the 96 bytes before it and of all bytes behind it
//! 128 bytes
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{BufMut as _, Bytes, BytesMut};
use sha2::{Digest as _, Sha256};

use crate::engine::derived::value::Derived;
use crate::record::upload::Record;
use crate::value::id::{DerivedGroup, Key};

const MAGIC: &[u8; 8] = b"intake-1";
/// The bytes before the seal.
const SEALED: usize = 96;
/// The bytes of the head.
pub(super) const HEAD: usize = 128;
/// The most bytes of a media type.
const TYPE: usize = 32;

/// What is asked for: something that is made of a content, in one project.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) key: Key,
    meaning: [u8; 32],
}

/// All that is made of the content of a file, if its content is known.
pub(super) fn group_of(record: &Record) -> Option<DerivedGroup> {
    let facts = record.facts.as_ref()?;
    let project = record.options.project.as_deref().unwrap_or_default();
    let digest = Sha256::new()
        .chain_update(facts.digest.as_bytes())
        .chain_update(project)
        .finalize();
    Some(DerivedGroup(first_half(&digest.into())))
}

fn first_half(digest: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

impl Asked {
    /// What is called `name` and is made of the content of a file.
    pub(super) fn of(record: &Record, name: &str) -> Option<Self> {
        let group = group_of(record)?;
        let name = Sha256::digest(name);
        let meaning = Sha256::new().chain_update(group.0).chain_update(name).finalize();
        Some(Self {
            key: Key::derived(group, &first_half(&name.into())),
            meaning: meaning.into(),
        })
    }
}

/// The head of an entry, which fits what was asked for. Its seal is not checked yet.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) length: u64,
    pub(super) made: SystemTime,
    pub(super) written: SystemTime,
    media_type: String,
    sealed: [u8; SEALED],
    seal: [u8; 32],
}

impl Head {
    /// Reads a head. `None`: it is damaged, or that of another entry.
    pub(super) fn read(bytes: &[u8], asked: &Asked) -> Option<Self> {
        let bytes: &[u8; HEAD] = bytes.get(..HEAD)?.try_into().ok()?;
        let number = |at: usize| bytes[at..].first_chunk().map(|eight| u64::from_be_bytes(*eight));
        let time = |at| UNIX_EPOCH.checked_add(Duration::from_secs(number(at)?));
        if !bytes.starts_with(MAGIC) || bytes[64..SEALED] != asked.meaning {
            return None;
        }
        let media_type = std::str::from_utf8(&bytes[32..32 + TYPE]).ok()?.trim_end_matches('\0');
        Some(Self {
            length: number(8)?,
            made: time(16)?,
            written: time(24)?,
            media_type: media_type.to_owned(),
            sealed: *bytes.first_chunk()?,
            seal: *bytes.last_chunk()?,
        })
    }

    /// The whole, if these are the bytes that were sealed.
    pub(super) fn open(self, bytes: Bytes) -> Option<Derived> {
        let seal: [u8; 32] = seal(&self.sealed, &bytes);
        let is_whole = bytes.len() as u64 == self.length && seal == self.seal;
        is_whole.then(|| Derived::new(self.media_type, bytes))
    }
}

/// The head of an entry that was made and is written at these times. `None`: its type is too long.
pub(super) fn head_of(derived: &Derived, asked: &Asked, made: SystemTime, now: SystemTime) -> Option<Bytes> {
    let mut media_type = [0; TYPE];
    media_type
        .get_mut(..derived.media_type.len())?
        .copy_from_slice(derived.media_type.as_bytes());
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut head = BytesMut::with_capacity(HEAD);
    head.put_slice(MAGIC);
    head.put_u64(derived.bytes.len() as u64);
    head.put_u64(seconds(made));
    head.put_u64(seconds(now));
    head.put_slice(&media_type);
    head.put_slice(&asked.meaning);
    let seal = seal(&head, &derived.bytes);
    head.put_slice(&seal);
    Some(head.freeze())
}

fn seal(head: &[u8], bytes: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(head).chain_update(bytes).finalize().into()
}
