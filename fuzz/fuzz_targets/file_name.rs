//! A file's name: always one that can be kept and shown, and the same when it is read again.
#![no_main]

use intake_core::FileName;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(name) = FileName::from_bytes(data) else { return };
    assert!((1..=FileName::MAX_BYTES).contains(&name.len()), "{name:?}");
    assert!(
        !name.contains(['/', '\\']) && !name.contains(char::is_control),
        "{name:?}"
    );
    assert!(!matches!(name.as_str(), "." | ".."), "{name:?}");
    assert_eq!(FileName::new(&name).as_ref(), Some(&name));
    let ascii = name.ascii();
    let kept = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    assert!(!ascii.is_empty() && ascii.chars().all(kept), "{ascii:?} of {name:?}");
});
