//! `[[notify]]` and `[events]`: from settings to a pipeline that tells others, and what is wrong with them.

use std::pin::pin;

use futures_util::TryStreamExt;
use intake_core::events::EventPosition;
use intake_core::testkit::ScriptedNotifier;
use intake_core::{
    ConfigError, Declared, FromSettings, Incoming, Message, Notifier, Pipeline, Plugin, Registry, Sent, Settings,
    UploadOptions, async_trait,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug)]
struct Queue(ScriptedNotifier);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueSettings {
    topic: String,
}

impl FromSettings for Queue {
    type Settings = QueueSettings;

    fn from_settings(QueueSettings { topic }: QueueSettings) -> Result<Self, ConfigError> {
        match topic.is_empty() {
            true => Err(ConfigError::at("topic", "must not be empty")),
            false => Ok(Self(ScriptedNotifier::that_delivers())),
        }
    }
}

#[async_trait]
impl Notifier for Queue {
    async fn send(&self, message: &Message) -> Sent {
        self.0.send(message).await
    }

    async fn ready(&self) -> Result<(), intake_core::Fault> {
        Ok(())
    }
}

pub fn read(more: Value) -> Result<Pipeline, String> {
    let mut table = json!({
        "store": {"use": "in-memory"}, "record": {"use": "in-memory"}, "expire": {"use": "keep"},
    });
    let all = table.as_object_mut().unwrap();
    all.extend(more.as_object().unwrap().clone());
    let registry = Registry::linked().unwrap();
    let registry = registry.with(Plugin::notifier::<Queue>("queue", "a queue")).unwrap();
    let registry = registry.with(Plugin::expirer::<Keep>("keep", "keeps")).unwrap();
    Pipeline::from_settings(&mut Settings::new(all.clone()), &registry).map_err(|errors| errors.to_string())
}

#[derive(Debug)]
struct Keep;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl FromSettings for Keep {
    type Settings = Nothing;

    fn from_settings(Nothing {}: Nothing) -> Result<Self, ConfigError> {
        Ok(Self)
    }
}

impl intake_core::Expirer for Keep {
    fn lifetime(
        &self,
        facts: &intake_core::Facts,
        retention: intake_core::Retention,
        now: std::time::SystemTime,
    ) -> intake_core::Lifetime {
        intake_core::Expirer::lifetime(&intake_core::memory::KeepAll, facts, retention, now)
    }
}

#[tokio::test]
async fn events_are_kept_if_somebody_is_told_or_if_the_settings_say_so() {
    for (more, is_kept) in [
        (json!({}), false),
        (json!({"notify": [{"use": "queue", "topic": "files"}]}), true),
        (json!({"events": {"keep": "1day"}}), true),
    ] {
        let mut settings = more.clone();
        settings["projects"] = json!([{"public_key": "demo"}]);
        let pipeline = read(settings).unwrap();
        let incoming = Incoming::from_bytes(Declared::default(), "content");
        pipeline
            .ingest(incoming, UploadOptions::of_project("demo"))
            .await
            .unwrap();
        let mut events = pin!(pipeline.events(EventPosition::default()));
        assert_eq!(events.try_next().await.unwrap().is_some(), is_kept, "{more}");
    }
}

#[test]
fn a_wrong_setting_is_named_with_its_place() {
    let queue = |more: Value| {
        let mut entry = json!({"use": "queue", "topic": "files"});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "notify": [entry] })
    };
    let events = |more: Value| json!({ "events": more });
    for (more, says) in [
        (json!({"notify": {}}), "notify: must be a list of tables"),
        (
            json!({"notify": [{"use": "hook"}]}),
            "notify[0].use: no notifier is called `hook`; this program has: queue",
        ),
        (queue(json!({"topic": ""})), "notify[0].topic: must not be empty"),
        (queue(json!({"topics": ""})), "notify[0].topics: unknown field"),
        (
            queue(json!({"format": "xml"})),
            "notify[0].format: no format of events is called `xml`",
        ),
        (
            json!({"notify": [{"use": "queue", "topic": "a"}, {"use": "queue", "topic": "b"}]}),
            "notify[1]: there is another notifier called `queue`",
        ),
        (
            events(json!({"kep": "7d"})),
            "events.kep: unknown field `kep`, expected one of `keep`, `keep_failed`",
        ),
        (events(json!({"keep": "0s"})), "events.keep: must be greater than zero"),
        (
            events(json!({"keep": "11years"})),
            "events.keep: must be at most 3650 days",
        ),
        (
            events(json!({"keep_failed": "0s"})),
            "events.keep_failed: must be greater than zero",
        ),
        (
            events(json!({"schedule": vec!["1s"; 100]})),
            "events.schedule: must have at most 99 pauses",
        ),
        (
            events(json!({"schedule": ["11years"]})),
            "events.schedule: must be at most 3650 days",
        ),
        (
            events(json!({"schedule": [5]})),
            "events.schedule[0]: expected a length of time",
        ),
        (
            events(json!({"attempt_timeout": "0s"})),
            "events.attempt_timeout: must be greater than zero",
        ),
        (
            events(json!({"attempt_timeout": "11min"})),
            "events.attempt_timeout: must be at most ten minutes",
        ),
        (
            events(json!({"at_once": 0})),
            "events.at_once: must be greater than zero",
        ),
        (events(json!({"at_once": 1001})), "events.at_once: must be at most 1000"),
        (
            events(json!({"per_target": 0})),
            "events.per_target: must be greater than zero",
        ),
        (
            events(json!({"at_once": 2, "per_target": 3})),
            "events.per_target: must be at most `at_once`",
        ),
    ] {
        let said = read(more).unwrap_err();
        assert!(said.starts_with(says), "{said:?} does not begin with {says:?}");
    }
}
