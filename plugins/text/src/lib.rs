//! Reads text while it arrives: its encoding, control characters, characters of direction, and formulas in tables.
//!
//! ```
//! use intake_core::FromSettings;
//! use intake_plugin_text::{Choice, Settings, Text};
//!
//! let settings = Settings::default().with(|settings| settings.legacy_encodings = Choice::Refuse);
//! let unicode_only = Text::from_settings(settings)?;
//! # let _ = unicode_only;
//! # Ok::<(), intake_core::ConfigError>(())
//! ```

mod characters;
mod codes;
mod encoding;
mod finding;
mod formula;
mod kind;
mod note;
mod scan;
mod settings;
mod table;

use std::sync::Arc;

use async_trait::async_trait;
use intake_core::{
    Bytes, ConfigError, Fault, FromSettings, Head, OnPartial, Plugin, Report, Scan, Scanner, Verdict, Workers,
};

use crate::scan::TextScan;

pub use crate::codes::{
    TEXT_BIDI, TEXT_CONTROL_CHARACTER, TEXT_ENCODING, TEXT_FORMULA, TEXT_LINE_TOO_LONG, TEXT_MALFORMED,
};
pub use crate::kind::Kind;
pub use crate::note::{LineEnding, TextNote};
pub use crate::settings::{Bidi, Choice, Formulas, Settings};

intake_core::inventory::submit! {
    Plugin::scanner::<Text>("text", "refuses text with control characters, with characters that change its order, or with a broken encoding, and formulas in CSV")
        .version(env!("CARGO_PKG_VERSION"))
}

/// A scanner that judges text, and notes what it is under [`TextNote::SUBJECT`].
///
/// The default has the default [`Settings`].
#[derive(Clone, Debug, Default)]
pub struct Text {
    settings: Arc<Settings>,
    workers: Workers,
}

#[async_trait]
impl Scanner for Text {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        let kind = Kind::of(head).filter(|kind| self.settings.kinds.contains(kind));
        Ok(match kind {
            Some(kind) => Box::new(TextScan::new(&self.settings, kind, head, self.workers.clone())),
            None => Box::new(NotText),
        })
    }

    // A part that was not read may have what is refused.
    fn on_partial(&self) -> OnPartial {
        OnPartial::Refuse
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

impl FromSettings for Text {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        settings.check()?;
        Ok(Self {
            settings: Arc::new(settings),
            ..Self::default()
        })
    }
}

/// The scan of an upload that is no text, or of a kind that is not read.
struct NotText;

#[async_trait]
impl Scan for NotText {
    async fn feed(&mut self, _chunk: &Bytes) -> Result<Verdict, Fault> {
        Ok(Verdict::Accept)
    }

    async fn finish(self: Box<Self>) -> Result<Report, Fault> {
        Ok(Report::clean())
    }
}
