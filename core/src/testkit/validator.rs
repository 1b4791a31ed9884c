//! What every validator keeps to.

use std::collections::BTreeMap;

use crate::{Coverage, Declared, Digest, Facts, Head, MediaType, Validator, Verdict};

/// Checks every rule of [`Validator`] on odd claims and contents: it answers, and answers the same again.
///
/// # Panics
///
/// If a rule is broken.
pub fn validator(validator: &dyn Validator) {
    for declared in odd_claims() {
        same_again(|| validator.declared(&declared));
        for bytes in odd_heads() {
            for media_type in [None, Some("image/png".parse::<MediaType>().unwrap())] {
                same_again(|| {
                    validator.head(&Head {
                        declared: &declared,
                        bytes: &bytes,
                        media_type: media_type.as_ref(),
                    })
                });
                let facts = Facts {
                    size: bytes.len() as u64,
                    digest: Digest::from([0; 32]),
                    media_type: media_type.clone(),
                    coverage: BTreeMap::from([("some".to_owned(), Coverage::Partial("odd".to_owned()))]),
                    notes: BTreeMap::from([("image".to_owned(), serde_json::json!([{"odd": null}]))]),
                };
                same_again(|| validator.whole(&declared, &facts));
            }
        }
    }
}

fn same_again(ask: impl Fn() -> Verdict) {
    let first = ask();
    assert_eq!(first, ask(), "asked the same again, a validator answers the same");
    if let Verdict::Reject(rejection) = first {
        assert!(!rejection.message.trim().is_empty(), "refused, and not said why");
    }
}

fn odd_claims() -> Vec<Declared> {
    let names = [
        "",
        ".",
        "..",
        "../../x",
        "C:\\x",
        "a\0b",
        "\u{202e}gpj.exe",
        "x.tar.gz",
        ".htaccess",
        "a/b",
    ];
    let long = "n".repeat(100_000);
    let named = names.into_iter().chain([long.as_str()]).map(Declared::named);
    let sized = [0, 1, u64::MAX].map(|size| Declared {
        size: Some(size),
        ..Declared::default()
    });
    named.chain(sized).chain([Declared::default()]).collect()
}

fn odd_heads() -> Vec<Vec<u8>> {
    vec![
        Vec::new(),
        vec![0],
        b"\x89PNG\r\n\x1a\n".to_vec(),
        vec![b'<'; 8192],
        vec![0xFF; 8192],
    ]
}
