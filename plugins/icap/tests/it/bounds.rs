//! How much is held, sent, kept and waited for at most.

use std::time::Duration;

use bytes::Bytes;
use intake_core::{Scanner, Verdict, testkit};

use crate::fake::{CLEAN, FakeIcap, OFFER, OK, Script, message};
use crate::{assert_told, built, open, scan, scanner, settings, told, with};

const PIECE: usize = 64 * 1024;

/// A server that finds `BAD`.
fn finds_bad(most: usize) -> Script {
    Script::answer(move |content| {
        assert!(content.len() <= most, "more than may be sent");
        match content.windows(3).any(|part| part == b"BAD") {
            true => message("X-Virus-ID: Bad\r\n", OK, b""),
            false => CLEAN.into(),
        }
    })
}

#[tokio::test]
async fn the_contract_of_scanners_is_kept() {
    use intake_core::testkit::Sample;
    use intake_plugin_icap::codes::INFECTED;

    let samples = [
        Sample::clean(""),
        Sample::clean("hello"),
        Sample::clean(testkit::noise(3, 400_000)),
        Sample::refused("BAD", INFECTED).within(testkit::noise(4, 200_000)),
        Sample::refused(with(200_000, PIECE - 1, b"BAD"), INFECTED),
    ];
    for offer in [
        OFFER.to_owned(),
        format!("{OFFER}Preview: 1024\r\n"),
        format!("{OFFER}Preview: 0\r\n"),
    ] {
        let server = FakeIcap::offering(finds_bad(usize::MAX), &offer).await;
        let scanner = built(settings(&server).with(|settings| settings.self_test = false));
        println!("{}", testkit::scanner(scanner, &samples).await);
    }
    let gives_back = Script::answer(|content| match content.windows(3).any(|part| part == b"BAD") {
        true => message("X-Virus-ID: Bad\r\n", OK, b""),
        false => message("", OK, content),
    });
    let server = FakeIcap::offering(gives_back, "").await;
    let scanner = built(settings(&server).with(|settings| settings.self_test = false));
    testkit::scanner(scanner, &samples).await;
}

#[tokio::test]
async fn bytes_are_sent_in_pieces_of_one_size_however_they_come() {
    for cut in [10, 1000, PIECE - 1, PIECE, usize::MAX] {
        let server = FakeIcap::start(Script::clean()).await;
        let content = testkit::noise(1, 3 * PIECE + 7);
        assert_told(testkit::scan(&scanner(&server), &content, cut).await, "clean", "noise");
        let seen = server.seen.lock().unwrap();
        assert_eq!(seen.chunks, [PIECE, PIECE, PIECE, 7], "fed in pieces of {cut}");
        assert_eq!(seen.contents, [content], "fed in pieces of {cut}");
    }
}

#[tokio::test]
async fn a_slow_sender_does_not_make_a_silent_request() {
    let server = FakeIcap::offering(Script::clean(), &format!("{OFFER}Preview: 0\r\n")).await;
    let mut scan = open(&scanner(&server)).await.unwrap();
    for (pause, bytes) in [(0, "a"), (6, "b"), (0, "c"), (6, "d"), (0, "e")] {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(pause)).await;
        tokio::time::resume();
        assert_eq!(scan.feed(&Bytes::from(bytes)).await.unwrap(), Verdict::Accept);
    }
    assert_told(scan.finish().await, "clean", "five bytes");
    assert_eq!(server.seen.lock().unwrap().chunks, [2, 2, 1]);
}

#[tokio::test]
async fn no_more_contents_are_scanned_at_a_time_than_set() {
    let server = FakeIcap::start(Script::clean()).await;
    let few = |settings: &mut intake_plugin_icap::Settings| {
        (settings.connections, settings.wait) = (2, Duration::from_millis(50));
    };
    let scanner = built(settings(&server).with(few));
    let (first, _second) = (open(&scanner).await.unwrap(), open(&scanner).await.unwrap());
    let Err(fault) = open(&scanner).await else {
        panic!("a third place")
    };
    assert!(fault.retryable && fault.code == intake_plugin_icap::codes::SCANNER_UNAVAILABLE);
    drop(first);
    open(&scanner).await.expect("a place is free again");
}

#[tokio::test]
async fn no_more_connections_are_made_than_the_server_takes() {
    let server = FakeIcap::offering(Script::clean(), &format!("{OFFER}Max-Connections: 1\r\n")).await;
    let scanner = built(settings(&server).with(|settings| settings.wait = Duration::from_millis(50)));
    let first = open(&scanner).await.unwrap();
    assert!(open(&scanner).await.is_err(), "a second connection");
    assert_told(first.finish().await, "clean", "the first");
    assert_told(scan(&scanner, &Bytes::from_static(b"x")).await, "clean", "the next one");
}

#[tokio::test]
async fn connections_are_used_again_and_the_offer_is_asked_for_once() {
    let server = FakeIcap::offering(Script::clean(), &format!("{OFFER}Preview: 100\r\n")).await;
    let scanner = scanner(&server);
    for length in [0, 5, 1000, 300_000, 5] {
        assert_told(
            scan(&scanner, &testkit::noise(1, length)).await,
            "clean",
            "one after the other",
        );
    }
    assert_eq!(
        (server.connections(), server.count("OPTIONS"), server.count("RESPMOD")),
        (1, 1, 5)
    );
    let (first, second) = (open(&scanner).await.unwrap(), open(&scanner).await.unwrap());
    assert_told(first.finish().await, "clean", "the first");
    assert_told(second.finish().await, "clean", "the second");
    assert_eq!(server.connections(), 2, "at the same time");

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(16)).await;
    tokio::time::resume();
    assert_told(scan(&scanner, &Bytes::new()).await, "clean", "later");
    assert_eq!(server.connections(), 3, "the others are too old");
}

#[tokio::test]
async fn a_connection_that_the_server_closed_does_not_matter() {
    for preview in ["", "Preview: 100\r\n"] {
        let script = Script::AnswerThenLeave(Box::new(|_| CLEAN.into()));
        let server = FakeIcap::offering(script, &format!("{OFFER}{preview}")).await;
        let scanner = scanner(&server);
        for length in [5, 1000, 10, 30_000] {
            assert_told(
                scan(&scanner, &testkit::noise(1, length)).await,
                "clean",
                &format!("{preview}{length} bytes"),
            );
        }
    }
    // Noticed only when the next request has no answer.
    for (preview, longest) in [("", 60_000), ("Preview: 100\r\n", 300_000)] {
        let server = FakeIcap::offering(
            Script::AnswerOnce(Box::new(|_| CLEAN.into())),
            &format!("{OFFER}{preview}"),
        )
        .await;
        let scanner = scanner(&server);
        for length in [5, 1000, 10, longest] {
            let report = scan(&scanner, &testkit::noise(1, length)).await;
            assert_told(report, "clean", &format!("{preview}{length} bytes"));
        }
        assert_eq!(server.connections(), 4);
    }
    let closing = Script::answer(|_| b"ICAP/1.0 204 No\r\nConnection: close\r\n\r\n".into());
    let server = FakeIcap::start(closing).await;
    let scanner = scanner(&server);
    for _ in 0..3 {
        assert_told(scan(&scanner, &Bytes::from_static(b"x")).await, "clean", "one each");
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn an_answer_with_something_behind_it_ends_the_connection() {
    let server = FakeIcap::start(Script::answer(|_| [CLEAN, b"ICAP/1.0 200 OK\r\n"].concat())).await;
    let scanner = scanner(&server);
    for _ in 0..3 {
        assert_told(scan(&scanner, &Bytes::from_static(b"x")).await, "clean", "one each");
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_connection_on_which_a_content_was_not_ended_is_not_used_again() {
    let server = FakeIcap::start(Script::AnswerEarlyThenHang(CLEAN.into())).await;
    let scanner = scanner(&server);
    for connections in [1, 2] {
        let report = scan(&scanner, &crate::zeros(crate::LARGE)).await;
        assert_told(report, "partly: the scanner answered after the first", "early");
        assert_eq!(server.connections(), connections);
    }
}

#[tokio::test]
async fn a_service_with_new_rules_is_asked_again() {
    let server = FakeIcap::start(Script::answer(|_| {
        b"ICAP/1.0 204 No\r\nISTag: \"fake-2\"\r\n\r\n".into()
    }))
    .await;
    let scanner = scanner(&server);
    for asked in [1, 2] {
        assert_told(scan(&scanner, &Bytes::from_static(b"x")).await, "clean", "tag");
        assert_eq!(server.count("OPTIONS"), asked);
    }
    let server = FakeIcap::offering(Script::clean(), &format!("{OFFER}Options-TTL: 60\r\n")).await;
    let scanner = self::scanner(&server);
    for (pause, asked) in [(0, 1), (50, 1), (11, 2)] {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(pause)).await;
        tokio::time::resume();
        assert_told(scan(&scanner, &Bytes::from_static(b"x")).await, "clean", "time");
        assert_eq!(server.count("OPTIONS"), asked);
    }
}

#[tokio::test]
async fn what_is_too_large_is_known_as_soon_as_it_is() {
    for preview in ["", "Preview: 100\r\n", "Preview: 5000\r\n"] {
        let server = FakeIcap::offering(Script::clean(), &format!("{OFFER}{preview}")).await;
        let scanner = built(settings(&server).with(|settings| settings.max_scan_size = 2000));
        assert_told(scan(&scanner, &testkit::noise(1, 2000)).await, "clean", "just as large");
        let mut scan = open(&scanner).await.unwrap();
        assert_eq!(scan.feed(&testkit::noise(1, 2000)).await.unwrap(), Verdict::Accept);
        assert_eq!(scan.gap(), None);
        assert_eq!(scan.feed(&Bytes::from_static(b"x")).await.unwrap(), Verdict::Accept);
        assert!(scan.gap().unwrap().contains("the first 2000 bytes"));
    }
}

#[tokio::test]
async fn what_is_too_large_may_be_scanned_up_to_there() {
    for preview in ["", "Preview: 100\r\n", "Preview: 5000\r\n"] {
        let server = FakeIcap::offering(finds_bad(2000), &format!("{OFFER}{preview}")).await;
        let limited = || built(settings(&server).with(|settings| settings.max_scan_size = 2000));
        let scanner = limited();
        for (content, expected) in [
            (with(2000, 1997, b"BAD"), "infected"),
            (with(300_000, 1997, b"BAD"), "infected"),
            (
                with(300_000, 1998, b"BAD"),
                "partly: it is longer than the first 2000 bytes",
            ),
            (with(2000, 0, b"GOOD"), "clean"),
        ] {
            for cut in [7, 1000, 4096, usize::MAX] {
                let report = testkit::scan(&scanner as &dyn Scanner, &content, cut).await;
                if let Ok(report) = &report
                    && report.verdict == Verdict::Accept
                {
                    assert_eq!(report.bytes, Some(2000));
                }
                assert_told(
                    report,
                    expected,
                    &format!("{preview}{} bytes in pieces of {cut}", content.len()),
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_found_in_the_first_bytes_ends_the_upload_early() {
    let server = FakeIcap::start(Script::answer(|_| message("X-Virus-ID: Bad\r\n", OK, b""))).await;
    let scanner = built(settings(&server).with(|settings| settings.max_scan_size = 2000));
    let mut scan = open(&scanner).await.unwrap();
    for _ in 0..100_000 {
        if scan.feed(&testkit::noise(1, 600)).await.unwrap() != Verdict::Accept {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("all of it was taken: {}", told(scan.finish().await));
}

#[tokio::test]
async fn the_limits_of_an_engine_are_said_if_they_are_known() {
    let server = FakeIcap::start(Script::clean()).await;
    let report = scan(&scanner(&server), &Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(report.limits, None);
    let engine = report.engine.unwrap();
    assert_eq!(
        (engine.name.as_str(), engine.signatures.as_deref()),
        ("Fake", Some("fake-1"))
    );
    let limited = built(settings(&server).with(|settings| settings.max_depth = Some(5)));
    let limits = scan(&limited, &Bytes::from_static(b"x")).await.unwrap().limits.unwrap();
    assert_eq!((limits.depth, limits.members), (5, u64::MAX));
}
