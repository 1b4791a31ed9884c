//! The settings as a configuration has them.

use intake_core::FromSettings;
use intake_plugin_image_limits::{Choice, ColorSpace, ImageLimits, Settings};
use serde_json::json;

fn read(settings: serde_json::Value) -> Result<Settings, String> {
    serde_json::from_value(settings).map_err(|error| error.to_string())
}

#[test]
fn every_setting_can_be_set() {
    let settings = read(json!({
        "max_pixels": 50_000_000,
        "max_total_pixels": 100_000_000,
        "max_side": 10_000,
        "min_side": 100,
        "max_aspect_ratio": 3.5,
        "max_frames": 100,
        "animation": "refuse",
        "max_profile": "1 MiB",
        "color_spaces": ["rgb", "gray", "cmyk", "lab"],
        "unreadable": "refuse",
    }))
    .expect("these are settings");
    assert_eq!(
        (settings.animation, settings.unreadable),
        (Choice::Refuse, Choice::Refuse)
    );
    assert_eq!(settings.max_profile, 1 << 20);
    let spaces = [ColorSpace::Rgb, ColorSpace::Gray, ColorSpace::Cmyk, ColorSpace::Lab];
    assert_eq!(settings.color_spaces.as_deref(), Some(&spaces[..]));
    ImageLimits::from_settings(settings).expect("these make sense");
}

#[test]
fn settings_that_make_no_sense_are_errors() {
    for (settings, name) in [
        (json!({"max_pixels": 0}), "max_pixels"),
        (json!({"max_total_pixels": 0}), "max_total_pixels"),
        (json!({"max_side": 0}), "max_side"),
        (json!({"max_frames": 0}), "max_frames"),
        (json!({"max_side": 10, "min_side": 11}), "min_side"),
        (json!({"max_aspect_ratio": 0.5}), "max_aspect_ratio"),
        (json!({"max_profile": "65 MiB"}), "max_profile"),
        (json!({"color_spaces": []}), "color_spaces"),
    ] {
        let error = ImageLimits::from_settings(read(settings).expect("these are settings")).expect_err("make no sense");
        assert!(format!("{error:?}").contains(name), "{error:?}");
    }
    for settings in [
        json!({"max_pixel": 1}),
        json!({"animation": "maybe"}),
        json!({"color_spaces": ["pink"]}),
    ] {
        assert!(read(settings).is_err());
    }
}
