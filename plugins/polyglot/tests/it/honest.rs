//! Files that people send: none of them is refused, with the default settings.

use intake_core::Coverage;
use intake_core::testkit::noise;
use intake_plugin_polyglot::Polyglot;

use crate::files::{
    bmp, boxed, chunk, docx, elf, gif, gif_with, heic, jpeg, jpeg_with, mp3, mp4_with, pdf_with, png, png_with,
    program, rar, segment, seven_zip, tiff, webp_with, zip, zip_with,
};
use crate::{refusal, scan_in};

/// What a program writes about an image, in XML.
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta \
xmlns:x='adobe:ns:meta/'><rdf:RDF><rdf:Description hdrgm:Version='1.0' GCamera:MotionPhoto='1'><dc:title>&lt;script&gt;\
</dc:title></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>";

fn images() -> Vec<(&'static str, Vec<u8>)> {
    let list = segment(0xE2, b"MPF\0MM\0*\0\0\0\x08\0\x03");
    let photo = [jpeg(), jpeg()].concat();
    let film = mp4_with(&[&zip()[..], b"<script>alert(1)</script>", &rar(), &noise(20, 3000)].concat());
    let samsung = [
        &b"\0\0\x30\x0A\x10\0\0\0MotionPhoto_Data"[..],
        &film,
        b"SEFH\x6B\0\0\0\x01\0\0\0\0\0\x30\x0A",
        b"\x24\0\0\0SEFT",
    ];
    let letters = segment(0xED, b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\x10\x1C\x02\0\0\x02\0\x02");
    vec![
        ("JPEG", jpeg()),
        ("JPEG without its last bytes", jpeg()[..jpeg().len() - 100].to_vec()),
        ("JPEG with XMP", jpeg_with(&[segment(0xE1, XMP), letters].concat())),
        (
            "JPEG that begins with XMP",
            [&b"\xFF\xD8"[..], &segment(0xE1, XMP), &jpeg()[2..]].concat(),
        ),
        ("JPEG with bytes that fill", jpeg_with(b"\xFF\xFF\xFF\xFE\0\x04hi")),
        ("JPEG with zeros behind it", [&jpeg()[..], &[0; 5000]].concat()),
        ("JPEG of several pictures", [jpeg_with(&list), jpeg()].concat()),
        (
            "JPEG of several pictures, with zeros between",
            [&jpeg_with(&list)[..], &[0; 999], &jpeg()].concat(),
        ),
        (
            "JPEG with a gain map",
            [jpeg_with(&segment(0xE1, XMP)), jpeg_with(&segment(0xE1, XMP))].concat(),
        ),
        ("JPEG of a phone with a film", [&photo[..], &film].concat()),
        (
            "JPEG of another phone with a film",
            [&jpeg()[..], &samsung.concat()].concat(),
        ),
        ("JPEG with an unknown trailer", [&jpeg()[..], &noise(21, 5000)].concat()),
        (
            "JPEG with a comment about PDF",
            jpeg_with(&segment(0xFE, b"made of a %PDF-file")),
        ),
        (
            "JPEG with the letters of a ZIP",
            jpeg_with(&segment(
                0xFE,
                b"PK\x05\x06 stands at the end of a ZIP, PK\x03\x04 at its beginning",
            )),
        ),
        ("PNG", png()),
        ("PNG without its last bytes", png()[..png().len() - 20].to_vec()),
        ("PNG with XMP", png_with(&chunk("iTXt", XMP))),
        (
            "PNG with a diagram",
            png_with(&chunk("tEXt", b"mxfile\0%3Cmxfile%3E%3Cdiagram%3E")),
        ),
        ("PNG with zeros behind it", [&png()[..], &[0; 100_000]].concat()),
        ("PNG with a line break behind it", [&png()[..], b"\r\n"].concat()),
        ("PNG with a few bytes behind it", [&png()[..], &noise(22, 60)].concat()),
        ("GIF", gif()),
        ("GIF with a long comment", gif_with(&b"A long comment. ".repeat(100))),
        ("GIF with XMP", gif_with(XMP)),
        ("GIF with a byte behind it", [&gif()[..], b";"].concat()),
        (
            "GIF as wide as a comment",
            [&b"GIF89a/*"[..], &gif()[8..], b"*/ "].concat(),
        ),
        ("WebP", webp_with(b"")),
        (
            "WebP with EXIF and XMP",
            webp_with(&[b"EXIF\x04\0\0\0MM\0*XMP \x10\0\0\0", &XMP[29..45]].concat()),
        ),
        (
            "WebP of odd size",
            [&webp_with(b"EXIF\x03\0\0\0abc")[..], b"\0"].concat(),
        ),
        ("HEIC", heic()),
        ("HEIC with a film", [heic(), boxed("mpvd", &mp4_with(&zip()))].concat()),
        ("BMP", bmp()),
        ("TIFF", tiff()),
    ]
}

fn documents() -> Vec<(&'static str, Vec<u8>)> {
    let about =
        "A PDF begins with %PDF-1.4 and ends with\n%%EOF. PK, Rar!, 7z and MZ are other signatures.\n<script>\n";
    let picture = zip_with(
        &[
            ("a.png", &png()),
            ("b.pdf", &pdf_with(&zip())),
            ("c.html", b"<html><script>"),
        ],
        b"a comment",
    );
    vec![
        ("PDF", pdf_with(b"text")),
        ("PDF with a document attached", pdf_with(&docx())),
        (
            "PDF with archives attached",
            pdf_with(&[rar(), seven_zip(), zip()].concat()),
        ),
        (
            "PDF with a comment in an archive",
            pdf_with(&zip_with(&[("a", b"b")], &[b'x'; 50])),
        ),
        (
            "PDF with zeros behind it",
            [&pdf_with(b"text")[..], &[0; 3000]].concat(),
        ),
        ("PDF behind a line break", [b"\n", &pdf_with(b"text")[..]].concat()),
        (
            "PDF that a printer was sent",
            [b"\x1B%-12345X@PJL\n", &pdf_with(b"text")[..]].concat(),
        ),
        ("ZIP", zip()),
        ("ZIP with a PDF", zip_with(&[("a.pdf", &pdf_with(b"text"))], b"")),
        ("ZIP with images and a page", picture),
        ("ZIP with a ZIP", zip_with(&[("a.zip", &zip())], b"")),
        ("DOCX with images", docx()),
        ("RAR", rar()),
        ("7z with a ZIP", [seven_zip(), zip()].concat()),
        ("text about signatures", about.into()),
        (
            "a page about signatures",
            format!("<!DOCTYPE html><html><body>{about}</body></html>").into(),
        ),
        ("a script about PDF", format!("#!/bin/sh\n# {about}").into()),
        (
            "SVG",
            b"<svg xmlns='http://www.w3.org/2000/svg'><image href='data:image/png;base64,AA=='/></svg>".to_vec(),
        ),
        (
            "UTF-16",
            format!("\u{FEFF}{about}")
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
        ),
        ("program", program()),
        ("program that unpacks itself", [program(), zip()].concat()),
        ("program that unpacks itself by RAR", [program(), rar()].concat()),
        ("program of Linux that is a ZIP, too", [elf(), zip()].concat()),
        (
            "script that is a ZIP, too",
            [&b"#!/usr/bin/env python3\n"[..], &zip()].concat(),
        ),
        (
            "film with anything in it",
            mp4_with(&[png(), zip(), rar(), pdf_with(b"a"), program()].concat()),
        ),
        ("film with a ZIP at its end", mp4_with(&zip())),
        (
            "film with a trailer",
            [&mp4_with(b"data")[..], &noise(23, 999)].concat(),
        ),
        (
            "film without an end",
            [&mp4_with(b"data")[..], b"\0\0\0\0mdat", &zip()].concat(),
        ),
        (
            "film in a large box",
            [
                &mp4_with(b"data")[..],
                b"\0\0\0\x01mdat\0\0\0\0\0\0\x10\0",
                &noise(24, 4080),
            ]
            .concat(),
        ),
        ("sound", mp3()),
        ("unknown data", noise(25, 10_000).to_vec()),
        (
            "unknown data that is a ZIP, too",
            [&noise(26, 1000)[..], &zip()].concat(),
        ),
        ("nothing", Vec::new()),
        ("one byte", vec![0xFF]),
        ("the beginning of an image", b"\xFF\xD8\xFF".to_vec()),
    ]
}

#[tokio::test]
async fn honest_images_are_taken() {
    assert!(images().len() + documents().len() >= 60);
    for (name, content) in images() {
        assert_eq!(refusal(&Polyglot::default(), &content).await, None, "{name}");
    }
}

#[tokio::test]
async fn honest_documents_and_other_files_are_taken() {
    for (name, content) in documents() {
        assert_eq!(refusal(&Polyglot::default(), &content).await, None, "{name}");
    }
}

#[tokio::test]
async fn images_are_followed_to_their_end() {
    for (name, content) in images()
        .into_iter()
        .filter(|(name, _)| *name != "GIF as wide as a comment")
    {
        let report = scan_in(&Polyglot::default(), &content, 4096).await;
        assert_eq!(report.coverage, Coverage::Whole, "{name}");
        assert_eq!(report.bytes, Some(content.len() as u64), "{name}");
    }
    let broken = [&png()[..33], b"\0\0\0\x04\0\x01\x02\x03", &noise(27, 3000)].concat();
    let report = scan_in(&Polyglot::default(), &broken, 4096).await;
    assert!(matches!(report.coverage, Coverage::Partial(_)), "{:?}", report.coverage);
}
