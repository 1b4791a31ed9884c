//! The coding of an answer's bytes: `Content-Encoding` (RFC 9110, 8.4) and `Transfer-Encoding` (RFC 9112, 6.1).
//!
//! Requests ask for `identity`, so a source that packs nevertheless stores its files packed, or ignores the request. Many sources
//! send words that are not codings, such as `utf-8`, `none`, `binary` or `aws-chunked`. Such words are ignored, as browsers do.

use hyper::header::{CONTENT_ENCODING, HeaderMap, HeaderName, TRANSFER_ENCODING};
use intake_core::Declared;

/// A coding that can be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    /// zlib according to RFC 9110; many sources send bare deflate.
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// Its name in IANA's registry of HTTP content codings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// A word that says that bytes are packed.
struct Packing {
    words: &'static [&'static str],
    /// `None`: it cannot be unpacked here.
    coding: Option<Coding>,
    /// The endings of files that are packed so.
    endings: &'static [&'static str],
    /// The media types of such files.
    media_types: &'static [&'static str],
}

/// All of IANA's registry but `identity`. `dcb` and `dcz` need a dictionary that both sides have; the others that cannot be
/// unpacked are hardly used.
#[rustfmt::skip]
static PACKINGS: &[Packing] = &[
    Packing { words: &["gzip", "x-gzip"], coding: Some(Coding::Gzip), endings: &["gz", "tgz", "svgz"], media_types: &["application/gzip", "application/x-gzip"] },
    Packing { words: &["deflate"], coding: Some(Coding::Deflate), endings: &[], media_types: &[] },
    Packing { words: &["br"], coding: Some(Coding::Brotli), endings: &["br"], media_types: &[] },
    Packing { words: &["zstd"], coding: Some(Coding::Zstd), endings: &["zst", "tzst"], media_types: &["application/zstd"] },
    Packing { words: &["compress", "x-compress"], coding: None, endings: &["z"], media_types: &["application/x-compress"] },
    Packing { words: &["aes128gcm", "dcb", "dcz", "exi", "pack200-gzip"], coding: None, endings: &[], media_types: &[] },
];

impl Packing {
    /// Whether the file is a packed one by its own name or type.
    fn is_in_the_file(&self, declared: &Declared) -> bool {
        let media_type = declared.media_type.as_ref().map(ToString::to_string);
        let ending = declared.name.as_deref().and_then(|name| name.rsplit_once('.'));
        let ending = ending.map(|(_, ending)| ending.to_ascii_lowercase());
        media_type.is_some_and(|it| self.media_types.contains(&it.as_str()))
            || ending.is_some_and(|it| self.endings.contains(&it.as_str()))
    }
}

/// The coding with which to unpack the answer's bytes, if any. A file that is a packed one by its name or type (`backup.tar.gz`)
/// is not unpacked: servers label such a file by its extension, and mean the file itself.
///
/// # Errors
///
/// A short text for the sender that names the coding, if it is not supported.
pub(crate) fn of_answer(headers: &HeaderMap, declared: &Declared) -> Result<Option<Coding>, String> {
    if let Some(word) = words(headers, &TRANSFER_ENCODING).find(|word| word != "chunked" && word != "identity") {
        let shown: String = word.chars().filter(|char| !char.is_control()).take(40).collect();
        return Err(format!("transfer-encoding: {shown}"));
    }
    let mut found = None;
    for word in words(headers, &CONTENT_ENCODING) {
        let packing = PACKINGS.iter().find(|packing| packing.words.contains(&word.as_str()));
        let Some(packing) = packing.filter(|packing| !packing.is_in_the_file(declared)) else {
            continue;
        };
        match packing.coding {
            Some(coding) if found.is_none() => found = Some(coding),
            Some(_) => return Err("content-encoding: packed more than once".to_owned()),
            None => return Err(format!("content-encoding: {word}")),
        }
    }
    Ok(found)
}

/// The words of a list header, in lower case.
fn words(headers: &HeaderMap, header: &HeaderName) -> impl Iterator<Item = String> {
    let values = headers.get_all(header).into_iter();
    let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
    let words = values.flat_map(|value| value.split(',').map(|word| word.trim().to_owned()).collect::<Vec<_>>());
    words.filter(|word| !word.is_empty())
}
