//! What other programs write, and what must be accepted, whole.

use intake_plugin_archive::Settings;

use crate::files::{bzip2, deflated, gzip, text, xz, zstd};
use crate::tars::{GNU, POSIX, entry, file, header, pax, sealed, tar};
use crate::zips::{Descriptor, Member, Zip, extra, packed, stored, zip};
use crate::{code, left_out, note, scan, scanner};

const TYPES: &str = "[Content_Types].xml";
const SHEET: &[u8] = b"<worksheet><sheetData/></worksheet>";

fn signing_block(size: usize) -> Vec<u8> {
    let length = (size as u64 + 16 + 8).to_le_bytes();
    [&length[..], &vec![7; size], &length, b"APK Sig Block 42"].concat()
}

fn streamed(name: &str) -> Member {
    packed(name, &text(3000)).described(Descriptor::Signed)
}

/// Office documents, books and programs.
fn documents() -> Vec<(&'static str, Vec<u8>)> {
    let relations = br#"<Relationships><Relationship Id="1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink" Target="https://example.org/" TargetMode="External"/><Relationship Id="2" Type="http://x/image" Target="https://example.org/a.png" TargetMode="External"/></Relationships>"#;
    let mimetype = |kind: &str| stored("mimetype", kind.as_bytes());
    vec![
        (
            "docx, types first",
            zip(&[
                packed(TYPES, b"<Types/>"),
                packed("_rels/.rels", relations),
                packed("word/document.xml", SHEET),
            ]),
        ),
        (
            "xlsx, types last",
            zip(&[
                packed("xl/worksheets/sheet1.xml", SHEET),
                packed("xl/worksheets/_rels/sheet1.xml.rels", relations),
                packed(TYPES, b"<Types/>"),
            ]),
        ),
        (
            "docx with descriptors",
            zip(&[streamed(TYPES), streamed("_rels/.rels"), streamed("word/document.xml")]),
        ),
        (
            "docx with padding in an extra field",
            zip(&[
                packed(TYPES, b"<Types/>").with(|member| member.local_extra = extra(0xA220, &[0; 200])),
                packed("a", SHEET),
            ]),
        ),
        (
            "odt",
            zip(&[
                mimetype("application/vnd.oasis.opendocument.text"),
                stored("Configurations2/", b""),
                packed("content.xml", SHEET),
                packed("META-INF/manifest.xml", SHEET),
            ]),
        ),
    ]
}

/// Books, and programs for Java and Android.
fn books_and_programs() -> Vec<(&'static str, Vec<u8>)> {
    let mimetype = |kind: &str| stored("mimetype", kind.as_bytes());
    let utc = extra(0x5455, b"\x03\0\0\0\0\0\0\0\0");
    vec![
        (
            "epub",
            zip(&[
                mimetype("application/epub+zip"),
                packed("META-INF/container.xml", SHEET),
                packed("OEBPS/1.xhtml", SHEET),
            ]),
        ),
        (
            "jar",
            Zip::of(&[
                stored("META-INF/", b"").with(|member| member.local_extra = extra(0xCAFE, b"")),
                streamed("META-INF/MANIFEST.MF"),
                streamed("A.class"),
            ])
            .with(|zip| zip.comment = b"built by hand".to_vec())
            .finish(),
        ),
        (
            "apk",
            Zip::of(&[
                packed("AndroidManifest.xml", SHEET),
                stored("resources.arsc", &text(500)),
            ])
            .with(|zip| zip.bytes.extend(signing_block(500)))
            .finish(),
        ),
        (
            "apk with padding before the signing block",
            Zip::of(&[stored("a", SHEET)])
                .with(|zip| zip.bytes.extend([&[0; 77], &signing_block(4096)[..]].concat()))
                .finish(),
        ),
        (
            "times of Info-ZIP",
            zip(&[packed("a", SHEET).with(|member| {
                member.extra.clone_from(&utc[..9].to_vec());
                member.extra = extra(0x5455, b"\x03\0\0\0\0");
                member.local_extra = utc;
            })]),
        ),
        (
            "a folder that is called Basic",
            zip(&[stored("Basic/lesson.xml", SHEET), stored("Scripts/a.py", b"")]),
        ),
    ]
}

/// A ZIP whose list has the large form of sizes.
fn zip64_in_list() -> Vec<u8> {
    let mut zip = Zip::of(&[packed("a", SHEET)]);
    let listed = &mut zip.list[0];
    listed.extra = extra(1, &[listed.length, listed.packed].map(u64::to_le_bytes).concat());
    (listed.length, listed.packed) = (0xFFFF_FFFF, 0xFFFF_FFFF);
    zip.finish()
}

/// ZIPs in unusual forms.
fn zips() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", zip(&[])),
        (
            "with a comment",
            Zip::of(&[packed("a", SHEET)])
                .with(|zip| zip.comment = vec![b'x'; 65_535])
                .finish(),
        ),
        (
            "folders",
            zip(&[
                stored("a/", b""),
                stored("a/b/", b"").described(Descriptor::Missing),
                packed("a/b/c", SHEET),
            ]),
        ),
        (
            "folders with descriptors",
            zip(&[stored("a/", b"").described(Descriptor::Signed), packed("a/b", SHEET)]),
        ),
        (
            "names in UTF-8",
            zip(&[packed("日本/é.txt", SHEET).with(|member| member.flags = 1 << 11)]),
        ),
        (
            "names in code page 437",
            zip(&[packed("a", SHEET).with(|member| member.name = b"gr\x81n.txt".to_vec())]),
        ),
    ]
}

/// Members whose sizes are behind them, and large forms of numbers.
fn described() -> Vec<(&'static str, Vec<u8>)> {
    let zip64 = |local: bool| {
        let sizes = if local { extra(1, &[0; 16]) } else { Vec::new() };
        packed("a", &text(500))
            .described(Descriptor::Large)
            .with(|member| member.local_extra = sizes)
    };
    vec![
        (
            "descriptor without a signature",
            zip(&[packed("a", SHEET).described(Descriptor::Bare), packed("b", SHEET)]),
        ),
        (
            "descriptor that is announced only",
            zip(&[packed("a", SHEET).described(Descriptor::Missing), packed("b", SHEET)]),
        ),
        ("large descriptor", zip(&[zip64(false), packed("b", SHEET)])),
        (
            "large descriptor of an empty file",
            zip(&[packed("a", b"").described(Descriptor::Large), packed("b", SHEET)]),
        ),
        (
            "small ZIP of a writer that uses ZIP64",
            Zip::of(&[zip64(true)]).with(|zip| zip.is_large = true).finish(),
        ),
        ("ZIP64 in the list", zip64_in_list()),
        (
            "stored with a descriptor",
            zip(&[
                stored("a", &text(70_000)).described(Descriptor::Signed),
                packed("b", SHEET),
            ]),
        ),
    ]
}

/// Members of all methods.
fn methods() -> Vec<(&'static str, Vec<u8>)> {
    let small = zip(&[packed("a", SHEET), stored("b", SHEET)]);
    let stored_in_stored = stored("inner.zip", &small).described(Descriptor::Signed);
    vec![
        (
            "stored, with sizes in both places",
            zip(&[stored("a", SHEET)
                .described(Descriptor::Signed)
                .with(|member| member.is_said_twice = true)]),
        ),
        (
            "stored with a descriptor, and a ZIP in it",
            zip(&[
                stored_in_stored,
                stored("a", b"PK\x07\x08PK\x07").described(Descriptor::Large),
            ]),
        ),
        (
            "members of no length",
            zip(&[
                stored("a", b""),
                packed("b", b""),
                stored("c", b"").packed_by(8, Vec::new()),
            ]),
        ),
        (
            "bzip2, zstd and xz",
            zip(&[
                stored("a", SHEET).packed_by(12, bzip2(SHEET)),
                stored("b", SHEET).packed_by(93, zstd(SHEET)),
                stored("c", SHEET).packed_by(95, xz(SHEET, 6)),
            ]),
        ),
        (
            "bzip2 with a descriptor",
            zip(&[stored("a", SHEET)
                .packed_by(12, bzip2(SHEET))
                .described(Descriptor::Signed)]),
        ),
    ]
}

/// Archives behind and in front of other bytes, and in other orders.
fn placed() -> Vec<(&'static str, Vec<u8>)> {
    let small = zip(&[packed("a", SHEET), stored("b", SHEET)]);
    let program = [
        b"MZ\x90\0",
        &text(3000)[..],
        b"PK\x03\x04 is how it begins, PK\x05\x06 how it ends",
    ]
    .concat();
    let behind = |base: u64| {
        let mut zip = Zip {
            bytes: program.clone(),
            base,
            ..Zip::default()
        };
        zip.add(&packed("a", SHEET));
        zip.add(&stored("b", SHEET));
        zip.finish()
    };
    let split = Zip {
        bytes: b"PK00".to_vec(),
        ..Zip::default()
    }
    .with(|zip| zip.add(&packed("a", SHEET)))
    .finish();
    vec![
        ("made as one that can be split", split),
        ("zeros behind the end", [&small[..], &[0; 100], b"\r\n"].concat()),
        ("behind a program, offsets from its beginning", behind(0)),
        (
            "behind a program, offsets from the archive",
            behind(program.len() as u64),
        ),
        ("behind a signed program", [&behind(0)[..], &[7; 500]].concat()),
        ("a program without an archive", program.clone()),
        (
            "in another ZIP",
            zip(&[stored("a.zip", &small), packed("b.zip", &small)]),
        ),
        (
            "a list in another order",
            Zip::of(&[packed("a", SHEET), packed("b", SHEET), packed("c", SHEET)])
                .with(|zip| zip.list.reverse())
                .finish(),
        ),
        ("the same name twice", zip(&[packed("a", SHEET), packed("a", b"other")])),
        ("a file of zeros", zip(&[packed("zeros", &vec![0; 9 << 20])])),
    ]
}

/// TARs, and packed files.
fn others() -> Vec<(&'static str, Vec<u8>)> {
    let plain = tar(&[file("a", &text(700)), entry("b/", b'5', b"", POSIX), file("b/c", b"")]);
    let long = "x/".repeat(200) + "y";
    let prefixed = {
        let mut block = header(b"c", b'0', 0, POSIX);
        block[345..348].copy_from_slice(b"a/b");
        sealed(block)
    };
    vec![
        ("ustar", plain.clone()),
        ("ustar with a prefix", tar(&[prefixed])),
        (
            "old form",
            tar(&[entry("a", 0, b"hello", b""), entry("b/", 0, b"", b"")]),
        ),
        (
            "pax",
            tar(&[
                entry(
                    "g",
                    b'g',
                    b"52 comment=0123456789012345678901234567890123456789\n",
                    POSIX,
                ),
                pax(&[("path", &long), ("mtime", "1.5"), ("size", "5")]),
                file("short", b"hello"),
            ]),
        ),
        (
            "long names of GNU",
            tar(&[
                entry("././@LongLink", b'L', format!("{long}\0").as_bytes(), GNU),
                entry("short", b'0', b"hello", GNU),
            ]),
        ),
    ]
}

/// TARs that few programs write.
fn unusual_tars() -> Vec<(&'static str, Vec<u8>)> {
    let plain = tar(&[file("a", &text(700)), entry("b/", b'5', b"", POSIX), file("b/c", b"")]);
    let mut sparse = header(b"sparse", b'S', 512, GNU);
    sparse[386..398].copy_from_slice(b"00000000000\0");
    sparse[398..410].copy_from_slice(b"00000001000\0");
    sparse[482] = 1;
    sparse[483..495].copy_from_slice(b"00000100000\0");
    let sparse = [&sealed(sparse)[..], &[0; 512], &[9; 512]].concat();
    let binary_size = {
        let mut block = header(b"a", b'0', 0, GNU);
        block[124..136].copy_from_slice(b"\x80\0\0\0\0\0\0\0\0\0\0\x05");
        [sealed(block), b"hello".to_vec(), vec![0; 507]].concat()
    };
    let pax_sparse = [
        pax(&[
            ("GNU.sparse.size", "100000"),
            ("GNU.sparse.name", "a"),
            ("GNU.sparse.map", "0,512"),
        ]),
        file("GNUSparseFile.0/a", &[b'1'; 512]),
    ]
    .concat();
    let other_size = [
        pax(&[("size", "5")]),
        header(b"a", b'0', 0, POSIX),
        b"hello".to_vec(),
        vec![0; 507],
    ]
    .concat();
    vec![
        ("sparse file of GNU", tar(&[sparse, file("b", b"x")])),
        ("sparse file of pax", tar(&[pax_sparse, file("b", b"x")])),
        ("size in the attributes alone", tar(&[other_size, file("b", b"x")])),
        ("binary size", tar(&[binary_size, file("b", b"x")])),
        ("records of 10 KiB", {
            let mut all = plain.clone();
            all.resize(10_240, 0);
            all
        }),
        (
            "one block of zeros at its end",
            file("a", b"x").into_iter().chain([0; 512]).collect(),
        ),
        ("no end", file("a", b"x")),
    ]
}

/// Files that are packed as a whole, and files that are no archives.
fn packed_files() -> Vec<(&'static str, Vec<u8>)> {
    let plain = tar(&[file("a", &text(700)), entry("b/", b'5', b"", POSIX), file("b/c", b"")]);
    let named = [
        b"\x1F\x8B\x08\x1E\0\0\0\0\0\x03\x04\0abcdname\0comment\0\x01\x02",
        &deflated(SHEET)[..],
        b"crc?",
        &35_u32.to_le_bytes(),
    ]
    .concat();
    let skippable = [&b"\x50\x2A\x4D\x18\x04\0\0\0abcd"[..], &zstd(SHEET)].concat();
    vec![
        ("gzip", gzip(&text(100_000))),
        ("gzip with all fields", named),
        (
            "several members of gzip",
            [gzip(SHEET), gzip(b""), gzip(&text(9))].concat(),
        ),
        ("zeros behind gzip", [&gzip(SHEET)[..], &[0; 700]].concat()),
        ("several frames of zstd", [zstd(SHEET), zstd(&text(200_000))].concat()),
        ("a frame of zstd that is skipped", skippable),
        (
            "several streams of xz, with padding",
            [&xz(SHEET, 6)[..], &[0; 8], &xz(SHEET, 1)].concat(),
        ),
        (
            "several streams of bzip2",
            [bzip2(SHEET), bzip2(&text(5)), bzip2(b"")].concat(),
        ),
        ("tar.gz", gzip(&plain)),
        ("tar.xz", xz(&plain, 6)),
        ("tar.zst in a ZIP", zip(&[stored("a.tar.zst", &zstd(&plain))])),
        ("text that begins like bzip2", b"BZh9 is how such files begin".to_vec()),
        ("a script", b"#!/bin/sh\necho PK\x03\x04\n".to_vec()),
        ("text", text(2000)),
        ("nothing", Vec::new()),
    ]
}

#[tokio::test]
async fn what_other_programs_write_is_accepted_and_read_to_its_end() {
    let strict = |settings: &mut Settings| {
        use intake_plugin_archive::Choice::Refuse;
        (settings.macros, settings.external_relations, settings.unreadable) = (Refuse, Refuse, Refuse);
    };
    let scanner = scanner(strict);
    let zips = [zips(), described(), methods(), placed()].concat();
    let tars = [others(), unusual_tars(), packed_files()].concat();
    let lists = [documents(), books_and_programs(), zips, tars];
    for (name, content) in lists.into_iter().flatten() {
        for piece in [1, 7, 64 * 1024] {
            let content = content.clone().into();
            let report = intake_core::testkit::scan(&scanner, &content, piece.max(content.len() / 5_000))
                .await
                .expect("scans");
            assert_eq!(report.verdict.clone().rejection(), None, "{name}");
            assert_eq!(left_out(&report), None, "{name}");
        }
    }
}

#[tokio::test]
async fn archives_that_programs_wrote_are_accepted() {
    use std::io::{Cursor, Write};
    let options = || zip::write::SimpleFileOptions::default();
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, options) in [
        ("a.txt", options()),
        ("large.txt", options().large_file(true)),
        (
            "stored.txt",
            options().compression_method(zip::CompressionMethod::Stored),
        ),
    ] {
        writer.start_file(name, options).expect("starts");
        writer.write_all(&text(5000)).expect("writes");
    }
    writer.add_directory("folder/", options()).expect("writes");
    let seekable = writer.finish().expect("ends").into_inner();
    let mut writer = zip::ZipWriter::new_stream(Vec::new());
    for name in ["a.txt", "b.txt"] {
        writer.start_file(name, options()).expect("starts");
        writer.write_all(&text(5000)).expect("writes");
    }
    let stream = writer.finish().expect("ends").into_inner();
    let mut builder = tar::Builder::new(Vec::new());
    for name in ["a".to_owned(), "long/".repeat(50) + "name"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(5000);
        builder.append_data(&mut header, name, &text(5000)[..]).expect("writes");
    }
    let tar = builder.into_inner().expect("ends");
    let scanner = scanner(|settings| settings.unreadable = intake_plugin_archive::Choice::Refuse);
    for (name, content, members, inflated) in [
        ("seekable", seekable, 4, 15_000),
        ("stream", stream, 2, 10_000),
        ("tar", tar, 2, 10_000),
    ] {
        let report = scan(&scanner, &content).await;
        assert_eq!(
            (code(&report), left_out(&report)),
            (None, None),
            "{name}: {:?}",
            report.verdict
        );
        let note = note(&report).expect("a note");
        assert_eq!((note.members, note.inflated), (members, inflated), "{name}");
    }
}
