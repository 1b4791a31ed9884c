//! Matches uploads against YARA rules, without a daemon.
//!
//! ```
//! use intake_core::FromSettings;
//! use intake_plugin_yara::{Settings, Yara};
//!
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("own.yar");
//! std::fs::write(&file, r#"rule marker { strings: $a = "own marker" condition: $a }"#)?;
//! let settings = Settings::default().with(|settings| settings.rules = vec![file]);
//! let scanner = Yara::from_settings(settings)?;
//! # let _ = scanner;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod codes;
mod look;
mod note;
mod rules;
mod scan;
mod settings;
mod sources;
mod spool;
mod workers;

use std::sync::Arc;

use async_trait::async_trait;
use intake_core::inspection::Engine;
use intake_core::{ConfigError, Fault, FromSettings, Head, OnPartial, Plugin, Scan, Scanner};

use crate::look::Terms;
use crate::scan::{Shared, YaraScan};
use crate::spool::Spool;
use crate::workers::Workers;

pub use crate::codes::{SCANNER_FAILED, SCANNER_UNAVAILABLE, YARA_MATCH};
pub use crate::note::{MatchedRule, YaraNote};
pub use crate::settings::Settings;

intake_core::inventory::submit! {
    Plugin::scanner::<Yara>("yara", "refuses what YARA rules match")
        .version(env!("CARGO_PKG_VERSION"))
}

/// A scanner that refuses what YARA rules match, and notes the rules under [`YaraNote::SUBJECT`].
///
/// Clones share their rules and their bounds.
#[derive(Clone, Debug)]
pub struct Yara {
    shared: Arc<Shared>,
    spool: Spool,
}

#[async_trait]
impl Scanner for Yara {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        let declared = head.upload.declared.size;
        let scan = YaraScan::new(Arc::clone(&self.shared), self.spool.begin(), declared);
        Ok(Box::new(scan))
    }

    // What was not scanned may match.
    fn on_partial(&self) -> OnPartial {
        OnPartial::Refuse
    }

    /// The version of the library, and as signatures the first digits of the SHA-256 of the rules.
    async fn engine(&self) -> Result<Option<Engine>, Fault> {
        Ok(Some(self.shared.engine.clone()))
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.spool.ready().await
    }
}

impl FromSettings for Yara {
    type Settings = Settings;

    /// Reads the rules and compiles them, which takes seconds for thousands of them.
    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        settings.check()?;
        let sources = sources::read(&settings.rules)?;
        let engine = Engine::named("yara-x").with(|engine| {
            engine.version = Some(yara_x::VERSION.to_owned());
            engine.signatures = Some(sources::fingerprint(&sources));
        });
        let shared = Shared {
            rules: rules::compile(&sources, &settings.ignore_modules)?,
            workers: Workers::new(settings.at_a_time, settings.wait, settings.timeout),
            engine,
            max_scan_size: settings.max_scan_size,
            terms: Terms {
                timeout: settings.timeout,
                max_matches: settings.max_matches,
                note_tags: settings.note_tags,
            },
        };
        let folder = settings.spool_folder.unwrap_or_else(std::env::temp_dir);
        Ok(Self {
            shared: Arc::new(shared),
            spool: Spool::new(folder, settings.spool_size, settings.wait),
        })
    }
}
