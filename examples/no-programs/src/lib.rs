//! Refuses files whose name says that they are programs.

use intake_core::{Code, ConfigError, FromSettings, Plugin, UploadInfo, Validator, Verdict, inventory};

inventory::submit! {
    Plugin::validator::<NoPrograms>("no-programs", "refuses names such as setup.exe").version(env!("CARGO_PKG_VERSION"))
}

/// Refuses names with one of these endings.
#[derive(Debug)]
pub struct NoPrograms {
    endings: Vec<String>,
}

/// The settings of `use = "no-programs"`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What refused names end with, such as `.exe`, in whatever case.
    pub endings: Vec<String>,
}

impl FromSettings for NoPrograms {
    type Settings = Settings;

    fn from_settings(Settings { endings }: Settings) -> Result<Self, ConfigError> {
        if endings.is_empty() {
            return Err(ConfigError::at("endings", "there is none, so nothing would be refused"));
        }
        let endings = endings.iter().map(|ending| ending.to_lowercase()).collect();
        Ok(Self { endings })
    }
}

impl Validator for NoPrograms {
    fn declared(&self, upload: &UploadInfo<'_>) -> Verdict {
        let name = upload.declared.name.as_deref().unwrap_or_default().to_lowercase();
        if self.endings.iter().any(|ending| name.ends_with(ending)) {
            return Verdict::reject(Code::new("name_forbidden"), "programs are not taken");
        }
        Verdict::Accept
    }
}
