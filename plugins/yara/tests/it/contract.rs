//! What every scanner keeps to, and that no answer depends on how the bytes are cut.

use intake_core::testkit::{self, Sample, noise};
use intake_core::{OnPartial, Scanner};
use intake_plugin_yara::YARA_MATCH;

use crate::{FINDS_MARKER, MARKER, own, own_with, scan_in};

#[tokio::test]
async fn it_keeps_to_what_every_scanner_keeps_to() {
    let samples = [
        Sample::clean("hello"),
        Sample::clean(""),
        Sample::clean(noise(3, 300_000)),
        Sample::refused(MARKER, YARA_MATCH).within(noise(1, 300_000)),
    ];
    let checked = testkit::scanner(own(FINDS_MARKER), &samples).await;
    println!("{checked}");
}

#[tokio::test]
async fn the_answer_is_the_same_for_all_cuts() {
    const MIB: usize = 1 << 20;
    let scanner = own_with(
        r#"
        import "math"
        rule across { strings: $a = /begin.{20,40}end/ condition: $a }
        rule counted : info { strings: $a = "tick" condition: #a == 3 }
        rule size : info { condition: filesize == 262144 }
        rule last : info { condition: uint8(filesize - 1) == 0x21 }
        rule mixed : info { condition: math.entropy(0, filesize) > 7.9 }
        "#,
        |settings| settings.max_scan_size = 256 * 1024,
    );
    let mut exact = noise(5, MIB / 4).to_vec();
    exact[MIB / 8 - 15..][..9].copy_from_slice(b"tick tick");
    exact[MIB / 8 + 5..][..4].copy_from_slice(b"tick");
    exact[MIB / 4 - 1] = b'!';
    let mut across = noise(6, MIB / 4).to_vec();
    across[MIB / 8 - 15..][..5].copy_from_slice(b"begin");
    across[MIB / 8 - 10..][..30].copy_from_slice(&[b'-'; 30]);
    across[MIB / 8 + 20..][..3].copy_from_slice(b"end");
    let mut beyond = exact.clone();
    beyond.extend_from_slice(b"one more");
    for (name, content, says) in [
        ("exact", &exact, "Whole"),
        ("across", &across, "yara_match"),
        ("beyond", &beyond, "Partial"),
        ("small", &b"tick tick tick!".to_vec(), "counted"),
        ("empty", &Vec::new(), "notes: {}"),
    ] {
        let mut seen = Vec::new();
        for piece in [1, 2, 3, 7, 4096, 128 * 1024, MIB] {
            seen.push(format!("{:?}", scan_in(&scanner, content, piece).await));
        }
        seen.dedup();
        assert_eq!(seen.len(), 1, "{name}: {seen:#?}");
        assert!(seen[0].contains(says), "{name}: {}", seen[0]);
    }
}

#[test]
fn what_was_not_scanned_is_refused_unless_a_pipeline_is_told_otherwise() {
    assert_eq!(own(FINDS_MARKER).on_partial(), OnPartial::Refuse);
}
