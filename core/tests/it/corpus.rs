//! The media types that are found in many files: the table `tests/corpus/types.tsv`, row by row.

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::stream;
use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::{Builder, Bytes, Declared, Incoming, MediaRange, Pipeline, Project, UploadOptions};

const TABLE: &str = include_str!("../corpus/types.tsv");
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/files");
const UNKNOWN: &str = "-";

struct Row {
    file: &'static str,
    media_type: &'static str,
    source: &'static str,
    found: &'static str,
    why: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut columns = line.split('\t');
            let mut next = || columns.next().unwrap_or_default();
            let (file, media_type, source, found, why) = (next(), next(), next(), next(), next());
            let found = if found.is_empty() { media_type } else { found };
            Row {
                file,
                media_type,
                source,
                found,
                why,
            }
        })
        .collect()
}

fn content(file: &str) -> Bytes {
    std::fs::read(Path::new(FILES).join(file)).unwrap().into()
}

fn builder() -> Builder {
    Pipeline::builder()
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default())
        .expirer(KeepAll)
}

/// The media type that is found in a content, sent in pieces of this size, with a name and a declared type that are wrong.
async fn found(pipeline: &Pipeline, content: &Bytes, piece: usize) -> String {
    let declared = Declared::named("other.bin")
        .with(|declared| declared.media_type = Some("application/x-other".parse().unwrap()));
    let pieces: Vec<_> = content
        .chunks(piece)
        .map(|piece| Ok::<_, std::io::Error>(content.slice_ref(piece)))
        .collect();
    let incoming = Incoming::from_stream(declared, stream::iter(pieces));
    let record = pipeline.ingest(incoming, UploadOptions::default()).await.unwrap();
    record
        .facts
        .unwrap()
        .media_type
        .map_or(UNKNOWN.to_owned(), |media_type| media_type.to_string())
}

#[tokio::test]
async fn every_file_of_the_corpus_is_found_to_have_its_type() {
    let pipeline = builder().build().unwrap();
    let rows = rows();
    let (mut wrong, mut right) = (Vec::new(), 0);
    for row in &rows {
        let content = content(row.file);
        let found = found(&pipeline, &content, usize::MAX).await;
        right += usize::from(found == row.media_type);
        if found != row.found {
            wrong.push(format!("{} is {}, found {found} ({})", row.file, row.found, row.source));
        }
    }
    let types: BTreeSet<_> = rows.iter().map(|row| row.media_type).collect();
    let explained = rows.iter().filter(|row| row.found != row.media_type).count();
    println!(
        "corpus: {right} of {} files right, of {} types; {explained} others, each with its reason",
        rows.len(),
        types.len()
    );
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(right + explained, rows.len());
}

#[tokio::test]
async fn how_a_content_is_cut_makes_no_difference() {
    let pipeline = builder().build().unwrap();
    for row in rows() {
        let content = content(row.file);
        for piece in [13, 4096] {
            assert_eq!(
                found(&pipeline, &content, piece).await,
                row.found,
                "{} in pieces of {piece}",
                row.file
            );
        }
    }
}

/// The JavaScript client sends the key after the file. So the rules of the project were not checked at the head.
#[tokio::test]
async fn a_project_takes_nothing_of_a_type_that_it_forbids() {
    for forbidden in [
        "image/svg+xml",
        "text/html",
        "text/xml",
        "application/vnd.ms-excel",
        "audio/x-flac",
    ] {
        let project = Project::new("shop").with(|project| project.deny_types = vec![forbidden.parse().unwrap()]);
        let pipeline = builder().project(project).unwrap().build().unwrap();
        let forbidden: MediaRange = forbidden.parse().unwrap();
        for row in rows() {
            let options = UploadOptions::of_project("shop");
            let incoming = Incoming::from_bytes(Declared::named("a.png"), content(row.file));
            let taken = pipeline.admit(incoming).await.unwrap().commit(options).await;
            let meant = row.found != UNKNOWN && forbidden.contains(&row.found.parse().unwrap());
            match taken {
                Ok(_) => assert!(!meant, "{} was taken, without {forbidden}", row.file),
                Err(error) => assert!(meant, "{}: {error}", row.file),
            }
            // The same where the project is known from the beginning: what comes before the root element of a document in markup
            // is not its type.
            let incoming = Incoming::from_bytes(Declared::named("a.png"), content(row.file)).of_project("shop");
            let explanation = pipeline.explain(incoming).await.unwrap();
            assert_eq!(explanation.is_accepted(), !meant, "{}, without {forbidden}", row.file);
        }
    }
}

#[test]
fn the_table_is_large_and_says_why() {
    let rows = rows();
    let files: BTreeSet<_> = rows.iter().map(|row| row.file.to_owned()).collect();
    let types: BTreeSet<_> = rows.iter().map(|row| row.media_type).collect();
    assert!(
        rows.len() >= 150 && types.len() >= 60,
        "{} files, {} types",
        rows.len(),
        types.len()
    );
    let there: BTreeSet<_> = std::fs::read_dir(FILES)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, there, "files and rows");
    for row in &rows {
        assert!(!row.source.is_empty(), "{}: the row has no source", row.file);
        assert_eq!(
            row.found == row.media_type,
            row.why.is_empty(),
            "{}: a difference has a reason",
            row.file
        );
    }
}

#[test]
fn a_rule_with_a_name_of_the_table_is_said_to_work() {
    let found: BTreeSet<_> = rows()
        .iter()
        .map(|row| row.found)
        .filter(|found| *found != UNKNOWN)
        .collect();
    let ranges = found.iter().map(|found| found.parse::<MediaRange>().unwrap());
    let never: Vec<_> = ranges
        .filter(|range| !range.is_ever_found())
        .map(|range| range.to_string())
        .collect();
    assert_eq!(never, Vec::<String>::new());
}
