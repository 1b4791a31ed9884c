//! A real clamd: what it says, and how it fails.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use intake_core::codes::SCAN_INCOMPLETE;
use intake_core::plugin::{Build, Settings, Stage};
use intake_core::testkit::{self, Sample};
use intake_core::{OnPartial, Registry, Scanner, Verdict};
use intake_plugin_clamav::codes::{INFECTED, SCANNER_FAILED, SCANNER_UNAVAILABLE};
use intake_plugin_clamav::testkit::{Clamd, MARKER, eicar};
use intake_plugin_clamav::{ClamAv, ScanNote};
use serde_json::{Value, json};

use crate::archives::zip;
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
        Sample::clean(zip(&[b"hello".to_vec()])),
        Sample::refused(eicar(), INFECTED),
        Sample::refused(zip(&[eicar()]), INFECTED),
        Sample::refused(MARKER, INFECTED).within(testkit::noise(4, LONG)),
        Sample::refused(with(20_000, 4090, MARKER), INFECTED),
        Sample::refused(with(LONG, PIECE - 5, MARKER), INFECTED),
        Sample::refused(with(LONG, LONG - MARKER.len(), MARKER), INFECTED),
    ]
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

/// clamd scans after the last byte, with the signatures that it has then. A reload neither ends a session nor hides a virus.
#[tokio::test]
async fn signatures_may_change_while_a_content_is_sent_or_scanned() {
    let learned = |at: usize| format!("INTAKE-TEST-MARKER-learned-{at}").into_bytes();
    // One set of signatures at a time, or two while they change.
    for line in ["ConcurrentDatabaseReload no", "ConcurrentDatabaseReload yes"] {
        // With one, clamd is deaf until its threads have been idle for so many seconds.
        let clamd = Clamd::start_with(&[line, "IdleTimeout 1"]).await;
        let scanner = ClamAv::at(clamd.address());
        let content = testkit::noise(1, MIB);
        for (last, ending) in [
            (content.to_vec(), Ending::Clean),
            (MARKER.to_vec(), Ending::Refused(INFECTED)),
            (learned(0), Ending::Refused(INFECTED)),
        ] {
            let mut scan = open(&scanner).await.unwrap();
            assert_eq!(scan.feed(&content).await.unwrap(), Verdict::Accept, "{line}");
            clamd.learn("Intake.Test.Learned0", &learned(0)).await;
            assert_eq!(scan.feed(&last.into()).await.unwrap(), Verdict::Accept, "{line}");
            ending.assert(scan.finish().await, line);
        }

        let large = [testkit::noise(2, 10 * MIB).to_vec(), MARKER.to_vec()].concat().into();
        for at in 1..3 {
            let learning = async {
                clamd.learn(&format!("Intake.Test.Learned{at}"), &learned(at)).await;
                // From here on all scans know it.
                scan(&scanner, &with(LONG, 1000, &learned(at))).await
            };
            let (found, known, clean) = tokio::join!(scan(&scanner, &large), learning, scan(&scanner, &content));
            Ending::Refused(INFECTED).assert(found, line);
            Ending::Refused(INFECTED).assert(known, line);
            Ending::Clean.assert(clean, line);
        }
    }
}

#[tokio::test]
async fn a_daemon_that_starts_again_is_used_again() {
    let mut clamd = Clamd::start().await;
    let scanners = [ClamAv::at(clamd.address()), ClamAv::on_socket(clamd.socket())];
    let (good, bad) = (testkit::noise(1, LONG), with(LONG, 1000, MARKER));
    for _ in 0..2 {
        for scanner in &scanners {
            scanner.ready().await.unwrap();
            Ending::Clean.assert(scan(scanner, &good).await, "a clean content");
            Ending::Refused(INFECTED).assert(scan(scanner, &bad).await, "an infected one");
        }
        let cut_off = open(&scanners[0]).await.unwrap();
        clamd.kill().await;
        for scanner in &scanners {
            Ending::Fault(SCANNER_UNAVAILABLE).assert(scan(scanner, &good).await, "while it is down");
        }
        clamd.restart().await;
        // Its connection was to the daemon before, which called nothing clean.
        Ending::Fault(SCANNER_FAILED).assert(cut_off.finish().await, "begun before");
    }
}
