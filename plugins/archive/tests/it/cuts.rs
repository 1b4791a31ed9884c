//! Archives that come in pieces of any size, and those that break off.

use intake_core::{Bytes, Declared, Head, Scanner, UploadInfo};
use intake_plugin_archive::Archive;
use intake_plugin_archive::Choice::{Accept, Refuse};
use proptest::prelude::*;

use crate::files::{bzip2, gzip, text, xz, zstd};
use crate::tars::{GNU, entry, file, pax, tar};
use crate::zips::{Descriptor, Zip, packed, stored, zip};
use crate::{code, left_out, note, scan, scanner};

/// One archive at least of every format, with what readers have to put together from pieces.
fn archives() -> Vec<Vec<u8>> {
    let inner = zip(&[
        packed("a", &text(400)),
        stored("b", b"hello").described(Descriptor::Signed),
    ]);
    let plain = tar(&[
        file("a.zip", &inner),
        pax(&[("path", "long/name")]),
        file("b", &text(600)),
        entry("L", b'L', b"a long name", GNU),
        file("c", b""),
    ]);
    let document = zip(&[
        packed("_rels/.rels", b"<Relationship Type='x/frame' TargetMode='External'/>").described(Descriptor::Bare),
        packed("word/vbaProject.bin", b"x").described(Descriptor::Large),
        stored("inner.zip", &inner).described(Descriptor::Large),
        stored("b", b"PK\x07\x08PPK\x07\x08PK\x07 PK\x07\x08 and more than twenty-four").described(Descriptor::Signed),
        stored("c", &text(300))
            .packed_by(93, zstd(&text(300)))
            .described(Descriptor::Signed),
    ]);
    let signed = Zip::of(&[stored("a", b"x")])
        .with(|zip| {
            let size = 40_u64.to_le_bytes();
            zip.bytes
                .extend([&size[..], b"PPK\x01PK\x03PK\x05PKPPPP", &size, b"APK Sig Block 42"].concat());
            zip.is_large = true;
            zip.comment = b"PK".to_vec();
        })
        .finish();
    let mut behind = Zip {
        bytes: b"MZ PK\x03\x04 PPK\x03\x04".to_vec(),
        ..Zip::default()
    };
    behind.add(&packed("a", &text(100)));
    vec![
        inner,
        document,
        signed,
        behind.finish(),
        plain.clone(),
        [gzip(&plain), gzip(b"")].concat(),
        bzip2(&text(900)),
        xz(&plain, 0),
        zstd(&plain),
        zip(&[stored("../a", b"x")]),
        zip(&[packed("a", b"x").with(|member| member.flags = 1)]),
    ]
}

async fn scan_cut(scanner: &Archive, content: &Bytes, cuts: &[usize]) -> String {
    let declared = Declared::default();
    let head = Head::new(UploadInfo::new(&declared), &content[..content.len().min(8192)], None);
    let mut scan = scanner.open(&head).await.expect("opens");
    let mut start = 0;
    for end in cuts.iter().copied().chain([content.len()]) {
        let verdict = scan.feed(&content.slice(start..end)).await.expect("feeds");
        if let Some(rejection) = verdict.rejection() {
            return rejection.code.to_string();
        }
        start = end;
    }
    let report = scan.finish().await.expect("a report");
    match code(&report) {
        Some(code) => code,
        None => format!("{:?} {:?}", report.coverage, report.notes),
    }
}

#[tokio::test]
async fn the_answer_does_not_depend_on_where_an_archive_is_cut_in_two() {
    // Larger than what is put together before it is looked at, so that the cut is where it is.
    let filler = vec![b'x'; 40_000];
    let scanner = scanner(|settings| settings.encrypted = Accept);
    for (n, archive) in archives().into_iter().enumerate() {
        let content = Bytes::from([zip(&[stored("filler", &filler)]), Vec::new()].concat());
        assert!(content.len() > 32 * 1024);
        let outer = Zip::of(&[
            stored("filler", &filler),
            stored("archive", &archive),
            stored("filler", &filler),
        ]);
        let content = Bytes::from(outer.finish());
        let whole = scan_cut(&scanner, &content, &[]).await;
        for cut in 40_000..40_000 + archive.len() + 200 {
            assert_eq!(
                scan_cut(&scanner, &content, &[cut]).await,
                whole,
                "archive {n} cut at {cut}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_answer_does_not_depend_on_pieces_or_damage(
        n in 0..11_usize,
        places in proptest::collection::vec(any::<(u16, u8)>(), 0..4),
        mut cuts in proptest::collection::vec(any::<u32>(), 0..12),
    ) {
        let mut archive = archives().swap_remove(n);
        let length = archive.len();
        for (at, byte) in places {
            archive[usize::from(at) % length] ^= byte;
        }
        // In front of and behind what is looked at only when it is long enough.
        let filler = vec![0; 40_000];
        let content = Bytes::from(tar(&[file("filler", &filler), file("archive", &archive), file("filler", &filler)]));
        cuts.iter_mut().for_each(|cut| *cut %= u32::try_from(content.len()).expect("short"));
        cuts.sort_unstable();
        let cuts: Vec<_> = cuts.into_iter().map(|cut| cut as usize).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let scanner = scanner(|settings| settings.unreadable = Accept);
        let whole = runtime.block_on(scan_cut(&scanner, &content, &[]));
        prop_assert!(!whole.contains("could not be read"), "a reader panicked: {archive:?}");
        prop_assert_eq!(runtime.block_on(scan_cut(&scanner, &content, &cuts)), whole);
    }
}

#[tokio::test]
async fn an_archive_that_breaks_off_anywhere_is_not_taken_for_a_whole_one() {
    for (n, archive) in archives().into_iter().enumerate() {
        // A program is one without an archive behind it, too, and the end of a TAR may be missing.
        if n == 3 || n == 4 {
            continue;
        }
        // The first block of bzip2 has a signature of its own.
        let least = if n == 6 { 10 } else { 6 };
        for length in least..archive.len() {
            // gzip has a whole member before its last, empty one.
            let is_whole = n == 5 && archive[length..] == gzip(b"")[..];
            let lenient = scanner(|settings| (settings.encrypted, settings.paths) = (Accept, Accept));
            let report = scan(&lenient, &archive[..length]).await;
            assert_eq!(code(&report), None, "archive {n}, {length} bytes");
            assert_eq!(left_out(&report).is_none(), is_whole, "archive {n}, {length} bytes");
            assert!(note(&report).is_some() || length < 11, "archive {n}, {length} bytes");
            let strict = scanner(|settings| {
                (settings.encrypted, settings.paths, settings.unreadable) = (Accept, Accept, Refuse);
            });
            let report = scan(&strict, &archive[..length]).await;
            assert_eq!(code(&report).is_none(), is_whole, "archive {n}, {length} bytes");
        }
    }
}

/// A longer run: `INTAKE_MUTATIONS=100000 cargo test -p intake-plugin-archive damaged`.
#[tokio::test]
async fn an_archive_that_was_damaged_anywhere_makes_no_reader_panic() {
    let rounds = std::env::var("INTAKE_MUTATIONS").map_or(3_000, |rounds| rounds.parse().expect("a number"));
    let chance = intake_core::testkit::noise(20, rounds * 32);
    let archives = archives();
    let scanner = scanner(|settings| {
        (settings.overlaps, settings.encrypted, settings.paths, settings.links) = (Accept, Accept, Accept, Accept);
    });
    for (round, chance) in chance.chunks_exact(32).enumerate() {
        let mut archive = archives[round % archives.len()].clone();
        for place in chance[1..].chunks_exact(4).take(1 + usize::from(chance[0] % 7)) {
            let at = usize::from(u16::from_le_bytes([place[0], place[1]])) % archive.len();
            match place[2] % 3 {
                0 => archive[at] = place[3],
                1 => archive[at] = [0, 0xFF, 0x7F, 0x80][usize::from(place[3] % 4)],
                _ => archive.truncate(at.max(8)),
            }
        }
        let report = scan(&scanner, &archive).await;
        let why = left_out(&report).unwrap_or_default();
        assert!(!why.contains("could not be read"), "round {round} panics: {archive:?}");
    }
}
