//! What an operator may set.

use intake_core::plugin::{Build, Stage};
use intake_core::{Bytes, Registry, Scanner, Settings, testkit};
use serde_json::{Value, json};

use crate::samples::{Png, png_of};

fn build(settings: Value) -> Result<Box<dyn Scanner>, String> {
    let Value::Object(table) = settings else {
        panic!("a table")
    };
    let registry = Registry::linked().expect("no name is taken twice");
    let plugin = registry.find(Stage::Scanner, "image-info").expect("it is linked");
    let Build::Scanner(build) = plugin.build else {
        panic!("a scanner")
    };
    build(Settings::new(table)).map_err(|error| error.to_string())
}

#[tokio::test]
async fn settings_do_what_they_say() {
    let ten_by_ten: Bytes = png_of((10, 10), &Png::default()).into();
    let far = vec![0; 20 * 1024];
    let far_in = Png {
        chunks: &[(*b"eXIf", &far)],
        ..Png::default()
    };
    let far_in: Bytes = png_of((10, 10), &far_in).into();
    let unreadable = Bytes::from_static(b"BM\xFF\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0");
    for (settings, content, refused, whole) in [
        (json!({}), &ten_by_ten, None, true),
        (json!({"max_pixels": 100}), &ten_by_ten, None, true),
        (json!({"max_pixels": 99}), &ten_by_ten, Some("image_too_large"), true),
        (json!({"max_side": 10}), &ten_by_ten, None, true),
        (json!({"max_side": 9}), &ten_by_ten, Some("image_too_large"), true),
        (json!({"max_header": "8 KiB"}), &far_in, None, false),
        (json!({"max_header": "1 MiB"}), &far_in, None, true),
        (json!({"max_header": 4_194_304}), &far_in, None, true),
        (json!({}), &unreadable, None, false),
        (json!({"unreadable": "accept"}), &unreadable, None, false),
        (
            json!({"unreadable": "refuse"}),
            &unreadable,
            Some("image_unreadable"),
            false,
        ),
    ] {
        let scanner = build(settings.clone()).expect("settings that make sense");
        let report = testkit::scan(&*scanner, content, 4096).await.expect("scans");
        assert_eq!(crate::left_out(&report).is_none(), whole, "{settings}");
        let code = report.verdict.rejection().map(|rejection| rejection.code.to_string());
        assert_eq!(code.as_deref(), refused, "{settings}");
    }
}

#[test]
fn settings_that_make_no_sense_are_named() {
    for (settings, says) in [
        (json!({"max_pixel": 1}), "max_pixel: unknown field `max_pixel`"),
        (json!({"max_pixels": 0}), "max_pixels: must be greater than zero"),
        (json!({"max_pixels": "many"}), "max_pixels: expected a whole number"),
        (json!({"max_side": 0}), "max_side: must be greater than zero"),
        (
            json!({"max_side": 4_294_967_296_u64}),
            "max_side: expected a whole number from 0 to 4294967295",
        ),
        (json!({"max_header": "large"}), "max_header: "),
        (
            json!({"max_header": "8191 B"}),
            "max_header: must be from 8 KiB to 4 MiB",
        ),
        (
            json!({"max_header": "5 MiB"}),
            "max_header: must be from 8 KiB to 4 MiB",
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
