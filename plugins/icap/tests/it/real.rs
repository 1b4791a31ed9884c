//! A real c-icap with a real clamd: what it says, and how it fails.

use futures_util::future::join_all;
use intake_core::plugin::{Build, Settings as Table, Stage};
use intake_core::testkit::{self, Sample};
use intake_core::{Registry, Scanner};
use intake_plugin_clamav::testkit::{Clamd, MARKER, eicar};
use intake_plugin_icap::codes::INFECTED;
use intake_plugin_icap::{Icap, Method, ScanNote, Settings};
use serde_json::{Value, json};

use crate::c_icap::CIcap;
use crate::{assert_told, built, open, scan, with};

const MIB: usize = 1 << 20;
const LONG: usize = 400_000;
/// Every type that c-icap tells apart, by its groups: what is in none of them is not scanned.
const ALL: &str = "virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GRAPHICS STREAM DOCUMENT";
/// What Debian's configuration has.
const DEBIAN: &str = "virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE";

fn scanner(server: &CIcap) -> Icap {
    built(Settings::at(server.url("avscan")))
}

#[tokio::test]
async fn the_contract_is_kept_in_both_directions_with_and_without_preview() {
    let clamd = Clamd::start().await;
    let server = CIcap::start(&clamd, &[ALL]).await;
    let samples = [
        Sample::clean(""),
        Sample::clean("hello"),
        Sample::clean(testkit::noise(3, LONG)),
        Sample::refused(eicar(), INFECTED),
        Sample::refused(MARKER, INFECTED).within(testkit::noise(4, 50_000)),
        Sample::refused(with(LONG, LONG - MARKER.len(), MARKER), INFECTED),
    ];
    for (method, preview) in [
        (Method::Respmod, true),
        (Method::Respmod, false),
        (Method::Reqmod, true),
    ] {
        let settings = Settings::at(server.url("avscan"));
        let scanner = built(settings.with(|settings| (settings.method, settings.preview) = (method, preview)));
        println!("{}", testkit::scanner(scanner, &samples).await);
    }
}

#[tokio::test]
async fn a_configuration_can_choose_it() {
    let clamd = Clamd::start().await;
    let server = CIcap::start(&clamd, &[ALL]).await;
    let registry = Registry::linked().unwrap();
    let Build::Scanner(build) = registry.find(Stage::Scanner, "icap").unwrap().build else {
        panic!("a scanner")
    };
    let Value::Object(settings) = json!({"url": server.url("avscan"), "max_scan_size": "2 MiB"}) else {
        panic!("a table")
    };
    let scanner = build(Table::new(settings)).unwrap();
    scanner.ready().await.unwrap();
    let report = testkit::scan(&*scanner, &MARKER.into(), 1).await.unwrap();
    let rejection = report.verdict.rejection().unwrap();
    assert_eq!(rejection.subject.as_deref(), Some("Intake.Test.Marker.UNOFFICIAL"));
}

#[tokio::test]
async fn a_clean_content_is_said_to_be_scanned_by_which_service() {
    let clamd = Clamd::start().await;
    let server = CIcap::start(&clamd, &[ALL]).await;
    let report = scan(&scanner(&server), &testkit::noise(1, MIB)).await.unwrap();
    let note: ScanNote = serde_json::from_value(report.notes[ScanNote::NOTE].clone()).unwrap();
    assert!(note.service.unwrap().contains("Antivirus service"));
    assert!(note.tag.unwrap().starts_with("CI0001-"));
    assert_eq!((note.scanned, note.limit), (MIB as u64, 25 * MIB as u64));
    assert!(report.engine.unwrap().to_string().contains("C-ICAP/0."));
}

/// c-icap answers 204 to files of types that it does not scan. Only a preview tells this from a scan.
#[tokio::test]
async fn what_c_icap_does_not_scan_is_never_called_wholly_clean() {
    let clamd = Clamd::start().await;
    let debian = CIcap::start(&clamd, &[DEBIAN]).await;
    let all = CIcap::start(&clamd, &[ALL]).await;
    let found = "infected: the file is infected: Intake.Test.Marker.UNOFFICIAL";
    let kinds: [(&str, &[u8], bool); 6] = [
        ("PDF", b"%PDF-1.4\n", false),
        ("PNG", b"\x89PNG\r\n\x1a\n", false),
        ("ASF", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", false),
        ("WebP", b"RIFF\x10\0\0\0WEBPVP8 ", false),
        ("JPEG", b"\xff\xd8\xff\xe0\0\x10JFIF\0", true),
        ("text", b"hello, ", true),
    ];
    for (kind, magic, is_scanned) in kinds {
        for length in [100, LONG] {
            let mut content = with(length, magic.len(), MARKER).to_vec();
            content[..magic.len()].copy_from_slice(magic);
            let content = content.into();
            let expected = match is_scanned {
                true => found,
                false => "partly: the scanner answered after the first",
            };
            assert_told(scan(&scanner(&debian), &content).await, expected, kind);
            assert_told(scan(&scanner(&all), &content).await, found, kind);
        }
    }
}

#[tokio::test]
async fn what_the_engine_does_not_scan_wholly_is_not_called_a_virus() {
    let clamd = Clamd::start_with(&["AlertExceedsMax yes", "MaxFileSize 1M"]).await;
    let server = CIcap::start(&clamd, &[ALL]).await;
    let expected = "content_blocked: the scanner does not let the file pass: Heuristics.Limits.Exceeded.MaxFileSize";
    assert_told(
        scan(&scanner(&server), &testkit::noise(1, 2 * MIB)).await,
        expected,
        "2 MiB",
    );
}

/// Without `mode=simple` c-icap begins to answer before it has the file. If it then finds something, it ends its answer there,
/// with no word about it.
#[tokio::test]
async fn a_file_that_is_given_back_in_part_is_refused() {
    let clamd = Clamd::start().await;
    let server = CIcap::start(
        &clamd,
        &[
            ALL,
            "virus_scan.SendPercentData 5",
            "virus_scan.StartSendPercentDataAfter 1M",
        ],
    )
    .await;
    let scanner = built(Settings::at(server.url("virus_scan")));
    let len = 4 * MIB;
    let refused = scan(&scanner, &with(len, len - MARKER.len(), MARKER)).await.unwrap();
    assert!(refused.verdict.rejection().is_some(), "infected");
    assert_told(
        scan(&scanner, &testkit::noise(1, len)).await,
        "partly: the scanner gave the file back",
        "clean",
    );
}

#[tokio::test]
async fn what_is_larger_than_c_icap_scans_is_never_called_clean() {
    let clamd = Clamd::start().await;
    let server = CIcap::start(&clamd, &[ALL, "virus_scan.MaxObjectSize 1M"]).await;
    for service in [
        "virus_scan?sizelimit=on&allow204=on&mode=simple",
        "virus_scan?sizelimit=on",
    ] {
        let scanner = built(Settings::at(server.url(service)));
        for at in [0, 2 * MIB] {
            let report = scan(&scanner, &with(3 * MIB, at, MARKER)).await;
            assert_ne!(crate::told(report), "clean", "{service}, marker at {at}");
        }
        // So the readiness check finds that `max_scan_size` is too large.
        let fault = scanner.ready().await.expect_err(service);
        assert!(fault.message.contains("max_scan_size"), "{service}: {fault}");
        let fitting = Settings::at(server.url(service)).with(|settings| settings.max_scan_size = MIB as u64 - 1);
        built(fitting).ready().await.unwrap();
    }
}

#[tokio::test]
async fn a_service_that_scans_nothing_is_not_ready() {
    let clamd = Clamd::start().await;
    let server = CIcap::start(&clamd, &[ALL]).await;
    for (service, says) in [
        ("echo", "does not find the EICAR test file"),
        ("nothing", "404 Service not found"),
    ] {
        let fault = built(Settings::at(server.url(service)))
            .ready()
            .await
            .expect_err(service);
        assert!(fault.message.contains(says), "{service}: {fault}");
    }
}

#[tokio::test]
async fn a_server_that_dies_in_the_middle_calls_nothing_clean() {
    let clamd = Clamd::start().await;
    let mut server = CIcap::start(&clamd, &[ALL]).await;
    let scanner = scanner(&server);
    let (mut fed, unfed) = (open(&scanner).await.unwrap(), open(&scanner).await.unwrap());
    let piece = testkit::noise(1, MIB);
    let _clean_so_far = fed.feed(&piece).await.unwrap();
    server.kill().await;
    let report = match fed.feed(&piece).await {
        Ok(_) => fed.finish().await,
        Err(fault) => Err(fault),
    };
    assert_told(report, "scanner_failed", "in the middle");
    assert_told(unfed.finish().await, "scanner_", "at the start");
    assert_told(scan(&scanner, &piece).await, "scanner_unavailable", "the next one");
    assert_told(
        scanner.ready().await.map(|()| unreachable!("ready")),
        "scanner_unavailable",
        "ready",
    );
}

#[tokio::test]
async fn an_engine_that_dies_calls_nothing_clean() {
    let mut clamd = Clamd::start().await;
    let server = CIcap::start(&clamd, &[ALL]).await;
    clamd.kill().await;
    for content in [testkit::noise(1, MIB), "hello".into()] {
        let told = crate::told(scan(&scanner(&server), &content).await);
        assert!(
            !told.starts_with("clean") && !told.starts_with("partly"),
            "{told}\n{}",
            server.log()
        );
    }
}

#[tokio::test]
async fn as_many_as_set_are_scanned_at_a_time() {
    let clamd = Clamd::start().await;
    let server = CIcap::start(&clamd, &[ALL]).await;
    let scanner = built(Settings::at(server.url("avscan")).with(|settings| {
        (settings.connections, settings.wait) = (8, std::time::Duration::from_secs(300));
    }));
    let (good, bad) = (testkit::noise(1, LONG), with(LONG, 1000, MARKER));
    let scans = (0..64).map(|at| scan(&scanner, if at % 2 == 0 { &good } else { &bad }));
    for (at, report) in join_all(scans).await.into_iter().enumerate() {
        assert_told(
            report,
            if at % 2 == 0 { "clean" } else { "infected" },
            &format!("scan {at}"),
        );
    }
}
