//! Whether the scanner says that it can work, and what it says of its engine.

use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use intake_core::{Scanner, testkit};
use intake_plugin_clamav::codes::{SCANNER_FAILED, SCANNER_UNAVAILABLE};
use intake_plugin_clamav::{ClamAv, ScanNote};

use crate::fake::{FakeClamd, Script};
use crate::{open, scan};

const FOUND: Script = Script::Answer(|_| b"stream: Eicar FOUND\0".into());

#[tokio::test]
async fn ready_means_that_viruses_are_found() {
    for (script, ping, says) in [
        (FOUND, &b"PONG\0"[..], None),
        (FOUND, b"BUSY\0", Some("instead of PONG")),
        (
            Script::Answer(|_| b"stream: OK\0".into()),
            b"PONG\0",
            Some("signatures are missing"),
        ),
        (
            Script::Answer(|_| b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0".into()),
            b"PONG\0",
            Some("signatures are missing"),
        ),
        // As clamd does with what is larger than it looks.
        (
            Script::Answer(|content| match content.len() {
                ..1_000_000 => b"stream: Eicar FOUND\0".into(),
                _ => b"stream: OK\0".into(),
            }),
            b"PONG\0",
            Some("MaxFileSize"),
        ),
        (
            Script::AnswerEarly(b"INSTREAM size limit exceeded. ERROR\0"),
            b"PONG\0",
            Some("clamd"),
        ),
    ] {
        let clamd = FakeClamd::saying(script, ping, b"\0").await;
        let ready = ClamAv::at(&clamd.address).max_scan_size(1_000_000).ready().await;
        match (says, ready) {
            (None, ready) => ready.expect("ready"),
            (Some(says), Err(fault)) => {
                assert_eq!(fault.code, SCANNER_FAILED);
                assert!(fault.message.contains(says), "{says}: {fault}");
            }
            (Some(says), Ok(())) => panic!("{says}: ready"),
        }
    }
}

#[tokio::test]
async fn ready_is_not_a_virus_alert_every_time() {
    let clamd = FakeClamd::start(FOUND).await;
    let scanner = ClamAv::at(&clamd.address);
    for _ in 0..3 {
        scanner.ready().await.unwrap();
    }
    assert_eq!((clamd.count("PING"), clamd.count("INSTREAM")), (3, 2));

    let untested = ClamAv::at(&clamd.address).without_self_test();
    untested.ready().await.unwrap();
    assert_eq!((clamd.count("PING"), clamd.count("INSTREAM")), (4, 2));
}

#[tokio::test]
async fn ready_needs_no_place_among_the_scans_and_no_patience() {
    let clamd = FakeClamd::start(FOUND).await;
    let scanner = ClamAv::at(&clamd.address).connections(1);
    let _scan = open(&scanner).await.unwrap();
    scanner.ready().await.unwrap();

    let absent = FakeClamd::start(Script::Absent).await;
    let scanner = ClamAv::at(&absent.address).wait(Duration::from_millis(50));
    let mut first = scanner.ready();
    assert!((&mut first).now_or_never().is_none(), "no answer");
    assert_eq!(scanner.ready().await.unwrap_err().code, SCANNER_UNAVAILABLE);
    drop(first);
}

#[tokio::test]
async fn the_version_is_asked_once_in_a_while_and_never_in_the_way() {
    let ok = || Script::Answer(|_| b"stream: OK\0".into());
    let said = "ClamAV 1.4.6/27800/Sun Nov 22 09:26:00 2026";
    for (version, engine) in [
        (&b"ClamAV 1.4.6/27800/Sun Nov 22 09:26:00 2026\0"[..], Some(said)),
        (b"", None),
        (b"no end", None),
    ] {
        let clamd = FakeClamd::saying(ok(), b"PONG\0", version).await;
        let scanner = ClamAv::at(&clamd.address);
        for _ in 0..3 {
            let report = scan(&scanner, &Bytes::from_static(b"hello")).await.unwrap();
            let note: ScanNote = serde_json::from_value(report.notes[ScanNote::NOTE].clone()).unwrap();
            assert_eq!(
                (note.engine.as_deref(), note.scanned, note.limit),
                (engine, 5, 25 << 20)
            );
        }
        assert_eq!(clamd.count("VERSION"), 1);

        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(601)).await;
        tokio::time::resume();
        testkit::scan(&scanner, &Bytes::from_static(b"hello"), 1).await.unwrap();
        assert_eq!(clamd.count("VERSION"), 2);
    }
}
