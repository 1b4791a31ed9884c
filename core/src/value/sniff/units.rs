//! Characters of a document whose encoding is known by its first bytes (XML 1.0, appendix F; WHATWG Encoding, section 6).

/// Stands for every character that is not one of ASCII.
pub(super) const OTHER: u8 = 0x80;

/// The marks and the beginnings that tell an encoding, with how many bytes a unit has, whether the high byte comes first,
/// and how long the mark is. Where there is no mark, what begins is `<` or white space.
const MARKS: [(&[u8], usize, bool); 5] = [
    (b"\xFF\xFE\0\0", 4, false),
    (b"\0\0\xFE\xFF", 4, true),
    (b"\xFF\xFE", 2, false),
    (b"\xFE\xFF", 2, true),
    (b"\xEF\xBB\xBF", 1, false),
];

/// Makes characters of bytes as they come, with those beyond ASCII as [`OTHER`].
#[derive(Clone, Debug)]
pub(super) struct Units {
    /// Bytes of one unit: 1, 2 or 4.
    width: usize,
    big: bool,
    /// The bytes of a unit that is not whole yet, and how many they are.
    bytes: [u8; 4],
    held: usize,
}

impl Units {
    /// How to read what begins like this, and how many bytes the mark has that says so.
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

/// White space as HTML has it; XML has one character fewer.
pub(super) fn is_space(character: u8) -> bool {
    matches!(character, b'\t' | b'\n' | 0x0C | b'\r' | b' ')
}
