//! What an operator may set.

use intake_core::ConfigError;
use serde::{Deserialize, Serialize};

pub use intake_core::Choice;

/// A colour space: what the numbers of a pixel mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ColorSpace {
    /// Black, white and what lies between.
    Gray,
    /// Red, green and blue, also as a palette, or as brightness and two colours.
    Rgb,
    /// Four inks.
    Cmyk,
    /// Lab of the CIE, also as ICC and ITU write it.
    Lab,
}

impl ColorSpace {
    /// Its name in settings, notes and refusals.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gray => "gray",
            Self::Rgb => "rgb",
            Self::Cmyk => "cmyk",
            Self::Lab => "lab",
        }
    }
}

/// The settings of `use = "image-limits"`.
///
/// ```
/// use intake_plugin_image_limits::{Choice, Settings};
///
/// let avatars = Settings::default().with(|settings| {
///     settings.min_side = Some(128);
///     settings.max_aspect_ratio = Some(2.0);
///     settings.animation = Choice::Refuse;
/// });
/// # let _ = avatars;
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// The most pixels of one picture: of the image, of the canvas of an animation, of a page.
    pub max_pixels: Option<u64>,
    /// The most pixels of all frames and pages together. A frame counts as the whole canvas, as it does once it is decoded.
    pub max_total_pixels: u64,
    /// The most pixels on a side.
    pub max_side: Option<u32>,
    /// The least pixels on a side.
    pub min_side: Option<u32>,
    /// The longer side, divided by the shorter one.
    pub max_aspect_ratio: Option<f64>,
    /// The most frames or pages.
    pub max_frames: u64,
    /// Images with more than one frame; pages are no animation.
    pub animation: Choice,
    /// The most bytes of an embedded colour profile, once it is unpacked. None is accepted if it is zero.
    #[serde(with = "intake_core::byte_count")]
    pub max_profile: u64,
    /// The colour spaces that are accepted. `None`: all, and unknown ones.
    pub color_spaces: Option<Vec<ColorSpace>>,
    /// Content that looks like an image and cannot be read as one.
    pub unreadable: Choice,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_pixels: None,
            // A hundred pages of A4 at 600 dots per inch, or five minutes of a screen at 7 frames a second.
            max_total_pixels: 4_000_000_000,
            max_side: None,
            min_side: None,
            max_aspect_ratio: None,
            max_frames: 10_000,
            animation: Choice::Accept,
            // More than JPEG has room for but a little; profiles of printers have up to 10 MB.
            max_profile: 16 * 1024 * 1024,
            color_spaces: None,
            unreadable: Choice::Accept,
        }
    }
}

impl Settings {
    /// Sets some of them.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// # Errors
    ///
    /// Names the first setting that makes no sense.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        // So much may be unpacked for every running upload.
        const MOST_PROFILE: u64 = 64 * 1024 * 1024;
        let positive = [
            ("max_pixels", self.max_pixels.unwrap_or(1)),
            ("max_total_pixels", self.max_total_pixels),
            ("max_side", self.max_side.unwrap_or(1).into()),
            ("max_frames", self.max_frames),
        ];
        if let Some((name, _)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError::at(name, "must be greater than zero"));
        }
        if self
            .max_side
            .zip(self.min_side)
            .is_some_and(|(most, least)| least > most)
        {
            return Err(ConfigError::at("min_side", "must be at most max_side"));
        }
        if self
            .max_aspect_ratio
            .is_some_and(|ratio| !(1.0..=f64::from(u32::MAX)).contains(&ratio))
        {
            return Err(ConfigError::at("max_aspect_ratio", "must be at least 1"));
        }
        if self.max_profile > MOST_PROFILE {
            return Err(ConfigError::at("max_profile", "must be at most 64 MiB"));
        }
        if self.color_spaces.as_ref().is_some_and(Vec::is_empty) {
            return Err(ConfigError::at(
                "color_spaces",
                "there is none, so every image would be refused",
            ));
        }
        Ok(())
    }
}
