//! Answers of clamd's: only one calls a content clean, and what is shown of the others harms no terminal.
#![no_main]

use intake_plugin_clamav::fuzz::answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (is_clean, shown) = answer(data);
    assert_eq!(is_clean, data == b"stream: OK");
    assert!(shown.len() <= 200, "{shown:?}");
    assert!(shown.chars().all(|c| c == ' ' || c.is_ascii_graphic()), "{shown:?}");
});
