//! That neither contents nor rules take more than they may.

use intake_core::testkit::{self, noise};
use intake_core::{Bytes, Coverage, Declared, Fault, HEAD_BYTES, Head, Scan, Scanner, UploadInfo};
use intake_plugin_yara::Yara;

use crate::{FINDS_MARKER, MARKER, own, own_with, refusal, scan};

const MIB: usize = 1 << 20;

async fn begin(scanner: &Yara, content: &[u8], size: Option<u64>) -> Box<dyn Scan> {
    let declared = Declared::default().with(|declared| declared.size = size);
    let head = Head::new(
        UploadInfo::new(&declared),
        &content[..content.len().min(HEAD_BYTES)],
        None,
    );
    scanner.open(&head).await.expect("opens")
}

async fn fault(scanner: &Yara, content: &'static [u8]) -> Fault {
    let scanned = testkit::scan(scanner, &Bytes::from_static(content), 4096).await;
    scanned.expect_err("no verdict")
}

#[tokio::test]
async fn a_scan_that_takes_too_long_has_no_verdict() {
    // It counts for longer than anybody waits, and then matches nothing.
    let slow = "rule slow { condition: for any i in (0..1000000000000) : ( i == -1 ) }";
    for rules in [
        slow.to_owned(),
        format!("{FINDS_MARKER} {slow}"),
        format!("{slow} {FINDS_MARKER}"),
    ] {
        let scanner = own_with(&rules, |settings| settings.timeout = std::time::Duration::from_secs(1));
        for content in [MARKER.as_bytes(), b"any"] {
            let fault = fault(&scanner, content).await;
            assert_eq!(fault.code.as_str(), "scanner_failed");
            assert!(fault.message.contains("took longer than 1s"), "{fault}");
        }
    }
}

#[tokio::test]
async fn a_short_scan_never_takes_too_long() {
    let rules = r#"rule never { strings: $a = "aaaa" condition: #a == 1 }"#;
    let scanner = own_with(rules, |settings| settings.timeout = std::time::Duration::from_secs(1));
    // The library looks at its clock wherever a string may match.
    let content = vec![b'a'; 20_000];
    let begun = std::time::Instant::now();
    // Through several ticks of the library's clock.
    while begun.elapsed() < std::time::Duration::from_millis(2500) {
        assert_eq!(refusal(&scanner, &content).await, None);
    }
}

#[tokio::test]
async fn what_is_beyond_the_limit_is_a_gap_that_is_told_as_soon_as_it_is_known() {
    let scanner = own_with(FINDS_MARKER, |settings| settings.max_scan_size = MIB as u64);
    let gap = "not scanned: what follows the first 1048576 bytes".to_owned();
    let content = noise(4, MIB + 1);
    assert_eq!(begin(&scanner, &content, Some(MIB as u64)).await.gap(), None);
    assert_eq!(
        begin(&scanner, &content, Some(MIB as u64 + 1)).await.gap(),
        Some(gap.clone())
    );
    let mut scan = begin(&scanner, &content, None).await;
    for (piece, is_gap) in [(&content[..MIB], false), (&content[MIB..], true)] {
        let verdict = scan.feed(&content.slice_ref(piece)).await.expect("feeds");
        assert_eq!((verdict.rejection(), scan.gap().is_some()), (None, is_gap));
    }
    let report = scan.finish().await.expect("a verdict");
    assert_eq!(report.coverage, Coverage::Partial(gap));
    assert_eq!(report.bytes, Some(MIB as u64));
}

#[tokio::test]
async fn what_is_before_the_limit_is_refused_also_in_a_larger_content() {
    let scanner = own_with(FINDS_MARKER, |settings| settings.max_scan_size = MIB as u64);
    let before = [MARKER.as_bytes(), &noise(4, 2 * MIB)].concat();
    assert_eq!(refusal(&scanner, before).await.as_deref(), Some("own:marker"));
    let beyond = [&noise(4, 2 * MIB), MARKER.as_bytes()].concat();
    let report = scan(&scanner, beyond).await;
    assert!(matches!(report.coverage, Coverage::Partial(_)), "{report:?}");
}

#[tokio::test]
async fn matches_that_are_not_counted_are_a_gap() {
    let rules = r#"rule many { strings: $a = "tick" condition: #a > 150 }"#;
    let content = |count| "tick ".repeat(count);
    let scanner = own_with(rules, |settings| settings.max_matches = 100);
    let report = scan(&scanner, content(99)).await;
    assert_eq!((report.verdict.rejection(), report.coverage), (None, Coverage::Whole));
    let report = scan(&scanner, content(200)).await;
    let why = "not counted: matches of a string of the rule own:many beyond 100";
    assert_eq!(report.coverage, Coverage::Partial(why.to_owned()));
    assert_eq!(refusal(&own(rules), content(200)).await.as_deref(), Some("own:many"));
}

#[tokio::test]
async fn a_string_that_is_not_counted_may_match_any_number_of_times() {
    let rules = r#"rule often : info { strings: $a = "tick" condition: $a }"#;
    let scanner = own_with(rules, |settings| settings.max_matches = 100);
    let report = scan(&scanner, "tick ".repeat(200)).await;
    assert_eq!(report.coverage, Coverage::Whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_at_the_same_time_do_not_mix() {
    let scanner = own_with(FINDS_MARKER, |settings| settings.at_a_time = 2);
    let scans = (0..24).map(|number| {
        let scanner = scanner.clone();
        let is_marked = number % 3 == 0;
        let mut content = noise(number, 200_000 + 1000 * number as usize).to_vec();
        if is_marked {
            content[150_000..][..MARKER.len()].copy_from_slice(MARKER.as_bytes());
        }
        tokio::spawn(async move { (refusal(&scanner, content).await.is_some(), is_marked) })
    });
    for scan in scans.collect::<Vec<_>>() {
        let (is_refused, is_marked) = scan.await.expect("ends");
        assert_eq!(is_refused, is_marked);
    }
}

#[tokio::test]
async fn an_upload_that_finds_no_room_on_the_disk_in_time_is_not_accepted() {
    let scanner = own_with(FINDS_MARKER, |settings| {
        settings.max_scan_size = MIB as u64;
        settings.spool_size = (MIB + 64 * 1024) as u64;
        settings.wait = std::time::Duration::from_millis(20);
    });
    let content = noise(8, MIB);
    let mut first = begin(&scanner, &content, None).await;
    let _fed = first.feed(&content).await.expect("there is room for one");
    // Small contents need none.
    assert_eq!(refusal(&scanner, MARKER).await.as_deref(), Some("own:marker"));
    let mut second = begin(&scanner, &content, None).await;
    let fault = second.feed(&content).await.expect_err("there is no room for two");
    assert_eq!((fault.code.as_str(), fault.retryable), ("scanner_unavailable", true));
    assert!(fault.message.contains("`spool_size`"), "{fault}");
    drop((first, second));
    assert_eq!(refusal(&scanner, &content).await, None);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_found_before_the_first_upload() {
    own(FINDS_MARKER).ready().await.expect("the folder of the system");
    let scanner = own_with(FINDS_MARKER, |settings| {
        settings.spool_folder = Some("/no/such/folder".into())
    });
    let fault = scanner.ready().await.expect_err("no folder");
    assert!(fault.message.contains("`spool_folder`"), "{fault}");
    let content = noise(9, MIB);
    let scanned = testkit::scan(&scanner, &content, 4096).await;
    assert_eq!(scanned.expect_err("no folder").code.as_str(), "scanner_unavailable");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_is_left_in_the_folder_whichever_way_an_upload_ends() {
    let spool = tempfile::tempdir().expect("a folder");
    let scanner = own_with(FINDS_MARKER, |settings| {
        settings.spool_folder = Some(spool.path().to_owned())
    });
    let content = noise(10, MIB);
    let mut dropped = begin(&scanner, &content, None).await;
    let _fed = dropped.feed(&content).await.expect("feeds");
    let files = || std::fs::read_dir(spool.path()).expect("there").count();
    assert_eq!(files(), 0, "it has no name even while it is there");
    assert_eq!(refusal(&scanner, &content).await, None);
    drop(dropped);
    assert_eq!(files(), 0);
}
