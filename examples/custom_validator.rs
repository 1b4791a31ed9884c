//! An integrator's plugin, and the `intake` program with it linked in.
//!
//! `cargo run --example custom_validator -- plugins` lists it; a configuration switches it on:
//!
//! ```toml
//! [[validate]]
//! use = "no-programs"
//! endings = [".exe", ".bat"]
//! ```

use std::process::ExitCode;

use intake::core::{Code, ConfigError, Declared, FromSettings, Plugin, Validator, Verdict, inventory};

inventory::submit! { Plugin::validator::<NoPrograms>("no-programs", "refuses names such as setup.exe") }

#[derive(Debug)]
struct NoPrograms {
    endings: Vec<String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    endings: Vec<String>,
}

impl FromSettings for NoPrograms {
    type Settings = Settings;

    fn from_settings(Settings { endings }: Settings) -> Result<Self, ConfigError> {
        if endings.is_empty() {
            return Err(ConfigError::at("endings", "there is none, so nothing would be refused"));
        }
        Ok(Self {
            endings: endings.iter().map(|ending| ending.to_lowercase()).collect(),
        })
    }
}

impl Validator for NoPrograms {
    fn declared(&self, declared: &Declared) -> Verdict {
        let name = declared.name.as_deref().unwrap_or_default().to_lowercase();
        if self.endings.iter().any(|ending| name.ends_with(ending)) {
            return Verdict::reject(Code::new("name_forbidden"), "programs are not taken");
        }
        Verdict::Accept
    }
}

fn main() -> ExitCode {
    intake::program::main()
}
