//! What `clamav-client` does when it is left to itself, and what the scanner makes of the same daemon: why there is a connection of
//! our own below the crate. If a test fails because the crate can do it now, that part of ours can go.

use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use clamav_client::clean;
use clamav_client::tokio::{Tcp, get_version, ping, scan_buffer, scan_stream};
use futures_util::{FutureExt, StreamExt, stream};
use intake_core::codes::SCAN_INCOMPLETE;
use intake_core::{Scanner, Verdict};
use intake_plugin_clamav::ClamAv;
use intake_plugin_clamav::codes::{INFECTED, SCANNER_FAILED};

use crate::fake::{FakeClamd, Script};
use crate::{Ending, open, scan, zeros};

const MIB: usize = 1 << 20;
/// More than sockets swallow when the other end does not read.
const LARGE: usize = 32 * MIB;
/// An answer without an end.
static ENDLESS: [u8; MIB] = [b'x'; MIB];

fn alone(clamd: &FakeClamd) -> Tcp<&str> {
    Tcp {
        host_address: &clamd.address,
    }
}

fn ours(clamd: &FakeClamd) -> ClamAv {
    ClamAv::at(&clamd.address).max_scan_size(LARGE as u64)
}

#[tokio::test]
async fn an_answer_is_read_although_sending_failed() {
    let clamd = FakeClamd::start(Script::AnswerEarly(b"INSTREAM size limit exceeded. ERROR\0")).await;
    let content = zeros(LARGE);
    let error = scan_buffer(&content, alone(&clamd), Some(MIB)).await.unwrap_err();
    assert!(
        matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset),
        "{error}"
    );
    Ending::Refused(SCAN_INCOMPLETE).assert(scan(&ours(&clamd), &content).await, "the same daemon");
}

#[tokio::test]
async fn an_answer_is_noticed_while_the_sender_is_silent() {
    let early = || Script::AnswerEarlyThenHang(b"stream: Win.Test.X-1 FOUND\0");
    let first = zeros(128 * 1024);

    let clamd = FakeClamd::start(early()).await;
    let pieces = stream::iter([Ok(first.clone())]).chain(stream::pending::<io::Result<Bytes>>());
    let mut scan = pin!(scan_stream(pieces, alone(&clamd), None));
    for _ in 0..1000 {
        assert!((&mut scan).now_or_never().is_none());
        tokio::task::yield_now().await;
    }

    let clamd = FakeClamd::start(early()).await;
    let mut scan = open(&ours(&clamd)).await.unwrap();
    let mut verdict = scan.feed(&first).await.unwrap();
    while verdict == Verdict::Accept {
        tokio::task::yield_now().await;
        // Nothing is sent.
        verdict = scan.feed(&Bytes::new()).await.unwrap();
    }
    assert_eq!(verdict.rejection().unwrap().code, INFECTED);
}

#[tokio::test]
async fn an_answer_has_a_bound() {
    let clamd = FakeClamd::saying(Script::Answer(|_| ENDLESS.into()), &ENDLESS, &ENDLESS).await;
    for said in [
        ping(alone(&clamd)).await,
        get_version(alone(&clamd)).await,
        scan_buffer(b"x", alone(&clamd), None).await,
    ] {
        assert_eq!(said.unwrap().len(), ENDLESS.len());
    }
    let fault = ours(&clamd).ready().await.unwrap_err();
    assert_eq!(fault.message, "clamd's answer has no end");
    let fault = scan(&ours(&clamd), &zeros(1)).await.unwrap_err();
    assert_eq!(fault.message, "clamd's answer has no end");
}

#[tokio::test]
async fn an_answer_counts_although_the_daemon_does_not_hang_up() {
    let clamd = FakeClamd::start(Script::AnswerThenHang(b"stream: OK\0")).await;
    let mut said = pin!(scan_buffer(b"x", alone(&clamd), None));
    while clamd.pieces().is_empty() {
        assert!((&mut said).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    Ending::Clean.assert(scan(&ours(&clamd), &zeros(1)).await, "the same daemon");
    assert!(said.now_or_never().is_none());
}

/// A time for the whole is no bound here: a content may take hours to arrive, and a piece of it may not.
#[tokio::test]
async fn each_piece_has_a_time() {
    let clamd = FakeClamd::start(Script::Deaf).await;
    let content = zeros(LARGE);
    let mut said = pin!(scan_buffer(&content, alone(&clamd), None));
    assert!((&mut said).now_or_never().is_none());
    let scanner = ours(&clamd).io_timeout(Duration::from_millis(50));
    Ending::Fault(SCANNER_FAILED).assert(scan(&scanner, &content).await, "the same daemon");
    assert!(said.now_or_never().is_none());
}

#[tokio::test]
async fn small_chunks_are_sent_together() {
    let answer = || Script::Answer(|_| b"stream: OK\0".into());
    let clamd = FakeClamd::start(answer()).await;
    let chunks = || (0..10).map(|_| Bytes::from_static(b"a"));
    let pieces = stream::iter(chunks().map(io::Result::Ok));
    scan_stream(pieces, alone(&clamd), None).await.unwrap();
    assert_eq!(clamd.pieces(), [1; 10]);

    let clamd = FakeClamd::start(answer()).await;
    let mut scan = open(&ours(&clamd)).await.unwrap();
    for chunk in chunks() {
        let _clean_so_far = scan.feed(&chunk).await.unwrap();
    }
    Ending::Clean.assert(scan.finish().await, "ten bytes");
    assert_eq!(clamd.pieces(), [10]);
}

#[tokio::test]
async fn only_one_answer_means_clean() {
    const SAYS: &[u8] = b"stream: /tmp/OK.tmp: Can't open file ERROR\0";
    assert_eq!(clean(SAYS), Ok(true));
    let clamd = FakeClamd::start(Script::Answer(|_| SAYS.into())).await;
    Ending::Fault(SCANNER_FAILED).assert(scan(&ours(&clamd), &zeros(1)).await, "the same answer");
}
