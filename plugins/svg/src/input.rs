//! Unpacks a document, and decodes its characters to UTF-8.

use std::io::Write;

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use flate2::write::MultiGzDecoder;

/// How many bytes are looked at for the name of the encoding.
const PROLOG: usize = 512;
/// How many packed bytes are unpacked at a time: half a megabyte at most comes out.
const PACKED: usize = 512;
/// How many bytes are decoded at a time.
const PIECE: usize = 16 * 1024;

/// Decodes a document.
#[derive(Debug)]
pub(crate) struct Input {
    layer: Layer,
    text: Text,
    /// How many bytes may still be unpacked.
    room: u64,
}

enum Layer {
    /// The first bytes do not tell yet.
    Unknown(Vec<u8>),
    Plain,
    Packed(Box<MultiGzDecoder<Vec<u8>>>),
    Broken,
}

/// What came of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unpacked {
    Fine,
    /// They cannot be unpacked.
    Broken,
    /// There are more than may be unpacked. Those behind the limit were not given away.
    TooMuch,
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unknown(_) => "Unknown",
            Self::Plain => "Plain",
            Self::Packed(_) => "Packed",
            Self::Broken => "Broken",
        })
    }
}

impl Default for Layer {
    fn default() -> Self {
        Self::Unknown(Vec::new())
    }
}

impl Input {
    /// A document of which so many bytes may be unpacked, if it is packed.
    pub(crate) fn new(max_unpacked: u64) -> Self {
        Self {
            layer: Layer::default(),
            text: Text::default(),
            room: max_unpacked,
        }
    }

    /// Whether the document is packed, or begins so.
    pub(crate) fn may_be_packed(&self, chunk: &[u8]) -> bool {
        match &self.layer {
            Layer::Unknown(begin) => begin.is_empty() && chunk.starts_with(b"\x1F"),
            _ => self.is_packed(),
        }
    }

    /// Whether the document is packed.
    pub(crate) fn is_packed(&self) -> bool {
        matches!(self.layer, Layer::Packed(_) | Layer::Broken)
    }

    /// Takes the next bytes, and gives their text away piece by piece.
    ///
    /// # Errors
    ///
    /// Those of `to`.
    pub(crate) fn push<E>(&mut self, bytes: &[u8], to: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<Unpacked, E> {
        if let Layer::Unknown(begin) = &mut self.layer {
            begin.extend_from_slice(bytes);
            if begin.len() < 2 {
                return Ok(Unpacked::Fine);
            }
            let begin = std::mem::take(begin);
            self.layer = match begin.strip_prefix(b"\x1F\x8B") {
                Some(_) => Layer::Packed(Box::new(MultiGzDecoder::new(Vec::new()))),
                None => Layer::Plain,
            };
            return self.push_known(&begin, to);
        }
        self.push_known(bytes, to)
    }

    fn push_known<E>(&mut self, bytes: &[u8], to: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<Unpacked, E> {
        let decoder = match &mut self.layer {
            Layer::Packed(decoder) => decoder,
            Layer::Broken => return Ok(Unpacked::Broken),
            Layer::Plain | Layer::Unknown(_) => {
                self.text.push(bytes, false, to)?;
                return Ok(Unpacked::Fine);
            }
        };
        for piece in bytes.chunks(PACKED) {
            let unpacked = decoder.write_all(piece).and_then(|()| decoder.flush());
            if unpacked.is_err() {
                // It holds what it has unpacked in front of the damage, up to here.
                let _damaged = decoder.try_finish();
            }
            let content = std::mem::take(decoder.get_mut());
            let (content, is_too_much) = within(&content, &mut self.room);
            self.text.push(content, false, to)?;
            if is_too_much {
                return Ok(Unpacked::TooMuch);
            }
            if unpacked.is_err() {
                self.layer = Layer::Broken;
                return Ok(Unpacked::Broken);
            }
        }
        Ok(Unpacked::Fine)
    }

    /// Gives away what is left.
    ///
    /// # Errors
    ///
    /// Those of `to`.
    pub(crate) fn finish<E>(&mut self, to: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<Unpacked, E> {
        let (rest, unpacked) = match &mut self.layer {
            Layer::Unknown(begin) => (std::mem::take(begin), Unpacked::Fine),
            Layer::Plain => (Vec::new(), Unpacked::Fine),
            Layer::Broken => (Vec::new(), Unpacked::Broken),
            Layer::Packed(decoder) => {
                let unpacked = match decoder.try_finish() {
                    Ok(()) => Unpacked::Fine,
                    Err(_) => Unpacked::Broken,
                };
                (std::mem::take(decoder.get_mut()), unpacked)
            }
        };
        let is_packed = self.is_packed();
        let (rest, is_too_much) = match is_packed {
            true => within(&rest, &mut self.room),
            false => (&rest[..], false),
        };
        self.text.push(rest, true, to)?;
        Ok(if is_too_much { Unpacked::TooMuch } else { unpacked })
    }
}

/// As many of the unpacked bytes as there is room for, and whether there are more.
fn within<'a>(unpacked: &'a [u8], room: &mut u64) -> (&'a [u8], bool) {
    let most = usize::try_from(*room).unwrap_or(usize::MAX);
    let kept = unpacked.get(..most).unwrap_or(unpacked);
    *room = room.saturating_sub(kept.len() as u64);
    (kept, kept.len() < unpacked.len())
}

/// Decodes characters.
#[derive(Default)]
struct Text {
    /// The first bytes, until they tell the encoding.
    prolog: Vec<u8>,
    decoder: Option<Decoder>,
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Text").finish_non_exhaustive()
    }
}

impl Text {
    fn push<E>(&mut self, bytes: &[u8], is_last: bool, to: &mut dyn FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        if let Some(decoder) = &mut self.decoder {
            return decode(decoder, bytes, is_last, to);
        }
        let (first, rest) = bytes.split_at(bytes.len().min(PROLOG.saturating_sub(self.prolog.len())));
        self.prolog.extend_from_slice(first);
        let is_enough = is_last || self.prolog.len() >= PROLOG || is_told(&self.prolog);
        if !is_enough {
            return Ok(());
        }
        let prolog = std::mem::take(&mut self.prolog);
        let decoder = self.decoder.insert(encoding(&prolog).new_decoder());
        decode(decoder, &prolog, is_last && rest.is_empty(), to)?;
        if rest.is_empty() {
            return Ok(());
        }
        decode(decoder, rest, is_last, to)
    }
}

/// Whether these first bytes tell the encoding, whatever follows.
fn is_told(prolog: &[u8]) -> bool {
    const DECLARATION: &[u8] = b"<?xml";
    if prolog.len() < DECLARATION.len() {
        return false;
    }
    !prolog.starts_with(DECLARATION) || memchr::memchr(b'>', prolog).is_some()
}

/// The encoding of a document that begins so. A byte order mark is for the decoder.
fn encoding(prolog: &[u8]) -> &'static Encoding {
    if prolog.starts_with(b"<\0") {
        return UTF_16LE;
    }
    if prolog.starts_with(b"\0<") {
        return UTF_16BE;
    }
    let declaration = prolog.strip_prefix(b"<?xml").unwrap_or_default();
    let end = memchr::memchr(b'>', declaration).unwrap_or(declaration.len());
    let declaration = String::from_utf8_lossy(declaration.get(..end).unwrap_or_default());
    let Some((_, named)) = declaration.split_once("encoding") else {
        return UTF_8;
    };
    let named = named.trim_start().trim_start_matches('=').trim_start();
    let mut parts = named.split(['"', '\'']);
    let label = parts.nth(1).unwrap_or_default();
    match Encoding::for_label(label.as_bytes()) {
        // What could be read so far is no UTF-16, whatever it says.
        Some(encoding) if encoding.is_ascii_compatible() => encoding,
        Some(_) => UTF_8,
        None if label.eq_ignore_ascii_case("iso-8859-1") => WINDOWS_1252,
        None => UTF_8,
    }
}

fn decode<E>(
    decoder: &mut Decoder,
    bytes: &[u8],
    is_last: bool,
    to: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut pieces = bytes.chunks(PIECE).peekable();
    if pieces.peek().is_none() && is_last {
        return decode_piece(decoder, &[], true, to);
    }
    while let Some(piece) = pieces.next() {
        decode_piece(decoder, piece, is_last && pieces.peek().is_none(), to)?;
    }
    Ok(())
}

fn decode_piece<E>(
    decoder: &mut Decoder,
    piece: &[u8],
    is_last: bool,
    to: &mut dyn FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let most = decoder
        .max_utf8_buffer_length(piece.len())
        .unwrap_or(PIECE.saturating_mul(4));
    let mut text = String::with_capacity(most);
    // The capacity is the most that may come of it, so that nothing is left over.
    let _all = decoder.decode_to_string(piece, &mut text, is_last);
    to(text.as_bytes())
}
