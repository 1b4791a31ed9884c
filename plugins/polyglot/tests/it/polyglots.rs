//! Files that are two things at once: each is refused, with the code of what it is, too.

use intake_core::testkit::noise;
use intake_plugin_polyglot::{Choice, Polyglot, Settings};

use crate::files::{
    bmp, boxed, chunk, elf, gif, gif_with, jpeg, jpeg_with, mp3, mp4_with, pdf_with, png, png_with, program, rar,
    segment, seven_zip, tiff, webp_with, zip, zip_with,
};
use crate::{refusal, refusal_of};

const PAGE: &[u8] = b"<html><body><script>alert(1)</script></body></html>";

async fn check(files: Vec<(&str, Vec<u8>)>, code: &str) {
    for (name, content) in files {
        let seen = refusal(&Polyglot::default(), &content).await;
        assert_eq!(seen.as_deref(), Some(code), "{name}");
    }
}

#[tokio::test]
async fn archives_behind_other_files_are_refused() {
    let files = vec![
        ("JPEG and ZIP", [jpeg(), zip()].concat()),
        ("JPEG, zeros and ZIP", [&jpeg()[..], &[0; 300], &zip()].concat()),
        (
            "JPEG, other data and ZIP",
            [&jpeg()[..], &noise(30, 300), &zip()].concat(),
        ),
        ("JPEG, a film and ZIP", [jpeg(), mp4_with(b"data"), zip()].concat()),
        (
            "JPEG, ZIP and other data",
            [&jpeg()[..], &noise(31, 300), &zip(), &noise(32, 300)].concat(),
        ),
        ("JPEG with ZIP in a comment", jpeg_with(&segment(0xFE, &zip()))),
        ("PNG and ZIP", [png(), zip()].concat()),
        ("PNG with ZIP in a chunk", png_with(&chunk("zIPx", &zip()))),
        (
            "GIF and JAR",
            [gif(), zip_with(&[("META-INF/MANIFEST.MF", b"a")], b"")].concat(),
        ),
        ("WebP and ZIP", [webp_with(b""), zip()].concat()),
        ("BMP and ZIP", [bmp(), zip()].concat()),
        ("TIFF and ZIP", [tiff(), zip()].concat()),
        ("PNG and RAR", [png(), rar()].concat()),
        ("JPEG and 7z", [jpeg(), seven_zip()].concat()),
        ("GIF and gzip", [&gif()[..], b"\x1F\x8B\x08\0\0\0\0\0\0\x03"].concat()),
        ("BMP with RAR in it", [bmp(), rar(), bmp()].concat()),
        ("PDF and ZIP", [pdf_with(b"text"), zip()].concat()),
        (
            "PDF and ZIP, with zeros behind",
            [&pdf_with(b"text")[..], &zip(), &[0; 99]].concat(),
        ),
        (
            "PDF, other data and ZIP",
            [&pdf_with(b"text")[..], &noise(33, 99), &zip()].concat(),
        ),
        ("PDF and RAR", [pdf_with(b"text"), rar()].concat()),
        (
            "PDF, other data and 7z",
            [&pdf_with(b"text")[..], &noise(34, 99), &seven_zip()].concat(),
        ),
        ("film and ZIP", [mp4_with(b"data"), zip()].concat()),
        ("film and RAR", [mp4_with(b"data"), rar()].concat()),
        ("sound and ZIP", [mp3(), zip()].concat()),
        ("text and ZIP", [&b"Hello, world!\n".repeat(1000)[..], &zip()].concat()),
        (
            "page and ZIP",
            [&b"<html><p>Hello, world!</p>".repeat(1000)[..], &zip()].concat(),
        ),
    ];
    check(files, "polyglot_archive").await;
}

#[tokio::test]
async fn a_zip_whose_comment_is_the_rest_of_a_pdf_is_refused() {
    let rest = b"\nendstream\nendobj\nstartxref\n9\n%%EOF\n";
    let archive = zip_with(&[("a.txt", b"hello")], rest);
    let content = [&b"%PDF-1.4\n1 0 obj\n<<>>\nstream\n"[..], &archive].concat();
    check(vec![("PDF that is a ZIP", content)], "polyglot_archive").await;
}

#[tokio::test]
async fn scripts_that_begin_as_images_are_refused() {
    let end = b"*/=1;alert('hello')//";
    let gif = |letters: &[u8], end: &[u8]| [letters, &gif_with(end)[letters.len()..]].concat();
    let webp = [&b"RIFF/*\0\0WEBPVP8 "[..], &noise(36, 900), b"*/=1;alert('hello')//"].concat();
    let first = segment(0xE0, &[0; 0x2F2A - 2]);
    let files = vec![
        ("GIF with a comment", gif(b"GIF89a/*", end)),
        ("GIF with a comment behind spaces", gif(b"GIF89a\t\n/*", end)),
        (
            "GIF with a comment and a line",
            gif(b"GIF89a/*", b"*/\nalert('hello world')//"),
        ),
        ("GIF with a line", gif(b"GIF89a//", b"\n=1;alert('hello');//")),
        (
            "GIF with an end behind it",
            [&b"GIF89a/*"[..], &gif_with(b"")[8..], end].concat(),
        ),
        (
            "BMP with a comment",
            [&b"BM/*\0\0\0\0\0\0"[..], &bmp()[10..], end].concat(),
        ),
        ("WebP with a comment", webp),
        (
            "JPEG with a comment",
            [
                &b"\xFF\xD8"[..],
                &first,
                &segment(0xFE, b"*/=alert('hello');/*"),
                &jpeg()[2..],
            ]
            .concat(),
        ),
        ("GIF of 1987", gif(b"GIF87a/*", end)),
        ("nothing but the script", [&b"GIF89a/*\xFF\0\0*/=alert(1)"[..]].concat()),
    ];
    check(files, "polyglot_script").await;
    // Letters alone are text, unless their sender says that they are an image.
    let letters = b"GIF89a=1;alert('hello')";
    for (name, declared, expected) in [
        ("a.gif", "", Some("polyglot_script")),
        ("a", "image/gif", Some("polyglot_script")),
        ("a.txt", "text/plain", None),
        ("", "", None),
    ] {
        let seen = refusal_of(name, declared, "text/plain", letters).await;
        assert_eq!(seen.as_deref(), expected, "{name} {declared}");
    }
    let about = b"GIF89a is the format of 1989: GIF87a came before it";
    assert_eq!(refusal_of("a.gif", "", "text/plain", about).await, None);
}

#[tokio::test]
async fn images_with_tags_in_them_are_refused() {
    let files = vec![
        ("JPEG with a page in a comment", jpeg_with(&segment(0xFE, PAGE))),
        (
            "JPEG with a page in EXIF",
            jpeg_with(&segment(0xE1, &[b"Exif\0\0", PAGE].concat())),
        ),
        ("JPEG with PHP", jpeg_with(&segment(0xFE, b"<?php echo 1; ?>"))),
        ("JPEG with a page behind it", [&jpeg()[..], PAGE].concat()),
        (
            "JPEG with a page behind other data",
            [&jpeg()[..], &noise(37, 99), PAGE].concat(),
        ),
        (
            "PNG with a tag",
            png_with(&chunk("tEXt", b"Comment\0<IMG><SCRIPT SRC=a>")),
        ),
        ("PNG with a page behind it", [&png()[..], b"\n<!doctype HTML>"].concat()),
        ("GIF with a tag", gif_with(b"<iframe src='a'>")),
        ("WebP with SVG", webp_with(b"XMP \x0A\0\0\0<svg\tid=1>")),
        ("BMP with a tag", [&bmp()[..], b"<script>"].concat()),
        ("BMP with PHP", [&bmp()[..], b"<?php\necho 1;"].concat()),
    ];
    check(files, "polyglot_markup").await;
}

#[tokio::test]
async fn markup_that_is_called_an_image_is_refused() {
    for (name, declared, found, expected) in [
        ("a.png", "", "image/svg+xml", Some("polyglot_disguise")),
        ("a.JPG", "", "text/html", Some("polyglot_disguise")),
        ("a", "image/png", "image/svg+xml", Some("polyglot_disguise")),
        ("a.svg", "image/png", "image/svg+xml", Some("polyglot_disguise")),
        ("a.gif", "image/svg+xml", "image/svg+xml", Some("polyglot_disguise")),
        ("a.pdf", "", "text/html", Some("polyglot_disguise")),
        ("a", "application/pdf", "text/html", Some("polyglot_disguise")),
        ("a.mp4", "", "text/xml", Some("polyglot_disguise")),
        ("a.svg", "image/svg+xml", "image/svg+xml", None),
        ("a.svg", "image/svg", "image/svg+xml", None),
        ("a.html", "text/html", "text/html", None),
        ("a.xml", "application/xml", "text/xml", None),
        ("a", "", "image/svg+xml", None),
        ("a", "application/octet-stream", "text/html", None),
    ] {
        let seen = refusal_of(name, declared, found, b"<svg xmlns='http://www.w3.org/2000/svg'/>").await;
        assert_eq!(seen.as_deref(), expected, "{name} {declared} {found}");
    }
}

#[tokio::test]
async fn files_that_are_also_a_pdf_are_refused() {
    let pdf = pdf_with(b"text");
    let page = [&b"<html><body><!-- "[..], &pdf, b" --></body></html>"].concat();
    let text = [&b"Read on.\n"[..], &pdf[..9], &b" ".repeat(9000), &noise(38, 300)].concat();
    let files = vec![
        ("JPEG with a PDF in a comment", jpeg_with(&segment(0xFE, &pdf))),
        ("PNG with a PDF in a chunk", png_with(&chunk("tEXt", &pdf))),
        ("GIF with a PDF in a comment", gif_with(&pdf[..150])),
        ("JPEG with a PDF behind it", [jpeg(), pdf.clone()].concat()),
        (
            "sound with a PDF in its tag",
            [&b"ID3\x04\0\0\0\0\x07\x76"[..], &pdf, &noise(39, 3000)].concat(),
        ),
        ("program with a PDF", [&elf()[..64], &pdf].concat()),
        ("text with a PDF", text),
    ];
    check(files, "polyglot_pdf").await;
    assert_eq!(
        refusal_of("", "", "text/html", &page).await.as_deref(),
        None,
        "a page without bytes is a page"
    );
    let page = [&page[..], b"\0"].concat();
    assert_eq!(
        refusal_of("", "", "text/html", &page).await.as_deref(),
        Some("polyglot_pdf")
    );
}

#[tokio::test]
async fn programs_and_other_data_behind_images_are_refused() {
    let programs = vec![
        ("PNG and program", [png(), program()].concat()),
        ("JPEG and program", [jpeg(), program()].concat()),
        ("GIF and program of Linux", [gif(), elf()].concat()),
        ("film and program", [mp4_with(b"data"), program()].concat()),
    ];
    check(programs, "polyglot_program").await;
    let data = vec![
        ("PNG and data", [&png()[..], &noise(40, 65)].concat()),
        (
            "PNG, zeros and data",
            [&png()[..], &[0; 5000], &noise(41, 100)].concat(),
        ),
        ("GIF and data", [&gif()[..], &noise(42, 500)].concat()),
        ("WebP and data", [&webp_with(b"")[..], &noise(43, 500)].concat()),
        ("PNG and PNG", [png(), png()].concat()),
        ("PNG and film", [png(), mp4_with(b"data")].concat()),
    ];
    check(data, "polyglot_trailing_data").await;
}

#[tokio::test]
async fn self_extracting_archives_are_refused_where_an_operator_asks_for_it() {
    let settings = Settings::default().with(|settings| settings.self_extracting = Choice::Refuse);
    let strict: Polyglot = intake_core::FromSettings::from_settings(settings).expect("settings that make sense");
    for (name, content, expected) in [
        (
            "program and ZIP",
            [program(), zip()].concat(),
            Some("polyglot_self_extracting"),
        ),
        (
            "signed program and ZIP",
            [&program()[..], &zip(), &noise(44, 99)].concat(),
            Some("polyglot_self_extracting"),
        ),
        (
            "program and RAR",
            [program(), rar()].concat(),
            Some("polyglot_self_extracting"),
        ),
        (
            "program and 7z",
            [elf(), seven_zip()].concat(),
            Some("polyglot_self_extracting"),
        ),
        (
            "script and ZIP",
            [&b"#!/usr/bin/env python3\n"[..], &zip()].concat(),
            Some("polyglot_self_extracting"),
        ),
        ("program", program(), None),
        ("ZIP", zip(), None),
        ("box", boxed("ftyp", b"isom\0\0\0\0"), None),
    ] {
        assert_eq!(refusal(&strict, &content).await.as_deref(), expected, "{name}");
    }
}
