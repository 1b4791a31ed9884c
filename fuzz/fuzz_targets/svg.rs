//! SVG documents, plain and packed: they get the same verdict however they are cut, and what is refused can be shown.
#![no_main]

use std::sync::LazyLock;

use intake_core::{Declared, FromSettings};
use intake_fuzz::check;
use intake_plugin_svg::{Choice, Settings, Svg};
use libfuzzer_sys::fuzz_target;

/// Refuses nothing before the end, but what has no end.
static LENIENT: LazyLock<Svg> = LazyLock::new(|| {
    let settings = Settings::default().with(|settings| {
        settings.scripts = Choice::Accept;
        settings.handlers = Choice::Accept;
        settings.foreign_content = Choice::Accept;
        settings.external = Choice::Accept;
        settings.animation_of_links = Choice::Accept;
        settings.entities = Choice::Accept;
        settings.max_unpacked = 4 * 1024 * 1024;
        settings.unreadable = Choice::Refuse;
    });
    Svg::from_settings(settings).expect("settings of every day")
});
static DEFAULT: LazyLock<Svg> = LazyLock::new(|| {
    let settings = Settings::default().with(|settings| settings.max_unpacked = 4 * 1024 * 1024);
    Svg::from_settings(settings).expect("settings of every day")
});

fuzz_target!(|content: &[u8]| {
    check(&*DEFAULT, &Declared::default(), content);
    check(&*LENIENT, &Declared::default(), content);
});
