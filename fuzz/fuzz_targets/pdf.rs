//! PDF documents: they get the same verdict however they are cut, and what is refused can be shown.
#![no_main]

use std::sync::LazyLock;

use intake_core::{Declared, FromSettings};
use intake_fuzz::check;
use intake_plugin_pdf::{Choice, Pdf, Settings};
use libfuzzer_sys::fuzz_target;

/// Refuses everything that there is to refuse.
static STRICT: LazyLock<Pdf> = LazyLock::new(|| {
    let settings = Settings::default().with(|settings| {
        settings.remote = Choice::Refuse;
        settings.embedded_files = Choice::Refuse;
        settings.encrypted = Choice::Refuse;
        settings.xfa = Choice::Refuse;
        settings.unreadable = Choice::Refuse;
        settings.max_inflated = 4 * 1024 * 1024;
    });
    Pdf::from_settings(settings).expect("settings of every day")
});
/// Reads to the end.
static LENIENT: LazyLock<Pdf> = LazyLock::new(|| {
    let settings = Settings::default().with(|settings| {
        settings.javascript = Choice::Accept;
        settings.launch = Choice::Accept;
        settings.max_inflated = 4 * 1024 * 1024;
    });
    Pdf::from_settings(settings).expect("settings of every day")
});

fuzz_target!(|content: &[u8]| {
    check(&*STRICT, &Declared::default(), content);
    check(&*LENIENT, &Declared::default(), content);
});
