//! What can be set, and what an operator is told.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use intake_core::{FromSettings, Scanner, Settings as Table, Step};
use intake_plugin_ffprobe::{Ffprobe, SCANNER_UNAVAILABLE};
use serde_json::{Value, json};

use crate::{fake, with};

fn table(settings: Value) -> Table {
    let Value::Object(table) = settings else {
        panic!("a table")
    };
    Table::new(table)
}

#[test]
fn everything_can_be_set_and_nothing_has_to_be() {
    for settings in [
        json!({}),
        json!({
            "program": "/opt/ffmpeg/bin/ffprobe", "prlimit": "prlimit", "at_a_time": 4, "wait": "1s", "timeout": "5s",
            "memory": "2 GiB", "max_size": "10 MiB", "spool_folder": "/var/tmp", "spool_size": "100 MiB",
        }),
    ] {
        let scanner = Ffprobe::from_table(table(settings.clone()));
        assert!(scanner.is_ok(), "{settings}: {scanner:?}");
    }
}

#[test]
fn what_makes_no_sense_is_an_error_at_its_place() {
    for (settings, key) in [
        (json!({"programm": "ffprobe"}), "programm"),
        (json!({"program": "bin/ffprobe"}), "program"),
        (json!({"program": ""}), "program"),
        (json!({"prlimit": "../prlimit"}), "prlimit"),
        (json!({"at_a_time": 0}), "at_a_time"),
        (json!({"at_a_time": 65}), "at_a_time"),
        (json!({"wait": "0s"}), "wait"),
        (json!({"timeout": 5}), "timeout"),
        (json!({"memory": "100 MiB"}), "memory"),
        (json!({"max_size": 0}), "max_size"),
        (json!({"spool_size": "1 MiB"}), "spool_size"),
    ] {
        let errors = Ffprobe::from_table(table(settings.clone())).expect_err(&settings.to_string());
        let places: Vec<_> = errors.0.iter().map(|error| error.place().to_vec()).collect();
        assert_eq!(places, [[Step::from(key)]], "{settings}: {errors}");
    }
}

/// Why a scanner with another setting is not ready.
async fn not_ready(scanner: Ffprobe) -> String {
    let fault = scanner.ready().await.expect_err("it cannot work");
    assert_eq!((&fault.code, fault.retryable), (&SCANNER_UNAVAILABLE, true));
    fault.message
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_at_the_start() {
    let why = not_ready(with(|settings| settings.program = "ffprobe-of-nobody".into())).await;
    assert_eq!(
        why,
        "there is no program ffprobe-of-nobody: install it (Debian's package ffmpeg), or set `program` to its path"
    );
    let why = not_ready(with(|settings| settings.prlimit = "/nowhere/prlimit".into())).await;
    assert!(why.starts_with("there is no program /nowhere/prlimit"), "{why}");
    // A file, and no program.
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let why = not_ready(with(|settings| settings.program = manifest)).await;
    assert!(why.starts_with("there is no program /"), "{why}");
}

#[tokio::test]
async fn a_program_that_fails_and_a_folder_that_cannot_be_written_are_named_at_the_start() {
    let (_folder, program) = fake("echo libraries missing >&2; exit 127");
    let why = not_ready(with(|settings| settings.program = program)).await;
    assert_eq!(why, "ffprobe cannot be started within its limits: libraries missing");
    let (_folder, program) = fake("sleep 600");
    let why = not_ready(with(|settings| {
        settings.program = program;
        settings.timeout = Duration::from_millis(50);
    }))
    .await;
    assert!(why.contains("took longer than 50ms"), "{why}");
    let why = not_ready(with(|settings| settings.spool_folder = Some("/nowhere".into()))).await;
    assert!(why.contains("spool_folder"), "{why}");
}

#[tokio::test]
async fn a_limit_of_memory_that_is_just_enough_is_enough() {
    let scanner = with(|settings| settings.memory = ByteSize::mib(512));
    scanner.ready().await.expect("ffprobe starts");
}
