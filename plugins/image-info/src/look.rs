//! What a reader tells of an image.

use intake_core::notes::Image;

/// All that there is to be told of an image.
#[derive(Debug)]
pub(crate) struct Look {
    /// The note, or what stands in its way.
    pub(crate) note: Result<Image, &'static str>,
    /// What is in the upload and was not read; in the note it is not known.
    pub(crate) missing: Option<&'static str>,
}

impl Look {
    /// There is no image to be seen.
    pub(crate) fn nothing(why: &'static str) -> Self {
        Self {
            note: Err(why),
            missing: None,
        }
    }

    /// Everything is known.
    pub(crate) fn whole(note: Image) -> Self {
        Self::without(note, None)
    }

    /// All but what is missing is known.
    pub(crate) fn without(note: Image, missing: Option<&'static str>) -> Self {
        Self {
            note: Ok(note),
            missing,
        }
    }
}
