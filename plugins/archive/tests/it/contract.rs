//! What every scanner keeps to.

use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::testkit::{self, Sample, noise};
use intake_core::{Declared, Error, Incoming, Pipeline, UploadOptions};
use intake_plugin_archive::{
    ARCHIVE_ENCRYPTED, ARCHIVE_INCONSISTENT, ARCHIVE_PATH, ARCHIVE_RATIO, ARCHIVE_TOO_DEEP, ARCHIVE_UNREADABLE,
    Archive, ArchiveNote, Choice,
};

use crate::files::{bzip2, gzip, text, xz, zstd};
use crate::scanner;
use crate::tars::{file, tar};
use crate::zips::{Descriptor, packed, stored, zip};

fn samples() -> Vec<Sample> {
    let inner = zip(&[
        packed("a", &text(5000)),
        stored("b", &text(3000)).described(Descriptor::Signed),
    ]);
    let plain = tar(&[file("a.zip", &inner), file("b", &text(70_000))]);
    let clean = [
        inner.clone(),
        plain.clone(),
        gzip(&plain),
        bzip2(&plain),
        xz(&plain, 6),
        zstd(&plain),
        zip(&[stored("noise", &noise(3, 300_000)), packed("t.tar", &plain)]),
        zip(&[packed("noise", &noise(4, 100_000)).described(Descriptor::Signed)]),
        text(50_000).clone(),
        Vec::new(),
        b"7z\xBC\xAF\x27\x1C".to_vec(),
        gzip(&plain)[..2000].to_vec(),
        b"MZ".iter().copied().chain(noise(5, 60_000)).collect(),
    ];
    let refused = [
        (zip(&[packed("../a", b"x")]), ARCHIVE_PATH),
        (
            zip(&[
                stored("a", &noise(6, 90_000)),
                stored("b", b"x").with(|member| member.flags = 1),
            ]),
            ARCHIVE_ENCRYPTED,
        ),
        (gzip(&vec![0; 11 << 20]), ARCHIVE_RATIO),
        ((0..5).fold(inner.clone(), |inner, _| gzip(&inner)), ARCHIVE_TOO_DEEP),
        ([&inner[..], b"x"].concat(), ARCHIVE_INCONSISTENT),
    ];
    let clean = clean.into_iter().map(Sample::clean);
    clean
        .chain(refused.map(|(content, code)| Sample::refused(content, code)))
        .collect()
}

#[tokio::test]
async fn it_keeps_to_what_every_scanner_keeps_to() {
    testkit::scanner(Archive::default(), &samples()).await;
}

#[tokio::test]
async fn it_keeps_to_it_when_it_refuses_what_it_cannot_look_into() {
    let samples = [
        Sample::clean(zip(&[packed("a", &text(5000))])),
        Sample::clean("hello"),
        Sample::refused(gzip(&text(500_000))[..2000].to_vec(), ARCHIVE_UNREADABLE),
        Sample::refused(&b"Rar!\x1A\x07\0"[..], ARCHIVE_UNREADABLE),
    ];
    testkit::scanner(scanner(|settings| settings.unreadable = Choice::Refuse), &samples).await;
}

#[tokio::test]
async fn an_upload_has_its_note_in_the_record() {
    let pipeline = Pipeline::builder()
        .scanner("archive", Archive::default())
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default())
        .expirer(KeepAll)
        .build()
        .expect("builds");
    let ingest = async |content: Vec<u8>| {
        let incoming = Incoming::from_bytes(Declared::named("holiday.zip"), content);
        pipeline.ingest(incoming, UploadOptions::default()).await
    };
    let record = ingest(zip(&[packed("a", &text(5000))])).await.expect("is taken");
    let note: ArchiveNote = record.facts.expect("facts").note(ArchiveNote::SUBJECT).expect("a note");
    assert_eq!((note.format.as_str(), note.members, note.inflated), ("zip", 1, 5000));

    let Err(Error::Rejected { by, rejection }) = ingest(zip(&[packed("../a", b"x")])).await else {
        panic!("taken")
    };
    assert_eq!((by.as_str(), rejection.code), ("archive", ARCHIVE_PATH));
}
