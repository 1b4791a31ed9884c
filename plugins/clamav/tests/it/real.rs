//! A real clamd: what it says, and how it fails.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use intake_core::codes::SCAN_INCOMPLETE;
use intake_core::plugin::{Build, Settings, Stage};
use intake_core::testkit::{self, Sample};
use intake_core::{OnPartial, Registry, Scanner};
use intake_plugin_clamav::codes::{INFECTED, SCANNER_FAILED, SCANNER_UNAVAILABLE};
use intake_plugin_clamav::testkit::{Clamd, MARKER, eicar};
use intake_plugin_clamav::{ClamAv, ScanNote};
use serde_json::{Value, json};

use crate::{Ending, open, scan, with};

const MIB: usize = 1 << 20;
/// More than two of the pieces in which the scanner sends.
const LONG: usize = 400_000;
/// What the scanner sends at a time.
const PIECE: usize = 128 * 1024;

fn samples() -> Vec<Sample> {
    vec![
        Sample::clean(""),
        Sample::clean("hello"),
        Sample::clean(testkit::noise(3, LONG)),
        Sample::clean(zip("hello.txt", b"hello")),
        Sample::refused(eicar(), INFECTED),
        Sample::refused(zip("eicar.com", &eicar()), INFECTED),
        Sample::refused(MARKER, INFECTED).within(testkit::noise(4, LONG)),
        Sample::refused(with(20_000, 4090, MARKER), INFECTED),
        Sample::refused(with(LONG, PIECE - 5, MARKER), INFECTED),
        Sample::refused(with(LONG, LONG - MARKER.len(), MARKER), INFECTED),
    ]
}

/// A zip archive with one file in it, stored as it is.
fn zip(name: &str, file: &[u8]) -> Vec<u8> {
    let (name, size) = (name.as_bytes(), file.len() as u32);
    let mut about = [20u16, 0, 0, 0, 0x21].map(u16::to_le_bytes).concat();
    about.extend([crc(file), size, size].map(u32::to_le_bytes).concat());
    about.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());

    let entry = [b"PK\x03\x04", &about[..], name, file].concat();
    let listed = [b"PK\x01\x02\x14\x00", &about[..], &[0; 14], name].concat();
    let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
    end.extend([listed.len() as u32, entry.len() as u32].map(u32::to_le_bytes).concat());
    end.extend([0, 0]);
    [entry, listed, end].concat()
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}

#[tokio::test]
async fn the_contract_is_kept_over_tcp_and_over_a_unix_socket() {
    let clamd = Clamd::start().await;
    testkit::scanner(ClamAv::at(clamd.address()), &samples()).await;
    testkit::scanner(ClamAv::on_socket(clamd.socket()), &samples()).await;
    clamd.stop().await;
}

#[tokio::test]
async fn a_configuration_can_choose_it() {
    let clamd = Clamd::start().await;
    let registry = Registry::linked().unwrap();
    let Build::Scanner(build) = registry.find(Stage::Scanner, "clamav").unwrap().build else {
        panic!("a scanner")
    };
    for settings in [
        json!({"address": clamd.address()}),
        json!({"socket": clamd.socket(), "max_scan_size": "10MiB"}),
    ] {
        let Value::Object(settings) = settings else {
            panic!("a table")
        };
        let scanner = build(Settings::new(settings)).unwrap();
        scanner.ready().await.unwrap();
        let report = testkit::scan(&*scanner, &Bytes::from_static(MARKER), 1).await.unwrap();
        let rejection = report.verdict.rejection().unwrap();
        assert_eq!(rejection.subject.as_deref(), Some("Intake.Test.Marker.UNOFFICIAL"));
    }
}

#[tokio::test]
async fn a_clean_content_is_said_to_be_scanned_by_which_engine() {
    let clamd = Clamd::start().await;
    let report = scan(&ClamAv::at(clamd.address()), &testkit::noise(1, MIB))
        .await
        .unwrap();
    let note: ScanNote = serde_json::from_value(report.notes[ScanNote::NOTE].clone()).unwrap();
    assert!(note.engine.unwrap().starts_with("ClamAV "));
    assert_eq!((note.scanned, note.limit), (MIB as u64, 25 * MIB as u64));
}

/// clamd calls clean what is larger than `MaxFileSize`. Nothing of that may look like a clean content here.
#[tokio::test]
async fn what_clamd_does_not_look_at_is_never_called_clean() {
    let (refuse, accept) = (OnPartial::Refuse, OnPartial::Accept);
    let (incomplete, infected) = (Ending::Refused(SCAN_INCOMPLETE), Ending::Refused(INFECTED));
    let limits = ["MaxFileSize 1M", "StreamMaxLength 4M"];
    let at_start = |len| with(len, 100, MARKER);
    let at_end = |len| with(len, len - MARKER.len(), MARKER);
    for (alert, cases) in [
        (
            "AlertExceedsMax no",
            vec![
                (MIB, refuse, at_end(MIB), infected.clone()),
                // A pipeline ends it at the first byte too many; what was sent until then is scanned.
                (MIB, refuse, at_start(2 * MIB), infected.clone()),
                (MIB, refuse, at_end(2 * MIB), incomplete.clone()),
                (MIB, accept, at_start(2 * MIB), infected.clone()),
                (MIB, accept, at_end(2 * MIB), Ending::Partly("the first 1048576 bytes")),
                (MIB, accept, at_end(6 * MIB), Ending::Partly("the first 1048576 bytes")),
                (8 * MIB, refuse, at_start(6 * MIB), incomplete.clone()),
                (
                    8 * MIB,
                    accept,
                    at_start(6 * MIB),
                    Ending::Partly("longer than the scanner accepts"),
                ),
            ],
        ),
        // Here `max_scan_size` is too large, and clamd says so.
        (
            "AlertExceedsMax yes",
            vec![
                (4 * MIB, refuse, at_start(MIB), infected),
                (4 * MIB, refuse, at_start(2 * MIB), incomplete.clone()),
                (4 * MIB, accept, at_start(2 * MIB), Ending::Partly("MaxFileSize")),
                (8 * MIB, refuse, at_start(6 * MIB), incomplete),
            ],
        ),
    ] {
        let clamd = Clamd::start_with(&[limits[0], limits[1], alert]).await;
        for (max, on_partial, content, ending) in cases {
            for scanner in [ClamAv::at(clamd.address()), ClamAv::on_socket(clamd.socket())] {
                let mut scanner = scanner.max_scan_size(max as u64);
                if on_partial == OnPartial::Accept {
                    scanner = scanner.accept_partly_scanned();
                }
                let case = format!("{alert}, {max}, {on_partial:?}, {} bytes", content.len());
                ending.assert(scan(&scanner, &content).await, &case);
            }
        }
    }
}

#[tokio::test]
async fn a_daemon_with_smaller_limits_than_said_is_not_ready() {
    for (limits, max, says) in [
        (["MaxFileSize 1M", "StreamMaxLength 4M"], MIB, None),
        (
            ["MaxFileSize 1M", "StreamMaxLength 4M"],
            MIB + 1,
            Some("archive of 1048577 bytes"),
        ),
        (
            ["MaxFileSize 4M", "StreamMaxLength 1M"],
            2 * MIB,
            Some("archive of 2097152 bytes"),
        ),
        (["MaxScanSize 1M", "StreamMaxLength 4M"], MIB, Some("MaxScanSize")),
        (["ScanArchive no", "StreamMaxLength 4M"], MIB, Some("ScanArchive")),
    ] {
        let clamd = Clamd::start_with(&limits).await;
        let ready = ClamAv::at(clamd.address()).max_scan_size(max as u64).ready().await;
        match says {
            None => ready.unwrap(),
            Some(says) => {
                let fault = ready.expect_err(says);
                assert_eq!(fault.code, SCANNER_FAILED);
                assert!(fault.message.contains(says), "{says}: {fault}");
            }
        }
    }
}

#[tokio::test]
async fn a_daemon_that_dies_in_the_middle_calls_nothing_clean() {
    for unix in [false, true] {
        let mut clamd = Clamd::start().await;
        let scanner = match unix {
            false => ClamAv::at(clamd.address()),
            true => ClamAv::on_socket(clamd.socket()),
        };
        let (mut fed, unfed) = (open(&scanner).await.unwrap(), open(&scanner).await.unwrap());
        let piece = testkit::noise(1, MIB);
        let _clean_so_far = fed.feed(&piece).await.unwrap();
        clamd.kill().await;
        let fault = match fed.feed(&piece).await {
            Ok(_) => fed.finish().await.unwrap_err(),
            Err(fault) => fault,
        };
        Ending::Fault(SCANNER_FAILED).assert(Err(fault), "in the middle");
        Ending::Fault(SCANNER_FAILED).assert(unfed.finish().await, "at the start");
        Ending::Fault(SCANNER_UNAVAILABLE).assert(scan(&scanner, &piece).await, "the next one");
        assert_eq!(scanner.ready().await.unwrap_err().code, SCANNER_UNAVAILABLE);
    }
}

#[tokio::test]
async fn as_many_as_set_are_scanned_at_a_time() {
    // A connection to a Unix socket with a full queue fails at once; over TCP the system would wait for seconds.
    let hurried = Clamd::start_with(&["MaxConnectionQueueLength 1"]).await;
    let clamd = Clamd::start().await;
    let (good, bad) = (testkit::noise(1, LONG), with(LONG, 1000, MARKER));
    for scanner in [ClamAv::on_socket(hurried.socket()), ClamAv::at(clamd.address())] {
        let scanner = scanner.wait(Duration::from_secs(300));
        let scans = (0..64).map(|at| scan(&scanner, if at % 2 == 0 { &good } else { &bad }));
        for (at, report) in join_all(scans).await.into_iter().enumerate() {
            let ending = match at % 2 {
                0 => Ending::Clean,
                _ => Ending::Refused(INFECTED),
            };
            ending.assert(report, &format!("scan {at}"));
        }
    }
}
