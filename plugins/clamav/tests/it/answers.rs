//! What each answer of the daemon, and each way to give none, means for an upload.

use std::io::Write;
use std::net::Shutdown;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use intake_core::Verdict;
use intake_core::codes::SCAN_INCOMPLETE;
use intake_plugin_clamav::ClamAv;
use intake_plugin_clamav::codes::{INFECTED, SCANNER_FAILED, SCANNER_UNAVAILABLE};
use tokio::net::{TcpSocket, UnixListener};
use tokio::sync::Notify;

use crate::fake::{FakeClamd, Reply, Script};
use crate::{Ending, open, scan, zeros};

const SMALL: usize = 2000;
/// More than sockets swallow when the other end does not read.
const LARGE: usize = 32 << 20;

fn scanner(clamd: &FakeClamd) -> ClamAv {
    ClamAv::at(&clamd.address).max_scan_size(LARGE as u64)
}

#[tokio::test]
async fn only_what_is_called_clean_is_clean() {
    let cases: [(Reply, Ending); 17] = [
        (|_| b"stream: OK\0".into(), Ending::Clean),
        (|_| b"stream: Win.Test.X-1 FOUND\0".into(), Ending::Refused(INFECTED)),
        (|_| b"stream: Oops OK FOUND\0".into(), Ending::Refused(INFECTED)),
        (
            |_| [b"stream: ", &[b'x'; 900][..], b" FOUND\0"].concat(),
            Ending::Refused(INFECTED),
        ),
        (
            |_| b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0".into(),
            Ending::Refused(SCAN_INCOMPLETE),
        ),
        (
            |_| b"INSTREAM size limit exceeded. ERROR\0".into(),
            Ending::Refused(SCAN_INCOMPLETE),
        ),
        (
            |_| b"stream: Can't allocate memory ERROR\0".into(),
            Ending::Fault(SCANNER_FAILED),
        ),
        (|_| b"COMMAND READ TIMED OUT\n".into(), Ending::Fault(SCANNER_FAILED)),
        (|_| b"UNKNOWN COMMAND\0".into(), Ending::Fault(SCANNER_FAILED)),
        (|_| b"HTTP/1.1 200 OK\r\n\r\n\0".into(), Ending::Fault(SCANNER_FAILED)),
        (|_| b"stream: OK".into(), Ending::Fault(SCANNER_FAILED)),
        (|_| b"stream: OK \0".into(), Ending::Fault(SCANNER_FAILED)),
        (|_| b"stream: ok\0".into(), Ending::Fault(SCANNER_FAILED)),
        (|_| b"OK\0".into(), Ending::Fault(SCANNER_FAILED)),
        (|_| b"\0".into(), Ending::Fault(SCANNER_FAILED)),
        (|_| b"".into(), Ending::Fault(SCANNER_FAILED)),
        (
            |_| b"stream: OK\0stream: Win.Test.X-1 FOUND\0".into(),
            Ending::Fault(SCANNER_FAILED),
        ),
    ];
    for (answer, ending) in cases {
        let clamd = FakeClamd::start(Script::Answer(answer)).await;
        let report = scan(&scanner(&clamd), &zeros(SMALL)).await;
        let said = answer(&[]);
        ending.assert(report, &String::from_utf8_lossy(&said[..said.len().min(60)]));
    }
}

#[tokio::test]
async fn a_daemon_that_answers_early_or_hangs_up_calls_nothing_clean() {
    let (infected, failed) = (Ending::Refused(INFECTED), Ending::Fault(SCANNER_FAILED));
    for (answer, size, ending) in [
        (&b"stream: Win.Test.X-1 FOUND\0"[..], SMALL, infected.clone()),
        (b"stream: Win.Test.X-1 FOUND\0", LARGE, infected),
        (
            b"INSTREAM size limit exceeded. ERROR\0",
            SMALL,
            Ending::Refused(SCAN_INCOMPLETE),
        ),
        (
            b"INSTREAM size limit exceeded. ERROR\0",
            LARGE,
            Ending::Refused(SCAN_INCOMPLETE),
        ),
        (b"stream: OK\0", LARGE, failed.clone()),
        (b"stream: OK", SMALL, failed.clone()),
        (b"stream: OK", LARGE, failed.clone()),
        (b"no memory ERROR\0", LARGE, failed.clone()),
        (b"", SMALL, failed.clone()),
        (b"", LARGE, failed),
    ] {
        let clamd = FakeClamd::start(Script::AnswerEarly(answer)).await;
        let report = scan(&scanner(&clamd), &zeros(size)).await;
        ending.assert(report, &format!("{} to {size} bytes", String::from_utf8_lossy(answer)));
    }
}

#[tokio::test]
async fn an_early_answer_ends_the_upload_early() {
    let early = || Script::AnswerEarlyThenHang(b"stream: Win.Test.X-1 FOUND\0");
    // While bytes cannot be sent, because the daemon does not read them.
    let clamd = FakeClamd::start(early()).await;
    let mut scan = open(&scanner(&clamd)).await.unwrap();
    let verdict = scan.feed(&zeros(LARGE)).await.unwrap();
    assert_eq!(verdict.rejection().unwrap().code, INFECTED);

    // And while they need not be sent, because there are few.
    let clamd = FakeClamd::start(early()).await;
    let mut scan = open(&scanner(&clamd)).await.unwrap();
    let mut verdict = scan.feed(&zeros(128 * 1024)).await.unwrap();
    for _ in 0..100_000 {
        if verdict != Verdict::Accept {
            break;
        }
        tokio::task::yield_now().await;
        verdict = scan.feed(&zeros(1)).await.unwrap();
    }
    assert_eq!(verdict.rejection().unwrap().code, INFECTED);
}

#[tokio::test]
async fn an_answer_counts_even_if_it_comes_after_sending_has_failed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clamd.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let mut scan = open(&ClamAv::on_socket(path)).await.unwrap();
    let (daemon, _) = listener.accept().await.unwrap();
    let mut daemon = daemon.into_std().unwrap();
    daemon.shutdown(Shutdown::Read).unwrap();

    let content = zeros(256 * 1024);
    let mut fed = scan.feed(&content);
    assert!((&mut fed).now_or_never().is_none(), "there is no answer yet");
    daemon.write_all(b"INSTREAM size limit exceeded. ERROR\0").unwrap();
    assert_eq!(fed.await.unwrap(), Verdict::Accept);
    assert!(scan.gap().unwrap().contains("longer than the scanner accepts"));
}

#[tokio::test]
async fn a_daemon_that_is_silent_is_not_waited_for() {
    let brief = Duration::from_millis(50);
    for (script, size, says) in [
        (Script::AnswerThenHang(b""), SMALL, "did not answer in time"),
        (Script::AnswerThenHang(b"stream: OK"), SMALL, "did not answer in time"),
        (Script::Deaf, SMALL, "did not answer in time"),
        (Script::Absent, SMALL, "did not answer in time"),
        (Script::Deaf, LARGE, "reads no more bytes"),
        (Script::Absent, LARGE, "reads no more bytes"),
    ] {
        let clamd = FakeClamd::start(script).await;
        let scanner = scanner(&clamd).io_timeout(brief).scan_timeout(brief);
        let fault = scan(&scanner, &zeros(size)).await.expect_err(says);
        assert!(fault.message.contains(says), "{says}: {}", fault.report());
        Ending::Fault(SCANNER_FAILED).assert(Err(fault), says);
    }
}

#[tokio::test]
async fn an_answer_may_be_slow_if_it_comes_in_time() {
    for (answer, ending) in [
        (&b"stream: OK\0"[..], Ending::Clean),
        (b"stream: Win.Test.X-1 FOUND\0", Ending::Refused(INFECTED)),
        (b"stream: O", Ending::Fault(SCANNER_FAILED)),
    ] {
        let told = Arc::new(Notify::new());
        let clamd = FakeClamd::start(Script::AnswerSlowly(answer, told.clone())).await;
        let scanner = scanner(&clamd).scan_timeout(Duration::from_secs(60));
        let content = zeros(SMALL);
        let mut ended = pin!(scan(&scanner, &content));
        // The daemon has read all of it, and is silent.
        while clamd.pieces().is_empty() {
            assert!((&mut ended).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        assert!((&mut ended).now_or_never().is_none());
        told.notify_one();
        ending.assert(ended.await, &String::from_utf8_lossy(answer));
    }
}

#[tokio::test]
async fn an_answer_that_goes_on_is_not_read_to_its_end() {
    let clamd = FakeClamd::start(Script::AnswerThenHang(&[b'x'; 100_000])).await;
    let fault = scan(&scanner(&clamd), &zeros(SMALL)).await.unwrap_err();
    assert_eq!(fault.message, "clamd's answer has no end");
    assert_eq!(fault.code, SCANNER_FAILED);
}

#[tokio::test]
async fn a_daemon_that_is_not_there_is_unavailable() {
    // Bound, so that no other process gets it, and without a listener.
    let port = TcpSocket::new_v4().unwrap();
    port.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let folder = std::env::temp_dir().join("intake-no-such-folder");
    for scanner in [
        ClamAv::at(port.local_addr().unwrap().to_string()),
        ClamAv::on_socket(folder.join("clamd.sock")),
        ClamAv::at("no port"),
    ] {
        let report = scan(&scanner, &Bytes::from_static(b"x")).await;
        Ending::Fault(SCANNER_UNAVAILABLE).assert(report, "no listener");
    }
}

#[tokio::test]
async fn what_was_not_looked_at_may_be_accepted_and_is_said() {
    const LIMIT: &[u8] = b"stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND\0";
    let cases = [
        (Script::Answer(|_| LIMIT.into()), SMALL, Ending::Partly("MaxScanTime")),
        (
            Script::AnswerEarly(b"INSTREAM size limit exceeded. ERROR\0"),
            LARGE,
            Ending::Partly("longer than the scanner accepts"),
        ),
        // What was found was found, however little was looked at.
        (
            Script::Answer(|_| b"stream: Win.Test.X-1 FOUND\0".into()),
            SMALL,
            Ending::Refused(INFECTED),
        ),
        (Script::Answer(|_| b"".into()), SMALL, Ending::Fault(SCANNER_FAILED)),
    ];
    for (case, (script, size, ending)) in cases.into_iter().enumerate() {
        let clamd = FakeClamd::start(script).await;
        let scanner = scanner(&clamd).accept_partly_scanned();
        let report = scan(&scanner, &zeros(size)).await;
        ending.assert(report, &format!("case {case}"));
    }
}

#[tokio::test]
async fn a_virus_has_a_name_that_can_be_shown() {
    let clamd = FakeClamd::start(Script::Answer(|_| b"stream: Win.\x1b[2J\xff-1 FOUND\0".into())).await;
    let report = scan(&scanner(&clamd), &zeros(SMALL)).await.unwrap();
    let rejection = report.verdict.rejection().unwrap();
    assert_eq!(rejection.subject.as_deref(), Some("Win.?[2J?-1"));
    assert_eq!(rejection.message, "the file is infected: Win.?[2J?-1");
}

#[tokio::test]
async fn a_scan_that_was_given_up_gives_no_verdict() {
    let clamd = FakeClamd::start(Script::Deaf).await;
    let mut scan = open(&scanner(&clamd)).await.unwrap();
    assert!(
        scan.feed(&zeros(LARGE)).now_or_never().is_none(),
        "the daemon does not read"
    );
    assert_eq!(scan.feed(&Bytes::new()).await.unwrap_err().code, SCANNER_FAILED);
    assert_eq!(scan.finish().await.unwrap_err().code, SCANNER_FAILED);
}
