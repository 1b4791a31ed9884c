//! Headers with parameters: `Content-Disposition` of a part and of a source, and the type of a form.
#![no_main]

use bytes::Bytes;
use intake_core::FileName;
use intake_plugin_http_source::fuzz::of_disposition;
use intake_upload_api::fuzz::form;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(name) = of_disposition(data) {
        assert_eq!(FileName::new(&name), Some(name));
    }
    let head = [
        b"--x\r\nContent-Disposition: form-data;".as_slice(),
        data,
        b"\r\n\r\n\r\n--x--\r\n",
    ]
    .concat();
    let (parts, failed) = form(b"multipart/form-data; boundary=x", vec![Bytes::from(head)]);
    // A header with line ends in it may be the beginning of the content, and so of anything.
    if !data.contains(&b'\n') {
        assert!(
            parts.len() <= 1 && (parts.len() == 1) != failed.is_some(),
            "{parts:?}, {failed:?}"
        );
    }
    let (parts, _failed) = form(&[b"multipart/form-data;".as_slice(), data].concat(), Vec::new());
    assert!(parts.is_empty(), "{parts:?}");
});
