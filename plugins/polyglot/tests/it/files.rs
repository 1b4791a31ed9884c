//! Files of many formats, made by code. Their checksums are wrong, which nothing here looks at.

use intake_core::testkit::noise;

/// A chunk of PNG.
pub(crate) fn chunk(kind: &str, content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).expect("a small chunk");
    [&size.to_be_bytes()[..], kind.as_bytes(), content, b"\x01\x02\x03\x04"].concat()
}

/// A PNG with these chunks before its pixels.
pub(crate) fn png_with(chunks: &[u8]) -> Vec<u8> {
    let header = chunk("IHDR", b"\0\0\0\x40\0\0\0\x40\x08\x06\0\0\0");
    let pixels = chunk("IDAT", &noise(1, 3000));
    [&b"\x89PNG\r\n\x1a\n"[..], &header, chunks, &pixels, &chunk("IEND", b"")].concat()
}

pub(crate) fn png() -> Vec<u8> {
    png_with(&chunk("tEXt", b"Software\0A program"))
}

/// A GIF with this comment.
pub(crate) fn gif_with(comment: &[u8]) -> Vec<u8> {
    let mut pieces = Vec::new();
    for piece in comment.chunks(255) {
        pieces.push(u8::try_from(piece.len()).expect("at most 255"));
        pieces.extend_from_slice(piece);
    }
    let pixels = b",\0\0\0\0\x02\0\x02\0\0\x02\x03\x44\x01\x05\0";
    [
        &b"GIF89a\x02\0\x02\0\x80\0\0\xFF\xFF\xFF\0\0\0!\xFE"[..],
        &pieces,
        b"\0",
        pixels,
        b";",
    ]
    .concat()
}

pub(crate) fn gif() -> Vec<u8> {
    gif_with(b"made by hand")
}

/// A segment of JPEG.
pub(crate) fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let size = u16::try_from(content.len() + 2).expect("a small segment");
    [&[0xFF, marker][..], &size.to_be_bytes(), content].concat()
}

/// Bytes as they are in the pixels of a JPEG.
pub(crate) fn pixels(bytes: &[u8]) -> Vec<u8> {
    let stuffed = bytes.iter().flat_map(|byte| match byte {
        0xFF => vec![0xFF, 0],
        byte => vec![*byte],
    });
    stuffed.collect()
}

/// A JPEG with these segments in front of its pixels.
pub(crate) fn jpeg_with(segments: &[u8]) -> Vec<u8> {
    let jfif = segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    let table = segment(0xDB, &[1; 65]);
    let frame = segment(0xC0, b"\x08\0\x10\0\x10\x01\x01\x11\0");
    let scan = segment(0xDA, b"\x01\x01\0\0\x3F\0");
    let some = pixels(&noise(2, 2000));
    [
        &b"\xFF\xD8"[..],
        &jfif,
        segments,
        &table,
        &frame,
        &scan,
        &some,
        b"\xFF\xD3",
        &some,
        b"\xFF\xD9",
    ]
    .concat()
}

/// A photo with EXIF in which there is a whole JPEG as a preview.
pub(crate) fn jpeg() -> Vec<u8> {
    let preview = jpeg_with(b"");
    jpeg_with(&segment(0xE1, &[&b"Exif\0\0MM\0*\0\0\0\x08"[..], &preview].concat()))
}

pub(crate) fn webp_with(chunks: &[u8]) -> Vec<u8> {
    let pixels = noise(3, 1000);
    let size = u32::try_from(4 + 8 + pixels.len() + chunks.len()).expect("a small image");
    let pixels = [&b"VP8 \xE8\x03\0\0"[..], &pixels].concat();
    [&b"RIFF"[..], &size.to_le_bytes(), b"WEBP", &pixels, chunks].concat()
}

pub(crate) fn boxed(kind: &str, content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).expect("a small box");
    [&size.to_be_bytes()[..], kind.as_bytes(), content].concat()
}

/// An MP4 with this in the midst of its data.
pub(crate) fn mp4_with(data: &[u8]) -> Vec<u8> {
    [
        boxed("ftyp", b"isom\0\0\0\0isomiso2avc1mp41"),
        boxed("moov", &noise(4, 500)),
        boxed("mdat", data),
    ]
    .concat()
}

pub(crate) fn heic() -> Vec<u8> {
    [
        boxed("ftyp", b"heic\0\0\0\0mif1heic"),
        boxed("meta", &noise(5, 300)),
        boxed("mdat", &noise(6, 900)),
    ]
    .concat()
}

/// A ZIP of stored files, with a comment.
pub(crate) fn zip_with(files: &[(&str, &[u8])], comment: &[u8]) -> Vec<u8> {
    let (mut all, mut list) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let at = u32::try_from(all.len()).expect("small").to_le_bytes();
        let size = u32::try_from(content.len()).expect("small").to_le_bytes();
        let name_size = u16::try_from(name.len()).expect("short").to_le_bytes();
        let shared = [&b"\0\0\0\0\0\0\0\0\0\0\0\0"[..], &size, &size, &name_size, b"\0\0"].concat();
        all.extend([b"PK\x03\x04\x0A\0", &shared[..], name.as_bytes(), content].concat());
        list.extend([b"PK\x01\x02\x0A\0\x0A\0", &shared[..], &[0; 10], &at, name.as_bytes()].concat());
    }
    let entries = u16::try_from(files.len()).expect("few").to_le_bytes();
    let (size, at) = (list.len(), all.len());
    let numbers = [size, at].map(|number| u32::try_from(number).expect("small").to_le_bytes());
    let comment_size = u16::try_from(comment.len()).expect("short").to_le_bytes();
    all.extend(list);
    all.extend(
        [
            b"PK\x05\x06\0\0\0\0",
            &entries[..],
            &entries,
            &numbers[0],
            &numbers[1],
            &comment_size,
            comment,
        ]
        .concat(),
    );
    all
}

pub(crate) fn zip() -> Vec<u8> {
    zip_with(&[("a.txt", b"hello"), ("b.txt", b"world")], b"")
}

pub(crate) fn docx() -> Vec<u8> {
    let types = b"<Types><Override PartName='/a' ContentType='application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml'/></Types>";
    zip_with(
        &[
            ("[Content_Types].xml", types),
            ("word/media/image1.png", &png()),
            ("word/media/image2.jpeg", &jpeg()),
        ],
        b"",
    )
}

/// A PDF with this as a stream in it that is not packed, and an update behind it.
pub(crate) fn pdf_with(stream: &[u8]) -> Vec<u8> {
    let begin = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj\n<</Length 1>>\nstream\n";
    let end = b"\nendstream\nendobj\nxref\n0 1\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n";
    let update = b"2 0 obj\n<<>>\nendobj\nxref\n0 1\ntrailer\n<</Prev 9>>\nstartxref\n99\n%%EOF\n";
    [&begin[..], stream, end, update].concat()
}

pub(crate) fn rar() -> Vec<u8> {
    [&b"Rar!\x1A\x07\x01\0"[..], &noise(7, 300)].concat()
}

pub(crate) fn seven_zip() -> Vec<u8> {
    [&b"7z\xBC\xAF\x27\x1C\0\x04"[..], &noise(8, 300)].concat()
}

/// A program of Windows that does nothing.
pub(crate) fn program() -> Vec<u8> {
    let mut header = [0; 64];
    header[..2].copy_from_slice(b"MZ");
    header[60] = 0x80;
    [&header[..], &[0; 64], b"PE\0\0", &noise(9, 500)].concat()
}

pub(crate) fn elf() -> Vec<u8> {
    [
        &b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3E\0"[..],
        &noise(10, 500),
    ]
    .concat()
}

pub(crate) fn mp3() -> Vec<u8> {
    [
        &b"ID3\x04\0\0\0\0\0\x0A0123456789\xFF\xFB\x90\x64"[..],
        &noise(11, 2000),
    ]
    .concat()
}

pub(crate) fn bmp() -> Vec<u8> {
    [
        &b"BM\x3A\x10\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x40\0\0\0\x10\0\0\0\x01\0\x18\0"[..],
        &noise(12, 4096),
    ]
    .concat()
}

pub(crate) fn tiff() -> Vec<u8> {
    [
        &b"II*\0\x08\0\0\0\x01\0\0\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0"[..],
        &noise(13, 2000),
    ]
    .concat()
}
