//! What an operator may set.

use intake_core::ConfigError;
use serde::Deserialize;

pub use intake_core::Choice;

/// The settings of `use = "polyglot"`.
///
/// ```
/// use intake_plugin_polyglot::{Choice, Settings};
///
/// let settings = Settings::default().with(|settings| settings.self_extracting = Choice::Refuse);
/// # let _ = settings;
/// ```
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// Images that a browser also runs as a script.
    pub script: Choice,
    /// Images with tags of web pages in them, or of pages that a server runs.
    pub markup: Choice,
    /// Pages and SVG under the name or the declared type of an image, video, sound or PDF.
    pub disguise: Choice,
    /// Files that are also a PDF.
    pub pdf: Choice,
    /// Files that are also an archive.
    pub archive: Choice,
    /// Films, and photos with a film behind them, in whose boxes a ZIP is that ends where the file ends.
    pub archive_in_film: Choice,
    /// Programs and scripts that are also an archive.
    pub self_extracting: Choice,
    /// Programs behind the end of an image, or of a film in boxes.
    pub program: Choice,
    /// Data of an unknown kind behind the end of a PNG, GIF or WebP.
    pub trailing_data: Choice,
    /// Data of an unknown kind behind the end of a JPEG.
    pub trailing_data_jpeg: Choice,
    /// How many bytes of an unknown kind may stand behind the end of a PNG, GIF or WebP; zeros and white space do not count.
    #[serde(with = "intake_core::byte_count")]
    pub max_trailing: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            script: Choice::Refuse,
            markup: Choice::Refuse,
            disguise: Choice::Refuse,
            pdf: Choice::Refuse,
            archive: Choice::Refuse,
            // Anything may be in the boxes of a film.
            archive_in_film: Choice::Accept,
            // Installers are made so, and who takes programs at all takes them.
            self_extracting: Choice::Accept,
            program: Choice::Refuse,
            trailing_data: Choice::Refuse,
            // Each maker of phones has trailers of its own there, and most are not documented.
            trailing_data_jpeg: Choice::Accept,
            max_trailing: 64,
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
        const MOST: u64 = 1 << 40;
        if self.max_trailing > MOST {
            return Err(ConfigError::at("max_trailing", format!("must be from 0 to {MOST}")));
        }
        Ok(())
    }
}
