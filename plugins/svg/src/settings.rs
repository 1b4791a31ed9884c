//! What an operator may set.

use intake_core::ConfigError;
use serde::Deserialize;

pub use intake_core::Choice;

/// The settings of `use = "svg"`.
///
/// ```
/// use intake_plugin_svg::{Choice, Settings};
///
/// let settings = Settings::default().with(|settings| settings.foreign_content = Choice::Accept);
/// # let _ = settings;
/// ```
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// Scripts, and links that run scripts.
    pub scripts: Choice,
    /// Attributes that run a script at an event, such as `onload`.
    pub handlers: Choice,
    /// HTML, `foreignObject`, and elements that embed other documents.
    pub foreign_content: Choice,
    /// What is loaded from elsewhere.
    pub external: Choice,
    /// Animations that change links or event attributes.
    pub animation_of_links: Choice,
    /// Entities that refer to others, contain markup, or are more than 64.
    pub entities: Choice,
    /// The most elements around an element, itself included.
    pub max_depth: usize,
    /// The most attributes of one element.
    pub max_attributes: usize,
    /// The most bytes of an attribute's value. Outlines and embedded images may be larger.
    #[serde(with = "intake_core::byte_count")]
    pub max_attribute: u64,
    /// The most elements of a document.
    pub max_elements: u64,
    /// The most bytes of a document that arrives packed by gzip, once it is unpacked.
    #[serde(with = "intake_core::byte_count")]
    pub max_unpacked: u64,
    /// What happens to malformed documents.
    pub unreadable: Choice,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            scripts: Choice::Refuse,
            handlers: Choice::Refuse,
            foreign_content: Choice::Refuse,
            external: Choice::Refuse,
            animation_of_links: Choice::Refuse,
            entities: Choice::Refuse,
            max_depth: 256,
            max_attributes: 256,
            max_attribute: 256 * 1024,
            max_elements: 1_000_000,
            max_unpacked: 256 * 1024 * 1024,
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
        const MOST: u64 = 16 * 1024 * 1024;
        let within = [
            ("max_depth", self.max_depth as u64, 1, 4096),
            ("max_attributes", self.max_attributes as u64, 1, 4096),
            ("max_attribute", self.max_attribute, 1024, MOST),
            ("max_elements", self.max_elements, 1, u64::MAX),
            ("max_unpacked", self.max_unpacked, 1, u64::MAX),
        ];
        for (name, value, least, most) in within {
            if value < least || value > most {
                return Err(ConfigError::at(name, format!("must be from {least} to {most}")));
            }
        }
        Ok(())
    }
}
