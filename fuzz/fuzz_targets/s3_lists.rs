//! Answers of S3: lists of parts and of uploads, refusals, and whether parts were put together.
#![no_main]

use intake_plugin_opendal::fuzz::answer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let answer = answer(&String::from_utf8_lossy(data));
    assert!(!(answer.is_complete && answer.is_refusal), "{answer:?}");
});
