//! Settings: what is taken, what is refused and how, and that nothing is opened.

use intake_core::plugin::{Build, Stage};
use intake_core::{ConfigError, Recorder, Registry, Settings};
// A plugin whose crate is not named is not linked.
use intake_plugin_sql as _;
use serde_json::{Value, json};

fn build(settings: Value) -> Result<Box<dyn Recorder>, ConfigError> {
    let Value::Object(table) = settings else {
        panic!("a table")
    };
    let registry = Registry::linked()?;
    let Build::Recorder(build) = registry.find(Stage::Recorder, "sql")?.build else {
        panic!("a recorder")
    };
    Ok(build(Settings::new(table))?)
}

#[test]
fn a_mistake_in_the_settings_is_named() {
    for (settings, says) in [
        (json!({}), "url: missing; supported are `sqlite://"),
        (json!({"url": "sqlite:///a", "pool": 3}), "pool: unknown field `pool`"),
        (json!({"url": 3}), "url: expected a text"),
        (json!({"url": {"env": "INTAKE_TEST_NO_SUCH_VARIABLE"}}), "url.env: "),
        (
            json!({"url": "postgres://me:hunter2@host:hunter2/db"}),
            "url: not a url of PostgreSQL: it cannot be parsed; a special character",
        ),
        (
            json!({"url": "postgresql://me:1#hunter2@host/db"}),
            "url: not a url of PostgreSQL: it contains a `#`; a special character",
        ),
        (
            json!({"url": "postgresql://me:1/hunter2@host/db"}),
            "url: not a url of PostgreSQL: it names no database; a special character",
        ),
        (
            json!({"url": "postgresql://me:1?hunter2@host/db"}),
            "url: not a url of PostgreSQL: its parameters may be `sslmode`",
        ),
        (
            json!({"url": "postgresql://me@host/db?passwrod=hunter2"}),
            "url: not a url of PostgreSQL: its parameters may be `sslmode`",
        ),
        (
            json!({"url": "postgresql://me@host/db?sslmode=hunter2"}),
            "url: not a url of PostgreSQL: its `sslmode` is none of",
        ),
        (
            json!({"url": "postgresql://me@host/db?port=hunter2"}),
            "url: not a url of PostgreSQL: its `port` is no port",
        ),
        (
            json!({"url": "postgresql://me@host/db?options=hunter2"}),
            "url: not a url of PostgreSQL: its `options` are not of the form",
        ),
        (
            json!({"url": "postgresql://me:hunter2%ff@host/db"}),
            "url: not a url of PostgreSQL: a part of it is not UTF-8 text",
        ),
        (
            json!({"url": "mysql://me:hunter2@host/db"}),
            "url: not a url of a supported database; supported are `sqlite://",
        ),
        (
            json!({"url": "hunter2:hunter2"}),
            "url: not a url of a supported database",
        ),
        (
            json!({"url": "/var/lib/hunter2.db"}),
            "url: not a url of a supported database",
        ),
        (json!({"url": ""}), "url: not a url of a supported database"),
        (json!({"url": "sqlite:"}), "url: the url names no file"),
        (json!({"url": "sqlite://"}), "url: the url names no file"),
        (
            json!({"url": "sqlite::memory:"}),
            "url: records in memory are not supported",
        ),
        (
            json!({"url": "sqlite://:memory:"}),
            "url: records in memory are not supported",
        ),
        (
            json!({"url": "sqlite://hunter2.db?mode=memory"}),
            "url: the url takes no parameters",
        ),
        (
            json!({"url": "sqlite:///a/%ff"}),
            "url: the file's name is not UTF-8 text",
        ),
    ] {
        let error = build(settings.clone()).unwrap_err().to_string();
        assert!(error.starts_with(says), "{settings}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_url_names_a_file_that_first_use_creates() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap();
    for (url, file) in [
        (format!("sqlite://{root}/a/b/records.db"), "a/b/records.db"),
        (format!("sqlite:{root}/one.db"), "one.db"),
        (format!("sqlite://{root}/with%20space%3F.db"), "with space?.db"),
        (format!("sqlite://{root}/%3Amemory%3A"), ":memory:"),
    ] {
        let recorder = build(json!({"url": url})).unwrap();
        let top = folder.path().join(file.split('/').next().unwrap());
        assert!(!top.exists(), "building has created {}", top.display());
        recorder.ready().await.unwrap();
        assert!(folder.path().join(file).is_file(), "{file}");
    }
}

#[test]
fn a_recorder_does_not_show_its_url() {
    let recorder = build(json!({"url": "sqlite:///var/lib/records.db"})).unwrap();
    let shown = format!("{recorder:?}");
    assert!(
        shown.contains("/var/lib/records.db") && !shown.contains("sqlite:"),
        "{shown}"
    );
}
