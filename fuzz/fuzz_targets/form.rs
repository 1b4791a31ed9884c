//! A form of files: what comes out does not depend on how the network cuts it, and is no more than came in.
#![no_main]

use bytes::Bytes;
use intake_upload_api::fuzz::form;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // A fuzzer finds a boundary of one letter soon; that of the header is read by another target.
    let read = |size: usize| {
        let chunks = data.chunks(size).map(Bytes::copy_from_slice);
        form(b"multipart/form-data; boundary=x", chunks.collect())
    };
    let whole = read(data.len().max(1));
    for size in [1, 3, 64] {
        assert_eq!(read(size), whole, "in chunks of {size}");
    }
    let (parts, _failed) = whole;
    let bytes: usize = parts.iter().map(|(_, _, content)| content.len()).sum();
    assert!(bytes <= data.len(), "{bytes} bytes of content");
});
