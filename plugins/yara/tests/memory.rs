//! How much memory uploads take while they stand still, and while many are scanned.
//!
//! A process of its own, because the system counts the memory of processes.
#![cfg(target_os = "linux")]

use intake_core::{Bytes, Declared, FromSettings, HEAD_BYTES, Head, Scan, Scanner, UploadInfo, testkit::noise};
use intake_plugin_yara::{Settings, Yara};

const MIB: usize = 1 << 20;

/// A line of what the system says of this process, in KiB.
fn memory(line: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|known| known.strip_prefix(line));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect("a number")
}

async fn under_way(scanner: &Yara, content: &Bytes) -> Box<dyn Scan> {
    let declared = Declared::default();
    let head = Head::new(UploadInfo::new(&declared), &content[..HEAD_BYTES], None);
    let mut scan = scanner.open(&head).await.expect("opens");
    for piece in content.chunks(64 * 1024) {
        let _verdict = scan.feed(&content.slice_ref(piece)).await.expect("feeds");
    }
    scan
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_take_as_much_memory_as_the_readme_says() {
    let rules = tempfile::tempdir().expect("a folder");
    let file = rules.path().join("own.yar");
    std::fs::write(&file, r#"rule marker { strings: $a = "no such text" condition: $a }"#).expect("a file");
    let settings = Settings::default().with(|settings| {
        settings.rules = vec![file];
        settings.at_a_time = 2;
    });
    let scanner = Yara::from_settings(settings).expect("they compile");
    let content = noise(1, 8 * MIB);
    // What the process needs once.
    let _report = under_way(&scanner, &content).await.finish().await.expect("scans");
    let before = memory("VmRSS:");
    let mut scans = Vec::new();
    for _ in 0..64 {
        scans.push(under_way(&scanner, &content).await);
    }
    let still = memory("VmRSS:").saturating_sub(before) / scans.len();
    println!("standing still: {still} KiB each");
    assert!(still <= 192, "{still} KiB each");
    let before = memory("VmHWM:");
    let scanning: Vec<_> = scans.into_iter().map(|scan| tokio::spawn(scan.finish())).collect();
    for scan in scanning {
        let report = scan.await.expect("ends").expect("scans");
        assert_eq!(report.bytes, Some(8 * MIB as u64));
    }
    let more = memory("VmHWM:").saturating_sub(before) / 1024;
    println!("scanning 64 of 8 MiB: {more} MiB more");
    assert!(more <= 128, "{more} MiB, although two are scanned at a time");
}
