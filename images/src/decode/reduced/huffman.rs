//! Huffman codes (T.81, annex C and F.2.2.3).

use super::bits::Bits;

/// Codes of at most so many bits are looked up at once.
const LOOKED_UP: u32 = 11;
/// Coefficients that are passed over are looked up by so many bits: two or three at once.
const PASSED: u32 = 13;
/// The order of coefficients in a scan (T.81, figure A.6).
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// Where a coefficient of the scan is in its block.
pub(super) fn place(index: usize) -> usize {
    usize::from(ZIGZAG[index & 63])
}

#[derive(Clone, Copy, Default)]
struct Code {
    /// Bits of the code; 0 if it is longer than what is looked up, or unknown.
    length: u8,
    symbol: u8,
}

/// What to do to pass over the coefficients that begin with some bits.
#[derive(Clone, Copy, Default)]
struct Pass {
    /// Of codes and values; 0 if nothing is known.
    bits: u8,
    coefficients: u8,
    /// Whether the end of the block comes then.
    ends: bool,
}

/// A table of codes.
pub(super) struct Huffman {
    short: Vec<Code>,
    passes: Vec<Pass>,
    /// For each length, the code behind the last one, aligned to 16 bits, and what to add to a code for its symbol.
    long: [(u32, i32); 17],
    symbols: Vec<u8>,
}

impl Huffman {
    /// From the number of codes of each length, and their symbols.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut short = vec![Code::default(); 1 << LOOKED_UP];
        let mut long = [(0, 0); 17];
        let (mut code, mut index) = (0_u32, 0_usize);
        for (length, count) in (1..=16_u32).zip(counts) {
            let count = usize::from(*count);
            // In range: at most 65,536 and 256.
            long[length as usize].1 = index as i32 - code as i32;
            for symbol in symbols.get(index..index + count)? {
                if code >> length != 0 {
                    return None;
                }
                if length <= LOOKED_UP {
                    let free = LOOKED_UP - length;
                    let first = (code << free) as usize;
                    // In range: a length is at most 16.
                    let entry = Code {
                        length: length as u8,
                        symbol: *symbol,
                    };
                    short[first..first + (1 << free)].fill(entry);
                }
                code += 1;
            }
            index += count;
            long[length as usize].0 = code << (16 - length);
            code <<= 1;
        }
        Some(Self {
            passes: (0..1 << PASSED).map(|bits| pass(&short, bits)).collect(),
            short,
            long,
            symbols: symbols.to_vec(),
        })
    }

    /// The next code: its length and symbol. There are 16 bits.
    fn next(&self, bits: &Bits<'_>) -> Option<(u32, u8)> {
        let peeked = bits.peek();
        let code = self.short[peeked >> (16 - LOOKED_UP)];
        if code.length > 0 {
            return Some((code.length.into(), code.symbol));
        }
        // In range: 16 bits.
        let peeked = peeked as u32;
        let length = (LOOKED_UP + 1..=16).find(|length| peeked < self.long[*length as usize].0)?;
        let index = (peeked >> (16 - length)) as i32 + self.long[length as usize].1;
        let symbol = self.symbols.get(usize::try_from(index).ok()?)?;
        Some((length, *symbol))
    }

    /// How far the first coefficient is from the one of the block before.
    pub(super) fn difference(&self, bits: &mut Bits<'_>) -> Option<i32> {
        bits.refill();
        let (length, size) = self.next(bits)?;
        bits.drop(length);
        (size <= 11).then(|| bits.value(size.into()))
    }

    /// The coefficients of a block behind the first one, in their places: those up to the last one that is wanted.
    pub(super) fn coefficients(&self, bits: &mut Bits<'_>, last: usize, block: &mut [i32; 64]) -> Option<()> {
        let mut index = 1;
        while index < 64 {
            bits.refill();
            if index > last {
                let pass = self.passes[bits.peek() >> (16 - PASSED)];
                let behind = index + usize::from(pass.coefficients);
                // Otherwise the block ends before, and what follows is of the next one.
                if pass.bits > 0 && behind + usize::from(pass.ends) <= 64 {
                    bits.drop(pass.bits.into());
                    if pass.ends {
                        return Some(());
                    }
                    index = behind;
                    continue;
                }
            }
            let (length, symbol) = self.next(bits)?;
            let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
            bits.drop(length);
            if size == 0 {
                if run != 15 {
                    return Some(());
                }
                index += 16;
                continue;
            }
            index += run;
            let value = bits.value(size);
            if index <= last {
                block[place(index)] = value;
            }
            index += 1;
        }
        (index == 64).then_some(())
    }
}

/// What is known from the first bits, of a pattern of [`PASSED`] bits.
fn pass(short: &[Code], pattern: u32) -> Pass {
    let (mut bits, mut coefficients, mut ends) = (0, 0, false);
    while bits < PASSED && !ends {
        let rest = pattern << bits & ((1 << PASSED) - 1);
        let code = short[(rest >> (PASSED - LOOKED_UP)) as usize];
        let length = u32::from(code.length);
        let (run, size) = (code.symbol >> 4, code.symbol & 15);
        // What is behind the pattern is not known.
        if length == 0 || bits + length > PASSED {
            break;
        }
        ends = size == 0 && run != 15;
        let more = if ends { 0 } else { run + 1 };
        if coefficients + more > 63 {
            ends = false;
            break;
        }
        bits += length + u32::from(size);
        coefficients += more;
    }
    Pass {
        // In range: at most 28.
        bits: bits as u8,
        coefficients,
        ends,
    }
}
