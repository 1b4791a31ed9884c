//! Image operations in addresses: the canonical text reads as the same operations, and a refusal can be shown.
#![no_main]

use intake_images::{MAX_LENGTH, Operations};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|path: &str| {
    match Operations::parse(path) {
        // Defaults are written out: the text of a long address may be longer than an address may be.
        Ok(operations) if operations.canonical().len() <= MAX_LENGTH => {
            let again = Operations::parse(operations.canonical()).expect("what was read is read again");
            assert_eq!(again.canonical(), operations.canonical());
            assert_eq!(again.output(), operations.output());
        }
        Ok(_) => {}
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() <= 300 && !text.contains(char::is_control), "{text}");
        }
    }
});
