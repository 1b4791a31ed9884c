//! Reads the syntax of PDF documents while they arrive, and refuses dangerous ones.
//!
//! Pictures, fonts and the contents of pages are passed over. Objects in compressed streams are inflated into a small buffer.
//!
//! ```
//! use intake_core::FromSettings;
//! use intake_plugin_pdf::{Choice, Pdf, Settings};
//!
//! let settings = Settings::default().with(|settings| settings.unreadable = Choice::Refuse);
//! let strict = Pdf::from_settings(settings)?;
//! # let _ = strict;
//! # Ok::<(), intake_core::ConfigError>(())
//! ```

mod codes;
mod document;
mod filters;
mod key;
mod lexer;
mod marker;
mod note;
mod object;
mod object_stream;
mod scan;
mod settings;
mod stream_info;
mod tally;

use async_trait::async_trait;
use intake_core::{ConfigError, Fault, FromSettings, Head, Plugin, Scan, Scanner};

use crate::scan::PdfScan;
use intake_core::Workers;

pub use crate::codes::{
    PDF_EMBEDDED_FILE, PDF_ENCRYPTED, PDF_JAVASCRIPT, PDF_LAUNCH, PDF_REMOTE, PDF_UNREADABLE, PDF_XFA,
};
pub use crate::note::PdfNote;
pub use crate::settings::{Choice, Settings};

intake_core::inventory::submit! {
    Plugin::scanner::<Pdf>("pdf", "notes what is in PDF documents, and refuses dangerous ones")
        .version(env!("CARGO_PKG_VERSION"))
}

/// A scanner that reads PDF documents, and notes what it saw under [`PdfNote::SUBJECT`].
///
/// The default has the default [`Settings`].
#[derive(Clone, Debug, Default)]
pub struct Pdf {
    settings: Settings,
    workers: Workers,
}

#[async_trait]
impl Scanner for Pdf {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        const MAGIC: &[u8] = b"%PDF-";
        let is_document = head
            .media_type
            .is_some_and(|media_type| media_type.as_str() == "application/pdf")
            || head.bytes.windows(MAGIC.len()).any(|window| window == MAGIC);
        Ok(Box::new(PdfScan::new(self.settings, self.workers.clone(), is_document)))
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

impl FromSettings for Pdf {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        settings.check()?;
        Ok(Self {
            settings,
            workers: Workers::default(),
        })
    }
}
