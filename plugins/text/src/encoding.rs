//! Decodes a text to UTF-8, in the encoding that its first bytes tell, or without knowing it.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{CoderResult, Decoder, DecoderResult, Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};

use crate::kind::Kind;

/// How many bytes are decoded at a time.
const PIECE: usize = 16 * 1024;
/// Where an encoding is declared, if it is (HTML, section 4.2.5.4).
const DECLARATION: usize = 1024;
/// How many bytes the guess of an encoding is made of.
const SAMPLE: usize = 64 * 1024;

/// What comes out of a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    /// Bytes that are not valid in the encoding that is declared.
    Malformed,
    /// Bytes that are no UTF-8, in a text that declares nothing. What follows is decoded so that its ASCII is right.
    Legacy,
}

/// A decoder of one text.
pub(crate) struct Text {
    /// Bytes of a byte order mark that are still to come.
    mark: usize,
    has_mark: bool,
    encoding: Decoding,
}

enum Decoding {
    /// UTF-8, as long as it is valid. The bytes of a character that is not complete are kept.
    Guessed(Vec<u8>),
    Declared(Box<Decoder>),
    Wide {
        is_big: bool,
        rest: Vec<u8>,
    },
    /// Decoded as UTF-8 with gaps. ASCII is right in it, and a program that takes the text for UTF-8 sees no other characters.
    Legacy {
        decoder: Box<Decoder>,
        detector: Box<EncodingDetector>,
        sampled: usize,
    },
}

impl Text {
    /// The decoder of a text that begins so.
    pub(crate) fn of(head: &[u8], kind: Kind) -> Self {
        let marked = |mark, encoding| Self {
            mark,
            has_mark: true,
            encoding,
        };
        let unmarked = |encoding| Self {
            mark: 0,
            has_mark: false,
            encoding,
        };
        match head {
            // The first is that of UTF-16, too, but no text begins with NUL.
            [0xFF, 0xFE, 0, 0, ..] => marked(4, Decoding::wide(false)),
            [0, 0, 0xFE, 0xFF, ..] => marked(4, Decoding::wide(true)),
            [0xEF, 0xBB, 0xBF, ..] => marked(3, Decoding::of(UTF_8)),
            [0xFF, 0xFE, ..] => marked(2, Decoding::of(UTF_16LE)),
            [0xFE, 0xFF, ..] => marked(2, Decoding::of(UTF_16BE)),
            _ => unmarked(match declared(head, kind) {
                Some(encoding) => Decoding::of(encoding),
                None => Decoding::Guessed(Vec::new()),
            }),
        }
    }

    /// Decodes bytes. Stops once `to` answers that it wants no more.
    pub(crate) fn push(&mut self, bytes: &[u8], to: &mut dyn FnMut(Piece<'_>) -> bool) -> bool {
        let of_mark = self.mark.min(bytes.len());
        self.mark -= of_mark;
        let (_, bytes) = bytes.split_at(of_mark);
        bytes.chunks(PIECE).all(|piece| self.encoding.push(piece, false, to))
    }

    /// Decodes what is left.
    pub(crate) fn finish(&mut self, to: &mut dyn FnMut(Piece<'_>) -> bool) -> bool {
        self.encoding.push(&[], true, to)
    }

    pub(crate) fn has_mark(&self) -> bool {
        self.has_mark
    }

    /// Whether the name of the encoding is a guess.
    pub(crate) fn is_guess(&self) -> bool {
        matches!(self.encoding, Decoding::Legacy { .. })
    }

    /// The name of the encoding.
    pub(crate) fn name(&self) -> &'static str {
        match &self.encoding {
            Decoding::Guessed(_) => UTF_8.name(),
            Decoding::Declared(decoder) => decoder.encoding().name(),
            Decoding::Wide { is_big: true, .. } => "UTF-32BE",
            Decoding::Wide { is_big: false, .. } => "UTF-32LE",
            Decoding::Legacy { detector, .. } => detector.guess(None, Utf8Detection::Deny).name(),
        }
    }

    /// The encoding that is declared, if it is none of Unicode.
    pub(crate) fn legacy(&self) -> Option<&'static str> {
        match &self.encoding {
            Decoding::Declared(decoder) => {
                let encoding = decoder.encoding();
                let is_unicode = [UTF_8, UTF_16BE, UTF_16LE].contains(&encoding);
                (!is_unicode).then(|| encoding.name())
            }
            _ => None,
        }
    }
}

impl Decoding {
    fn of(encoding: &'static Encoding) -> Self {
        Self::Declared(Box::new(encoding.new_decoder_without_bom_handling()))
    }

    fn wide(is_big: bool) -> Self {
        let rest = Vec::new();
        Self::Wide { is_big, rest }
    }

    fn push(&mut self, bytes: &[u8], is_last: bool, to: &mut dyn FnMut(Piece<'_>) -> bool) -> bool {
        match self {
            Self::Guessed(rest) => {
                let kept = std::mem::take(rest);
                let all = [kept.as_slice(), bytes].concat();
                match guessed(&all, is_last, to) {
                    Guess::Over => false,
                    Guess::Rest(left) => {
                        *self = Self::Guessed(left.to_vec());
                        true
                    }
                    Guess::Wrong(left) => {
                        *self = Self::Legacy {
                            decoder: Box::new(UTF_8.new_decoder_without_bom_handling()),
                            detector: Box::new(EncodingDetector::new(Iso2022JpDetection::Deny)),
                            sampled: 0,
                        };
                        to(Piece::Legacy) && self.push(left, is_last, to)
                    }
                }
            }
            Self::Declared(decoder) => decode(decoder, bytes, is_last, to),
            Self::Wide { is_big, rest } => wide(*is_big, rest, bytes, is_last, to),
            Self::Legacy {
                decoder,
                detector,
                sampled,
            } => {
                let sample = bytes.get(..bytes.len().min(SAMPLE - *sampled)).unwrap_or_default();
                *sampled += sample.len();
                let _has_beyond_ascii = detector.feed(sample, false);
                decode(decoder, bytes, is_last, &mut |piece| match piece {
                    Piece::Malformed => to(Piece::Text("\u{FFFD}")),
                    piece => to(piece),
                })
            }
        }
    }
}

/// How far bytes are UTF-8.
enum Guess<'a> {
    /// All but an incomplete character.
    Rest(&'a [u8]),
    /// All but these.
    Wrong(&'a [u8]),
    Over,
}

fn guessed<'a>(bytes: &'a [u8], is_last: bool, to: &mut dyn FnMut(Piece<'_>) -> bool) -> Guess<'a> {
    let (text, left, is_wrong) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, &[][..], false),
        Err(error) => {
            let (valid, left) = bytes.split_at(error.valid_up_to());
            // It is valid, as the error says.
            let text = std::str::from_utf8(valid).unwrap_or_default();
            (text, left, is_last || error.error_len().is_some())
        }
    };
    match (to(Piece::Text(text)), is_wrong) {
        (false, _) => Guess::Over,
        (true, false) => Guess::Rest(left),
        (true, true) => Guess::Wrong(left),
    }
}

fn decode(decoder: &mut Decoder, bytes: &[u8], is_last: bool, to: &mut dyn FnMut(Piece<'_>) -> bool) -> bool {
    let most = decoder
        .max_utf8_buffer_length_without_replacement(bytes.len())
        .unwrap_or(PIECE * 4);
    let mut text = String::with_capacity(most);
    let mut rest = bytes;
    loop {
        text.clear();
        let (result, read) = decoder.decode_to_string_without_replacement(rest, &mut text, is_last);
        rest = rest.get(read..).unwrap_or_default();
        if !to(Piece::Text(&text)) {
            return false;
        }
        match result {
            DecoderResult::InputEmpty => return true,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => {
                if !to(Piece::Malformed) {
                    return false;
                }
            }
        }
    }
}

/// UTF-32, which encoding_rs leaves out, as browsers do.
fn wide(is_big: bool, rest: &mut Vec<u8>, bytes: &[u8], is_last: bool, to: &mut dyn FnMut(Piece<'_>) -> bool) -> bool {
    let all = [rest.as_slice(), bytes].concat();
    let (characters, left) = all.as_chunks::<4>();
    let mut text = String::with_capacity(all.len());
    for character in characters {
        let number = if is_big {
            u32::from_be_bytes(*character)
        } else {
            u32::from_le_bytes(*character)
        };
        match char::from_u32(number) {
            Some(character) => text.push(character),
            None => {
                if !to(Piece::Text(&text)) || !to(Piece::Malformed) {
                    return false;
                }
                text.clear();
            }
        }
    }
    *rest = left.to_vec();
    to(Piece::Text(&text)) && (!is_last || left.is_empty() || to(Piece::Malformed))
}

/// The encoding that a document names, if those who show it obey that. Spreadsheets and editors of source code do not: what is
/// hidden in another encoding there would be seen by them.
fn declared(head: &[u8], kind: Kind) -> Option<&'static Encoding> {
    if !matches!(kind, Kind::Plain | Kind::Markdown | Kind::Xml | Kind::Html) {
        return None;
    }
    named(head, kind).or_else(|| escaped(head).filter(|_| kind == Kind::Plain))
}

/// The encoding that an XML declaration or a `meta` element names.
fn named(head: &[u8], kind: Kind) -> Option<&'static Encoding> {
    let head = head.get(..head.len().min(DECLARATION)).unwrap_or_default();
    // The names are ASCII, and so is all around them.
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let named = if head.starts_with("<?xml") {
        let (declaration, _) = head.split_once("?>")?;
        declaration.split_once("encoding")?.1
    } else if kind == Kind::Html {
        let (_, meta) = head.split_once("<meta")?;
        meta.split_once("charset")?.1
    } else {
        return None;
    };
    let named = named.trim_start().trim_start_matches('=').trim_start();
    let named = named.trim_start_matches(['"', '\'']);
    let end = named.find(|character: char| !(character.is_ascii_alphanumeric() || "-_.:".contains(character)));
    let label = named.get(..end.unwrap_or(named.len()))?;
    match Encoding::for_label_no_replacement(label.as_bytes())? {
        // What could be read so far is no UTF-16, whatever it says.
        encoding if encoding == UTF_16LE || encoding == UTF_16BE => Some(UTF_8),
        encoding => Some(encoding),
    }
}

/// The encoding of Japanese mail, which is told by its escape sequences.
fn escaped(head: &[u8]) -> Option<&'static Encoding> {
    let is_escaped = head
        .windows(3)
        .any(|bytes| matches!(bytes, b"\x1B$B" | b"\x1B$@" | b"\x1B(J"));
    let mut decoder = ISO_2022_JP.new_decoder_without_bom_handling();
    let most = decoder.max_utf8_buffer_length(head.len())?;
    let mut text = String::with_capacity(most);
    let (result, _, is_malformed) = decoder.decode_to_string(head, &mut text, false);
    (is_escaped && !is_malformed && result == CoderResult::InputEmpty).then_some(ISO_2022_JP)
}
