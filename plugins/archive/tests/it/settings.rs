//! What an operator may set.

use intake_core::plugin::{Build, Stage};
use intake_core::{Registry, Scanner, Settings, testkit};
use serde_json::{Value, json};

use crate::files::text;
use crate::zips::{packed, stored, zip};

fn build(settings: Value) -> Result<Box<dyn Scanner>, String> {
    let Value::Object(table) = settings else {
        panic!("a table")
    };
    let registry = Registry::linked().expect("no name is taken twice");
    let plugin = registry.find(Stage::Scanner, "archive").expect("it is linked");
    let Build::Scanner(build) = plugin.build else {
        panic!("a scanner")
    };
    build(Settings::new(table)).map_err(|error| error.to_string())
}

#[tokio::test]
async fn settings_do_what_they_say() {
    let content = zip(&[packed("a", &text(3000)), stored("word/vbaProject.bin", b"x")]).into();
    for (settings, refused) in [
        (json!({}), None),
        (json!({"max_members": 2}), None),
        (json!({"max_members": 1}), Some("archive_too_many_members")),
        (json!({"max_member": "2 KiB"}), Some("archive_too_large")),
        (json!({"max_inflated": 3000}), Some("archive_too_large")),
        (json!({"max_depth": 1, "max_ratio": 1, "max_window": "8 MiB"}), None),
        (json!({"memory": "80 MiB", "wait": "500ms"}), None),
        (json!({"macros": "refuse"}), Some("archive_macros")),
        (
            json!({"encrypted": "accept", "links": "accept", "paths": "accept", "overlaps": "accept"}),
            None,
        ),
        (
            json!({"macros": "accept", "external_relations": "refuse", "unreadable": "refuse"}),
            None,
        ),
    ] {
        let scanner = build(settings.clone()).expect("settings that make sense");
        let report = testkit::scan(&*scanner, &content, 4096).await.expect("scans");
        let code = report.verdict.rejection().map(|rejection| rejection.code.to_string());
        assert_eq!(code.as_deref(), refused, "{settings}");
    }
}

#[test]
fn settings_that_make_no_sense_are_named() {
    for (settings, says) in [
        (
            json!({"max_member_size": 1}),
            "max_member_size: unknown field `max_member_size`",
        ),
        (json!({"max_members": 0}), "max_members: must be from 1 to 1,000,000"),
        (
            json!({"max_members": 1_000_001}),
            "max_members: must be from 1 to 1,000,000",
        ),
        (json!({"max_depth": 0}), "max_depth: must be from 1 to 16"),
        (json!({"max_depth": 17}), "max_depth: must be from 1 to 16"),
        (json!({"max_inflated": 0}), "max_inflated: must be greater than zero"),
        (json!({"max_inflated": "large"}), "max_inflated: "),
        (json!({"max_member": "0 B"}), "max_member: must be greater than zero"),
        (json!({"max_ratio": 0}), "max_ratio: must be greater than zero"),
        (
            json!({"max_window": "1 GiB"}),
            "max_window: must be from 1 MiB to 128 MiB",
        ),
        (
            json!({"memory": "69 MiB"}),
            "memory: must be at least 70 MiB, so that there is enough for one upload with these limits",
        ),
        (json!({"max_depth": 16}), "memory: must be at least "),
        (json!({"wait": "2h"}), "wait: must be at most an hour"),
        (json!({"wait": 10}), "wait: "),
        (
            json!({"links": "follow"}),
            "links: unknown variant `follow`, expected `accept` or `refuse`",
        ),
    ] {
        let error = build(settings.clone()).expect_err("makes no sense");
        assert!(error.starts_with(says), "{settings}: {error}");
    }
}
