//! The bits of a scan, without stuffed bytes.

/// The bits of a scan. Behind its end are zeros, which [`Bits::is_whole`] tells of.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, from the highest one on.
    buffer: u64,
    count: u32,
    /// Bits that were made up.
    missing: u64,
}

impl<'a> Bits<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            at: 0,
            buffer: 0,
            count: 0,
            missing: 0,
        }
    }

    /// Makes sure that there are at least 32 bits: a code and its value have at most 31.
    #[inline]
    pub(super) fn refill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some(next) = self.data.get(self.at..).and_then(<[u8]>::first_chunk) {
            let next = u64::from_be_bytes(*next);
            // Whether a byte is 0xFF, so that its inverse is zero.
            let inverse = !next;
            let has_marker = inverse.wrapping_sub(0x0101_0101_0101_0101) & next & 0x8080_8080_8080_8080 != 0;
            if !has_marker {
                let bytes = (64 - self.count) / 8;
                self.buffer |= next >> self.count;
                // Bits of a byte that is not taken whole come again.
                self.at += bytes as usize;
                self.count += bytes * 8;
                if self.count < 64 {
                    self.buffer &= !(u64::MAX >> self.count);
                }
                return;
            }
        }
        self.refill_slowly();
    }

    #[cold]
    fn refill_slowly(&mut self) {
        while self.count <= 56 {
            let byte = match self.data.get(self.at..) {
                Some([0xFF, 0, ..]) => {
                    self.at += 2;
                    0xFF
                }
                // A marker stays.
                Some([0xFF, ..]) | Some([]) | None => {
                    self.missing += 8;
                    0
                }
                Some([byte, ..]) => {
                    self.at += 1;
                    *byte
                }
            };
            self.buffer |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next 16 bits, which stay.
    pub(super) fn peek(&self) -> usize {
        // In range: 16 bits.
        (self.buffer >> 48) as usize
    }

    /// Drops bits, at most as many as there are.
    pub(super) fn drop(&mut self, count: u32) {
        self.buffer <<= count;
        self.count = self.count.saturating_sub(count);
    }

    /// The value of so many bits, from 0 to 16, as T.81 F.2.2.1 extends its sign.
    pub(super) fn value(&mut self, count: u32) -> i32 {
        if count == 0 {
            return 0;
        }
        // In range: at most 16 bits.
        let bits = (self.buffer >> (64 - count)) as i32;
        self.drop(count);
        let half = 1 << (count - 1);
        if bits < half { bits - 2 * half + 1 } else { bits }
    }

    /// Goes behind the marker between two intervals.
    pub(super) fn restart(&mut self) -> Option<()> {
        if !self.is_whole() {
            return None;
        }
        (self.buffer, self.count, self.missing) = (0, 0, 0);
        match self.data.get(self.at..)? {
            [0xFF, 0xD0..=0xD7, ..] => {
                self.at += 2;
                Some(())
            }
            _ => None,
        }
    }

    /// Whether no bit that was used was made up, and only the last byte of the interval is left.
    pub(super) fn is_whole(&self) -> bool {
        self.missing <= u64::from(self.count)
    }
}
