//! `[events]`: how long events are kept, and how they are delivered.

use std::time::Duration;

use serde::Deserialize;

use crate::engine::builder::Builder;
use crate::engine::event_settings::EventSettings;
use crate::value::config_error::{ConfigError, ConfigErrors};
use crate::value::settings::Settings;

/// The most pauses between the attempts of one delivery.
const MOST_PAUSES: usize = 99;
/// The most attempts of one node that are under way: each has a connection.
const MOST_AT_ONCE: usize = 1_000;
/// The longest pause and the longest time that something is kept.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// The longest time for one attempt.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(600);

/// A length of time, as in `"5min"`.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Pause(#[serde(with = "humantime_serde")] Duration);

/// The table as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsTable {
    #[serde(default, with = "humantime_serde")]
    keep: Option<Duration>,
    #[serde(default, with = "humantime_serde")]
    keep_failed: Option<Duration>,
    schedule: Option<Vec<Pause>>,
    #[serde(default, with = "humantime_serde")]
    attempt_timeout: Option<Duration>,
    at_once: Option<usize>,
    per_target: Option<usize>,
}

/// Reads `[events]`, and returns the errors of its settings. Events are kept if it is there, or if there is a notifier.
pub(super) fn events(settings: &mut Settings, builder: &mut Builder) -> Vec<ConfigError> {
    let table = match settings.take_table("events") {
        Ok(table) => table,
        Err(error) => return vec![error],
    };
    if table.keys().next().is_none() {
        return Vec::new();
    }
    match table.make(checked) {
        Ok(settings) => {
            builder.events = Some(settings);
            Vec::new()
        }
        Err(errors) => errors.within("events").0,
    }
}

fn checked(table: EventsTable) -> Result<EventSettings, ConfigErrors> {
    let usual = EventSettings::default();
    let at_once = table.at_once.unwrap_or(usual.at_once);
    let schedule = table
        .schedule
        .map(|pauses| pauses.into_iter().map(|Pause(pause)| pause).collect());
    let settings = EventSettings {
        keep: table.keep.unwrap_or(usual.keep),
        keep_failed: table.keep_failed.unwrap_or(usual.keep_failed),
        schedule: schedule.unwrap_or(usual.schedule),
        attempt_timeout: table.attempt_timeout.unwrap_or(usual.attempt_timeout),
        at_once,
        per_target: table.per_target.unwrap_or(usual.per_target.min(at_once)),
    };
    let errors = errors_of(&settings);
    match errors.is_empty() {
        true => Ok(settings),
        false => Err(ConfigErrors(errors)),
    }
}

fn errors_of(settings: &EventSettings) -> Vec<ConfigError> {
    let too_long = format!("must be at most {} days", LONGEST.as_secs() / (24 * 3600));
    let wrong = [
        ("keep", settings.keep.is_zero(), "must be greater than zero"),
        ("keep", settings.keep > LONGEST, &too_long),
        (
            "keep_failed",
            settings.keep_failed.is_zero(),
            "must be greater than zero",
        ),
        ("keep_failed", settings.keep_failed > LONGEST, &too_long),
        (
            "schedule",
            settings.schedule.len() > MOST_PAUSES,
            "must have at most 99 pauses",
        ),
        (
            "schedule",
            settings.schedule.iter().any(|pause| *pause > LONGEST),
            &too_long,
        ),
        (
            "attempt_timeout",
            settings.attempt_timeout.is_zero(),
            "must be greater than zero",
        ),
        (
            "attempt_timeout",
            settings.attempt_timeout > LONGEST_ATTEMPT,
            "must be at most ten minutes",
        ),
        ("at_once", settings.at_once == 0, "must be greater than zero"),
        ("at_once", settings.at_once > MOST_AT_ONCE, "must be at most 1000"),
        ("per_target", settings.per_target == 0, "must be greater than zero"),
        (
            "per_target",
            settings.per_target > settings.at_once,
            "must be at most `at_once`",
        ),
    ];
    wrong
        .into_iter()
        .filter(|(_, is_wrong, _)| *is_wrong)
        .map(|(key, _, message)| ConfigError::at(key, message))
        .collect()
}
