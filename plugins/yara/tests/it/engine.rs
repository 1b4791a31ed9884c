//! What tells the pipeline that files have to be scanned again.

use intake_core::Scanner;
use intake_core::inspection::Engine;

use crate::{FINDS_MARKER, build, folder, own, scan};

async fn engine(files: &[(&str, &str)]) -> Engine {
    let scanner = build(folder(files).path(), |_| {}).expect("they compile");
    scanner.engine().await.expect("known").expect("there is one")
}

#[tokio::test]
async fn the_engine_changes_with_the_rules_and_with_nothing_else() {
    const OTHER: &str = "rule other { condition: false }";
    let first = engine(&[("a.yar", FINDS_MARKER), ("b.yar", OTHER)]).await;
    assert_eq!(first.name, "yara-x");
    assert!(
        first
            .version
            .as_deref()
            .is_some_and(|version| version.starts_with("1.")),
        "{first}"
    );
    let signatures = first.signatures.clone().expect("a digest");
    assert!(
        signatures.len() == 16 && signatures.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{signatures}"
    );
    for (files, is_same) in [
        (
            &[("b.yar", OTHER), ("a.yar", FINDS_MARKER), ("readme.md", "about")][..],
            true,
        ),
        (&[("a.yar", FINDS_MARKER)], false),
        (&[("a.yar", FINDS_MARKER), ("c.yar", OTHER)], false),
        (
            &[("a.yar", FINDS_MARKER), ("b.yar", "rule other { condition: true }")],
            false,
        ),
        (
            &[("a.yar", FINDS_MARKER), ("b.yar", OTHER), ("c.yar", "// nothing")],
            false,
        ),
    ] {
        assert_eq!(engine(files).await == first, is_same, "{files:?}");
    }
}

#[tokio::test]
async fn each_report_names_the_engine() {
    let scanner = own(FINDS_MARKER);
    let engine = scanner.engine().await.expect("known");
    assert_eq!(scan(&scanner, "any").await.engine, engine);
}
