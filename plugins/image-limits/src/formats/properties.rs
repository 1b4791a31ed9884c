//! The pictures in a HEIF file, and which one is shown (ISO/IEC 23008-12, sections 6 and 9).

use crate::judge::{Judge, Size};
use crate::settings::ColorSpace;
use crate::walk::{u16_be, u32_be};

/// The most properties of one picture that are read.
const MOST_PROPERTIES: usize = 64;

/// Judges the body of the box `meta`. Returns whether the picture that is shown was found.
pub(super) fn judge(meta: &[u8], judge: &mut Judge) -> bool {
    // The first four bytes are its version.
    let meta = meta.get(4..).unwrap_or_default();
    let list = find(meta, b"iprp").unwrap_or_default();
    let properties = find(list, b"ipco").unwrap_or_default();
    // All of them, as decoders compose one picture from others.
    for (name, body) in boxes(properties) {
        match name {
            b"ispe" => judge.picture(extent(body)),
            b"colr" if matches!(body.first_chunk(), Some(b"prof" | b"rICC")) => {
                judge.profile((body.len() as u64 - 4).max(judge.note().profile.unwrap_or_default()));
            }
            _ => {}
        }
    }
    let Some(id) = primary(meta) else { return false };
    let numbers = association(find(list, b"ipma").unwrap_or_default(), id);
    let (mut shown, mut space) = (None, ColorSpace::Rgb);
    let mut crop = None;
    for number in numbers.into_iter().flatten().take(MOST_PROPERTIES) {
        // The first one has the number 1.
        let property = number.checked_sub(1).and_then(|number| boxes(properties).nth(number));
        match property {
            Some((b"ispe", body)) => shown = Some(extent(body)),
            Some((b"clap", body)) => crop = Some(body),
            Some((b"pixi", body)) if body.get(4) == Some(&1) => space = ColorSpace::Gray,
            // In the decoder's configuration: the colour channels beside brightness, if any.
            Some((b"hvcC", body)) if body.get(16).is_some_and(|byte| byte & 3 == 0) => space = ColorSpace::Gray,
            Some((b"av1C", body)) if body.get(2).is_some_and(|byte| byte & 0x10 != 0) => space = ColorSpace::Gray,
            _ => {}
        }
    }
    let Some(size) = shown else { return false };
    judge.canvas(size);
    judge.color_space(Some(space));
    if let Some(size) = crop.and_then(|body| cropped(body, size)) {
        judge.cropped(size);
    }
    true
}

/// The boxes inside a box, with their names, up to where they are broken.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (header, body) = rest.split_at_checked(8)?;
        let length = match u32_be(header, 0) {
            0 => body.len(),
            // A length of eight bytes is not used for boxes as small as these.
            length => usize::try_from(length).ok()?.checked_sub(8)?,
        };
        let (body, next) = body.split_at_checked(length)?;
        rest = next;
        Some((header.last_chunk()?, body))
    })
}

fn find<'a>(bytes: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes).find_map(|(found, body)| (found == name).then_some(body))
}

/// Width and height, behind the version.
fn extent(body: &[u8]) -> Size {
    (u32_be(body, 4), u32_be(body, 8))
}

/// The number of the picture that is shown.
fn primary(meta: &[u8]) -> Option<u32> {
    let body = find(meta, b"pitm")?;
    Some(if *body.first()? == 0 {
        u16_be(body, 4).into()
    } else {
        u32_be(body, 4)
    })
}

/// The numbers of a picture's properties.
fn association(body: &[u8], id: u32) -> Option<Vec<usize>> {
    let (has_long_ids, has_long_numbers) = (*body.first()? > 0, body.get(3)? & 1 == 1);
    let count = u32_be(body, 4);
    let mut rest = body.get(8..)?;
    for _ in 0..count {
        let (item, width) = if has_long_ids {
            (u32_be(rest, 0), 4)
        } else {
            (u16_be(rest, 0).into(), 2)
        };
        let numbers = usize::from(*rest.get(width)?);
        let bytes = if has_long_numbers { 2 } else { 1 };
        let (list, behind) = rest.get(width + 1..)?.split_at_checked(numbers * bytes)?;
        if item == id {
            // The highest bit marks a property that readers must not ignore.
            let number = |entry: &[u8]| match entry {
                [byte] => usize::from(byte & 0x7F),
                entry => usize::from(u16_be(entry, 0) & 0x7FFF),
            };
            return Some(list.chunks(bytes).map(number).collect());
        }
        rest = behind;
    }
    None
}

/// The size of a cropped picture: two fractions, rounded; at most the size before cropping.
fn cropped(body: &[u8], (width, height): Size) -> Option<Size> {
    let side = |at, most| {
        let (over, under) = (u64::from(u32_be(body, at)), u64::from(u32_be(body, at + 4)));
        let rounded = (over + under / 2).checked_div(under)?;
        u32::try_from(rounded).ok().filter(|side| (1..=most).contains(side))
    };
    Some((side(0, width)?, side(8, height)?))
}
