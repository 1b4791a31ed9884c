//! How much is held, sent and waited for at most.

use std::time::Duration;

use bytes::Bytes;
use intake_core::{Scanner, Verdict, testkit};
use intake_plugin_clamav::codes::{INFECTED, SCANNER_UNAVAILABLE};
use intake_plugin_clamav::{ClamAv, ScanNote};
use tokio::net::UnixSocket;

use crate::fake::{FakeClamd, Script};
use crate::{Ending, open, scan, with};

const PIECE: usize = 128 * 1024;

async fn fine() -> FakeClamd {
    FakeClamd::start(Script::Answer(|_| b"stream: OK\0".into())).await
}

#[tokio::test]
async fn no_more_contents_are_scanned_at_a_time_than_set() {
    let clamd = fine().await;
    let scanner = ClamAv::at(&clamd.address)
        .connections(2)
        .wait(Duration::from_millis(50));
    let (first, _second) = (open(&scanner).await.unwrap(), open(&scanner).await.unwrap());
    let Err(fault) = open(&scanner).await else {
        panic!("a third place")
    };
    assert_eq!(fault.code, SCANNER_UNAVAILABLE);
    assert!(fault.retryable);

    drop(first);
    open(&scanner).await.expect("a place is free again");
}

#[tokio::test]
async fn who_waits_gets_the_place_of_who_is_done() {
    let clamd = fine().await;
    let scanner = ClamAv::at(&clamd.address).connections(1);
    let first = open(&scanner).await.unwrap();
    let (second, report) = tokio::join!(open(&scanner), first.finish());
    assert_eq!(report.unwrap().verdict, Verdict::Accept);
    assert_eq!(second.unwrap().finish().await.unwrap().verdict, Verdict::Accept);
}

#[tokio::test]
async fn bytes_are_sent_in_pieces_of_one_size_however_they_come() {
    for cut in [10, 1000, PIECE - 1, PIECE, usize::MAX] {
        let clamd = fine().await;
        let content = testkit::noise(1, 3 * PIECE + 7);
        let report = testkit::scan(&ClamAv::at(&clamd.address), &content, cut).await;
        Ending::Clean.assert(report, "a clean content");
        assert_eq!(clamd.pieces(), [PIECE, PIECE, PIECE, 7], "fed in pieces of {cut}");
    }
}

#[tokio::test]
async fn a_content_without_bytes_is_scanned_too() {
    let clamd = fine().await;
    let report = scan(&ClamAv::at(&clamd.address), &Bytes::new()).await;
    Ending::Clean.assert(report, "nothing");
    assert!(clamd.pieces().is_empty());
}

#[tokio::test]
async fn a_slow_sender_does_not_make_a_silent_connection() {
    let clamd = fine().await;
    let mut scan = open(&ClamAv::at(&clamd.address)).await.unwrap();
    for (pause, bytes) in [(0, "a"), (6, "b"), (0, "c"), (0, "d")] {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(pause)).await;
        tokio::time::resume();
        assert_eq!(scan.feed(&Bytes::from(bytes)).await.unwrap(), Verdict::Accept);
    }
    Ending::Clean.assert(scan.finish().await, "four bytes");
    assert_eq!(clamd.pieces(), [2, 2]);
}

#[tokio::test]
async fn what_is_too_large_is_refused_as_soon_as_it_is() {
    let clamd = fine().await;
    let scanner = ClamAv::at(&clamd.address).max_scan_size(1000);
    Ending::Clean.assert(scan(&scanner, &testkit::noise(1, 1000)).await, "just as large");

    let mut scan = open(&scanner).await.unwrap();
    assert_eq!(scan.feed(&testkit::noise(1, 1000)).await.unwrap(), Verdict::Accept);
    assert_eq!(scan.gap(), None);
    assert_eq!(scan.feed(&Bytes::from_static(b"x")).await.unwrap(), Verdict::Accept);
    assert!(scan.gap().unwrap().contains("the first 1000 bytes"));
}

#[tokio::test]
async fn what_is_too_large_may_be_scanned_up_to_there() {
    let clamd = FakeClamd::start(Script::Answer(|content| {
        assert!(content.len() <= 1000, "more than clamd may be handed");
        let found = content.windows(3).any(|part| part == b"BAD");
        if found {
            &b"stream: Bad FOUND\0"[..]
        } else {
            b"stream: OK\0"
        }
        .into()
    }))
    .await;
    let scanner = || ClamAv::at(&clamd.address).max_scan_size(1000);
    // What is sent to clamd does not depend on what happens to the upload.
    let scanners: [Box<dyn Scanner>; 2] = [Box::new(scanner().accept_partly_scanned()), Box::new(scanner())];
    for (content, ending) in [
        (with(1000, 997, b"BAD"), Ending::Refused(INFECTED)),
        (with(300_000, 997, b"BAD"), Ending::Refused(INFECTED)),
        (with(300_000, 998, b"BAD"), Ending::Partly("the first 1000 bytes")),
        (with(1000, 0, b"GOOD"), Ending::Clean),
    ] {
        for (cut, scanner) in [7, 1000, 4096, usize::MAX]
            .into_iter()
            .flat_map(|cut| scanners.iter().map(move |it| (cut, it)))
        {
            let report = testkit::scan(scanner, &content, cut).await;
            if let Ok(report) = &report
                && report.verdict == Verdict::Accept
            {
                let note: ScanNote = serde_json::from_value(report.notes[ScanNote::NOTE].clone()).unwrap();
                assert_eq!((note.scanned, note.limit), (1000, 1000));
            }
            ending.assert(report, &format!("{} bytes in pieces of {cut}", content.len()));
        }
    }
}

#[tokio::test]
async fn what_is_found_in_the_first_bytes_ends_the_upload_early() {
    let clamd = FakeClamd::start(Script::Answer(|_| b"stream: Bad FOUND\0".into())).await;
    let scanner = ClamAv::at(&clamd.address).max_scan_size(1000).accept_partly_scanned();
    let mut scan = open(&scanner).await.unwrap();
    for _ in 0..100_000 {
        if let Verdict::Reject(rejection) = scan.feed(&testkit::noise(1, 600)).await.unwrap() {
            assert_eq!(rejection.code, INFECTED);
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("all of it was taken");
}

#[tokio::test]
async fn a_full_queue_is_knocked_at_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clamd.sock");
    let socket = UnixSocket::new_stream().unwrap();
    socket.bind(&path).unwrap();
    let listener = socket.listen(0).unwrap();
    let scanner = ClamAv::on_socket(&path);
    let mut waiting = Vec::new();
    // However long the queue is that the system makes of none.
    let impatient = ClamAv::on_socket(&path).connect_timeout(Duration::from_millis(50));
    let fault = loop {
        match open(&impatient).await {
            Ok(scan) => waiting.push(scan),
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault.code, SCANNER_UNAVAILABLE);
    let (opened, taken) = tokio::join!(open(&scanner), listener.accept());
    taken.unwrap();
    opened.expect("the queue has room again");
}
