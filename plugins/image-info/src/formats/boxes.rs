//! Boxes: a length, a name of four letters, and a body (ISO/IEC 14496-12, section 4.2).

use crate::source::{Gap, Source};

/// The header of a box.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) name: [u8; 4],
    /// Where its body begins, and where it ends.
    pub(crate) start: u64,
    pub(crate) end: u64,
}

impl Header {
    /// The next one of an upload.
    pub(crate) async fn read(source: &mut Source) -> Result<Self, Gap> {
        let begin = source.position();
        let length = u32::from_be_bytes(source.next().await?);
        let name = source.next().await?;
        let end = match length {
            // It is the last one.
            0 => u64::MAX,
            1 => begin.saturating_add(u64::from_be_bytes(source.next().await?)),
            length => begin + u64::from(length),
        };
        let start = source.position();
        // One that ends within its own header is broken, and there is no next one.
        (start <= end).then_some(Self { name, start, end }).ok_or(Gap::Ended)
    }

    /// The length of the body.
    pub(crate) fn length(&self) -> u64 {
        self.end - self.start
    }
}

/// The boxes inside a box, with their names, up to where they are broken.
pub(crate) fn boxes(bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (header, body) = rest.split_at_checked(8)?;
        let (length, name) = header.split_first_chunk()?;
        let (body, next) = match u32::from_be_bytes(*length) {
            0 => (body, &[][..]),
            // A length of eight bytes. None of the boxes that are looked for is so large.
            1 => {
                let (length, body) = body.split_first_chunk()?;
                let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
                body.split_at_checked(length.checked_sub(16)?)?
            }
            length => body.split_at_checked(usize::try_from(length).ok()?.checked_sub(8)?)?,
        };
        rest = next;
        Some((name.first_chunk()?, body))
    })
}

/// The first box of a name.
pub(crate) fn find<'a>(bytes: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes).find_map(|(found, body)| (found == name).then_some(body))
}

/// Numbers one after the other. Once one is missing, the following ones are too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    /// The body of a box that begins with its version, and that version.
    pub(crate) fn versioned(body: &'a [u8]) -> Option<(Self, u8)> {
        let ([version, _, _, _], rest) = body.split_first_chunk()?;
        Some((Self(rest), *version))
    }

    pub(crate) fn of(body: &'a [u8]) -> Self {
        Self(body)
    }

    /// A number of so many bytes, eight at most.
    pub(crate) fn next(&mut self, bytes: usize) -> Option<u64> {
        let (number, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(number.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// One of two bytes, or of four if so.
    pub(crate) fn short_or_long(&mut self, is_long: bool) -> Option<u32> {
        // It has four bytes at most.
        self.next(if is_long { 4 } else { 2 }).map(|number| number as u32)
    }

    pub(crate) fn skip(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.get(bytes..)?;
        Some(())
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }
}

/// The EXIF data in a box or an item, which begins with the offset of that data. Some writers leave the offset out.
pub(crate) fn exif_in(data: &[u8]) -> &[u8] {
    let behind = data.split_first_chunk().and_then(|(offset, rest)| {
        let offset = usize::try_from(u32::from_be_bytes(*offset)).ok()?;
        rest.get(offset..)
    });
    behind.unwrap_or(data)
}
