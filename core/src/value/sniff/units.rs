//! Decodes a document whose first bytes show its encoding (XML 1.0, appendix F; WHATWG Encoding, section 6).

/// Stands for every character beyond ASCII.
pub(super) const OTHER: u8 = 0x80;

/// Beginnings that show an encoding, each with the bytes of one unit, whether the high byte comes first, and the length of the mark.
/// Those without a mark begin with `<` or white space.
const MARKS: [(&[u8], usize, bool); 5] = [
    (b"\xFF\xFE\0\0", 4, false),
    (b"\0\0\xFE\xFF", 4, true),
    (b"\xFF\xFE", 2, false),
    (b"\xFE\xFF", 2, true),
    (b"\xEF\xBB\xBF", 1, false),
];

/// Decodes bytes one by one. Characters beyond ASCII become [`OTHER`].
#[derive(Clone, Debug)]
pub(super) struct Units {
    /// Bytes of one unit: 1, 2 or 4.
    width: usize,
    big: bool,
    /// The bytes of an incomplete unit, and their number.
    bytes: [u8; 4],
    held: usize,
}

impl Units {
    /// The decoder for a document with this beginning, and the length of its mark.
    pub(super) fn of(head: &[u8]) -> (Self, usize) {
        let marked = MARKS
            .into_iter()
            .find(|(mark, ..)| head.starts_with(mark))
            .map(|(mark, width, big)| (width, big, mark.len()));
        let (width, big, mark) = marked.unwrap_or_else(|| {
            let begins = |byte: u8| byte == b'<' || is_space(byte);
            match *head {
                [0, 0, 0, first, ..] if begins(first) => (4, true, 0),
                [first, 0, 0, 0, ..] if begins(first) => (4, false, 0),
                [0, first, ..] if begins(first) => (2, true, 0),
                [first, 0, ..] if begins(first) => (2, false, 0),
                _ => (1, false, 0),
            }
        });
        let units = Self {
            width,
            big,
            bytes: [0; 4],
            held: 0,
        };
        (units, mark)
    }

    /// Whether each byte is a character.
    pub(super) fn are_bytes(&self) -> bool {
        self.width == 1
    }

    /// The character that ends with this byte, if one does.
    pub(super) fn push(&mut self, byte: u8) -> Option<u8> {
        if self.width == 1 {
            return Some(byte.min(OTHER));
        }
        self.bytes[self.held] = byte;
        self.held += 1;
        if self.held < self.width {
            return None;
        }
        self.held = 0;
        let unit = &self.bytes[..self.width];
        let (low, high) = if self.big {
            (unit[self.width - 1], &unit[..self.width - 1])
        } else {
            (unit[0], &unit[1..])
        };
        Some(if high.iter().all(|byte| *byte == 0) {
            low.min(OTHER)
        } else {
            OTHER
        })
    }
}

/// White space of HTML. XML has one character fewer.
pub(super) fn is_space(character: u8) -> bool {
    matches!(character, b'\t' | b'\n' | 0x0C | b'\r' | b' ')
}
