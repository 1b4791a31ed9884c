//! What files of video and sound say of themselves. The format is found by content, as in an upload.
#![no_main]

use intake_core::HEAD_BYTES;
use intake_core::fuzz::media_type;
use intake_plugin_media_info::fuzz::probe;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let head = &file[..file.len().min(HEAD_BYTES)];
    let Some(found) = media_type(head, std::iter::empty()) else {
        return;
    };
    let whole = probe(&found, &[file]);
    let pieces: Vec<_> = file.chunks(7).collect();
    assert_eq!(probe(&found, &pieces), whole, "in pieces of 7 bytes");
});
