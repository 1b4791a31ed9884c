//! Media types: as text, and as what a content looks like.
#![no_main]

use intake_core::{HEAD_BYTES, MediaRange, MediaType, fuzz};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = str::from_utf8(data) {
        if let Ok(media_type) = text.parse::<MediaType>() {
            assert_eq!(media_type.as_str().parse::<MediaType>().as_ref(), Ok(&media_type));
            let range: MediaRange = media_type.as_str().parse().expect("every type is a range");
            assert!(range.contains(&media_type), "{media_type} is not in {range}");
        }
        let _range = text.parse::<MediaRange>();
    }
    // Of a content, the head has a fixed size; how the rest is cut changes nothing.
    let (head, rest) = data.split_at(data.len().min(HEAD_BYTES));
    let whole = fuzz::media_type(head, rest.chunks(rest.len().max(1)));
    assert_eq!(fuzz::media_type(head, rest.chunks(1)), whole);
    // And a shorter head, as the seeds are short.
    let (head, rest) = data.split_at(data.len() / 2);
    let whole = fuzz::media_type(head, rest.chunks(rest.len().max(1)));
    assert_eq!(fuzz::media_type(head, rest.chunks(1)), whole);
});
