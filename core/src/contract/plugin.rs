//! Plugins: stages that a configuration chooses by name and builds from settings.
//!
//! A plugin is a type with [`FromSettings`] and one line that submits it:
//!
//! ```
//! use intake_core::{Code, ConfigError, FromSettings, Plugin, UploadInfo, Validator, Verdict};
//!
//! intake_core::inventory::submit! {
//!     Plugin::validator::<NoPrograms>("no-programs", "refuses names such as setup.exe").version(env!("CARGO_PKG_VERSION"))
//! }
//!
//! #[derive(Debug)]
//! struct NoPrograms { endings: Vec<String> }
//!
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Settings { endings: Vec<String> }
//!
//! impl FromSettings for NoPrograms {
//!     type Settings = Settings;
//!     fn from_settings(Settings { endings }: Settings) -> Result<Self, ConfigError> { Ok(Self { endings }) }
//! }
//!
//! impl Validator for NoPrograms {
//!     fn declared(&self, upload: &UploadInfo<'_>) -> Verdict {
//!         match &upload.declared.name {
//!             Some(name) if self.endings.iter().any(|ending| name.ends_with(ending)) =>
//!                 Verdict::reject(Code::new("name_forbidden"), "programs are not taken"),
//!             _ => Verdict::Accept,
//!         }
//!     }
//! }
//!
//! assert!(intake_core::Registry::linked()?.plugins().any(|plugin| plugin.name == "no-programs"));
//! # Ok::<(), intake_core::ConfigError>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;

use crate::contract::notifier::Notifier;
use crate::contract::stages::{Expirer, Fetcher, Recorder, Scanner, Store, Validator};
pub use crate::value::config_error::{ConfigError, ConfigErrors, Step};
pub use crate::value::settings::Settings;

/// A stage that can be built from settings. Building is pure: it checks the settings, and opens nothing.
pub trait FromSettings: Sized + 'static {
    /// The settings of the stage. Give the type `deny_unknown_fields`, so that a mistyped name is an error.
    type Settings: DeserializeOwned;

    /// Builds the stage.
    ///
    /// # Errors
    ///
    /// If the settings make no sense. [`ConfigError::at`] names the wrong setting.
    fn from_settings(settings: Self::Settings) -> Result<Self, ConfigError>;

    /// Reads the settings and builds the stage. Implement this for a stage whose settings depend on one of them, such as on a
    /// `scheme`.
    ///
    /// # Errors
    ///
    /// All errors, each with its place.
    fn from_table(settings: Settings) -> Result<Self, ConfigErrors> {
        settings.make(Self::from_settings)
    }
}

type BuildOf<T> = fn(Settings) -> Result<Box<T>, ConfigErrors>;

/// The kind of stage that a plugin builds.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Build {
    /// Chosen by `use` in `[receive.pull]`.
    Fetcher(BuildOf<dyn Fetcher>),
    /// Chosen by `use` in `[[validate]]`.
    Validator(BuildOf<dyn Validator>),
    /// Chosen by `use` in `[[scan]]`.
    Scanner(BuildOf<dyn Scanner>),
    /// Chosen by `use` in `[store]`.
    Store(BuildOf<dyn Store>),
    /// Chosen by `use` in `[record]`.
    Recorder(BuildOf<dyn Recorder>),
    /// Chosen by `use` in `[expire]`.
    Expirer(BuildOf<dyn Expirer>),
    /// Chosen by `use` in `[[notify]]`.
    Notifier(BuildOf<dyn Notifier>),
}

impl Build {
    /// The name of the stage, as in messages.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self {
            Self::Fetcher(_) => Stage::Fetcher,
            Self::Validator(_) => Stage::Validator,
            Self::Scanner(_) => Stage::Scanner,
            Self::Store(_) => Stage::Store,
            Self::Recorder(_) => Stage::Recorder,
            Self::Expirer(_) => Stage::Expirer,
            Self::Notifier(_) => Stage::Notifier,
        }
    }
}

/// One of the seven stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stage {
    /// Fetches the bytes of a source.
    Fetcher,
    /// Judges an upload by its facts.
    Validator,
    /// Reads the content as it arrives, and judges it.
    Scanner,
    /// Keeps bytes.
    Store,
    /// Keeps records.
    Recorder,
    /// Decides how long an upload is kept.
    Expirer,
    /// Tells others what happened to files.
    Notifier,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fetcher => "fetcher",
            Self::Validator => "validator",
            Self::Scanner => "scanner",
            Self::Store => "store",
            Self::Recorder => "recorder",
            Self::Expirer => "expirer",
            Self::Notifier => "notifier",
        })
    }
}

/// A stage, and the name by which a configuration chooses it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Plugin {
    /// The name, in lower case with hyphens. It is unique within its stage.
    pub name: &'static str,
    /// A description in one line, for `intake plugins`.
    pub summary: &'static str,
    /// The version of the plugin, or empty. Records name it: see [`Plugin::version`].
    pub version: &'static str,
    /// The function that builds the stage.
    pub build: Build,
}

inventory::collect!(Plugin);

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident: $stage:ident),+) => {
        impl Plugin {
            $($(#[$doc])*
            #[must_use]
            pub const fn $name<T: $stage + FromSettings>(name: &'static str, summary: &'static str) -> Self {
                let build = Build::$stage(|settings| Ok(Box::new(T::from_table(settings)?)));
                Self { name, summary, version: "", build }
            })+
        }
    };
}

constructors! {
    /// A plugin that is a fetcher.
    fetcher: Fetcher,
    /// A plugin that is a validator.
    validator: Validator,
    /// A plugin that is a scanner.
    scanner: Scanner,
    /// A plugin that is a store.
    store: Store,
    /// A plugin that is a recorder.
    recorder: Recorder,
    /// A plugin that is an expirer.
    expirer: Expirer,
    /// A plugin that is a notifier.
    notifier: Notifier
}

impl Plugin {
    /// Sets the version, which the records of uploads name: `.version(env!("CARGO_PKG_VERSION"))`.
    #[must_use]
    pub const fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }
}

/// The plugins that a configuration can choose. It is an ordinary value, not a global.
#[derive(Clone, Debug, Default)]
pub struct Registry(BTreeMap<(Stage, &'static str), Plugin>);

impl Registry {
    /// All plugins that are linked into this program. A crate that no code names is not linked: see `build.rs` of the `intake`
    /// package.
    ///
    /// # Errors
    ///
    /// If two plugins of one stage have the same name.
    pub fn linked() -> Result<Self, ConfigError> {
        inventory::iter::<Plugin>
            .into_iter()
            .try_fold(Self::default(), |registry, plugin| registry.with(*plugin))
    }

    /// Adds a plugin.
    ///
    /// # Errors
    ///
    /// If the registry has a plugin with the same stage and name.
    pub fn with(mut self, plugin: Plugin) -> Result<Self, ConfigError> {
        let stage = plugin.build.stage();
        match self.0.insert((stage, plugin.name), plugin) {
            None => Ok(self),
            Some(_) => Err(ConfigError::new(format!(
                "two plugins are a {stage} called `{}`",
                plugin.name
            ))),
        }
    }

    /// All plugins, by stage, then by name.
    pub fn plugins(&self) -> impl Iterator<Item = &Plugin> {
        self.0.values()
    }

    /// The plugin with this stage and name.
    ///
    /// # Errors
    ///
    /// If there is none. The message lists the plugins of the stage.
    pub fn find(&self, stage: Stage, name: &str) -> Result<&Plugin, ConfigError> {
        // The keys of the map are `'static`, so a name from a file is compared rather than looked up.
        let of_stage = || self.plugins().filter(move |plugin| plugin.build.stage() == stage);
        of_stage().find(|plugin| plugin.name == name).ok_or_else(|| {
            let names: Vec<_> = of_stage().map(|plugin| plugin.name).collect();
            let names = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            };
            ConfigError::at(
                "use",
                format!("no {stage} is called `{name}`; this program has: {names}"),
            )
        })
    }
}
