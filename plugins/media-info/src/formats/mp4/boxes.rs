//! Boxes: a length, a name of four letters, and a body (ISO/IEC 14496-12, 4.2).

use crate::source::{Source, Stop};

/// The header of a box.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) name: [u8; 4],
    /// Where the box ends, but not beyond the one around it.
    pub(crate) end: u64,
}

impl Header {
    /// The next one, in a box that ends there. `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`Stop::Ended`], and [`Stop::Broken`] at the top of a file.
    pub(crate) async fn read(source: &mut Source, end: u64) -> Result<Option<Self>, Stop> {
        let begin = source.position();
        if end.saturating_sub(begin) < 8 {
            return Ok(None);
        }
        let length = u32::from_be_bytes(source.next().await?);
        let name: [u8; 4] = source.next().await?;
        let is_top = end == u64::MAX;
        let length = match length {
            0 if name == [0; 4] => return Ok(None),
            0 => u64::MAX,
            1 => u64::from_be_bytes(source.next().await?),
            length => u64::from(length),
        };
        let own_end = begin.saturating_add(length);
        if own_end < source.position() {
            return if is_top {
                Err(Stop::Broken("what follows a broken box"))
            } else {
                Ok(None)
            };
        }
        Ok(Some(Self {
            name,
            end: own_end.min(end),
        }))
    }

    /// Whether the box goes on to the end of the file, wherever that is.
    pub(crate) fn is_open(&self) -> bool {
        self.end == u64::MAX
    }
}

/// The boxes that only contain others, of which something is read.
const CONTAINERS: [[u8; 4]; 9] = [
    *b"moov", *b"trak", *b"mdia", *b"minf", *b"stbl", *b"edts", *b"mvex", *b"moof", *b"traf",
];
/// Containers within each other, at most: far more than their order allows.
const DEEPEST: usize = 8;

/// Boxes in a part that was kept, at most: descriptions of codecs have a handful.
const MOST_BOXES: usize = 64;

/// The containers around the place that is read.
#[derive(Debug, Default)]
pub(crate) struct Nesting(Vec<Header>);

impl Nesting {
    /// Enters a box, if it is a container.
    pub(crate) fn enter(&mut self, header: Header) -> bool {
        let enters = CONTAINERS.contains(&header.name) && self.0.len() < DEEPEST;
        if enters {
            self.0.push(header);
        }
        enters
    }

    /// Leaves the boxes that end here.
    pub(crate) fn leave(&mut self, place: u64) {
        while self.0.pop_if(|inner| inner.end <= place).is_some() {}
    }

    pub(crate) fn is_top(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the innermost box ends.
    pub(crate) fn end(&self) -> u64 {
        self.0.last().map_or(u64::MAX, |inner| inner.end)
    }

    /// Whether a box of this name is around the place.
    pub(crate) fn has(&self, name: [u8; 4]) -> bool {
        self.0.iter().any(|outer| outer.name == name)
    }
}

/// The boxes in a part of a box that was kept, with their names, up to where they are broken.
pub(crate) fn boxes(bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = bytes;
    let next = move || {
        let (length, behind) = rest.split_first_chunk()?;
        let (name, body) = behind.split_first_chunk()?;
        let length = match usize::try_from(u32::from_be_bytes(*length)).ok()? {
            0 => body.len(),
            length => length.checked_sub(8)?,
        };
        // The part may end within its last box.
        let (body, next) = body.split_at(length.min(body.len()));
        rest = next;
        Some((*name, body))
    };
    std::iter::from_fn(next).take(MOST_BOXES)
}

/// The body of the first box of a name.
pub(crate) fn find(bytes: &[u8], name: [u8; 4]) -> Option<&[u8]> {
    boxes(bytes).find(|(found, _)| *found == name).map(|(_, body)| body)
}
