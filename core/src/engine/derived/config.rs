//! `[derived]`: how much of what is made of files is kept, and for how long.

use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

use crate::engine::derived::settings::DerivedSettings;
use crate::value::config_error::{ConfigError, ConfigErrors};
use crate::value::settings::Settings;

/// The least bytes: room for eight entries of usual size before the store is looked through.
const LEAST_SIZE: u64 = 1 << 20;
/// The shortest time: entries are removed about every hour.
const SHORTEST: Duration = Duration::from_secs(3600);
/// The longest time that something is kept.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// A length of time, as in `"30d"`.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Age(#[serde(with = "humantime_serde")] Duration);

/// Takes the bounds out of `[derived]`. The rest are the settings of the store.
pub(in crate::engine) fn bounds(table: &mut Settings) -> Result<DerivedSettings, ConfigErrors> {
    let usual = DerivedSettings::default();
    let max_size = table.take_parsed::<ByteSize>("max_size")?;
    let bounds = DerivedSettings {
        max_size: max_size.map_or(usual.max_size, |size| size.as_u64()),
        max_count: table.take_parsed("max_count")?.unwrap_or(usual.max_count),
        max_age: table.take_parsed("max_age")?.map_or(usual.max_age, |Age(age)| age),
    };
    check(&bounds).map(|()| bounds)
}

fn check(bounds: &DerivedSettings) -> Result<(), ConfigErrors> {
    let wrong = [
        ("max_size", bounds.max_size < LEAST_SIZE, "must be at least 1 MiB"),
        ("max_count", bounds.max_count == 0, "must be greater than zero"),
        ("max_age", bounds.max_age < SHORTEST, "must be at least an hour"),
        ("max_age", bounds.max_age > LONGEST, "must be at most ten years"),
    ];
    let wrong = wrong.into_iter().filter(|(_, is_wrong, _)| *is_wrong);
    let errors: Vec<_> = wrong.map(|(key, _, what)| ConfigError::at(key, what)).collect();
    match errors.is_empty() {
        true => Ok(()),
        false => Err(ConfigErrors(errors)),
    }
}
