//! Has ffprobe say what is known about video and sound: a process for each file, with limits of time, memory, files and output.
//!
//! ```
//! use std::time::Duration;
//!
//! use intake_core::FromSettings;
//! use intake_plugin_ffprobe::{Ffprobe, Settings};
//!
//! let settings = Settings::default().with(|settings| settings.timeout = Duration::from_secs(5));
//! let scanner = Ffprobe::from_settings(settings)?;
//! # let _ = scanner;
//! # Ok::<(), intake_core::ConfigError>(())
//! ```

mod codes;
mod facts;
mod process;
mod program;
mod scan;
mod settings;
mod spool;

use std::sync::Arc;

use async_trait::async_trait;
use intake_core::inspection::Engine;
use intake_core::{ConfigError, Fault, FromSettings, Head, MediaType, Plugin, Scan, Scanner};
use tokio::sync::OnceCell;

use crate::process::Runner;
use crate::scan::ProbeScan;
use crate::spool::Spool;

pub use crate::codes::SCANNER_UNAVAILABLE;
pub use crate::settings::Settings;

intake_core::inventory::submit! {
    Plugin::scanner::<Ffprobe>("ffprobe", "has ffprobe say what is known about video and sound")
        .version(env!("CARGO_PKG_VERSION"))
}

/// Types of video and sound with another main type.
const MEDIA: [&str; 4] = [
    "application/mxf",
    "application/ogg",
    "application/vnd.ms-asf",
    "application/vnd.rn-realmedia",
];

/// A scanner that notes what ffprobe says of video and sound, under [`Video::NOTE`](intake_core::notes::Video::NOTE). It refuses
/// nothing.
///
/// Clones share their processes and their room on the disk.
#[derive(Clone, Debug)]
pub struct Ffprobe {
    runner: Runner,
    spool: Spool,
    /// The version of the program, once it was asked.
    engine: Arc<OnceCell<Engine>>,
}

impl Ffprobe {
    async fn asked(&self) -> Result<&Engine, Fault> {
        let ask = || async {
            let line = self.runner.version().await?;
            let version = line.strip_prefix("ffprobe version ").unwrap_or(&line);
            let version = version.split(' ').next().unwrap_or_default().to_owned();
            Ok(Engine::named("ffprobe").with(|engine| engine.version = Some(version)))
        };
        self.engine.get_or_try_init(ask).await
    }
}

#[async_trait]
impl Scanner for Ffprobe {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        let media_type = head.media_type.filter(|found| is_medium(found)).cloned();
        let declared = head.upload.declared.size;
        let content = match declared.and_then(|size| self.spool.too_large(size)) {
            Some(why) => Err(why),
            None => Ok(self.spool.begin()),
        };
        let engine = self.engine.get().cloned();
        Ok(Box::new(ProbeScan::new(
            self.runner.clone(),
            media_type,
            engine,
            content,
        )))
    }

    async fn engine(&self) -> Result<Option<Engine>, Fault> {
        self.asked().await.cloned().map(Some)
    }

    /// That the program runs within its limits, and that contents can be kept. While files take all processes, that is known.
    async fn ready(&self) -> Result<(), Fault> {
        if !self.runner.is_full() {
            self.runner.version().await?;
        }
        self.spool.ready().await
    }
}

fn is_medium(found: &MediaType) -> bool {
    matches!(found.main(), "video" | "audio") || MEDIA.contains(&found.as_str())
}

impl FromSettings for Ffprobe {
    type Settings = Settings;

    fn from_settings(settings: Settings) -> Result<Self, ConfigError> {
        settings.check()?;
        let folder = settings.spool_folder.clone().unwrap_or_else(std::env::temp_dir);
        Ok(Self {
            runner: Runner::new(&settings),
            spool: Spool::new(folder, settings.spool_size.as_u64(), settings.max_size.as_u64()),
            engine: Arc::default(),
        })
    }
}
