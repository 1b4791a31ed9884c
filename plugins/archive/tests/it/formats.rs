//! What cannot be looked into.

use intake_plugin_archive::Choice::Refuse;

use crate::files::{bzip2, deflated, gzip, text, xz, zstd};
use crate::tars::{POSIX, entry, file, pax, tar};
use crate::zips::{Descriptor, Zip, packed, stored, zip};
use crate::{code, left_out, note, scan, scanner};

fn unreadable() -> Vec<(&'static str, Vec<u8>)> {
    let plain = text(50_000);
    vec![
        ("7z", b"7z\xBC\xAF\x27\x1C\0\x04".to_vec()),
        ("rar", b"Rar!\x1A\x07\x01\0".to_vec()),
        ("7z in a ZIP", zip(&[packed("a.7z", b"7z\xBC\xAF\x27\x1C\0\x04")])),
        (
            "a method that is not supported",
            zip(&[stored("a", b"x").packed_by(14, text(50))]),
        ),
        (
            "the same with a descriptor",
            zip(&[stored("a", b"x").packed_by(14, text(50)).described(Descriptor::Signed)]),
        ),
        (
            "damaged member",
            zip(&[stored("a", &plain).packed_by(8, vec![0xFF; 50])]),
        ),
        (
            "damaged member with a descriptor",
            zip(&[stored("a", &plain)
                .packed_by(8, vec![0xFF; 50])
                .described(Descriptor::Signed)]),
        ),
        (
            "member that breaks off",
            zip(&[stored("a", &plain).packed_by(8, deflated(&plain)[..500].to_vec())]),
        ),
    ]
}

/// Damage in packed files and in TARs, and what needs too much.
fn damaged_files() -> Vec<(&'static str, Vec<u8>)> {
    let damaged = |mut bytes: Vec<u8>| {
        let at = bytes.len() / 2;
        bytes[at..at + 8].fill(0xFF);
        bytes
    };
    let plain = text(50_000);
    vec![
        ("damaged gzip", damaged(gzip(&plain))),
        ("damaged bzip2", damaged(bzip2(&plain))),
        ("damaged xz", damaged(xz(&plain, 6))),
        ("damaged zstd", {
            let mut bytes = zstd(&plain);
            bytes[4] |= 8;
            bytes
        }),
        (
            "an encrypted list",
            Zip::of(&[stored("a", b"x")])
                .with(|zip| zip.bytes.extend(b"PK\x06\x08\x05\0\0\0hello"))
                .finish(),
        ),
        ("wrong length of gzip", {
            let mut bytes = gzip(&plain);
            let at = bytes.len() - 1;
            bytes[at] ^= 1;
            bytes
        }),
        ("other bytes behind gzip", [&gzip(&plain)[..], b"more"].concat()),
    ]
}

/// The same in TARs, and what needs too much.
fn damaged_tars() -> Vec<(&'static str, Vec<u8>)> {
    let plain = text(50_000);
    let other_disk = {
        let mut zip = zip(&[stored("a", b"x")]);
        let at = zip.len() - 18;
        zip[at] = 1;
        zip
    };
    let wide = {
        let mut frame = zstd(&plain);
        frame[4] = 0;
        frame.insert(5, 0xF8);
        frame
    };
    vec![
        (
            "other bytes behind a TAR",
            [&tar(&[file("a", b"x")])[..], b"more"].concat(),
        ),
        (
            "a TAR behind the end of another",
            [tar(&[file("a", b"x")]), tar(&[file("b", b"x")])].concat(),
        ),
        ("damaged header of a TAR", [file("a", b"x"), vec![1; 512]].concat()),
        ("damaged first header of a TAR", {
            let mut all = tar(&[file("a", b"x"), file("b", b"y")]);
            all[148] ^= 1;
            all
        }),
        (
            "damaged attributes",
            tar(&[entry("x", b'x', b"99 path=a\n", POSIX), file("a", b"x")]),
        ),
        (
            "attributes that are too long",
            tar(&[entry("x", b'x', &vec![b'x'; (1 << 20) + 1], POSIX), file("a", b"x")]),
        ),
        (
            "stored, and its end is nowhere",
            Zip::of(&[stored("a", &plain).described(Descriptor::Bare)]).finish(),
        ),
        ("one of several parts", other_disk),
        ("a window of xz that is too large", xz(&plain, 9)),
        ("a window of zstd that is too large", wide),
        (
            "the newest form of sparse files",
            tar(&[
                pax(&[("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "100000")]),
                file("a", &[b'1'; 1024]),
            ]),
        ),
        ("too many streams", bzip2(b"").repeat(10_002)),
    ]
}

#[tokio::test]
async fn what_cannot_be_looked_into_is_accepted_or_refused_as_the_operator_says() {
    for (name, content) in [unreadable(), damaged_files(), damaged_tars()].concat() {
        let report = scan(&scanner(|_| ()), &content).await;
        assert_eq!(code(&report), None, "{name}");
        assert!(left_out(&report).is_some(), "{name}");
        assert!(note(&report).is_some(), "{name}");
        let report = scan(&scanner(|settings| settings.unreadable = Refuse), &content).await;
        assert_eq!(code(&report).as_deref(), Some("archive_unreadable"), "{name}");
    }
}

#[tokio::test]
async fn a_larger_window_can_be_allowed() {
    let report = scan(
        &scanner(|settings| {
            settings.max_window = 64 << 20;
            settings.memory = 512 << 20;
        }),
        &xz(&text(50_000), 9),
    )
    .await;
    assert_eq!((code(&report), left_out(&report)), (None, None));
}

#[tokio::test]
async fn members_behind_one_that_cannot_be_read_are_looked_at() {
    let damaged = || stored("a", b"x").packed_by(14, text(50));
    for member in [damaged(), damaged().described(Descriptor::Signed)] {
        let content = zip(&[member, packed("../b", b"x")]);
        let report = scan(&scanner(|_| ()), &content).await;
        assert_eq!(code(&report).as_deref(), Some("archive_path"));
    }
}

#[tokio::test]
async fn what_is_no_archive_is_not_noted() {
    for content in [
        &b""[..],
        b"P",
        b"PK",
        b"hello",
        &text(100_000),
        b"MZ\x90",
        b"\x7FELF",
        b"%PDF-1.7",
    ] {
        let report = scan(&scanner(|settings| settings.unreadable = Refuse), content).await;
        assert_eq!((code(&report), left_out(&report), note(&report)), (None, None, None));
    }
}
