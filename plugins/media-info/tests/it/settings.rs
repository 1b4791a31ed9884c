//! What an operator may set.

use intake_core::plugin::{Build, Stage};
use intake_core::{Bytes, Registry, Scanner, Settings, testkit};
use serde_json::{Value, json};

use crate::writers::{Movie, Track, boxed, brand, picture};

fn build(settings: Value) -> Result<Box<dyn Scanner>, String> {
    let Value::Object(table) = settings else {
        panic!("a table")
    };
    let registry = Registry::linked().expect("no name is taken twice");
    let plugin = registry.find(Stage::Scanner, "media-info").expect("it is linked");
    let Build::Scanner(build) = plugin.build else {
        panic!("a scanner")
    };
    build(Settings::new(table)).map_err(|error| error.to_string())
}

#[tokio::test]
async fn settings_do_what_they_say() {
    let track = Track {
        times: vec![(50, 40)],
        ..Track::video(picture(b"avc1", (64, 48), &[]))
    };
    let two_seconds = Bytes::from([brand(b"isom"), Movie::of(vec![track]).bytes()].concat());
    let unreadable = Bytes::from([brand(b"isom"), boxed(b"mdat", &[&[0; 99]])].concat());
    let unsupported = Bytes::from_static(b"FORM\0\0\0\x04AIFF");
    for (settings, content, refused) in [
        (json!({}), &two_seconds, None),
        (json!({"max_duration": "2s"}), &two_seconds, None),
        (json!({"max_duration": "1999ms"}), &two_seconds, Some("video_too_long")),
        (json!({"max_side": 64}), &two_seconds, None),
        (json!({"max_side": 63}), &two_seconds, Some("video_too_large")),
        (json!({"max_header": "8 KiB"}), &two_seconds, None),
        (json!({}), &unreadable, None),
        (json!({"unreadable": "accept"}), &unreadable, None),
        (json!({"unreadable": "refuse"}), &unreadable, Some("video_unreadable")),
        (json!({"unreadable": "refuse"}), &unsupported, Some("video_unreadable")),
    ] {
        let scanner = build(settings.clone()).expect("settings that make sense");
        let report = testkit::scan(&*scanner, content, 4096).await.expect("scans");
        let code = report.verdict.rejection().map(|rejection| rejection.code.to_string());
        assert_eq!(code.as_deref(), refused, "{settings}");
    }
}

#[test]
fn settings_that_make_no_sense_are_named() {
    for (settings, says) in [
        (json!({"max_size": 1}), "max_size: unknown field `max_size`"),
        (json!({"max_side": 0}), "max_side: must be greater than zero"),
        (
            json!({"max_duration": "0s"}),
            "max_duration: must be at least a millisecond",
        ),
        (json!({"max_duration": "long"}), "max_duration: "),
        (
            json!({"max_header": "1 KiB"}),
            "max_header: must be from 4 KiB to 16 MiB",
        ),
        (
            json!({"unreadable": "ask"}),
            "unreadable: unknown variant `ask`, expected `accept` or `refuse`",
        ),
    ] {
        let error = build(settings.clone()).expect_err("makes no sense");
        assert!(error.starts_with(says), "{settings}: {error}");
    }
}
