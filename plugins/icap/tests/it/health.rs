//! Whether the scanner says that it can work.

use std::time::Duration;

use futures_util::FutureExt;
use intake_core::Scanner;
use intake_plugin_icap::codes::{SCANNER_FAILED, SCANNER_UNAVAILABLE};

use crate::fake::{CLEAN, FakeIcap, OFFER, OK, Script, message};
use crate::{built, hasty, open, settings};

fn finds_all() -> Script {
    Script::answer(|_| message("X-Virus-ID: Eicar\r\n", OK, b""))
}

#[tokio::test]
async fn ready_means_that_viruses_are_found() {
    let fine = format!("ICAP/1.0 200 OK\r\n{OFFER}\r\n");
    let other = "ICAP/1.0 200 OK\r\nMethods: REQMOD\r\n\r\n";
    let absent = "ICAP/1.0 404 Service not found\r\n\r\n";
    let whole = Script::answer(|content| match content.len() {
        ..1_000_000 => message("X-Virus-ID: Eicar\r\n", OK, b""),
        _ => CLEAN.into(),
    });
    for (script, options, says) in [
        (finds_all(), fine.as_str(), None),
        (Script::clean(), &fine, Some("does not find the EICAR test file")),
        (
            Script::answer(|content| message("", OK, content)),
            &fine,
            Some("does not find the EICAR test file"),
        ),
        // As servers do with what is larger than they scan.
        (whole, &fine, Some("max_scan_size")),
        (finds_all(), absent, Some("\"404 Service not found\" to OPTIONS (url)")),
        (finds_all(), other, Some("does not take RESPMOD (method)")),
        (finds_all(), "HTTP/1.1 400 Bad Request\r\n\r\n", Some("not ICAP")),
        (finds_all(), "", Some("did not answer in time")),
    ] {
        let server = FakeIcap::saying(script, options.into(), None).await;
        let scanner = built(settings(&server).with(|settings| {
            settings.max_scan_size = 1_000_000;
            settings.io_timeout = Duration::from_millis(300);
        }));
        match (says, scanner.ready().await) {
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
async fn an_upload_is_refused_at_once_where_the_service_is_missing() {
    let server = FakeIcap::saying(Script::clean(), b"ICAP/1.0 404 Service not found\r\n\r\n".into(), None).await;
    let Err(fault) = open(&built(settings(&server))).await else {
        panic!("opened")
    };
    assert_eq!(fault.code, SCANNER_FAILED);
    assert!(fault.message.contains("404 Service not found"), "{fault}");
}

#[tokio::test]
async fn ready_is_not_a_virus_alert_every_time() {
    let server = FakeIcap::start(finds_all()).await;
    let scanner = built(settings(&server));
    for _ in 0..3 {
        scanner.ready().await.unwrap();
    }
    assert_eq!(server.count("RESPMOD"), 2);
    assert!(server.count("OPTIONS") >= 3);

    let untested = built(settings(&server).with(|settings| settings.self_test = false));
    untested.ready().await.unwrap();
    assert_eq!(server.count("RESPMOD"), 2);
}

#[tokio::test]
async fn ready_needs_no_place_among_the_scans_and_no_patience() {
    let server = FakeIcap::start(finds_all()).await;
    let scanner = built(settings(&server).with(|settings| settings.connections = 1));
    let _scan = open(&scanner).await.unwrap();
    scanner.ready().await.unwrap();

    let absent = FakeIcap::start(Script::Absent).await;
    let scanner = built(
        settings(&absent)
            .with(hasty)
            .with(|settings| settings.wait = Duration::from_millis(50)),
    );
    let mut first = scanner.ready();
    assert!((&mut first).now_or_never().is_none(), "no answer");
    assert_eq!(scanner.ready().await.unwrap_err().code, SCANNER_UNAVAILABLE);
    drop(first);
}
