//! Limits: what is just accepted, and what is just refused.

use intake_core::{Bytes, Declared, HEAD_BYTES, Head, Scanner, UploadInfo, testkit};
use intake_plugin_archive::{Archive, Settings};

use crate::files::{bzip2, gzip, text, xz, zstd};
use crate::tars::{file, tar};
use crate::zips::{Descriptor, packed, stored, zip};
use crate::{code, note, scan, scanner};

type Limit = fn(&mut Settings, u64);

/// A ZIP of zeros, and how often the packed ones fit into it.
fn zeros() -> (Vec<u8>, u64) {
    let zeros = packed("a", &vec![0; 11 << 20]);
    let ratio = (11_u64 << 20).div_ceil(zeros.packed.len() as u64);
    (zip(&[zeros]), ratio)
}

#[tokio::test]
async fn each_limit_accepts_what_has_just_as_much_and_refuses_more() {
    let three = zip(&[
        packed("a", &text(100)),
        stored("b", &text(50)),
        packed("c", &text(10)).described(Descriptor::Signed),
    ]);
    let nested = gzip(&tar(&[file("a.zip", &three)]));
    let tar_of_three = tar(&[file("a", &text(700)), file("b", b""), file("c", b"x")]);
    let gzipped = gzip(&text(100_000));
    let (zeros, ratio) = zeros();
    let members: Limit = |settings, limit| settings.max_members = limit;
    let depth: Limit = |settings, limit| settings.max_depth = u32::try_from(limit).expect("small");
    let inflated: Limit = |settings, limit| settings.max_inflated = limit;
    let member: Limit = |settings, limit| settings.max_member = limit;
    let ratios: Limit = |settings, limit| settings.max_ratio = limit;
    for (name, content, set, limit, expected) in [
        ("members", &three, members, 3, "archive_too_many_members"),
        (
            "members of a TAR",
            &tar_of_three,
            members,
            3,
            "archive_too_many_members",
        ),
        (
            "members of all archives",
            &nested,
            members,
            5,
            "archive_too_many_members",
        ),
        ("depth", &nested, depth, 3, "archive_too_deep"),
        ("inflated", &three, inflated, 160, "archive_too_large"),
        ("inflated gzip", &gzipped, inflated, 100_000, "archive_too_large"),
        ("inflated TAR", &tar_of_three, inflated, 701, "archive_too_large"),
        ("member", &three, member, 100, "archive_too_large"),
        (
            "member that is stored",
            &zip(&[stored("a", &text(50))]),
            member,
            50,
            "archive_too_large",
        ),
        (
            "member that is packed as a whole",
            &gzipped,
            member,
            100_000,
            "archive_too_large",
        ),
        ("member of a TAR", &tar_of_three, member, 700, "archive_too_large"),
        ("ratio", &zeros, ratios, ratio, "archive_ratio"),
    ] {
        let report = scan(&scanner(|settings| set(settings, limit)), content).await;
        assert_eq!(code(&report), None, "{name}");
        let report = scan(&scanner(|settings| set(settings, limit - 1)), content).await;
        assert_eq!(code(&report).as_deref(), Some(expected), "{name}");
    }
}

#[tokio::test]
async fn a_note_has_what_can_be_compared_with_the_limits_of_other_scanners() {
    let inner = zip(&[packed("b", &text(10_000)), stored("c", b"x")]);
    let plain = tar(&[file("a.zip", &inner), file("d", &text(500))]);
    let report = scan(&scanner(|_| ()), &gzip(&plain)).await;
    let note = note(&report).expect("a note");
    assert_eq!((note.format.as_str(), note.depth, note.members), ("gzip", 3, 5));
    assert_eq!((note.largest, note.inflated), (10_000, plain.len() as u64 + 10_001));
    assert_eq!(
        (note.encrypted, note.links, note.macros, note.external_relations),
        (0, 0, false, false)
    );
}

#[tokio::test]
async fn a_bomb_is_refused_long_before_its_end() {
    let zeros = vec![0; 160 << 20];
    let declared = Declared::default();
    for (name, bomb) in [("ZIP", zip(&[packed("a", &zeros)])), ("gzip", gzip(&zeros))] {
        let bomb = Bytes::from(bomb);
        let head = Head::new(UploadInfo::new(&declared), &bomb[..HEAD_BYTES], None);
        for piece in [HEAD_BYTES, bomb.len()] {
            let mut scan = Archive::default().open(&head).await.expect("opens");
            let mut code = None;
            let mut pieces = bomb.chunks(piece);
            while code.is_none() {
                let piece = pieces.next().expect("it is refused before its end");
                let verdict = scan.feed(&bomb.slice_ref(piece)).await.expect("feeds");
                code = verdict.rejection().map(|rejection| rejection.code.to_string());
            }
            assert_eq!(code.as_deref(), Some("archive_ratio"), "{name}");
            let inflated = note(&scan.finish().await.expect("a report")).expect("a note").inflated;
            assert!(inflated <= 80 << 20, "{name} in pieces of {piece}: {inflated}");
        }
    }
}

#[tokio::test]
async fn sizes_are_counted_to_the_byte_in_all_formats_and_pieces() {
    let text = text(100_000);
    for (name, content) in [
        ("gzip", gzip(&text)),
        ("bzip2", bzip2(&text)),
        ("xz", xz(&text, 6)),
        ("zstd", zstd(&text)),
        ("ZIP", zip(&[packed("a", &text)])),
        ("ZIP, stored", zip(&[stored("a", &text).described(Descriptor::Signed)])),
        ("TAR", tar(&[file("a", &text)])),
    ] {
        for piece in [7, 1000, 100_000] {
            let report = testkit::scan(&scanner(|_| ()), &content.clone().into(), piece)
                .await
                .expect("scans");
            let note = note(&report).expect("a note");
            assert_eq!(
                (note.inflated, note.largest),
                (100_000, 100_000),
                "{name} in pieces of {piece}"
            );
        }
    }
}

#[tokio::test]
async fn a_packed_file_may_begin_with_zeros_but_not_go_on_so() {
    let zeros = vec![0; 66 << 20];
    let harmless = gzip(&[&zeros[..30 << 20], &intake_core::testkit::noise(1, 300_000)].concat());
    let report = scan(&scanner(|_| ()), &harmless).await;
    assert_eq!(code(&report), None);
    // That the rest packs badly is too late.
    let endless = gzip(&[&zeros[..], &intake_core::testkit::noise(1, 600_000)].concat());
    let report = scan(&scanner(|_| ()), &endless).await;
    assert_eq!(code(&report).as_deref(), Some("archive_ratio"));
}
