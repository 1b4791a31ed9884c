//! The result of reading an image's header.

use intake_core::notes::Image;

/// What a reader found out about an image.
#[derive(Debug)]
pub(crate) struct Probe {
    /// The note, or why there is none.
    pub(crate) note: Result<Image, &'static str>,
    /// What the upload contains and the reader did not read; the note leaves it unknown.
    pub(crate) missing: Option<&'static str>,
    /// Whether it is no image, although its beginning looked like one.
    pub(crate) is_other: bool,
}

impl Probe {
    /// The image cannot be read.
    pub(crate) fn failed(why: &'static str) -> Self {
        Self {
            note: Err(why),
            missing: None,
            is_other: false,
        }
    }

    /// It is no image.
    pub(crate) fn no_image() -> Self {
        Self {
            is_other: true,
            ..Self::failed("it is no image")
        }
    }

    /// Everything was read.
    pub(crate) fn complete(note: Image) -> Self {
        Self::partial(note, None)
    }

    /// Everything was read but what is missing, if anything.
    pub(crate) fn partial(note: Image, missing: Option<&'static str>) -> Self {
        Self {
            note: Ok(note),
            missing,
            is_other: false,
        }
    }
}
