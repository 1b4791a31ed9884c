//! The first bytes are sent alone, so that the server says whether it looks at the others.

use bytes::Bytes;
use intake_core::testkit;
use intake_plugin_icap::Settings;

use crate::fake::{CLEAN, FakeIcap, OFFER, OK, Script, message};
use crate::{LARGE, assert_told, built, hasty, scan, scanner, settings};

async fn wanting(script: Script, preview: &str) -> FakeIcap {
    FakeIcap::offering(script, &format!("{OFFER}{preview}")).await
}

/// The preview that each request has, in its order.
fn previews(server: &FakeIcap) -> Vec<Option<usize>> {
    let seen = server.seen.lock().unwrap();
    let contents = seen.heads.iter().filter(|head| !head.starts_with("OPTIONS"));
    let of = |head: &String| {
        head.lines()
            .find_map(|line| line.strip_prefix("Preview: ")?.parse().ok())
    };
    contents.map(of).collect()
}

#[tokio::test]
async fn the_server_always_sees_that_there_is_more() {
    for (wanted, length, preview) in [
        ("Preview: 1024\r\n", 5000, Some(1024)),
        ("Preview: 1024\r\n", 1025, Some(1024)),
        ("Preview: 1024\r\n", 1024, Some(1023)),
        ("Preview: 1024\r\n", 1, Some(0)),
        ("Preview: 1024\r\n", 0, None),
        ("Preview: 0\r\n", 5000, Some(0)),
        ("Preview: 9999999\r\n", 300_000, Some(32 * 1024)),
        ("Preview: 9999999\r\n", 5, Some(4)),
        ("Preview: 1024\r\nTransfer-Complete: *\r\n", 5000, None),
        ("Preview: 1024\r\nTransfer-Ignore: *\r\n", 5000, Some(1024)),
        ("", 5000, None),
    ] {
        let server = wanting(Script::clean(), wanted).await;
        let content = testkit::noise(1, length);
        let cuts = [1, 2, 3, 7, 1000, usize::MAX];
        for cut in cuts {
            let report = testkit::scan(&scanner(&server), &content, cut).await;
            assert_told(report, "clean", &format!("{wanted} {length} by {cut}"));
        }
        assert_eq!(previews(&server), vec![preview; cuts.len()], "{wanted} {length}");
        let seen = server.seen.lock().unwrap();
        assert!(seen.contents.iter().all(|seen| *seen == content), "{wanted} {length}");
    }
}

#[tokio::test]
async fn what_the_server_does_not_want_is_partly_covered_unless_the_operator_trusts_it() {
    let trusting = |settings: &mut Settings| settings.trust_preview = true;
    for (answer, trusts, expected) in [
        (
            CLEAN.to_vec(),
            false,
            "partly: the scanner answered after the first 1024 bytes",
        ),
        (CLEAN.to_vec(), true, "clean"),
        (message("", OK, b"page"), true, "content_blocked"),
        (message("X-Virus-ID: Bad\r\n", OK, b""), true, "infected"),
        (b"ICAP/1.0 500 No\r\n\r\n".to_vec(), true, "scanner_failed"),
        (b"ICAP/1.0 404 No\r\n\r\n".to_vec(), true, "scanner_failed"),
    ] {
        let case = String::from_utf8_lossy(&answer).into_owned();
        let server = wanting(Script::AnswerPreview(answer), "Preview: 1024\r\n").await;
        let scanner = match trusts {
            true => built(settings(&server).with(trusting)),
            false => scanner(&server),
        };
        for content in [testkit::noise(1, 1025), testkit::noise(1, LARGE)] {
            let report = scan(&scanner, &content).await;
            if let Ok(report) = &report
                && report.bytes.is_some()
            {
                assert_eq!(report.bytes, Some(1024), "{case}");
            }
            assert_told(report, expected, &case);
        }
        // A server that has answered waits for the next request on the same connection.
        if expected == "clean" {
            assert_eq!(server.connections(), 1);
        }
    }
}

#[tokio::test]
async fn a_preview_given_back_is_not_the_file() {
    // An HTTP response with just the bytes of the preview.
    let content = testkit::noise(1, 5000);
    let server = wanting(
        Script::AnswerPreview(message("", OK, &content[..1024])),
        "Preview: 1024\r\n",
    )
    .await;
    let scanner = built(settings(&server).with(|settings| settings.trust_unchanged = Some(true)));
    assert_told(
        scan(&scanner, &content).await,
        "partly: the scanner gave the file back before",
        "1024 of 5000",
    );
}

#[tokio::test]
async fn previews_can_be_switched_off() {
    let server = wanting(Script::clean(), "Preview: 1024\r\n").await;
    let scanner = built(settings(&server).with(|settings| settings.preview = false));
    assert_told(scan(&scanner, &testkit::noise(1, 5000)).await, "clean", "no preview");
    assert_eq!(previews(&server), [None]);
}

#[tokio::test]
async fn a_server_that_is_silent_after_a_preview_is_not_waited_for() {
    for half in [&b""[..], b"ICAP/1.0 100 Con"] {
        let server = wanting(Script::AnswerPreview(half.to_vec()), "Preview: 1024\r\n").await;
        let report = scan(&built(settings(&server).with(hasty)), &Bytes::from(vec![0; 5000])).await;
        assert_told(
            report,
            "scanner_failed: the ICAP server did not answer in time",
            "silence",
        );
    }
}
