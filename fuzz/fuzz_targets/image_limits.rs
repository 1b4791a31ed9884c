//! Images: their sizes, frames and colour profiles are the same however they are cut.
#![no_main]

use std::sync::LazyLock;

use intake_core::{Declared, FromSettings};
use intake_fuzz::check;
use intake_plugin_image_limits::{Choice, ColorSpace, ImageLimits, Settings};
use libfuzzer_sys::fuzz_target;

/// Refuses everything that there is to refuse.
static STRICT: LazyLock<ImageLimits> = LazyLock::new(|| {
    let settings = Settings::default().with(|settings| {
        settings.max_pixels = Some(10_000);
        settings.max_total_pixels = 100_000;
        settings.max_side = Some(1000);
        settings.min_side = Some(2);
        settings.max_aspect_ratio = Some(10.0);
        settings.max_frames = 10;
        settings.animation = Choice::Refuse;
        settings.max_profile = 1000;
        settings.color_spaces = Some(vec![ColorSpace::Gray, ColorSpace::Rgb]);
        settings.unreadable = Choice::Refuse;
    });
    ImageLimits::from_settings(settings).expect("settings of every day")
});
static DEFAULT: LazyLock<ImageLimits> = LazyLock::new(ImageLimits::default);

fuzz_target!(|content: &[u8]| {
    check(&*DEFAULT, &Declared::default(), content);
    check(&*STRICT, &Declared::default(), content);
});
