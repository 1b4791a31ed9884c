//! Builds a pipeline from settings. It knows no file format; the caller keeps the positions of the settings in the file.

use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

use crate::contract::event_format::STANDARD;
use crate::contract::plugin::{Build, Registry, Stage};
use crate::engine::builder::Builder;
use crate::engine::derived::config::bounds;
use crate::engine::event_config::{EventsTable, events};
use crate::engine::limits::Limits;
use crate::engine::named::{Named, Sender};
use crate::engine::pipeline::Pipeline;
use crate::engine::scans::ScanStage;
use crate::policy::project::Project;
use crate::value::config_error::{ConfigError, ConfigErrors};
use crate::value::inspection::Maker;
use crate::value::reading::names_of;
use crate::value::scan_policy::ScanPolicy;
use crate::value::settings::Settings;
use crate::value::shares::{SHARES, share_of};

/// The sections of a configuration from which the pipeline is built, in the order in which an upload reaches them.
pub const SECTIONS: &[&str] = &[
    "projects", "receive", "validate", "scan", "store", "stores", "record", "expire", "notify", "events", "derived",
];

/// The longest duration: every point in time stays far from the end of the calendar.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The least rate: a scanner waits for the next bytes only for so long.
const LEAST_RESCAN_RATE: u64 = 64 << 10;

/// The most verdicts that are kept: with the notes of a scanner, each may take some KiB.
const MOST_VERDICTS: usize = 1_000_000;

/// The most tries of one fetch job. With pauses that double each time, ten tries take over 500 times the first pause.
const MOST_FETCH_TRIES: u32 = 10;
/// The longest first pause: with the most tries, the last pause of a fetch job is then ten days.
const LONGEST_FETCH_BACKOFF: Duration = Duration::from_secs(3600);

/// `[receive]`: the limits of uploads.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Receive {
    #[serde(default)]
    max_size: Option<ByteSize>,
    #[serde(default, with = "humantime_serde")]
    timeout: Option<Duration>,
    #[serde(default, with = "humantime_serde")]
    multipart_ttl: Option<Duration>,
    #[serde(default, with = "humantime_serde")]
    lease: Option<Duration>,
    #[serde(default, with = "humantime_serde")]
    tombstone_ttl: Option<Duration>,
    max_fetches: Option<usize>,
    max_fetches_per_project: Option<usize>,
    max_fetches_per_ip: Option<usize>,
    max_queued_fetches_per_project: Option<u64>,
    max_queued_fetches_per_ip: Option<u64>,
    max_multiparts_per_project: Option<u64>,
    max_multiparts_per_ip: Option<u64>,
    max_tombstones_per_project: Option<u64>,
    max_groups_per_project: Option<u64>,
    max_group_bytes_per_project: Option<ByteSize>,
    #[serde(default, with = "humantime_serde")]
    group_ttl: Option<Duration>,
    fetch_tries: Option<u32>,
    #[serde(default, with = "humantime_serde")]
    fetch_backoff: Option<Duration>,
    #[serde(default, with = "humantime_serde")]
    trash: Option<Duration>,
    #[serde(default, with = "humantime_serde")]
    quarantine_ttl: Option<Duration>,
    #[serde(default, with = "humantime_serde")]
    rescan_backoff: Option<Duration>,
    verdict_cache: Option<usize>,
    rescan_rate: Option<ByteSize>,
    #[serde(default, with = "humantime_serde")]
    rescan_age: Option<Duration>,
    /// Taken out earlier; named here so that the message for an unknown key lists it.
    #[serde(default, rename = "pull")]
    _pull: Option<()>,
}

/// The settings of `[receive]` whose names have changed, each with its name in earlier versions and its name now.
const RENAMED: [(&str, &str); 16] = [
    ("unfinished", "multipart_ttl"),
    ("claim", "lease"),
    ("notes", "tombstone_ttl"),
    ("pulls", "max_fetches"),
    ("pulls_of_project", "max_fetches_per_project"),
    ("pulls_of_address", "max_fetches_per_ip"),
    ("waiting_of_project", "max_queued_fetches_per_project"),
    ("waiting_of_address", "max_queued_fetches_per_ip"),
    ("unfinished_of_project", "max_multiparts_per_project"),
    ("unfinished_of_address", "max_multiparts_per_ip"),
    ("refused_of_project", "max_tombstones_per_project"),
    ("groups_of_project", "max_groups_per_project"),
    ("group_bytes_of_project", "max_group_bytes_per_project"),
    ("keep_groups", "group_ttl"),
    ("pull_tries", "fetch_tries"),
    ("pull_pause", "fetch_backoff"),
];

impl Pipeline {
    /// Builds a pipeline from the [`SECTIONS`] of the settings and leaves all other settings. Opens nothing.
    ///
    /// # Errors
    ///
    /// All errors of the settings, each with its position.
    pub fn from_settings(settings: &mut Settings, registry: &Registry) -> Result<Self, ConfigErrors> {
        Self::from_settings_with(settings, registry, |builder| builder)
    }

    /// The same, with what a program adds in code, such as a [format of events](Builder::event_format).
    ///
    /// # Errors
    ///
    /// Those of [`from_settings`](Self::from_settings).
    pub fn from_settings_with(
        settings: &mut Settings,
        registry: &Registry,
        add: impl FnOnce(Builder) -> Builder,
    ) -> Result<Self, ConfigErrors> {
        // Projects may also be managed in the recorder's database, whether or not the settings list any.
        let mut builder = add(Self::builder().managed_projects());
        let mut errors = Vec::new();
        let mut wanted = Vec::new();
        each(settings, "projects", &mut errors, |entry| {
            let project = Project::from_settings(entry)?;
            wanted.push(project.store.clone());
            Ok(builder.configured.add(project)?)
        });
        // Each section separately, so that one run reports all errors.
        errors.extend(receive(settings, registry, &mut builder));
        each(settings, "validate", &mut errors, |entry| {
            let (name, maker, build) = choose(entry, registry, Stage::Validator)?;
            if let Built::Validator(stage) = build {
                builder.validators.push(Named { name, maker, stage });
            }
            Ok(())
        });
        each(settings, "scan", &mut errors, |entry| {
            builder.scanners.extend(scanner(entry, registry)?);
            Ok(())
        });
        each(settings, "stores", &mut errors, |entry| {
            let (name, _, build) = choose(entry, registry, Stage::Store)?;
            if let Built::Store(store) = build {
                builder.stores.push((name, store));
            }
            Ok(())
        });
        // Only if all sections are valid; errors of projects and stores are reported already.
        if errors.is_empty() {
            for (at, store) in wanted.iter().enumerate() {
                let Some(store) = store else { continue };
                if !builder.stores.iter().any(|(name, _)| name == store) {
                    let message = format!("no store is called `{store}` in [[stores]]");
                    errors.push(ConfigError::at("store", message).within(at).within("projects"));
                }
            }
        }
        each(settings, "notify", &mut errors, |entry| {
            builder.notifiers.extend(notifier(entry, registry)?);
            Ok(())
        });
        errors.extend(events(settings, &mut builder));
        errors.extend(derived(settings, registry, &mut builder));
        errors.extend(single_stages(settings, registry, &mut builder));
        if errors.is_empty() {
            builder.build().map_err(Into::into)
        } else {
            Err(ConfigErrors(errors))
        }
    }
}

/// Builds a scanner, with what happens to uploads by what it says.
fn scanner(mut entry: Settings, registry: &Registry) -> Result<Option<ScanStage>, ConfigErrors> {
    // Of all settings, also those that are for the pipeline.
    let settings = entry.digest();
    let policy = ScanPolicy {
        on_infected: entry.take_parsed("on_infected")?.unwrap_or_default(),
        on_partial: entry.take_parsed("on_partial")?,
        on_fault: entry.take_parsed("on_fault")?.unwrap_or_default(),
        group: entry.take_parsed("group")?,
    };
    let (name, maker, built) = choose(entry, registry, Stage::Scanner)?;
    let Built::Scanner(scanner) = built else {
        return Ok(None);
    };
    let maker = Maker { settings, ..maker };
    let stage = ScanStage::new(name, scanner, policy);
    Ok(Some(ScanStage { maker, ..stage }))
}

/// Builds a notifier, with the format of its events.
fn notifier(mut entry: Settings, registry: &Registry) -> Result<Option<Sender>, ConfigErrors> {
    let format = entry.take_parsed("format")?.unwrap_or_else(|| STANDARD.to_owned());
    let (name, _, built) = choose(entry, registry, Stage::Notifier)?;
    Ok(match built {
        Built::Notifier(stage) => Some(Sender { name, format, stage }),
        _ => None,
    })
}

/// Builds the stages that exist once each, and returns the errors of their settings.
fn single_stages(settings: &mut Settings, registry: &Registry, builder: &mut Builder) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    for (section, stage) in [
        ("store", Stage::Store),
        ("record", Stage::Recorder),
        ("expire", Stage::Expirer),
    ] {
        let built = settings
            .take_table(section)
            .map_err(ConfigErrors::from)
            .and_then(|table| choose(table, registry, stage).map_err(|errors| errors.within(section)));
        match built {
            Ok((_, _, Built::Store(store))) => builder.store = Some(store),
            Ok((_, _, Built::Recorder(recorder))) => builder.recorder = Some(recorder.into()),
            Ok((_, _, Built::Expirer(expirer))) => builder.expirer = Some(expirer),
            Ok(_) => {}
            Err(several) => errors.extend(several.0),
        }
    }
    errors
}

/// Reads `[derived]`, and returns the errors of its settings. Nothing is kept unless it is there.
fn derived(settings: &mut Settings, registry: &Registry, builder: &mut Builder) -> Vec<ConfigError> {
    let mut table = match settings.take_table("derived") {
        Ok(table) => table,
        Err(error) => return vec![error],
    };
    if table.keys().next().is_none() {
        return Vec::new();
    }
    let read = bounds(&mut table).and_then(|bounds| Ok((choose(table, registry, Stage::Store)?, bounds)));
    match read {
        Ok(((_, _, Built::Store(store)), bounds)) => builder.derived = Some((store, bounds)),
        Ok(_) => {}
        Err(errors) => return errors.within("derived").0,
    }
    Vec::new()
}

/// Reads `[receive]`, and returns the errors of its settings.
fn receive(settings: &mut Settings, registry: &Registry, builder: &mut Builder) -> Vec<ConfigError> {
    let mut table = match settings.take_table("receive") {
        Ok(table) => table,
        Err(error) => return vec![error],
    };
    let mut errors = ConfigErrors::default();
    let pull = table.take_table("pull").map_err(ConfigErrors::from).and_then(|pull| {
        let is_set = pull.keys().next().is_some();
        let chosen = is_set.then(|| choose(pull, registry, Stage::Fetcher));
        chosen.transpose().map_err(|errors| errors.within("pull"))
    });
    match pull {
        Ok(Some((name, _, Built::Fetcher(fetcher)))) => builder.fetcher = Some((name, fetcher)),
        Ok(_) => {}
        Err(wrong) => errors.0.extend(wrong.0),
    }
    match table.make_unless_renamed(&RENAMED, limits) {
        Ok((limits, tombstone_ttl)) => {
            builder.limits = limits;
            builder.tombstone_ttl = tombstone_ttl;
        }
        Err(wrong) => errors.0.extend(wrong.0),
    }
    errors.within("receive").0
}

/// The limits of uploads, and how long tombstones are kept.
fn limits(receive: Receive) -> Result<(Limits, Option<Duration>), ConfigErrors> {
    let tombstone_ttl = receive.tombstone_ttl;
    let limits = with_usual(&receive);
    let errors = wrong_limits(&limits, tombstone_ttl);
    match errors.is_empty() {
        true => Ok((limits, tombstone_ttl)),
        false => Err(ConfigErrors(errors)),
    }
}

/// The limits that are set, and the defaults of the others.
fn with_usual(receive: &Receive) -> Limits {
    let usual = Limits::default();
    let max_fetches = receive.max_fetches.unwrap_or(usual.max_fetches);
    let max_queued_fetches_per_project = receive
        .max_queued_fetches_per_project
        .unwrap_or(usual.max_queued_fetches_per_project);
    let max_multiparts_per_project = receive
        .max_multiparts_per_project
        .unwrap_or(usual.max_multiparts_per_project);
    // The default share of one client IP in a limit of a project.
    let an_eighth = |all: u64| (all / SHARES as u64).max(1);
    Limits {
        max_size: receive.max_size.map_or(usual.max_size, |size| size.as_u64()),
        timeout: receive.timeout.unwrap_or(usual.timeout),
        multipart_ttl: receive.multipart_ttl.unwrap_or(usual.multipart_ttl),
        lease: receive.lease.unwrap_or(usual.lease),
        max_fetches,
        max_fetches_per_project: receive.max_fetches_per_project.unwrap_or(usual.max_fetches_per_project),
        max_fetches_per_ip: receive.max_fetches_per_ip.unwrap_or(share_of(max_fetches)),
        max_queued_fetches_per_project,
        max_queued_fetches_per_ip: receive
            .max_queued_fetches_per_ip
            .unwrap_or(an_eighth(max_queued_fetches_per_project)),
        max_multiparts_per_project,
        max_multiparts_per_ip: receive
            .max_multiparts_per_ip
            .unwrap_or(an_eighth(max_multiparts_per_project)),
        max_tombstones_per_project: receive
            .max_tombstones_per_project
            .unwrap_or(usual.max_tombstones_per_project),
        max_groups_per_project: receive.max_groups_per_project.unwrap_or(usual.max_groups_per_project),
        max_group_bytes_per_project: receive
            .max_group_bytes_per_project
            .map_or(usual.max_group_bytes_per_project, |size| size.as_u64()),
        group_ttl: receive.group_ttl.or(usual.group_ttl),
        fetch_tries: receive.fetch_tries.unwrap_or(usual.fetch_tries),
        fetch_backoff: receive.fetch_backoff.unwrap_or(usual.fetch_backoff),
        trash: receive.trash.unwrap_or(usual.trash),
        quarantine_ttl: receive.quarantine_ttl.unwrap_or(usual.quarantine_ttl),
        rescan_backoff: receive.rescan_backoff.unwrap_or(usual.rescan_backoff),
        verdict_cache: receive.verdict_cache.unwrap_or(usual.verdict_cache),
        rescan_rate: receive.rescan_rate.map_or(usual.rescan_rate, |rate| rate.as_u64()),
        rescan_age: receive.rescan_age.unwrap_or(usual.rescan_age),
    }
}

/// The errors of limits.
fn wrong_limits(limits: &Limits, tombstone_ttl: Option<Duration>) -> Vec<ConfigError> {
    let nothing = [
        ("max_size", limits.max_size == 0),
        ("timeout", limits.timeout.is_zero()),
        ("multipart_ttl", limits.multipart_ttl.is_zero()),
        ("lease", limits.lease.is_zero()),
        ("tombstone_ttl", tombstone_ttl.is_some_and(|ttl| ttl.is_zero())),
        ("max_fetches", limits.max_fetches == 0),
        ("max_fetches_per_project", limits.max_fetches_per_project == 0),
        ("max_fetches_per_ip", limits.max_fetches_per_ip == 0),
        (
            "max_queued_fetches_per_project",
            limits.max_queued_fetches_per_project == 0,
        ),
        ("max_queued_fetches_per_ip", limits.max_queued_fetches_per_ip == 0),
        ("max_multiparts_per_project", limits.max_multiparts_per_project == 0),
        ("max_multiparts_per_ip", limits.max_multiparts_per_ip == 0),
        ("group_ttl", limits.group_ttl.is_some_and(|stays| stays.is_zero())),
        ("fetch_tries", limits.fetch_tries == 0),
        ("quarantine_ttl", limits.quarantine_ttl.is_zero()),
        ("rescan_backoff", limits.rescan_backoff.is_zero()),
    ];
    let too_long = [
        ("timeout", limits.timeout),
        ("multipart_ttl", limits.multipart_ttl),
        ("lease", limits.lease),
        ("tombstone_ttl", tombstone_ttl.unwrap_or_default()),
        ("trash", limits.trash),
        ("quarantine_ttl", limits.quarantine_ttl),
        ("rescan_backoff", limits.rescan_backoff),
        ("rescan_age", limits.rescan_age),
        ("group_ttl", limits.group_ttl.unwrap_or_default()),
    ];
    let too_slow = (1..LEAST_RESCAN_RATE)
        .contains(&limits.rescan_rate)
        .then(|| ConfigError::at("rescan_rate", "must be zero, or at least 64 KiB a second"));
    let too_many_verdicts = (limits.verdict_cache > MOST_VERDICTS)
        .then(|| ConfigError::at("verdict_cache", format!("must be at most {MOST_VERDICTS}")));
    let nothing = nothing.into_iter().filter(|(_, is_nothing)| *is_nothing);
    let too_long = too_long.into_iter().filter(|(_, period)| *period > LONGEST);
    let too_many = (limits.fetch_tries > MOST_FETCH_TRIES)
        .then(|| ConfigError::at("fetch_tries", format!("must be at most {MOST_FETCH_TRIES}")));
    let pause_too_long = (limits.fetch_backoff > LONGEST_FETCH_BACKOFF)
        .then(|| ConfigError::at("fetch_backoff", "must be at most an hour"));
    nothing
        .map(|(key, _)| ConfigError::at(key, "must be greater than zero"))
        .chain(too_long.map(|(key, _)| ConfigError::at(key, "must be less than a hundred years")))
        .chain(too_many)
        .chain(pause_too_long)
        .chain(too_many_verdicts)
        .chain(too_slow)
        .collect()
}

/// The names of the settings of `[receive]`, `[events]` or of a project, for suggestions; an empty list for other sections.
#[must_use]
pub fn settings_of(section: &str) -> &'static [&'static str] {
    match section {
        "receive" => names_of::<Receive>(),
        "events" => names_of::<EventsTable>(),
        "projects" => names_of::<Project>(),
        _ => &[],
    }
}

/// Reads a list of tables entry by entry, so that an error in one does not hide errors in the next.
fn each(
    settings: &mut Settings,
    section: &'static str,
    errors: &mut Vec<ConfigError>,
    mut read: impl FnMut(Settings) -> Result<(), ConfigErrors>,
) {
    match settings.take_tables(section) {
        Ok(entries) => {
            for (at, entry) in entries.into_iter().enumerate() {
                let wrong = read(entry).err().unwrap_or_default();
                errors.extend(wrong.within(at).within(section).0);
            }
        }
        Err(error) => errors.push(error),
    }
}

/// A stage that was built: what [`Build`] makes.
enum Built {
    Fetcher(Box<dyn crate::contract::stages::Fetcher>),
    Validator(Box<dyn crate::contract::stages::Validator>),
    Scanner(Box<dyn crate::contract::stages::Scanner>),
    Store(Box<dyn crate::contract::stages::Store>),
    Recorder(Box<dyn crate::contract::stages::Recorder>),
    Expirer(Box<dyn crate::contract::stages::Expirer>),
    Notifier(Box<dyn crate::contract::notifier::Notifier>),
}

/// Finds the plugin that an entry names and builds it from the rest of the entry. Also returns the stage's name, which is the
/// plugin's unless the entry sets another, and what records say of the plugin.
fn choose(mut entry: Settings, registry: &Registry, stage: Stage) -> Result<(String, Maker, Built), ConfigErrors> {
    let Some(chosen) = entry.take_parsed::<String>("use")? else {
        let names: Vec<_> = registry
            .plugins()
            .filter(|plugin| plugin.build.stage() == stage)
            .map(|p| p.name)
            .collect();
        let message = format!("`use` is missing; the {stage}s that there are: {}", names.join(", "));
        return Err(ConfigError::new(message).into());
    };
    let name: Option<String> = entry.take_parsed("name")?;
    let plugin = registry.find(stage, &chosen)?;
    let maker = Maker {
        name: chosen.clone(),
        version: plugin.version.to_owned(),
        settings: entry.digest(),
    };
    let built = match plugin.build {
        Build::Fetcher(build) => Built::Fetcher(build(entry)?),
        Build::Validator(build) => Built::Validator(build(entry)?),
        Build::Scanner(build) => Built::Scanner(build(entry)?),
        Build::Store(build) => Built::Store(build(entry)?),
        Build::Recorder(build) => Built::Recorder(build(entry)?),
        Build::Expirer(build) => Built::Expirer(build(entry)?),
        Build::Notifier(build) => Built::Notifier(build(entry)?),
    };
    Ok((name.unwrap_or(chosen), maker, built))
}
