//! What an operator may set.

use intake_core::FromSettings;
use intake_core::testkit::noise;
use intake_plugin_polyglot::{Polyglot, Settings};
use serde_json::{Value, json};

use crate::files::{elf, gif, jpeg, jpeg_with, mp4_with, pdf_with, png, segment, zip};
use crate::refusal;

fn build(settings: Value) -> Result<Polyglot, String> {
    let settings: Settings = serde_json::from_value(settings).map_err(|error| error.to_string())?;
    Polyglot::from_settings(settings).map_err(|error| error.to_string())
}

#[tokio::test]
async fn what_is_accepted_by_a_setting_is_taken() {
    let script = [&b"GIF89a/*"[..], &gif()[8..gif().len() - 1], b"*/=1;alert('hello')//;"].concat();
    let page = jpeg_with(&segment(0xFE, b"<script>"));
    let pdf = jpeg_with(&segment(0xFE, &pdf_with(b"text")));
    let photo = [&jpeg()[..], &noise(50, 200)].concat();
    let samsung = [&photo[..], b"SEFT"].concat();
    let film = [jpeg(), mp4_with(b"data")].concat();
    let strict = json!({"trailing_data_jpeg": "refuse"});
    for (settings, content, expected) in [
        (json!({"script": "accept"}), &script, None),
        (json!({"markup": "accept"}), &page, None),
        (json!({"pdf": "accept"}), &pdf, None),
        (json!({"archive": "accept"}), &[png(), zip()].concat(), None),
        (json!({"archive": "accept"}), &[pdf_with(b"text"), zip()].concat(), None),
        (json!({"program": "accept"}), &[png(), elf()].concat(), None),
        (
            json!({"trailing_data": "accept"}),
            &[&png()[..], &noise(51, 999)].concat(),
            None,
        ),
        (
            json!({"max_trailing": "1 KiB"}),
            &[&png()[..], &noise(52, 1024)].concat(),
            None,
        ),
        (
            json!({"max_trailing": "1 KiB"}),
            &[&png()[..], &noise(52, 1025)].concat(),
            Some("polyglot_trailing_data"),
        ),
        (
            json!({"max_trailing": 0}),
            &[&png()[..], &noise(53, 1)].concat(),
            Some("polyglot_trailing_data"),
        ),
        (json!({"max_trailing": 0}), &[&png()[..], b"\0\n"].concat(), None),
        (strict.clone(), &photo, Some("polyglot_trailing_data")),
        (strict.clone(), &samsung, None),
        (strict.clone(), &film, None),
        (strict, &[jpeg(), jpeg()].concat(), None),
        (
            json!({"archive_in_film": "refuse"}),
            &[jpeg(), mp4_with(&zip())].concat(),
            Some("polyglot_archive"),
        ),
        (
            json!({"archive_in_film": "refuse"}),
            &mp4_with(&zip()),
            Some("polyglot_archive"),
        ),
        (
            json!({"archive_in_film": "refuse"}),
            &mp4_with(&[&zip()[..], b"data"].concat()),
            None,
        ),
    ] {
        let scanner = build(settings.clone()).expect("settings that make sense");
        assert_eq!(
            refusal(&scanner, content).await.as_deref(),
            expected,
            "{settings}, {} bytes",
            content.len()
        );
    }
}

#[test]
fn settings_that_make_no_sense_are_named() {
    for (settings, says) in [
        (json!({"scripts": "accept"}), "unknown field `scripts`"),
        (json!({"script": "ask"}), "unknown variant `ask`"),
        (json!({"max_trailing": "2 TiB"}), "max_trailing"),
    ] {
        let error = build(settings.clone()).expect_err("makes no sense");
        assert!(error.contains(says), "{settings}: {error}");
    }
}
