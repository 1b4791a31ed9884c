//! What can be told of a picture from what was seen of it so far.

use intake_core::notes::Image;

use crate::formats::{Format, Jpeg, look};

/// What was told by one look.
#[derive(Debug)]
pub(crate) struct Look {
    /// Width and height, as stored, of all that is drawn: known even where the rest is broken.
    pub(crate) sizes: Vec<(u32, u32)>,
    /// The note, or what stands in its way.
    pub(crate) note: Result<Image, &'static str>,
    /// What may have been overlooked, because it was not seen.
    pub(crate) missing: Option<&'static str>,
    /// Whether nothing that follows can change this.
    pub(crate) settled: bool,
}

impl Look {
    /// There is no picture to be seen, or not yet.
    pub(crate) fn nothing(why: &'static str) -> Self {
        Self {
            sizes: Vec::new(),
            note: Err(why),
            missing: None,
            settled: false,
        }
    }

    /// Everything is known.
    pub(crate) fn settled(size: (u32, u32), note: Image) -> Self {
        Self {
            sizes: vec![size],
            note: Ok(note),
            missing: None,
            settled: true,
        }
    }

    /// Something is known, and something else was not seen.
    pub(crate) fn without(size: (u32, u32), note: Image, missing: &'static str) -> Self {
        Self {
            missing: Some(missing),
            settled: false,
            ..Self::settled(size, note)
        }
    }

    /// How large it is, is known; why nothing else is.
    pub(crate) fn broken(size: (u32, u32), why: &'static str) -> Self {
        Self {
            sizes: vec![size],
            ..Self::nothing(why)
        }
    }
}

/// What is kept of a picture while it comes in.
#[derive(Debug)]
pub(crate) enum Reading {
    /// What interests us stands between things that do not, which may be large; so those are not kept.
    Jpeg(Jpeg),
    /// The beginning.
    Prefix(Prefix),
}

impl Reading {
    /// Nothing was read yet. At most so many bytes will be kept.
    pub(crate) fn new(format: Format, most: usize) -> Self {
        match format {
            Format::Jpeg => Self::Jpeg(Jpeg::default()),
            format => Self::Prefix(Prefix {
                format,
                kept: Vec::new(),
                most,
                next: FIRST_LOOK.min(most),
            }),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Jpeg(jpeg) => jpeg.push(bytes),
            Self::Prefix(prefix) => prefix.push(bytes),
        }
    }

    /// Whether a look may tell more than the last one.
    pub(crate) fn is_worth_a_look(&self) -> bool {
        match self {
            Self::Jpeg(jpeg) => jpeg.is_over(),
            Self::Prefix(prefix) => prefix.kept.len() >= prefix.next,
        }
    }

    /// Whether no more will be kept.
    pub(crate) fn is_full(&self) -> bool {
        match self {
            Self::Jpeg(jpeg) => jpeg.is_over(),
            Self::Prefix(prefix) => prefix.kept.len() == prefix.most,
        }
    }

    /// What can be told now. `whole`: that was the whole content, so that what is missing does not exist.
    pub(crate) fn look(&mut self, whole: bool) -> Look {
        match self {
            Self::Jpeg(jpeg) => jpeg.look(),
            Self::Prefix(prefix) => prefix.look(whole),
        }
    }
}

/// The first bytes of a content: no more than `most`, ever.
#[derive(Debug)]
pub(crate) struct Prefix {
    format: Format,
    kept: Vec<u8>,
    most: usize,
    /// How much there must be for the next look. Doubles, so that many small pieces cost no more than a few looks.
    next: usize,
}

/// A head's worth: all of the formats but TIFF and JPEG say their size in it.
const FIRST_LOOK: usize = intake_core::HEAD_BYTES;

impl Prefix {
    fn push(&mut self, bytes: &[u8]) {
        let took = bytes.len().min(self.most - self.kept.len());
        let len = self.kept.len() + took;
        if len > self.kept.capacity() {
            // By hand, because a vector that grows by itself may take twice of what is allowed.
            let room = len.next_power_of_two().min(self.most);
            self.kept.reserve_exact(room - self.kept.len());
        }
        self.kept.extend_from_slice(&bytes[..took]);
    }

    fn look(&mut self, whole: bool) -> Look {
        self.next = self.kept.len().saturating_mul(2).min(self.most);
        let mut look = look(self.format, &self.kept);
        if whole {
            look.missing = None;
        }
        look
    }
}
