//! A rate of requests, as settings write it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::value::config_error::ConfigError;

/// A number of requests per second (`s`), minute (`min`) or hour (`h`), written such as `600/min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "String")]
pub struct Rate {
    /// The number of requests: at least one.
    pub count: u32,
    /// The period in which they may come.
    pub per: Duration,
}

const UNITS: [(&str, u64); 3] = [("s", 1), ("min", 60), ("h", 3600)];

impl FromStr for Rate {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ConfigError::new("expected a rate such as `10/s`, `600/min` or `1000/h`");
        let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
        let count: u32 = count.trim().parse().map_err(|_| wrong())?;
        let unit = UNITS.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(wrong)?;
        if count == 0 {
            return Err(wrong());
        }
        let per = Duration::from_secs(unit.1);
        Ok(Self { count, per })
    }
}

impl TryFrom<Value> for Rate {
    type Error = ConfigError;

    /// Reads any value, so that the error for a bare number says what is missing.
    fn try_from(value: Value) -> Result<Self, Self::Error> {
        value.as_str().unwrap_or_default().parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS
            .iter()
            .find(|(_, seconds)| Duration::from_secs(*seconds) == self.per);
        write!(f, "{}/{}", self.count, unit.map_or("s", |(name, _)| name))
    }
}
