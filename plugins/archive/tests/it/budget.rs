//! The memory of all uploads together.

use std::time::Duration;

use intake_core::testkit::noise;
use intake_core::{Bytes, Coverage, Declared, Fault, Head, Report, Scan, Scanner, UploadInfo};
use intake_plugin_archive::{ARCHIVE_BUSY, Archive, Settings};
use tokio::time::{Instant, timeout};

use crate::files::{bzip2, gzip, text, xz, zstd};
use crate::tars::{GNU, entry, file, tar};
use crate::zips::{packed, stored, zip};
use crate::{note, scanner};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// So few bytes that only one upload of the deepest kind has room.
fn narrow(settings: &mut Settings) {
    settings.max_depth = 2;
    settings.max_window = MIB;
    settings.max_members = 1000;
    // Two decoders of bzip2, and the list of a ZIP.
    settings.memory = 2 * (64 * KIB + 9 * 400_000) + 120_000;
}

async fn open(archive: &Archive) -> Box<dyn Scan> {
    let declared = Declared::default();
    let head = Head::new(UploadInfo::new(&declared), &[], None);
    archive.open(&head).await.expect("opens")
}

async fn feed(scan: &mut Box<dyn Scan>, bytes: &[u8]) -> Result<(), Fault> {
    for piece in bytes.chunks(64 * 1024) {
        let verdict = scan.feed(&Bytes::copy_from_slice(piece)).await?;
        assert_eq!(verdict.rejection(), None);
    }
    Ok(())
}

/// An upload that stalls after these bytes.
async fn stalled(archive: &Archive, bytes: &[u8]) -> Box<dyn Scan> {
    let mut scan = open(archive).await;
    feed(&mut scan, bytes).await.expect("there is memory");
    scan
}

fn half(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len() / 2]
}

fn large() -> Vec<u8> {
    noise(1, 300_000).to_vec()
}

fn long_name(bytes: usize) -> Vec<u8> {
    tar(&[entry("L", b'L', &vec![b'n'; bytes], GNU)])[..512 + bytes / 2].to_vec()
}

fn many(members: usize) -> Vec<u8> {
    let members: Vec<_> = (0..members).map(|n| stored(&n.to_string(), b"x")).collect();
    let whole = zip(&members);
    let list = whole.windows(4).position(|four| four == b"PK\x01\x02").expect("a list");
    whole[..list].to_vec()
}

#[tokio::test]
async fn what_is_large_is_counted_as_the_header_of_each_stream_says() {
    let archive = scanner(|_| ());
    let noise = large();
    let usual = 128 * KIB;
    let xz_6 = 8 * MIB + usual;
    let zstd_of_noise = 300_000 + 128 * KIB + 96 * KIB;
    let long_header = [
        &b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"[..],
        &[0xFF; 4],
        &[b'a'; 70_000],
    ];
    for (name, content, held) in [
        ("no archive", noise.clone(), 0),
        ("gzip, three deep", half(&gzip(&gzip(&gzip(&noise)))).to_vec(), 0),
        ("bzip2", half(&bzip2(&noise)).to_vec(), 64 * KIB + 3_600_000),
        ("bzip2 that says nothing yet", b"BZh9"[..3].to_vec(), 0),
        ("xz", half(&xz(&noise, 6)).to_vec(), xz_6),
        (
            "xz with a small window",
            half(&xz(&noise, 0)).to_vec(),
            256 * KIB + usual,
        ),
        ("xz with 64 MiB", half(&xz(&noise, 9)).to_vec(), 0),
        ("zstd", half(&zstd(&noise)).to_vec(), zstd_of_noise),
        ("zstd in xz", half(&xz(&zstd(&noise), 6)).to_vec(), xz_6 + zstd_of_noise),
        (
            "xz in a ZIP",
            half(&zip(&[stored("a", b"x"), stored("b", &xz(&noise, 6))])).to_vec(),
            xz_6,
        ),
        (
            "xz that has ended in a ZIP",
            {
                let content = zip(&[stored("a", &xz(&noise, 6)), stored("b", &noise)]);
                content[..content.len() - 100_000].to_vec()
            },
            0,
        ),
        ("ZIP of 1,000 members", many(1000), 0),
        ("ZIP of 2,000 members", many(2000), 2048 * 40),
        ("long header of a ZIP", long_header.concat(), 30 + 2 * 65_535),
        ("long name in a TAR", long_name(60_000), 0),
        ("longer name in a TAR", long_name(100_000), 100_000),
    ] {
        let scan = stalled(&archive, &content).await;
        assert_eq!(archive.memory_held(), held, "{name}");
        drop(scan);
        assert_eq!(archive.memory_held(), 0, "{name}: all is given back");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_keeps_no_thread_and_ends_when_another_scan_ends() {
    let archive = scanner(narrow);
    let content = bzip2(&large());
    for ends in [true, false] {
        let mut first = stalled(&archive, half(&content)).await;
        // More than can work at a time.
        let mut waiting = Vec::new();
        for _ in 0..10 {
            let archive = archive.clone();
            let content = content.clone();
            waiting.push(tokio::spawn(async move {
                let mut scan = open(&archive).await;
                feed(&mut scan, &content).await?;
                scan.finish().await
            }));
        }
        // The clock goes on only while no thread works, so all of them are waiting then.
        timeout(Duration::from_secs(5), all_of(&mut waiting))
            .await
            .expect_err("waits");
        let small = gzip(&text(500_000));
        let mut other = stalled(&archive, half(&small)).await;
        feed(&mut other, &small[small.len() / 2..]).await.expect("needs none");
        assert!(clean(other.finish().await.expect("a report")));

        if ends {
            feed(&mut first, &content[content.len() / 2..]).await.expect("goes on");
            assert!(clean(first.finish().await.expect("a report")));
        } else {
            drop(first);
        }
        for scan in waiting {
            assert!(clean(scan.await.expect("no panic").expect("memory")));
        }
        assert_eq!(archive.memory_held(), 0);
    }
}

async fn all_of<T>(tasks: &mut [tokio::task::JoinHandle<T>]) {
    for task in tasks {
        let _ended = task.await;
    }
}

fn clean(report: Report) -> bool {
    report.verdict.rejection().is_none() && report.coverage == Coverage::Whole
}

#[tokio::test(start_paused = true)]
async fn a_scan_without_memory_fails_after_its_time_and_is_not_accepted() {
    let content = bzip2(&large());
    for wait in [Duration::ZERO, Duration::from_millis(500), Duration::from_secs(10)] {
        let archive = scanner(|settings| {
            narrow(settings);
            settings.wait = wait;
        });
        let first = stalled(&archive, half(&content)).await;
        let before = Instant::now();
        let mut scan = open(&archive).await;
        let fault = feed(&mut scan, &content).await.expect_err("no memory");
        assert_eq!((&fault.code, fault.retryable), (&ARCHIVE_BUSY, true), "{fault}");
        let waited = before.elapsed();
        assert!(waited >= wait && waited < wait + Duration::from_millis(5), "{waited:?}");
        // Nor does it become a report without having read everything.
        let fault = scan.finish().await.expect_err("no memory");
        assert_eq!(fault.code, ARCHIVE_BUSY);
        drop(first);
        assert_eq!(archive.memory_held(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_upload_has_waited_for_is_counted_once() {
    let archive = scanner(narrow);
    let content = bzip2(&large());
    let first = stalled(&archive, half(&content)).await;
    let held = archive.memory_held();
    let second = tokio::spawn({
        let archive = archive.clone();
        async move { stalled(&archive, half(&content)).await }
    });
    // The clock goes on only when nothing else does.
    timeout(Duration::from_secs(1), std::future::pending::<()>())
        .await
        .expect_err("waits");
    drop(first);
    let second = second.await.expect("no panic");
    assert_eq!(archive.memory_held(), held);
    drop(second);
    assert_eq!(archive.memory_held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_scan_that_is_dropped_while_it_waits_leaves_its_place_to_others() {
    let archive = scanner(narrow);
    let content = bzip2(&large());
    let mut first = stalled(&archive, half(&content)).await;
    let mut gone = open(&archive).await;
    let waiting = feed(&mut gone, &content);
    timeout(Duration::from_secs(1), waiting).await.expect_err("waits");
    drop(gone);
    feed(&mut first, &content[content.len() / 2..]).await.expect("goes on");
    assert!(clean(first.finish().await.expect("a report")));
    assert_eq!(archive.memory_held(), 0);
    let last = stalled(&archive, &content).await;
    assert!(clean(last.finish().await.expect("a report")));
}

#[tokio::test(start_paused = true)]
async fn a_small_archive_at_the_end_of_an_upload_waits_too() {
    let archive = scanner(narrow);
    let first = stalled(&archive, half(&bzip2(&large()))).await;
    let mut scan = open(&archive).await;
    feed(&mut scan, &gzip(&xz(b"hello", 0))).await.expect("waits for more");
    let mut end = tokio::spawn(scan.finish());
    timeout(Duration::from_secs(5), &mut end).await.expect_err("waits");
    drop(first);
    let report = end.await.expect("no panic").expect("memory");
    assert_eq!(
        note(&report).map(|note| (note.depth, note.inflated)),
        Some((2, 5 + xz(b"hello", 0).len() as u64))
    );
}

#[tokio::test(start_paused = true)]
async fn uploads_that_hold_memory_and_need_more_come_one_after_the_other() {
    let archive = scanner(|settings| {
        narrow(settings);
        settings.max_depth = 3;
        settings.memory = 17 * MIB;
    });
    let content = xz(
        &tar(&[file("noise", &noise(3, 400_000)), file("b", &bzip2(&large()))]),
        0,
    );
    let mut scans = Vec::new();
    for _ in 0..5 {
        scans.push(stalled(&archive, &content[..100_000]).await);
    }
    assert_eq!(archive.memory_held(), 5 * 384 * KIB);
    let ends: Vec<_> = scans
        .into_iter()
        .map(|mut scan| {
            let rest = content[100_000..].to_vec();
            tokio::spawn(async move {
                feed(&mut scan, &rest).await?;
                scan.finish().await
            })
        })
        .collect();
    for end in ends {
        assert!(clean(end.await.expect("no panic").expect("memory")));
    }
    assert_eq!(archive.memory_held(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_stalled_uploads_stay_within_the_budget_and_small_archives_get_through() {
    let archive = scanner(|settings| settings.memory = 100 * MIB);
    let noise = large();
    let contents = [
        xz(&noise, 6),
        xz(&xz(&xz(&xz(&noise, 6), 6), 6), 6),
        bzip2(&noise),
        zstd(&noise),
        xz(&tar(&[file("a", &bzip2(&noise))]), 2),
        [many(9000), vec![0; 100_000]].concat(),
    ];
    let (mut scans, mut busy, mut most) = (Vec::new(), 0, 0);
    for at in 0..600 {
        let content = &contents[at % contents.len()];
        let mut scan = open(&archive).await;
        for piece in half(content).chunks(64 * 1024) {
            match scan.feed(&Bytes::copy_from_slice(piece)).await {
                Ok(verdict) => assert_eq!(verdict.rejection(), None),
                Err(fault) => {
                    assert_eq!(fault.code, ARCHIVE_BUSY);
                    busy += 1;
                    break;
                }
            }
            most = archive.memory_held().max(most);
            assert!(archive.memory_held() <= 100 * MIB);
        }
        scans.push(scan);
    }
    println!("{busy} of {} were busy, and {most} bytes were held", scans.len());
    assert!(busy > 0 && most > 50 * MIB);
    let small = stalled(&archive, &zip(&[packed("a", &text(100_000))])).await;
    assert!(clean(small.finish().await.expect("needs none")));
    drop(scans);
    assert_eq!(archive.memory_held(), 0);
}
