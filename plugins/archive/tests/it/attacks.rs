//! Archives that would harm those who unpack them, or hide something from those who look into them.

use intake_plugin_archive::Settings;

use crate::files::{bzip2, deflated, gzip, text, xz, zstd};
use crate::tars::{GNU, POSIX, entry, file, header, pax, sealed, sealed_with_signs, tar};
use crate::zips::{Descriptor, Zip, extra, packed, stored, zip};
use crate::{code, left_out, note, refused, scan, scanner};

type Attack = (&'static str, Vec<u8>, &'static str);

/// A ZIP of two members, changed in some way.
fn changed(change: impl FnOnce(&mut Zip)) -> Vec<u8> {
    Zip::of(&[packed("a.txt", &text(900)), stored("b.txt", b"hello")])
        .with(change)
        .finish()
}

/// A ZIP with two lists: the member `b` stands inside the stored member `a`.
fn quoted() -> Vec<u8> {
    let inner = Zip::of(&[stored("b", b"hidden")]);
    let mut outer = Zip::of(&[stored("a", &inner.bytes)]);
    let mut listed = inner.list[0].clone();
    listed.offset = 31;
    outer.list.push(listed);
    outer.finish()
}

fn contradictions() -> Vec<Attack> {
    let code = "archive_inconsistent";
    let twice = |zip: &mut Zip| zip.list[1] = zip.list[0].clone();
    vec![
        (
            "another name in the list",
            changed(|zip| zip.list[0].name = b"b.exe".to_vec()),
            code,
        ),
        ("another size in the list", changed(|zip| zip.list[0].length += 1), code),
        (
            "another packed size in the list",
            changed(|zip| zip.list[1].packed -= 1),
            code,
        ),
        (
            "another method in the list",
            changed(|zip| zip.list[0].method = 0),
            code,
        ),
        (
            "another offset in the list",
            changed(|zip| zip.list[1].offset += 1),
            code,
        ),
        (
            "an offset far behind",
            changed(|zip| zip.list[1].offset = 0xFFFF_FFFE),
            code,
        ),
        (
            "encrypted by the list alone",
            changed(|zip| zip.list[1].flags |= 1),
            code,
        ),
        ("one member listed twice", changed(twice), code),
        ("a member that is not listed", changed(|zip| drop(zip.list.pop())), code),
        ("a member inside another", quoted(), code),
    ]
}

/// Bytes that belong to nothing.
fn belongs_to_nothing() -> Vec<Attack> {
    let code = "archive_inconsistent";
    let other = || packed("c.txt", b"other");
    let two_ends = [zip(&[stored("a", b"x")]), zip(&[stored("b", b"y")])].concat();
    let polyglot = [b"\xFF\xD8\xFF\xE0 picture ", &text(5000)[..], &changed(|_| ())].concat();
    vec![
        (
            "bytes between members",
            changed(|zip| {
                zip.bytes.extend(b"hidden");
                zip.add(&other());
            }),
            code,
        ),
        (
            "bytes before the list",
            changed(|zip| zip.bytes.extend(b"hidden")),
            code,
        ),
        (
            "a member in a gap",
            changed(|zip| {
                zip.bytes.push(1);
                zip.add(&other());
                zip.list.pop();
            }),
            code,
        ),
        ("bytes behind the end", [&changed(|_| ())[..], b"hidden"].concat(), code),
        ("two archives, one behind the other", two_ends, code),
        (
            "an end in the comment",
            changed(|zip| zip.comment = b"PK\x05\x06 and so on".to_vec()),
            code,
        ),
        ("an archive behind a picture", polyglot, code),
    ]
}

/// Sizes and places that are not true.
fn lies() -> Vec<Attack> {
    let code = "archive_inconsistent";
    let lying = |size: usize| zip(&[stored("a", &vec![0; size]).packed_by(8, deflated(&text(900)))]);
    vec![
        ("a larger size than there is", lying(901), code),
        (
            "a size that only the list tells",
            changed(|zip| zip.bytes[22] += 1),
            code,
        ),
        ("a smaller size than there is", lying(10), code),
        (
            "a wrong descriptor",
            zip(&[packed("a", &text(900)).described(Descriptor::Signed).with(|member| {
                member.data.pop();
            })]),
            code,
        ),
        (
            "sizes that differ from the descriptor",
            zip(&[stored("a", &text(900)).described(Descriptor::Signed).with(|member| {
                member.is_said_twice = true;
                member.data.pop();
            })]),
            code,
        ),
        (
            "bytes behind packed ones",
            zip(&[packed("a", b"hello").with(|member| member.packed.extend(b"hidden"))]),
            code,
        ),
    ]
}

/// Ends that say something else, and a descriptor that is none.
fn wrong_ends() -> Vec<Attack> {
    let code = "archive_inconsistent";
    vec![
        (
            "a count that is wrong",
            {
                let mut zip = changed(|_| ());
                let at = zip.len() - 12;
                zip[at] += 1;
                zip
            },
            code,
        ),
        (
            "a list that begins elsewhere",
            {
                let mut zip = changed(|_| ());
                let at = zip.len() - 6;
                zip[at] ^= 1;
                zip
            },
            code,
        ),
        (
            "a large end that differs",
            {
                let mut zip = changed(|zip| zip.is_large = true);
                let at = zip.len() - 22 - 20 - 8;
                zip[at] ^= 1;
                zip
            },
            code,
        ),
        (
            "a descriptor inside a member",
            zip(&[stored(
                "a",
                &[
                    &b"12345PK\x07\x08crc!"[..],
                    &5_u32.to_le_bytes(),
                    &5_u32.to_le_bytes(),
                    &Zip::of(&[stored("b", b"x")]).bytes,
                ]
                .concat(),
            )
            .described(Descriptor::Signed)]),
            code,
        ),
    ]
}

fn names() -> Vec<Attack> {
    let code = "archive_path";
    let mut attacks: Vec<Attack> = Vec::new();
    for name in [
        "../a",
        "a/../../b",
        "/etc/passwd",
        "C:\\a",
        "c:/a",
        "..\\a",
        "a\\b",
        "a\0.txt",
        &"x".repeat(1025),
    ] {
        attacks.push(("in a ZIP", zip(&[packed(name, b"x")]), code));
    }
    for name in ["../a", "/etc/passwd", "a\\..\\b"] {
        attacks.push(("in a TAR", tar(&[file(name, b"x")]), code));
        attacks.push((
            "in the attributes of a TAR",
            tar(&[pax(&[("path", name)]), file("a", b"x")]),
            code,
        ));
        attacks.push((
            "in the name of a sparse file",
            tar(&[pax(&[("GNU.sparse.name", name)]), file("a", b"x")]),
            code,
        ));
        attacks.push((
            "in a long name",
            tar(&[entry("L", b'L', name.as_bytes(), GNU), file("a", b"x")]),
            code,
        ));
        attacks.push(("in a tar.gz", gzip(&tar(&[file(name, b"x")])), code));
    }
    let prefixed = {
        let mut block = header(b"a", b'0', 0, POSIX);
        block[345..347].copy_from_slice(b"..");
        sealed(block)
    };
    attacks.push(("in the prefix of a TAR", tar(&[prefixed]), code));
    let unicode = |name: &[u8]| extra(0x7075, &[&b"\x01crc!"[..], name].concat());
    attacks.push((
        "in a second name",
        zip(&[packed("a", b"x").with(|member| member.local_extra = unicode(b"../a"))]),
        code,
    ));
    attacks.push((
        "in a second name in the list",
        zip(&[packed("a", b"x").with(|member| member.extra = unicode(b"../a"))]),
        code,
    ));
    attacks
}

fn links_and_encryption() -> Vec<Attack> {
    let sealed = |flags| packed("a", b"secret").with(|member| member.flags = flags);
    let aes = stored("a", &text(50)).with(|member| {
        (member.method, member.flags) = (99, 1);
        (member.local_extra, member.extra) = (
            extra(0x9901, b"\x02\0AE\x03\x08\0"),
            extra(0x9901, b"\x02\0AE\x03\x08\0"),
        );
    });
    let aes_without_flag =
        stored("a", &text(50)).with(|member| member.local_extra = extra(0x9901, b"\x02\0AE\x03\x08\0"));
    vec![
        (
            "a link in a ZIP",
            zip(&[stored("a", b"/etc/passwd").with(|member| member.attributes = 0o120_777 << 16)]),
            "archive_link",
        ),
        (
            "a symbolic link in a TAR",
            tar(&[entry("a", b'2', b"", POSIX)]),
            "archive_link",
        ),
        (
            "a hard link in a TAR",
            tar(&[entry("a", b'1', b"", GNU)]),
            "archive_link",
        ),
        (
            "a link in a TAR with the checksum of old programs",
            tar(&[sealed_with_signs(header("é".as_bytes(), b'2', 0, b""))]),
            "archive_link",
        ),
        (
            "a link in a TAR in a ZIP",
            zip(&[packed("t.tar", &tar(&[entry("a", b'2', b"", b"")]))]),
            "archive_link",
        ),
        ("encrypted in the old way", zip(&[sealed(1)]), "archive_encrypted"),
        (
            "encrypted in the strong way",
            zip(&[sealed(1 | 1 << 6)]),
            "archive_encrypted",
        ),
        (
            "encrypted with a descriptor",
            zip(&[sealed(1).described(Descriptor::Signed)]),
            "archive_encrypted",
        ),
        ("encrypted with AES", zip(&[aes]), "archive_encrypted"),
        (
            "encrypted with AES, by its field alone",
            zip(&[aes_without_flag]),
            "archive_encrypted",
        ),
    ]
}

/// Archives that become large. None of them harms a program that counts.
fn bombs() -> Vec<Attack> {
    let zeros = vec![0; 12 << 20];
    let nested = (0..5).fold(b"x".to_vec(), |inner, _| zip(&[stored("a.zip", &inner)]));
    let packed_deep = (0..5).fold(b"x".to_vec(), |inner, _| gzip(&inner));
    let sparse = {
        let mut block = header(b"a", b'S', 0, GNU);
        block[483..495].copy_from_slice(b"77777777777\0");
        sealed(block)
    };
    let pax_sparse = tar(&[pax(&[("GNU.sparse.realsize", "99999999999")]), file("a", b"x")]);
    let many: Vec<_> = (0..10_001).map(|n| stored(&format!("{n}"), b"")).collect();
    let many_files: Vec<_> = (0..10_001).map(|n| file(&format!("{n}"), b"")).collect();
    let small = || packed("a", &zeros[..9 << 20]);
    let ratio = "archive_ratio";
    vec![
        ("a ZIP of zeros", zip(&[packed("a", &zeros)]), ratio),
        (
            "a ZIP of zeros with a descriptor",
            zip(&[packed("a", &zeros).described(Descriptor::Signed)]),
            ratio,
        ),
        (
            "a ZIP of zeros that says it is small",
            zip(&[stored("a", b"x").packed_by(8, deflated(&zeros))]),
            ratio,
        ),
        ("gzip", gzip(&zeros), ratio),
        ("bzip2", bzip2(&zeros), ratio),
        ("xz", xz(&zeros, 6), ratio),
        ("zstd", zstd(&zeros), ratio),
        (
            "zeros behind, to look less packed",
            [gzip(&zeros), vec![0; 100_000]].concat(),
            ratio,
        ),
        (
            "with the name of relations",
            zip(&[stored("_rels/a.rels", &zip(&[packed("a", &zeros)]))]),
            ratio,
        ),
        (
            "in a ZIP in a TAR",
            tar(&[file("a.zip", &zip(&[packed("a", &zeros)]))]),
            ratio,
        ),
        ("many small members of zeros", zip(&[small(), small(), small()]), ratio),
        ("nested ZIPs", nested, "archive_too_deep"),
        ("nested gzip", packed_deep, "archive_too_deep"),
        ("many members", zip(&many), "archive_too_many_members"),
        ("many files", tar(&many_files), "archive_too_many_members"),
        ("a sparse file", tar(&[sparse]), "archive_too_large"),
        ("a sparse file of pax", pax_sparse, "archive_too_large"),
    ]
}

#[tokio::test]
async fn attacks_are_refused_by_default() {
    let scanner = scanner(|_| ());
    let attacks = [
        contradictions(),
        belongs_to_nothing(),
        lies(),
        wrong_ends(),
        names(),
        links_and_encryption(),
        bombs(),
    ];
    for (name, content, expected) in attacks.into_iter().flatten() {
        let report = scan(&scanner, &content).await;
        assert_eq!(code(&report).as_deref(), Some(expected), "{name}: {:?}", report.verdict);
    }
}

#[tokio::test]
async fn an_operator_may_accept_what_is_refused_by_default() {
    use intake_plugin_archive::Choice::Accept;
    let lenient = |settings: &mut Settings| {
        (settings.encrypted, settings.links, settings.paths, settings.overlaps) = (Accept, Accept, Accept, Accept);
    };
    let scanner = scanner(lenient);
    let contradictions = [contradictions(), belongs_to_nothing(), lies(), wrong_ends()].concat();
    let attacks = [contradictions, names(), links_and_encryption()].concat();
    for (name, content, expected) in attacks {
        let report = scan(&scanner, &content).await;
        assert_eq!(code(&report), None, "{name}");
        assert!(note(&report).is_some(), "{name}");
        let hides = matches!(expected, "archive_inconsistent" | "archive_encrypted");
        assert_eq!(left_out(&report).is_some(), hides, "{name}: {:?}", left_out(&report));
    }
}

#[tokio::test]
async fn a_refusal_names_the_member_without_its_control_characters() {
    let report = scan(&scanner(|_| ()), &zip(&[packed("../\u{1b}[31m\n\u{202e}", b"x")])).await;
    let subject = "../\\u{1b}[31m\\n\\u{202e}".to_owned();
    assert_eq!(
        refused(&report),
        Some(("archive_path".to_owned(), Some(subject.clone())))
    );
    let message = report.verdict.rejection().expect("refused").message;
    assert_eq!(
        message,
        format!("the name \"{subject}\" in the archive leads out of its folder")
    );
}
