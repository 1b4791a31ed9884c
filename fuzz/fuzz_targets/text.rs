//! Text of several kinds: encodings, characters, tables. It gets the same verdict however it is cut.
#![no_main]

use std::sync::LazyLock;

use intake_core::{Declared, FromSettings};
use intake_fuzz::check;
use intake_plugin_text::{Bidi, Choice, Formulas, Settings, Text};
use libfuzzer_sys::fuzz_target;

/// Refuses everything that there is to refuse.
static STRICT: LazyLock<Text> = LazyLock::new(|| {
    let settings = Settings::default().with(|settings| {
        settings.counted_formulas = Formulas::Every;
        settings.c1_characters = Choice::Refuse;
        settings.color_codes = Choice::Refuse;
        settings.bidi_in_code = Bidi::Refuse;
        settings.bidi_in_text = Bidi::Unpaired;
        settings.max_line = Some(1000);
    });
    Text::from_settings(settings).expect("settings of every day")
});
/// Reads to the end.
static LENIENT: LazyLock<Text> = LazyLock::new(|| {
    let settings = Settings::default().with(|settings| {
        settings.formulas = Choice::Accept;
        settings.control_characters = Choice::Accept;
        settings.bidi_in_code = Bidi::Accept;
        settings.malformed = Choice::Accept;
    });
    Text::from_settings(settings).expect("settings of every day")
});

fuzz_target!(|content: &[u8]| {
    check(&*STRICT, &Declared::named("a.csv"), content);
    check(&*STRICT, &Declared::named("a.py"), content);
    check(&*LENIENT, &Declared::named("a.tsv"), content);
});
