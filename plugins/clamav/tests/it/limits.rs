//! What a real clamd does not look at, with small limits: what it says of it, and what becomes of the upload.
//!
//! A content that clamd calls clean in silence may be a whole one nowhere in these tables.

use std::ops::RangeInclusive;

use clamav_client::tokio::{Tcp, scan_buffer};
use intake_core::codes::SCAN_INCOMPLETE;
use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::{Coverage, Declared, Error, FromSettings, Incoming, Pipeline, UploadOptions};
use intake_plugin_archive::{Archive, Settings as ArchiveSettings};
use intake_plugin_clamav::ClamAv;
use intake_plugin_clamav::codes::INFECTED;
use intake_plugin_clamav::testkit::{Clamd, MARKER, eicar};

use crate::archives::{gzip, members, nested, tar, text, zip};
use crate::with;

/// The limits of the daemon: in proportion to each other as in practice, and small.
const STREAM: usize = 3_000_000;
const FILE: usize = 200_000;
const SCAN: usize = 500_000;
const LEVELS: usize = 4;
const FILES: usize = 20;
/// What clamd is sent behind one length.
const PIECE: usize = 64 * 1024;

/// What is to become of an upload.
#[derive(Clone, Copy, Debug)]
enum Expected {
    Whole,
    Infected,
    /// Partly covered, for a reason with these words, without and with `AlertExceedsMax`.
    Skipped([&'static str; 2]),
}
use Expected::{Infected, Skipped, Whole};

/// What became of an upload.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// Accepted, and clamd looked at all of it.
    Whole,
    /// Accepted although clamd did not look at all of it, for this reason.
    Partly(String),
    Infected,
    /// Refused because clamd did not look at all of it, for this reason.
    Incomplete(String),
}

impl Ended {
    #[track_caller]
    fn assert(&self, expected: Expected, alert: bool, case: &str) {
        let is = match (expected, self) {
            (Whole, Self::Whole) | (Infected, Self::Infected) => true,
            (Skipped(words), Self::Partly(why) | Self::Incomplete(why)) => why.contains(words[usize::from(alert)]),
            _ => false,
        };
        assert!(
            is,
            "{case}, AlertExceedsMax {alert}: {expected:?} was expected, but {self:?}"
        );
    }
}

async fn start(alert: bool) -> Clamd {
    let limits = [
        format!("StreamMaxLength {STREAM}"),
        format!("MaxFileSize {FILE}"),
        format!("MaxScanSize {SCAN}"),
        format!("MaxRecursion {LEVELS}"),
        format!("MaxFiles {FILES}"),
        format!("AlertExceedsMax {}", if alert { "yes" } else { "no" }),
    ];
    Clamd::start_with(&limits.each_ref().map(String::as_str)).await
}

/// The scanner, told what the daemon's limits are.
fn scanner(clamd: &Clamd) -> ClamAv {
    let [scan, files, levels] = [SCAN, FILES, LEVELS].map(|limit| limit as u64);
    ClamAv::at(clamd.address())
        .max_scan_size(FILE as u64)
        .archive_limits(scan, files, levels)
}

/// A pipeline with this scanner, and with one that walks archives.
fn walked(scanner: ClamAv) -> Pipeline {
    let deep = ArchiveSettings::default().with(|settings| settings.max_depth = 8);
    let builder = Pipeline::builder()
        .scanner("clamav", scanner)
        .scanner("archive", Archive::from_settings(deep).unwrap());
    let builder = builder
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default());
    builder.expirer(KeepAll).build().unwrap()
}

/// The same without the one that walks archives.
fn unwalked(scanner: ClamAv) -> Pipeline {
    let builder = Pipeline::builder().scanner("clamav", scanner);
    let builder = builder
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default());
    builder.expirer(KeepAll).build().unwrap()
}

async fn upload(pipeline: &Pipeline, content: &[u8]) -> Ended {
    let incoming = Incoming::from_bytes(Declared::default(), content.to_vec());
    match pipeline.ingest(incoming, UploadOptions::default()).await {
        Ok(record) => {
            let inspections = record.facts.unwrap().inspections;
            let clamav = inspections.into_iter().find(|said| said.stage == "clamav");
            match clamav.unwrap().coverage {
                Coverage::Partial(why) => Ended::Partly(why),
                _ => Ended::Whole,
            }
        }
        Err(Error::Rejected { by, rejection }) if by == "clamav" && rejection.code == INFECTED => Ended::Infected,
        Err(Error::Rejected { by, rejection }) if by == "clamav" && rejection.code == SCAN_INCOMPLETE => {
            Ended::Incomplete(rejection.message)
        }
        Err(error) => panic!("{error}"),
    }
}

/// What clamd says, without a word of ours.
async fn says(clamd: &Clamd, content: &[u8]) -> String {
    let host_address = clamd.address();
    let said = scan_buffer(content, Tcp { host_address }, Some(PIECE)).await.unwrap();
    String::from_utf8_lossy(&said)
        .trim_end_matches('\0')
        .replace("stream: ", "")
}

const MARKED: &str = "Intake.Test.Marker.UNOFFICIAL FOUND";
const FILE_LIMIT: &str = "Heuristics.Limits.Exceeded.MaxFileSize FOUND";
const SCAN_LIMIT: &str = "Heuristics.Limits.Exceeded.MaxScanSize FOUND";
const LEVEL_LIMIT: &str = "Heuristics.Limits.Exceeded.MaxRecursion FOUND";
const COUNT_LIMIT: &str = "Heuristics.Limits.Exceeded.MaxFiles FOUND";

/// A content; what clamd says of it without and with `AlertExceedsMax`; what becomes of the upload where partly covered ones are
/// refused, and where they are accepted.
struct Row(&'static str, Vec<u8>, [&'static str; 2], Expected, Expected);

#[rustfmt::skip]
fn rows() -> Vec<Row> {
    let (end, large) = (FILE / 2 - MARKER.len(), FILE * 3 / 2);
    let marked = |len| text(len, MARKER);
    let too_long = "INSTREAM size limit exceeded. ERROR";
    let cut = Skipped(["the first 200000 bytes"; 2]);
    let member = Skipped(["its largest member unpacks to", "MaxFileSize"]);
    // clamd is silent about it even if it is told to speak.
    let silent = Skipped(["its largest member unpacks to"; 2]);
    let all = Skipped(["at all its levels together", "MaxScanSize"]);
    let deep = Skipped(["archives lie in it 5 deep", "MaxRecursion"]);
    let many = Skipped(["it has 21 members", "MaxFiles"]);
    vec![
        Row("marker at the end", with(FILE / 2, end, MARKER).into(), [MARKED; 2], Infected, Infected),
        Row("marker across pieces", with(FILE / 2, PIECE - 5, MARKER).into(), [MARKED; 2], Infected, Infected),
        Row("EICAR", eicar(), ["Intake.Test.Eicar.UNOFFICIAL FOUND"; 2], Infected, Infected),
        Row("nothing", Vec::new(), ["OK"; 2], Whole, Whole),
        // Refused at the first byte too many, before clamd says anything; or clamd finds it in the bytes before.
        Row("large, at the start", with(large, 100, MARKER).into(), ["OK", FILE_LIMIT], cut, Infected),
        Row("large, at the end", with(large, large - 100, MARKER).into(), ["OK", FILE_LIMIT], cut, cut),
        Row("longer than a stream", with(STREAM + 1, STREAM - 100, MARKER).into(), [too_long; 2], cut, cut),
        Row("gzip, at the end", gzip(&marked(large)), ["OK", FILE_LIMIT], member, member),
        Row("gzip, at the start", gzip(&[MARKER, &marked(10 * FILE)].concat()), ["OK", FILE_LIMIT], member, member),
        Row("ZIP of large members", zip(&members(5, FILE * 19 / 20, MARKER)), ["OK", SCAN_LIMIT], all, all),
        Row("ZIP in ZIPs", nested(LEVELS + 1, MARKER, |inner| zip(&[inner])), ["OK", LEVEL_LIMIT], deep, deep),
        Row("ZIP of many members", zip(&members(FILES + 1, 100, MARKER)), ["OK", COUNT_LIMIT], many, many),
        Row("ZIP, member at the limit", zip(&[marked(FILE)]), [MARKED; 2], Infected, Infected),
        Row("ZIP, member above it", zip(&[marked(FILE + 1)]), ["OK"; 2], silent, silent),
        Row("ZIP of zeros", zip(&[vec![0; 10 * FILE]]), ["OK"; 2], silent, silent),
    ]
}

#[tokio::test]
async fn no_content_that_clamd_skips_in_silence_is_called_whole() {
    for alert in [false, true] {
        let clamd = start(alert).await;
        let refuses = walked(scanner(&clamd));
        let accepts = walked(scanner(&clamd).accept_partly_scanned());
        for Row(name, content, clamd_says, refused, accepted) in rows() {
            assert_eq!(
                says(&clamd, &content).await,
                clamd_says[usize::from(alert)],
                "{name}, {alert}"
            );
            let ended = upload(&refuses, &content).await;
            ended.assert(refused, alert, name);
            assert!(!matches!(ended, Ended::Partly(_)), "{name}, {alert}: {ended:?}");
            upload(&accepts, &content).await.assert(accepted, alert, name);
        }
    }
}

/// Then `AlertExceedsMax yes` is needed, and a ZIP is never whole.
#[tokio::test]
async fn without_a_walk_clamd_is_believed_except_about_zips() {
    let unknown = Skipped(["how much is in it is not known"; 2]);
    let large = text(FILE * 3 / 2, MARKER);
    for alert in [false, true] {
        let clamd = start(alert).await;
        let pipeline = unwalked(scanner(&clamd).accept_partly_scanned());
        for (content, silent, spoken) in [
            (zip(std::slice::from_ref(&large)), unknown, unknown),
            (zip(&[b"nothing to see here".to_vec()]), unknown, unknown),
            (gzip(&large), Whole, Skipped(["MaxFileSize"; 2])),
            (
                nested(LEVELS, MARKER, |inner| gzip(&inner)),
                Whole,
                Skipped(["MaxRecursion"; 2]),
            ),
        ] {
            let expected = if alert { spoken } else { silent };
            upload(&pipeline, &content)
                .await
                .assert(expected, alert, "without a walk");
        }
    }
}

/// How an archive of a number is made around a content.
type Make = fn(usize, &[u8]) -> Vec<u8>;

/// Archives that grow: with how much clamd still finds the EICAR test file in them, and with how much they are still whole. Its
/// signature matches only at the start of a file, so it is found in what was unpacked and not in the bytes of an archive.
#[rustfmt::skip]
const GROWING: [(&str, RangeInclusive<usize>, Make, usize, usize); 10] = [
    ("members of a ZIP", 18..=22, |n, last| zip(&members(n, 100, last)), 19, 19),
    ("members of a TAR", 18..=22, |n, last| tar(&members(n, 100, last)), 19, 19),
    ("members of a packed TAR", 17..=21, |n, last| gzip(&tar(&members(n, 100, last))), 18, 18),
    ("members of two ZIPs in a ZIP", 6..=11, |n, last| zip(&[zip(&members(n, 100, b"-")), zip(&members(n, 100, last))]), 9, 8),
    ("levels of ZIP", 2..=5, |n, last| nested(n, last, |inner| zip(&[inner])), 3, 3),
    ("levels of gzip", 2..=5, |n, last| nested(n, last, |inner| gzip(&inner)), 3, 3),
    ("levels of TAR", 2..=5, |n, last| nested(n, last, |inner| tar(&[inner])), 3, 3),
    ("packed TARs in each other", 1..=3, |n, last| nested(n, last, |inner| gzip(&tar(&[inner]))), 1, 1),
    ("members of 50 kB in a ZIP", 8..=12, |n, last| zip(&members(n, 50_000, last)), 10, 10),
    ("members of 20 kB in a TAR, packed twice", 6..=9, |n, last| gzip(&gzip(&tar(&members(n, 20_000, last)))), 9, 8),
];

#[tokio::test]
async fn clamd_looks_at_no_less_of_an_archive_than_its_limits_are_taken_for() {
    let eicar = eicar();
    let clean = vec![b'x'; eicar.len()];
    for alert in [false, true] {
        let clamd = start(alert).await;
        let pipeline = walked(scanner(&clamd).accept_partly_scanned());
        for (name, numbers, make, found, whole) in GROWING {
            let mut seen = (0, 0);
            for number in numbers {
                let is_found = says(&clamd, &make(number, &eicar)).await.contains("Eicar");
                let is_whole = upload(&pipeline, &make(number, &clean)).await == Ended::Whole;
                assert!(
                    is_found || !is_whole,
                    "{number} {name}, {alert}: clamd skips some in silence"
                );
                seen = (
                    if is_found { number } else { seen.0 },
                    if is_whole { number } else { seen.1 },
                );
            }
            assert_eq!(seen, (found, whole), "{name}, {alert}: found and whole up to");
        }
    }
}
