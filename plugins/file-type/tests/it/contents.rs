//! The beginnings of files, made by code.

/// A box of the ISO base media format.
fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).expect("a small box");
    [&size.to_be_bytes()[..], kind, content].concat()
}

fn of_brand(brand: &[u8; 4], others: &[u8]) -> Vec<u8> {
    [
        boxed(b"ftyp", &[&brand[..], b"\0\0\0\0", others].concat()),
        boxed(b"mdat", b"data"),
    ]
    .concat()
}

/// A ZIP whose entries are stored, without the list at its end.
fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut all = Vec::new();
    for (name, content) in entries {
        let size = u32::try_from(content.len()).expect("a small entry").to_le_bytes();
        let name_size = u16::try_from(name.len()).expect("a short name").to_le_bytes();
        all.extend(
            [
                b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0",
                &size[..],
                &size,
                &name_size,
                b"\0\0",
            ]
            .concat(),
        );
        all.extend([name.as_bytes(), content.as_bytes()].concat());
    }
    all
}

fn office(main: &str) -> Vec<u8> {
    let types = format!("<Types><Override PartName='/main.xml' ContentType='application/{main}.main+xml'/></Types>");
    zip(&[("[Content_Types].xml", &types), ("_rels/.rels", "<Relationships/>")])
}

fn ebml(doc_type: &[u8]) -> Vec<u8> {
    let size = u8::try_from(doc_type.len()).expect("a short name");
    let header = [&[0x42, 0x82, 0x80 | size][..], doc_type].concat();
    let header_size = 0x80 | u8::try_from(header.len()).expect("a short header");
    [
        &[0x1A, 0x45, 0xDF, 0xA3, header_size][..],
        &header,
        b"\x18\x53\x80\x67\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
    ]
    .concat()
}

fn ogg(packet: &[u8]) -> Vec<u8> {
    let size = u8::try_from(packet.len()).expect("a short packet");
    [
        &b"OggS\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01"[..],
        &[size],
        packet,
    ]
    .concat()
}

fn riff(kind: &[u8; 4]) -> Vec<u8> {
    [&b"RIFF\x24\0\0\0"[..], kind, b"fmt \x10\0\0\0\x01\0\x01\0\x44\xAC\0\0"].concat()
}

fn tar() -> Vec<u8> {
    let mut header = vec![0; 1024];
    header[..5].copy_from_slice(b"a.txt");
    header[257..263].copy_from_slice(b"ustar\0");
    header[148..156].fill(b' ');
    let sum: u32 = header[..512].iter().copied().map(u32::from).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// The content that is called so.
pub(crate) fn content(name: &str) -> Vec<u8> {
    match name {
        "jpeg" => b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec(),
        "exif" => b"\xFF\xD8\xFF\xE1\0\x10Exif\0\0MM\0*\0\0\0\x08\0\0".to_vec(),
        "png" => b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0".to_vec(),
        "gif" => b"GIF89a\x01\0\x01\0\x80\0\0\xFF\xFF\xFF\0\0\0".to_vec(),
        "webp" => riff(b"WEBP"),
        "bmp" => b"BM\x3A\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec(),
        "tiff" => b"II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0".to_vec(),
        "ico" => b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0\x68\x04\0\0\x16\0\0\0".to_vec(),
        "heic" => of_brand(b"heic", b"mif1heic"),
        "heif" => of_brand(b"mif1", b"mif1"),
        "avif" => of_brand(b"avif", b"avifmif1miaf"),
        "mp4" => of_brand(b"isom", b"isomiso2avc1mp41"),
        "m4a" => of_brand(b"M4A ", b"M4A mp42isom"),
        "mov" => of_brand(b"qt  ", b"qt  "),
        "3gp" => of_brand(b"3gp4", b"isom3gp4"),
        "mkv" => ebml(b"matroska"),
        "webm" => ebml(b"webm"),
        "opus" => ogg(b"OpusHead\x01\x02"),
        "theora" => ogg(b"\x80theora\x03\x02\x01"),
        "mp3" => b"ID3\x04\0\0\0\0\0\x0A0123456789\xFF\xFB\x90\x64\0\0\0\0".to_vec(),
        "aac" => b"\xFF\xF1\x50\x80\x02\x1F\xFC\0\0\0\0\0\0\0\0\0\0".to_vec(),
        "wav" => riff(b"WAVE"),
        "avi" => riff(b"AVI "),
        "flac" => b"fLaC\0\0\0\x22\x10\0\x10\0".to_vec(),
        "amr" => b"#!AMR\n\x3C\x48".to_vec(),
        "midi" => b"MThd\0\0\0\x06\0\x01\0\x02\x01\xE0".to_vec(),
        "pdf" => b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj\n".to_vec(),
        "pdf behind PJL" => b"\x1B%-12345X@PJL JOB\n@PJL ENTER LANGUAGE=PDF\n%PDF-1.4\n%\0\x01\n".to_vec(),
        "postscript" => b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n".to_vec(),
        "rtf" => b"{\\rtf1\\ansi hello}".to_vec(),
        "docx" => office("vnd.openxmlformats-officedocument.wordprocessingml.document"),
        "docm" => office("vnd.ms-word.document.macroEnabled"),
        "xlsx" => office("vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        "pptx" => office("vnd.openxmlformats-officedocument.presentationml.presentation"),
        "odt" => zip(&[("mimetype", "application/vnd.oasis.opendocument.text")]),
        "epub" => zip(&[("mimetype", "application/epub+zip")]),
        "jar" => zip(&[("META-INF/MANIFEST.MF", "Manifest-Version: 1.0")]),
        "apk" => zip(&[("AndroidManifest.xml", "x")]),
        "zip" => zip(&[("a.txt", "hello")]),
        "ole" => [&b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"[..], &[0; 504]].concat(),
        "gzip" => b"\x1F\x8B\x08\0\0\0\0\0\0\x03\x03\0".to_vec(),
        "tar" => tar(),
        "rar" => b"Rar!\x1A\x07\x01\0\x33\x92\xB5\xE5".to_vec(),
        "7z" => b"7z\xBC\xAF\x27\x1C\0\x04\0\0".to_vec(),
        "svg" => b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(),
        "svg behind a long comment" => format!(
            "<!-- {} --><svg xmlns='http://www.w3.org/2000/svg'/>",
            "x".repeat(20_000)
        )
        .into_bytes(),
        "html" => b"<!DOCTYPE html><html><body>hello</body></html>".to_vec(),
        "html behind a long comment" => format!("<!-- {} --><html></html>", "x".repeat(20_000)).into_bytes(),
        "heading" => b"<h1 align='center'>A project</h1>\n\nIt does something.\n".to_vec(),
        "xml" => b"<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom'/>".to_vec(),
        "text" => "A line, with an umlaut: ü\n".as_bytes().to_vec(),
        "UTF-16" => "A line".encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "csv" => b"name,size\r\nfirst,1\r\n".to_vec(),
        "json" => b"{\"name\": \"value\"}".to_vec(),
        "shell" => b"#!/bin/sh\necho hello\n".to_vec(),
        "python" => b"#!/usr/bin/env python3\nprint('hello')\n".to_vec(),
        "windows" => b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF\0\0\xB8\0\0\0\0\0\0\0\x40\0\0\0".to_vec(),
        "linux" => b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3E\0".to_vec(),
        "mac" => b"\xCF\xFA\xED\xFE\x07\0\0\x01\x03\0\0\0\x02\0\0\0".to_vec(),
        "font" => b"wOF2\0\x01\0\0\0\0\0\0".to_vec(),
        "unknown" => b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB".to_vec(),
        "nothing" => Vec::new(),
        other => panic!("no content is called {other}"),
    }
}
