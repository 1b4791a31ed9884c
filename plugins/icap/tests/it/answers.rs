//! What each answer of the server, and each way to give none, means for an upload.

use bytes::Bytes;
use futures_util::FutureExt;
use intake_core::{Verdict, testkit};
use intake_plugin_icap::codes::{INFECTED, SCANNER_FAILED};
use intake_plugin_icap::{Method, ScanNote};
use tokio::net::TcpSocket;

use crate::fake::{CLEAN, FakeIcap, OFFER, OK, Script, message};
use crate::{LARGE, SMALL, assert_told, built, hasty, open, scan, scanner, settings, zeros};

const FORBIDDEN: &str = "HTTP/1.0 403 Forbidden\r\nServer: x\r\n\r\n";
const INFECTION: &str = "X-Infection-Found: Type=0; Resolution=2; Threat=Test.X-1;\r\n";

#[tokio::test]
async fn only_what_is_called_clean_is_clean() {
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (CLEAN.into(), "clean"),
        (b"ICAP/1.0 204\r\n\r\n".into(), "clean"),
        (b"ICAP/1.0 204 No\r\nEncapsulated: null-body=0\r\n\r\n".into(), "clean"),
        (b"ICAP/1.0 204 No\r\nX-Virus-ID: Test.X-1\r\n\r\n".into(), "infected: the file is infected: Test.X-1"),
        (message(INFECTION, FORBIDDEN, b"page"), "infected: the file is infected: Test.X-1"),
        (message("X-Virus-ID: Test.X-1\r\n", OK, b"page"), "infected: the file is infected: Test.X-1"),
        (message("X-Violations-Found: 1\r\n\ta\r\n\tTest.X-1\r\n\t0\r\n\t0\r\n", OK, b""), "infected: the file is infected: Test.X-1"),
        (b"ICAP/1.0 403 Forbidden\r\nX-Virus-ID: Test.X-1\r\n\r\n".into(), "infected: the file is infected: Test.X-1"),
        (message("X-Infection-Found: Type=1; Resolution=0; Threat=Macro;\r\n", FORBIDDEN, b"page"), "content_blocked: the scanner does not let the file pass: Macro"),
        (message("X-Block-Reason: secret\r\n", FORBIDDEN, b"page"), "content_blocked: the scanner does not let the file pass: secret"),
        (message("", FORBIDDEN, b"page"), "content_blocked"),
        (message("", FORBIDDEN, &zeros(SMALL)), "content_blocked"),
        // A page with the status of a success.
        (message("", OK, b"page"), "content_blocked"),
        // What c-icap does when it finds something after it began to give the file back.
        (message("", OK, b""), "content_blocked"),
        (message("", OK, &zeros(SMALL - 1)), "content_blocked"),
        (message("", OK, &zeros(SMALL + 1)), "content_blocked"),
        (b"ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, null-body=19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n".into(), "content_blocked"),
        (message("", "POST http://intake.invalid/ HTTP/1.1\r\n\r\n", &zeros(SMALL)), "content_blocked"),
        (b"ICAP/1.0 200 OK\r\n\r\n".into(), "scanner_failed"),
        (b"ICAP/1.0 200 OK\r\nEncapsulated: null-body=0\r\n\r\n".into(), "content_blocked"),
        (b"ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0\r\n\r\n".into(), "scanner_failed: the ICAP server's answer has a malformed field"),
        (b"ICAP/1.0 100 Continue\r\n\r\n".into(), "scanner_failed: the ICAP server answered \"100 Continue\""),
        (b"ICAP/1.0 206 Partial Content\r\nEncapsulated: res-hdr=0, res-body=19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n0; use-original-body=0\r\n\r\n".into(), "scanner_failed: the ICAP server answered \"206"),
        (b"ICAP/1.0 404 Service not found\r\n\r\n".into(), "scanner_failed: the ICAP server answered \"404"),
        (b"ICAP/1.0 500 Server error\r\n\r\n".into(), "scanner_failed: the ICAP server answered \"500"),
        (b"ICAP/1.0 503 Overloaded\r\n\r\n".into(), "scanner_unavailable: the ICAP server takes no more uploads now"),
        (b"HTTP/1.1 204 No Content\r\n\r\n".into(), "scanner_failed: the answer is not ICAP"),
        (b"ICAP/1.0 2O4 No Content\r\n\r\n".into(), "scanner_failed: the answer is not ICAP"),
        (b"\0\0\0".into(), "scanner_failed: the answer is not ICAP"),
    ];
    for (answer, expected) in cases {
        let case = String::from_utf8_lossy(&answer[..answer.len().min(80)]).into_owned();
        let server = FakeIcap::start(Script::answer(move |_| answer.clone())).await;
        assert_told(scan(&scanner(&server), &zeros(SMALL)).await, expected, &case);
    }
}

#[tokio::test]
async fn a_201_is_never_clean() {
    let changed = |from: &'static str| {
        Script::answer(move |content| {
            let answer = message("", OK, content);
            [from.as_bytes(), &answer[from.len()..]].concat()
        })
    };
    let server = FakeIcap::offering(changed("ICAP/1.0 201 OK"), "Methods: RESPMOD\r\n").await;
    assert_told(
        scan(&scanner(&server), &zeros(SMALL)).await,
        "scanner_failed: the ICAP server answered \"201",
        "201",
    );
    let server = FakeIcap::offering(changed("ICAP/1.0 200 OK"), "Methods: RESPMOD\r\n").await;
    assert_told(scan(&scanner(&server), &zeros(SMALL)).await, "clean", "200");
}

#[tokio::test]
async fn what_is_given_back_counts_as_the_operator_says() {
    for (offer, trust, expected) in [
        ("Methods: RESPMOD\r\n", None, "clean"),
        (
            "Methods: RESPMOD\r\n",
            Some(false),
            "partly: the scanner gave the file back as it was",
        ),
        (OFFER, None, "partly: the scanner gave the file back as it was"),
        (OFFER, Some(true), "clean"),
    ] {
        let server = FakeIcap::offering(Script::answer(|content| message("", OK, content)), offer).await;
        let scanner = built(settings(&server).with(|settings| settings.trust_unchanged = trust));
        for content in [testkit::noise(1, 5), testkit::noise(1, 300_000), Bytes::new()] {
            assert_told(
                scan(&scanner, &content).await,
                expected,
                &format!("{offer} {trust:?} {}", content.len()),
            );
        }
    }
}

#[tokio::test]
async fn half_an_answer_is_no_answer() {
    let whole = message("X-Y: z\r\n", OK, &zeros(SMALL));
    for length in (0..whole.len()).step_by(7).chain(whole.len() - 9..whole.len()) {
        let half = whole[..length].to_vec();
        let server = FakeIcap::offering(Script::AnswerThenLeave(Box::new(move |_| half.clone())), "").await;
        assert_told(
            scan(&scanner(&server), &zeros(SMALL)).await,
            "scanner_failed",
            &format!("{length} bytes"),
        );
    }
    let with_head = b"ICAP/1.0 204 No\r\nEncapsulated: res-hdr=0, null-body=19\r\n\r\nHTTP";
    let server = FakeIcap::start(Script::AnswerThenLeave(Box::new(|_| with_head.into()))).await;
    assert_told(
        scan(&scanner(&server), &zeros(SMALL)).await,
        "scanner_failed",
        "half a head in a 204",
    );
    for length in 0..CLEAN.len() {
        let server = FakeIcap::start(Script::AnswerThenLeave(Box::new(move |_| CLEAN[..length].into()))).await;
        assert_told(
            scan(&scanner(&server), &zeros(SMALL)).await,
            "scanner_failed",
            &format!("{length} bytes of a 204"),
        );
    }
}

#[tokio::test]
async fn a_server_that_answers_early_calls_nothing_wholly_clean() {
    let infected = message(INFECTION, FORBIDDEN, b"page");
    for (answer, size, expected) in [
        (infected.clone(), SMALL, "infected"),
        (infected, LARGE, "infected"),
        (message("", FORBIDDEN, b"page"), LARGE, "content_blocked"),
        (message("", OK, b"page"), LARGE, "content_blocked"),
        (CLEAN.into(), LARGE, "partly: the scanner answered after the first"),
        (message("", OK, b""), LARGE, "content_blocked"),
        (CLEAN[..20].into(), SMALL, "scanner_failed"),
        (CLEAN[..20].into(), LARGE, "scanner_failed"),
        (b"ICAP/1.0 500 No\r\n\r\n".into(), LARGE, "scanner_failed"),
        (b"".into(), SMALL, "scanner_failed"),
        (b"".into(), LARGE, "scanner_failed"),
    ] {
        let case = format!(
            "{} to {size} bytes",
            String::from_utf8_lossy(&answer[..answer.len().min(60)])
        );
        let server = FakeIcap::start(Script::AnswerEarly(answer)).await;
        assert_told(scan(&scanner(&server), &zeros(size)).await, expected, &case);
    }
}

#[tokio::test]
async fn an_early_answer_ends_the_upload_early_and_says_how_much_was_sent() {
    // While bytes cannot be sent, because the server does not read them.
    let server = FakeIcap::start(Script::AnswerEarlyThenHang(message(INFECTION, FORBIDDEN, b"page"))).await;
    let mut scan = open(&scanner(&server)).await.unwrap();
    let verdict = scan.feed(&zeros(LARGE)).await.unwrap();
    assert_eq!(verdict.rejection().unwrap().code, INFECTED);

    // And while nothing is to be sent, because little comes.
    let server = FakeIcap::start(Script::AnswerEarlyThenHang(CLEAN.into())).await;
    let mut scan = open(&scanner(&server)).await.unwrap();
    assert_eq!(scan.feed(&zeros(64 * 1024)).await.unwrap(), Verdict::Accept);
    for _ in 0..100_000 {
        if scan.gap().is_some() {
            break;
        }
        tokio::task::yield_now().await;
        assert_eq!(scan.feed(&zeros(1)).await.unwrap(), Verdict::Accept);
    }
    assert!(scan.gap().unwrap().contains("first 65536 bytes"));
    let report = scan.finish().await.unwrap();
    assert_eq!(report.bytes, Some(65536));
    let note: ScanNote = serde_json::from_value(report.notes[ScanNote::NOTE].clone()).unwrap();
    assert_eq!(
        (note.service.as_deref(), note.tag.as_deref()),
        (Some("Fake"), Some("fake-1"))
    );
    assert_eq!((note.scanned, note.limit), (65536, LARGE as u64));
}

#[tokio::test]
async fn a_server_that_gives_back_while_it_reads_does_not_hang() {
    let server = FakeIcap::offering(Script::GiveBack, "").await;
    let scanner = built(settings(&server).with(|settings| settings.trust_unchanged = Some(true)));
    let report = scan(&scanner, &testkit::noise(1, LARGE)).await;
    assert_told(
        report,
        "partly: the scanner gave the file back before it had all of it",
        "32 MiB",
    );
}

#[tokio::test]
async fn a_server_that_is_silent_is_not_waited_for() {
    for (script, size, says) in [
        (Script::AnswerThenHang(b"".into()), SMALL, "did not answer in time"),
        (
            Script::AnswerThenHang(CLEAN[..30].into()),
            SMALL,
            "did not answer in time",
        ),
        (
            Script::AnswerThenHang(message("", OK, &[0; 500])[..300].into()),
            SMALL,
            "did not answer in time",
        ),
        (Script::Deaf, SMALL, "did not answer in time"),
        (Script::Deaf, LARGE, "reads no more bytes"),
        (Script::Absent, SMALL, "did not answer in time"),
    ] {
        let server = FakeIcap::start(script).await;
        let report = scan(&built(settings(&server).with(hasty)), &zeros(size)).await;
        let fault = report.expect_err(says);
        assert!(fault.message.contains(says), "{says}: {}", fault.report());
        assert_eq!(fault.code, SCANNER_FAILED);
        assert!(fault.retryable, "{says}");
    }
}

#[tokio::test]
async fn a_page_that_is_longer_than_the_file_is_not_read_to_its_end() {
    let page = message("", OK, &zeros(100_000));
    let server = FakeIcap::start(Script::AnswerThenHang(page[..50_000].into())).await;
    assert_told(
        scan(&scanner(&server), &zeros(SMALL)).await,
        "content_blocked",
        "a page without end",
    );
}

#[tokio::test]
async fn a_head_that_goes_on_is_not_read_to_its_end() {
    let field = format!("ICAP/1.0 200 OK\r\nX: {}", "x".repeat(200_000));
    let fields = format!("ICAP/1.0 200 OK\r\n{}", "X: y\r\n".repeat(20_000));
    let page = format!(
        "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=9999999\r\n\r\n{}",
        "x".repeat(100_000)
    );
    for answer in [field, fields, page] {
        let server = FakeIcap::start(Script::AnswerThenHang(answer.into_bytes())).await;
        assert_told(
            scan(&scanner(&server), &zeros(SMALL)).await,
            "scanner_failed",
            "endless",
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    // Bound, so that no other process gets it, and without a listener.
    let port = TcpSocket::new_v4().unwrap();
    port.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = format!("icap://{}/scan", port.local_addr().unwrap());
    let report = scan(&built(intake_plugin_icap::Settings::at(url)), &zeros(1)).await;
    assert_told(
        report,
        "scanner_unavailable: cannot connect to icap://127.0.0.1",
        "no listener",
    );
}

#[tokio::test]
async fn a_virus_has_a_name_that_can_be_shown() {
    let fields = format!("X-Virus-ID: Bad\tX\u{fc}{}\r\n", "y".repeat(500));
    let server = FakeIcap::start(Script::answer(move |_| message(&fields, FORBIDDEN, b""))).await;
    let report = scan(&scanner(&server), &zeros(SMALL)).await.unwrap();
    let rejection = report.verdict.rejection().unwrap();
    let name = format!("Bad?X??{}", "y".repeat(193));
    assert_eq!(rejection.subject.as_deref(), Some(name.as_str()));
    assert_eq!(rejection.message, format!("the file is infected: {name}"));
}

#[tokio::test]
async fn a_file_can_be_sent_as_a_request_or_as_a_response() {
    let nil = "00000000-0000-0000-0000-000000000000";
    let target = format!("http://intake.invalid/uploads/{nil}");
    for (method, begin, middle) in [
        (
            Method::Respmod,
            "RESPMOD icap://127.0.0.1:",
            format!("\r\n\r\nGET {target} HTTP/1.1\r\nHost: intake.invalid\r\n\r\nHTTP/1.1 200 OK\r\n"),
        ),
        (
            Method::Reqmod,
            "REQMOD icap://127.0.0.1:",
            format!("\r\n\r\nPOST {target} HTTP/1.1\r\nHost: intake.invalid\r\n"),
        ),
    ] {
        let server = FakeIcap::start(Script::clean()).await;
        let scanner = built(settings(&server).with(|settings| settings.method = method));
        assert_told(scan(&scanner, &zeros(SMALL)).await, "clean", begin);
        let seen = server.seen.lock().unwrap();
        let head = &seen.heads[1];
        assert!(
            head.starts_with(begin) && head.contains(&middle) && head.contains("\r\nAllow: 204\r\n"),
            "{head}"
        );
    }
}

#[tokio::test]
async fn a_request_that_is_redirected_or_answered_is_refused() {
    let nil = "00000000-0000-0000-0000-000000000000";
    let same = format!("POST http://intake.invalid/uploads/{nil} HTTP/1.1\r\nHost: intake.invalid\r\nVia: x\r\n\r\n");
    for (http, expected) in [
        (same.as_str(), "clean"),
        ("POST http://block.example/ HTTP/1.1\r\n\r\n", "content_blocked"),
        (FORBIDDEN, "content_blocked"),
        (OK, "content_blocked"),
    ] {
        let http_of = http.to_owned();
        let server = FakeIcap::offering(Script::answer(move |content| message("", &http_of, content)), "").await;
        let scanner = built(settings(&server).with(|settings| settings.method = Method::Reqmod));
        assert_told(scan(&scanner, &zeros(SMALL)).await, expected, http);
    }
}

#[tokio::test]
async fn a_scan_that_was_given_up_gives_no_verdict() {
    let server = FakeIcap::start(Script::Deaf).await;
    let mut scan = open(&scanner(&server)).await.unwrap();
    assert!(
        scan.feed(&zeros(LARGE)).now_or_never().is_none(),
        "the server does not read"
    );
    assert_eq!(scan.feed(&Bytes::new()).await.unwrap_err().code, SCANNER_FAILED);
    assert_eq!(scan.finish().await.unwrap_err().code, SCANNER_FAILED);
}
