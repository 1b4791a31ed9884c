//! From settings to a pipeline: all errors are reported, each with its place and what would be right.

use std::time::Duration;

use intake_core::memory::KeepAll;
use intake_core::{ConfigError, FromSettings, Pipeline, Plugin, Registry, Settings, Validator};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug)]
struct Endings;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndingsSettings {
    endings: Vec<String>,
}

impl FromSettings for Endings {
    type Settings = EndingsSettings;

    fn from_settings(EndingsSettings { endings }: EndingsSettings) -> Result<Self, ConfigError> {
        if endings.is_empty() {
            Err(ConfigError::at("endings", "there is none"))
        } else {
            Ok(Self)
        }
    }
}

impl Validator for Endings {}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct None {}

impl FromSettings for KeepForEver {
    type Settings = None;

    fn from_settings(None {}: None) -> Result<Self, ConfigError> {
        Ok(Self(KeepAll))
    }
}

#[derive(Debug)]
struct KeepForEver(KeepAll);

impl intake_core::Expirer for KeepForEver {
    fn lifetime(
        &self,
        facts: &intake_core::Facts,
        retention: intake_core::Retention,
        now: std::time::SystemTime,
    ) -> intake_core::Lifetime {
        self.0.lifetime(facts, retention, now)
    }
}

fn registry() -> Registry {
    let registry = Registry::linked().unwrap();
    let registry = registry
        .with(Plugin::validator::<Endings>("endings", "refuses by ending"))
        .unwrap();
    registry.with(Plugin::expirer::<KeepForEver>("keep", "keeps")).unwrap()
}

fn read(value: Value) -> (Result<Pipeline, String>, Vec<String>) {
    let Value::Object(table) = value else { panic!("a table") };
    let mut settings = Settings::new(table);
    let built = Pipeline::from_settings(&mut settings, &registry()).map_err(|errors| errors.to_string());
    (built, settings.keys().map(str::to_owned).collect())
}

fn valid() -> Value {
    json!({
        "receive": {"max_size": "1 MiB", "timeout": "10s", "fetch_tries": 2, "fetch_backoff": "500ms"},
        "validate": [{"use": "endings", "endings": [".exe"]}],
        "store": {"use": "in-memory"},
        "record": {"use": "in-memory"},
        "expire": {"use": "keep"},
        "server": {"is": "left to the caller"},
    })
}

#[test]
fn a_configuration_becomes_a_pipeline_and_other_sections_are_left() {
    let (built, left) = read(valid());
    let limits = built.unwrap().limits();
    assert_eq!((limits.max_size, limits.timeout), (1 << 20, Duration::from_secs(10)));
    assert_eq!(
        (limits.fetch_tries, limits.fetch_backoff),
        (2, Duration::from_millis(500))
    );
    assert_eq!(left, ["server"]);
}

#[test]
fn an_error_names_its_place_and_what_would_be_right() {
    let table = [
        (
            "/validate/0",
            json!({"use": "endings", "ending": []}),
            "validate[0].ending: unknown field `ending`, expected `endings`",
        ),
        (
            "/validate/0",
            json!({"use": "endings", "endings": []}),
            "validate[0].endings: there is none",
        ),
        (
            "/validate/0",
            json!({"use": "endings", "endings": [1]}),
            "validate[0].endings[0]: expected a text in quotes such as \"1\"; found 1",
        ),
        (
            "/validate/0",
            json!({"use": "mediatype"}),
            "validate[0].use: no validator is called `mediatype`; this program has: endings",
        ),
        (
            "/validate/0",
            json!({"endings": []}),
            "validate[0]: `use` is missing; the validators that there are: endings",
        ),
        (
            "/validate/0",
            json!("endings"),
            "validate: must be a list of tables: [[validate]]",
        ),
        ("/store", json!("fs"), "store: must be a table: [store]"),
        (
            "/store",
            json!({"use": "disk"}),
            "store.use: no store is called `disk`; this program has: in-memory",
        ),
        (
            "/store",
            json!({}),
            "store: `use` is missing; the stores that there are: in-memory",
        ),
        ("/receive/max_size", json!("big"), "receive.max_size: "),
        (
            "/receive/timeout",
            json!(5),
            "receive.timeout: expected a length of time such as \"30s\", \"24h\" or \"7days\"; found 5",
        ),
        (
            "/receive",
            json!({"maxsize": 1}),
            "receive.maxsize: unknown field `maxsize`, expected one of `max_size`, `timeout`, `multipart_ttl`, `lease`, `tombstone_ttl`, `max_fetches`, `max_fetches_per_project`, `max_fetches_per_ip`, `max_queued_fetches_per_project`, `max_queued_fetches_per_ip`, `max_multiparts_per_project`, `max_multiparts_per_ip`, `max_tombstones_per_project`, `max_groups_per_project`, `max_group_bytes_per_project`, `group_ttl`, `fetch_tries`, `fetch_backoff`, `trash`, `quarantine_ttl`, `rescan_backoff`, `verdict_cache`, `rescan_rate`, `rescan_age`, `pull`",
        ),
        (
            "/receive",
            json!({"trash": "101years"}),
            "receive.trash: must be less than a hundred years",
        ),
        (
            "/receive",
            json!({"timeout": "500000000years"}),
            "receive.timeout: must be less than a hundred years",
        ),
        (
            "/receive",
            json!({"max_size": 0}),
            "receive.max_size: must be greater than zero",
        ),
        (
            "/receive",
            json!({"fetch_tries": 0}),
            "receive.fetch_tries: must be greater than zero",
        ),
        (
            "/receive",
            json!({"fetch_tries": 11}),
            "receive.fetch_tries: must be at most 10",
        ),
        (
            "/receive",
            json!({"fetch_backoff": "61m"}),
            "receive.fetch_backoff: must be at most an hour",
        ),
        (
            "/receive",
            json!({"pull": {"use": "x"}}),
            "receive.pull.use: no fetcher is called `x`; this program has: none",
        ),
    ];
    for (place, wrong, says) in table {
        let mut value = valid();
        *value.pointer_mut(place).unwrap() = wrong;
        let said = read(value).0.unwrap_err();
        assert!(said.starts_with(says), "{said:?} does not begin with {says:?}");
    }
}

#[test]
fn all_errors_are_reported_at_once() {
    let (built, _) = read(json!({"validate": [{"use": "a"}, {"use": "endings"}], "store": {"use": "b"}}));
    let said = built.unwrap_err();
    let places: Vec<_> = said.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(
        places,
        ["validate[0].use", "validate[1]", "store.use", "record", "expire"],
        "{said}"
    );
}

#[test]
fn two_plugins_of_one_name_are_an_error() {
    let error = registry()
        .with(Plugin::validator::<Endings>("endings", "again"))
        .unwrap_err();
    assert_eq!(error.to_string(), "two plugins are a validator called `endings`");
}
