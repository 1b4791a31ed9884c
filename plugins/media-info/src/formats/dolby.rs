//! AC-3 and E-AC-3 (ETSI TS 102 366).

use crate::facts::Sound;
use crate::formats::bits::Fields;

/// Hertz by code.
const RATES: [u32; 3] = [48_000, 44_100, 32_000];

/// The channels of a mode, and one more for low effects (4.4.2.3).
pub(crate) fn channels(mode: u32, low: u32) -> Option<u32> {
    let mode = usize::try_from(mode).ok()?;
    [2, 1, 2, 3, 3, 4, 4, 5].get(mode).map(|channels| channels + low.min(1))
}

/// What the beginning of a frame says.
pub(crate) fn frame(bytes: &[u8]) -> Option<Sound> {
    let fields = Fields(bytes);
    if fields.be16(0)? != 0x0B77 {
        return None;
    }
    let is_enhanced = fields.byte(5)? >> 3 > 10;
    if is_enhanced {
        let byte = u32::from(fields.byte(4)?);
        let rate = match byte >> 6 {
            // Half of the rate that the next two bits name.
            3 => RATES.get(usize::try_from(byte >> 4 & 3).ok()?)? / 2,
            code => *RATES.get(usize::try_from(code).ok()?)?,
        };
        return Some(Sound {
            channels: channels(byte >> 1 & 7, byte & 1),
            rate: Some(rate),
        });
    }
    let rate = RATES.get(usize::from(fields.byte(4)? >> 6))?;
    let mode = u32::from(fields.byte(6)? >> 5);
    // Levels of mixing stand in front of the bit for low effects, as the mode has it (4.4.2).
    let mut skipped = 3;
    if mode & 1 == 1 && mode != 1 {
        skipped += 2;
    }
    if mode & 4 != 0 {
        skipped += 2;
    }
    if mode == 2 {
        skipped += 2;
    }
    let low = u32::from(fields.be16(6)?) >> (15 - skipped) & 1;
    Some(Sound {
        channels: channels(mode, low),
        rate: Some(*rate),
    })
}
