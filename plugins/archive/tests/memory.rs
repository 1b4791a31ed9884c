//! How much memory uploads take while they stand still in the middle of an archive.
//!
//! A process of its own, because the system counts the memory of processes.
#![cfg(target_os = "linux")]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use intake_core::{Bytes, Declared, FromSettings, HEAD_BYTES, Head, Scan, Scanner, UploadInfo, testkit::noise};
use intake_plugin_archive::{Archive, Settings};

const UPLOADS: usize = 24;

/// The memory of this process, in KiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect("a number")
}

async fn under_way(archive: &Archive, content: &Bytes) -> Box<dyn Scan> {
    let declared = Declared::default();
    let head = Head::new(UploadInfo::new(&declared), &content[..HEAD_BYTES], None);
    let mut scan = archive.open(&head).await.expect("opens");
    for piece in content.chunks(64 * 1024) {
        let verdict = scan.feed(&content.slice_ref(piece)).await.expect("feeds");
        assert_eq!(verdict.rejection(), None);
    }
    scan
}

/// The memory of one upload that stands still, in KiB.
async fn of_one(content: Vec<u8>) -> usize {
    let settings = Settings::default().with(|settings| settings.memory = 1 << 30);
    let archive = Archive::from_settings(settings).expect("enough for all of them");
    let content = Bytes::from(content);
    // What the process needs once.
    drop(under_way(&archive, &content).await);
    let before = resident();
    let mut scans = Vec::new();
    for _ in 0..UPLOADS {
        scans.push(under_way(&archive, &content).await);
    }
    let used = resident().saturating_sub(before) / UPLOADS;
    println!("counted: {} KiB", archive.memory_held() / 1024 / UPLOADS as u64);
    used
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

/// So many of the first bytes.
fn begin(mut bytes: Vec<u8>, count: usize) -> Vec<u8> {
    bytes.truncate(count);
    bytes
}

#[tokio::test]
async fn an_upload_takes_as_much_memory_as_the_readme_says() {
    let plain = noise(1, 5 << 20).to_vec();
    let deep = (0..3).fold(plain.clone(), |inner, _| gzip(&inner));
    let mut zstd = Vec::with_capacity(zstd_safe::compress_bound(plain.len()));
    zstd_safe::compress(&mut zstd, &plain, 9).expect("room");
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
    xz.write_all(&plain).expect("memory");
    let xz = xz.finish().expect("memory");
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    bzip2.write_all(&plain[..2 << 20]).expect("memory");
    let bzip2 = bzip2.finish().expect("memory");
    let many: Vec<u8> = (0..9_000)
        .flat_map(|n| {
            let mut header = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x05\0\0\0".to_vec();
            header.extend(format!("{n:05}").bytes());
            header
        })
        .collect();
    for (name, content, most) in [
        ("no archive", noise(2, 1 << 20).to_vec(), 16),
        ("gzip", begin(gzip(&plain), 1 << 20), 160),
        ("gzip, three deep", begin(deep, 1 << 20), 400),
        ("ZIP of many members", many, 900),
        ("bzip2", begin(bzip2, 1 << 20), 4_500),
        ("zstd", begin(zstd, 4 << 20), 9_500),
        ("xz", begin(xz, 4 << 20), 9_500),
    ] {
        let used = of_one(content).await;
        println!("{name}: {used} KiB");
        assert!(used <= most, "{name}: {used} KiB");
    }
}
