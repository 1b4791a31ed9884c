//! Answers of ICAP servers: read the same however they are cut, and only two kinds of them call a content harmless.
#![no_main]

use intake_fuzz::{check_shown, cut};
use intake_plugin_icap::fuzz::{Told, answer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let whole = answer(&[data]);
    let pieces = answer(&cut(data));
    // What is shown of a malformed answer is as much as came.
    let have_failed = matches!((&pieces, &whole), (Told::Failed(_), Told::Failed(_)));
    assert!(have_failed || pieces == whole, "{pieces:?}, {whole:?}");
    match whole {
        Told::Harmless => assert!(data.starts_with(b"ICAP/1.0 20")),
        Told::Found(shown) | Told::Failed(shown) => check_shown(&shown),
        Told::Nothing => {}
    }
});
