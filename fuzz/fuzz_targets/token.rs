//! Tokens: none lets in without the secret, and what a signed one grants has an end and can be recorded.
#![no_main]

use intake_core::Grant;
use intake_upload_api::fuzz::{claims, now, tokens};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    assert_eq!(tokens(&String::from_utf8_lossy(data)), [None, None]);
    let [policy, access] = claims(data);
    if let Some(grant) = &policy {
        assert!(grant.uses.is_some_and(|uses| uses > 0), "{grant:?}");
        assert!(!grant.id.is_empty() && !grant.id.starts_with("sha256:"), "{grant:?}");
    }
    if let Some(grant) = &access {
        assert!(grant.id.starts_with("sha256:"), "{grant:?}");
    }
    for grant in [policy, access].into_iter().flatten() {
        assert!(grant.expires >= now(), "{grant:?}");
        let recorded = serde_json::to_string(&grant).expect("a record keeps it");
        assert_eq!(serde_json::from_str::<Grant>(&recorded).ok().as_ref(), Some(&grant));
    }
});
