//! The blocks of a GIF (version 89a), as far as the second frame: whether it moves.

use std::io::Read;

use super::Reader;

/// Blocks that are looked at before the second frame: comments and the like.
const MAX_BLOCKS: u32 = 10_000;

/// Whether there is a second frame; none if the file is damaged in front of it. Reads from the beginning.
pub(super) fn is_sequence(reader: &mut Reader<'_>) -> Option<bool> {
    let mut screen = [0; 13];
    reader.read_exact(&mut screen).ok()?;
    skip_colors(reader, screen[10])?;
    let mut frames = 0;
    for _ in 0..MAX_BLOCKS {
        match byte(reader)? {
            0x2C => {
                frames += 1;
                if frames == 2 {
                    return Some(true);
                }
                let mut place = [0; 9];
                reader.read_exact(&mut place).ok()?;
                skip_colors(reader, place[8])?;
            }
            0x21 => {}
            0x3B => return Some(false),
            _ => return None,
        }
        // The kind of an extension, or the size of the first codes of a frame.
        byte(reader)?;
        loop {
            let length = byte(reader)?;
            if length == 0 {
                break;
            }
            reader.seek_relative(length.into()).ok()?;
        }
    }
    None
}

fn byte(reader: &mut Reader<'_>) -> Option<u8> {
    let mut byte = [0];
    reader.read_exact(&mut byte).ok()?;
    Some(byte[0])
}

fn skip_colors(reader: &mut Reader<'_>, flags: u8) -> Option<()> {
    let colors = if flags & 0x80 == 0 { 0 } else { 2_i64 << (flags & 7) };
    reader.seek_relative(3 * colors).ok()
}
