//! The settings as a configuration has them.

use intake_core::{FromSettings, Scanner};
use intake_plugin_text::{Bidi, Choice, Formulas, Kind, Settings, Text};
use serde_json::json;

fn read(settings: serde_json::Value) -> Result<Settings, String> {
    serde_json::from_value(settings).map_err(|error| error.to_string())
}

#[test]
fn every_setting_can_be_set() {
    let settings = read(json!({
        "kinds": ["plain", "csv", "tsv", "json", "markdown", "xml", "html", "code"],
        "formulas": "accept",
        "counted_formulas": "every",
        "control_characters": "accept",
        "c1_characters": "refuse",
        "color_codes": "refuse",
        "bidi_in_code": "refuse",
        "bidi_in_text": "unpaired",
        "malformed": "accept",
        "legacy_encodings": "refuse",
        "max_line": "1 MiB",
    }))
    .expect("these are settings");
    assert_eq!(settings.kinds, Kind::ALL);
    assert_eq!(
        (settings.formulas, settings.counted_formulas),
        (Choice::Accept, Formulas::Every)
    );
    assert_eq!(
        (settings.bidi_in_code, settings.bidi_in_text),
        (Bidi::Refuse, Bidi::Unpaired)
    );
    assert_eq!(settings.max_line, Some(1 << 20));
    let scanner = Text::from_settings(settings).expect("these make sense");
    assert_eq!(scanner.on_partial(), intake_core::OnPartial::Refuse);
}

#[test]
fn settings_that_make_no_sense_are_errors() {
    for (settings, name) in [(json!({"kinds": []}), "kinds"), (json!({"max_line": 0}), "max_line")] {
        let error = Text::from_settings(read(settings).expect("these are settings")).expect_err("make no sense");
        assert!(
            error.to_string().contains(name) || format!("{error:?}").contains(name),
            "{error:?}"
        );
    }
    for settings in [
        json!({"formula": "accept"}),
        json!({"formulas": "maybe"}),
        json!({"kinds": ["word"]}),
    ] {
        assert!(read(settings).is_err());
    }
}
