//! Why a command failed.

use intake_core::{ConfigError, ConfigErrors, Fault};

use crate::config::Unusable;

/// Why a command failed.
pub(super) enum Failure {
    Config(Unusable),
    Other(String),
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        Self::Config(unusable)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Other(fault.report())
    }
}

/// A setting on the command line is wrong, and not the configuration.
impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::Other(errors.to_string())
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        ConfigErrors::from(error).into()
    }
}
