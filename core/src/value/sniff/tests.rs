//! Properties of the detection that hold for all bytes.

use std::path::Path;

use proptest::prelude::*;

use super::{Sniffer, sniff};
use crate::value::evidence::HEAD_BYTES;
use crate::value::media_type::MediaType;

fn name(head: &[u8]) -> Option<String> {
    sniff(head).map(|found| found.to_string())
}

/// The media type of a content, if its head has this length.
fn read_on(content: &[u8], head: usize, piece: usize) -> Option<String> {
    let (head, rest) = content.split_at(head.min(content.len()));
    let mut sniffer = Sniffer::of(head);
    for piece in rest.chunks(piece) {
        sniffer.push(piece);
    }
    sniffer.found().map(MediaType::to_string)
}

fn corpus() -> Vec<Vec<u8>> {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/files");
    let files = std::fs::read_dir(files).unwrap();
    files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn markup_is_never_plain_text() {
    for (content, found) in [
        ("<svg", "image/svg+xml"),
        ("<SVG>", "image/svg+xml"),
        ("<s:svg/>", "image/svg+xml"),
        ("<svgs/>", "text/xml"),
        ("<svg:a/>", "text/xml"),
        ("<b", "text/html"),
        ("<B\n>", "text/html"),
        ("<br/>", "text/html"),
        ("<bra>", "text/xml"),
        ("<h:b>", "text/xml"),
        ("<!doctype\thtml>", "text/html"),
        ("<!DOCTYPE html[", "text/html"),
        ("<!DOCTYPE html5><svg/>", "image/svg+xml"),
        ("<!DOCTYPE svg><html>", "text/html"),
        ("<?xml version='1.0'?><!DOCTYPE html><html>", "text/xml"),
        ("<?xml version='1.0'?><!DOCTYPE html><svg>", "image/svg+xml"),
        ("<?xml?><b>", "text/xml"),
        ("<?php?><b>", "text/html"),
        ("<?php?><?xml?><b>", "text/html"),
        ("<!DOCTYPE svg [ <!-- don't --> ]><svg>", "image/svg+xml"),
        ("<!DOCTYPE svg [ <?don't?> ]><svg>", "image/svg+xml"),
        ("<!-- a --><feed>", "text/html"),
        // A document with an unclosed or a missing item is markup of an unknown kind.
        ("<?xml", "text/xml"),
        ("<?", "text/xml"),
        ("<!", "text/xml"),
        ("<!-", "text/xml"),
        ("<!--", "text/html"),
        ("<!-- --", "text/html"),
        ("<!DOCTYPE", "text/xml"),
        ("<!DOCTYPE svg [ ]", "text/xml"),
        ("<!DOCTYPE svg SYSTEM '><svg>", "text/xml"),
        ("<!DOCTYPE svg [ <!ENTITY a '> ] ><svg>", "text/xml"),
        ("<?xml version='1.0'?> text <svg>", "text/xml"),
        ("<!-- a --> text <svg>", "text/html"),
        ("<?a?><1", "text/xml"),
        // Plain text.
        ("<", "text/plain"),
        ("<>", "text/plain"),
        ("< svg>", "text/plain"),
        ("<1>", "text/plain"),
        ("<a=b", "text/plain"),
        (" \n", "text/plain"),
        ("a <svg>", "text/plain"),
    ] {
        assert_eq!(name(content.as_bytes()).as_deref(), Some(found), "{content}");
        for encoded in in_other_encodings(content) {
            // Without a mark, UTF-16 is recognized only by the beginning of markup.
            let expected = Some(found).filter(|found| *found != "text/plain");
            assert_eq!(name(&encoded).as_deref(), expected, "{content} as {encoded:?}");
        }
    }
}

#[test]
fn a_tag_that_turns_out_to_be_none_counts_nowhere() {
    for content in ["<p\0>", "<a@b", "<svg=1>", "<svg@b> <svg>"] {
        let whole = read_on(content.as_bytes(), 0, content.len());
        for (head, piece) in [(0, 1), (0, 2), (0, 4)] {
            assert_eq!(
                read_on(content.as_bytes(), head, piece),
                whole,
                "{content:?} in pieces of {piece}"
            );
        }
    }
    // Where the tag is cut by the end of the head, what the head looks like counts.
    for head in 1..5 {
        assert_eq!(read_on(b"<svg@b>", head, 1).as_deref(), Some("text/plain"), "{head}");
    }
}

/// UTF-16 and UTF-32, with the low byte first and last.
fn in_other_encodings(text: &str) -> Vec<Vec<u8>> {
    let units = || text.encode_utf16();
    vec![
        units().flat_map(u16::to_le_bytes).collect(),
        units().flat_map(u16::to_be_bytes).collect(),
        text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
        text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
        // With a mark.
        std::iter::once('\u{feff}')
            .chain(text.chars())
            .flat_map(|c| u32::from(c).to_be_bytes())
            .collect(),
    ]
}

#[test]
fn a_description_beyond_the_head_is_used_as_far_as_it_was_read() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/files");
    for (file, needle, found) in [
        // The movie's header says that there is one track, and that has sound.
        ("moov-first.m4a", &b"soun"[..], "audio/mp4"),
        ("moov-first.mp4", b"vide", "video/mp4"),
        ("plain.webm", b"V_VP8", "video/webm"),
        // The list of parts is compressed, and cut off after the type of the main part.
        (
            "macros.docm",
            b"_rels",
            "application/vnd.ms-word.document.macroenabled.12",
        ),
    ] {
        let content = std::fs::read(files.join(file)).unwrap();
        let at = super::find(&content, needle).unwrap();
        assert_eq!(name(&content[..at + needle.len()]).as_deref(), Some(found), "{file}");
    }
}

#[test]
fn a_document_with_macros_is_not_taken_for_one_without() {
    let types = b"<Types><Override ContentType='application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml'/>\
        <Override ContentType=\"application/vnd.ms-word.document.macroEnabled.main+xml\"/></Types>";
    let found = super::office::of_content_types(types);
    assert_eq!(
        found.as_deref(),
        Some("application/vnd.ms-word.document.macroenabled.12")
    );
}

#[test]
fn a_tar_of_before_posix_is_known_by_either_checksum() {
    let mut header = [0; 512];
    header[..3].copy_from_slice("né".as_bytes());
    header[148..156].fill(b' ');
    let sum: i32 = header.iter().map(|byte| i32::from(*byte)).sum();
    for (sum, found) in [
        (sum, Some("application/x-tar")),
        (sum - 2 * 256, Some("application/x-tar")),
        (sum - 256, None),
    ] {
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert_eq!(name(&header).as_deref(), found, "{sum}");
    }
}

#[test]
fn a_signature_of_few_letters_alone_is_not_enough() {
    let table: [(&[u8], Option<&str>); 26] = [
        (b"GIF87b\0\0", None),
        (b"ID3 tags\0\0\0\0", None),
        (b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x29\0\0\0", None),
        (b"8BPS\0\x03", None),
        (b"FWS\0\0", None),
        (b"BZh0\0", None),
        (b"\x1F\x8B\x07", None),
        (b"\x1F\x9D\x01", None),
        (b"\x01\xDA\x02\x01", None),
        (b"P6\na\0", None),
        (b"0707\0\0", None),
        // Zlib streams, object files, DER structures and many others begin like this.
        (b"\x78\x01\0\0", None),
        (b"\x4C\x01\0\0", None),
        (b"\x30\x82\x01\0", None),
        // A cursor without an image, or with one whose offset is within the list of images.
        (b"\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x16\0\0\0", None),
        (b"\0\0\x02\0\x01\0\0\0\0\0\0\0\0\0\x01\0\0\0\x05\0\0\0", None),
        // Frames without a following frame, or with invalid lengths and rates.
        (b"\xFF\xFB\x90\0 and what follows is no frame of it. It goes on for as long as the frame would, and longer: \
           four hundred and seventeen bytes, as a frame of 128 kilobits a second has at 44100 hertz. \
           Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et \
           dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip \
           ex ea commodo consequat. Duis aute irure dolor in.\0", None),
        (b"\xFF\xFB\xF0\0\0\0\0\0", None),
        (b"\xFF\xF1\x74\0\0\0\0\0", None),
        (b"\x0B\x77\0\0\xFF\0\0\0", None),
        (b"G\0\0\0", None),
        (b"\0\0\0\x07ftyp", None),
        (b"\0\0\0\x08ftyp", None),
        (b"\0\0\0\x10freeabcdefgh\0\0\0\x08abcd", None),
        (b"MZ\x90\0\x03", Some("application/vnd.microsoft.portable-executable")),
        // Few bytes are enough if no text has them.
        (b"\xFF\xD8\xFF", Some("image/jpeg")),
    ];
    for (content, found) in table {
        assert_eq!(
            name(content).as_deref(),
            found,
            "{:?}",
            String::from_utf8_lossy(content)
        );
    }
}

proptest! {
    /// For any markup, the result does not depend on where it is cut.
    #[test]
    fn markup_is_read_on_as_if_it_were_whole(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "<", ">", "!", "?", "-", "--", "[", "]", "'", "\"", " ", "\n", "/", ":", "<!--", "-->", "<?", "?>", "<?xml",
            "<!DOCTYPE", " html", " svg", "<svg", "<html", "<b>", "a", "é", "<!ENTITY", "]>", "text",
        ]), 0..24),
        encoding in 0..3_usize,
        head in 0..64_usize,
        piece in 1..16_usize,
    ) {
        let text = tokens.concat();
        let content = match encoding {
            0 => text.into_bytes(),
            1 => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect(),
            _ => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect(),
        };
        let whole = name(&content);
        // Text is recognized by the head alone, and a mark has to be within it.
        let is_markup = whole.as_deref().is_some_and(|name| name != "text/plain");
        if is_markup && head >= 4 {
            prop_assert_eq!(read_on(&content, head, piece), whole);
        }
    }

    /// Files that are cut off and changed get some result, and nothing panics.
    #[test]
    fn no_content_is_too_broken_to_be_looked_at(
        which in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let corpus = corpus();
        let mut content = which.get(&corpus).clone();
        content.truncate(HEAD_BYTES);
        content.truncate(cut.index(content.len() + 1));
        for (at, byte) in changes {
            if !content.is_empty() {
                let at = at.index(content.len());
                content[at] = byte;
            }
        }
        let _nothing_or_something = name(&content);
    }

    #[test]
    fn nothing_is_found_in_noise_that_is_not_there(content in prop::collection::vec(any::<u8>(), 0..2048)) {
        let _nothing_or_something = name(&content);
    }
}
