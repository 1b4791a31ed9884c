//! What every scanner keeps to.

use async_trait::async_trait;
use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::testkit::{self, Sample, noise};
use intake_core::{Declared, Error, Fault, Head, Incoming, Pipeline, Scan, Scanner, UploadInfo, UploadOptions};
use intake_plugin_text::{Kind, TEXT_BIDI, TEXT_CONTROL_CHARACTER, TEXT_FORMULA, Text, TextNote};

use crate::{answer, note, with};

/// Takes every upload for a file of this name.
#[derive(Debug)]
struct Named(&'static str, Text);

#[async_trait]
impl Scanner for Named {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        let declared = Declared::named(self.0);
        self.1
            .open(&Head::new(UploadInfo::new(&declared), head.bytes, head.media_type))
            .await
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.1.ready().await
    }
}

#[tokio::test]
async fn it_keeps_to_what_every_scanner_keeps_to() {
    let log = "2026-11-30 12:00:00 INFO all is well\n".repeat(2000);
    let samples = [
        Sample::clean("Hello, world!"),
        Sample::clean(""),
        Sample::clean(log.clone()),
        Sample::clean(b"\xFF\xFEH\0i\0".to_vec()),
        Sample::clean(&b"\x89PNG\r\n\x1a\n\0\0\0\0"[..]),
        Sample::refused(format!("{log}\0"), TEXT_CONTROL_CHARACTER),
    ];
    testkit::scanner(Text::default(), &samples).await;
}

#[tokio::test]
async fn it_keeps_to_it_for_tables() {
    let rows = "name;sum\nAnna;-1,5\n\"Bert; \"\"the\"\" other\";+49 30 1234\n".repeat(700);
    let samples = [
        Sample::clean(rows.clone()),
        Sample::clean(""),
        Sample::refused("a,=HYPERLINK(\"x\")", TEXT_FORMULA).within(rows.clone()),
        Sample::refused(format!("{rows};\u{1}"), TEXT_CONTROL_CHARACTER),
        Sample::refused(noise(3, 1000), TEXT_CONTROL_CHARACTER),
    ];
    testkit::scanner(Named("all.csv", Text::default()), &samples).await;
}

#[tokio::test]
async fn it_keeps_to_it_for_source_code() {
    let code = "fn main() {\n    // nothing\n}\n".repeat(1000);
    let samples = [
        Sample::clean(code.clone()),
        Sample::refused("// \u{202E}\n", TEXT_BIDI).within(code),
    ];
    testkit::scanner(Named("main.rs", Text::default()), &samples).await;
}

#[tokio::test]
async fn what_is_read_depends_on_name_type_and_content() {
    for (name, kind) in [
        ("a.txt", Some(Kind::Plain)),
        ("A.CSV", Some(Kind::Csv)),
        ("a.tsv", Some(Kind::Tsv)),
        ("a.md", Some(Kind::Markdown)),
        ("a.json", Some(Kind::Json)),
        ("a.xml", Some(Kind::Xml)),
        ("a.htm", Some(Kind::Html)),
        ("a.py", Some(Kind::Code)),
        ("a.ts", Some(Kind::Code)),
        ("a.png", None),
        ("a", None),
    ] {
        let noted = answer(&Text::default(), name, b"x").await.expect("is taken");
        assert_eq!(noted.and_then(|note| note.kind), kind, "{name}");
    }
    let kind = async |name: &str, declared: Option<&str>, found: Option<&str>| {
        let declared =
            Declared::named(name).with(|claims| claims.media_type = declared.and_then(|name| name.parse().ok()));
        let found = found.map(|name| name.parse().expect("a type"));
        let head = Head::new(UploadInfo::new(&declared), b"", found.as_ref());
        let scan = Text::default().open(&head).await.expect("opens");
        let notes = scan.finish().await.expect("finishes").notes;
        let note = notes.get(TextNote::SUBJECT).cloned();
        note.and_then(|note| serde_json::from_value::<TextNote>(note).expect("a note").kind)
    };
    assert_eq!(kind("a", None, Some("text/plain")).await, Some(Kind::Plain));
    assert_eq!(
        kind("a.txt", Some("text/csv"), Some("text/plain")).await,
        Some(Kind::Csv),
        "whichever opens a spreadsheet"
    );
    assert_eq!(kind("a", Some("application/json"), None).await, Some(Kind::Json));
    assert_eq!(
        kind("a.ts", None, Some("video/mp2t")).await,
        None,
        "a film, not TypeScript"
    );
    assert_eq!(
        kind("a.svg", Some("image/svg+xml"), Some("image/svg+xml")).await,
        None,
        "there is another plugin for it"
    );
}

#[tokio::test]
async fn kinds_that_are_not_set_are_not_read() {
    let tables = with(|settings| settings.kinds = vec![Kind::Csv]);
    assert_eq!(answer(&tables, "a.txt", b"\0").await, Ok(None));
    assert!(answer(&tables, "a.csv", b"\0").await.is_err());
    assert_eq!(note("a.csv", b"a;b\r\n=A1;2\r\n").await.formulas, Some(0));
}

#[tokio::test]
async fn an_upload_has_its_note_in_the_record() {
    let pipeline = Pipeline::builder()
        .scanner("text", Text::default())
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default())
        .expirer(KeepAll)
        .build()
        .expect("builds");
    let ingest = async |content: &'static str| {
        let incoming = Incoming::from_bytes(Declared::named("all.csv"), content);
        pipeline.ingest(incoming, UploadOptions::default()).await
    };
    let record = ingest("a;b\n-1;2\n").await.expect("is taken");
    let note: TextNote = record.facts.expect("facts").note(TextNote::SUBJECT).expect("a note");
    assert_eq!((note.kind, note.lines, note.formulas), (Some(Kind::Csv), 2, Some(0)));

    let Err(Error::Rejected { by, rejection }) = ingest("a;=SUM(1)").await else {
        panic!("taken")
    };
    assert_eq!((by.as_str(), rejection.code), ("text", TEXT_FORMULA));
}
