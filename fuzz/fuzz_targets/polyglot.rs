//! Files that are two things at once: they get the same verdict however they are cut.
#![no_main]

use std::sync::LazyLock;

use intake_core::{Declared, FromSettings};
use intake_fuzz::check;
use intake_plugin_polyglot::{Choice, Polyglot, Settings};
use libfuzzer_sys::fuzz_target;

/// Refuses everything that there is to refuse.
static STRICT: LazyLock<Polyglot> = LazyLock::new(|| {
    let settings = Settings::default().with(|settings| {
        settings.archive_in_film = Choice::Refuse;
        settings.self_extracting = Choice::Refuse;
        settings.trailing_data_jpeg = Choice::Refuse;
        settings.max_trailing = 0;
    });
    Polyglot::from_settings(settings).expect("settings of every day")
});
/// Reads on where other settings end.
static LENIENT: LazyLock<Polyglot> = LazyLock::new(|| {
    let settings = Settings::default().with(|settings| {
        settings.script = Choice::Accept;
        settings.markup = Choice::Accept;
        settings.disguise = Choice::Accept;
        settings.pdf = Choice::Accept;
        settings.archive = Choice::Accept;
        settings.program = Choice::Accept;
    });
    Polyglot::from_settings(settings).expect("settings of every day")
});

fuzz_target!(|content: &[u8]| {
    check(&*STRICT, &Declared::default(), content);
    check(&*LENIENT, &Declared::default(), content);
});
