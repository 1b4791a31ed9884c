//! Small files of all formats, made here.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, Frame, ImageEncoder, ImageFormat, RgbaImage};

use crate::File;

pub(crate) const JPEG: &str = "image/jpeg";
pub(crate) const PNG: &str = "image/png";
pub(crate) const GIF: &str = "image/gif";
pub(crate) const WEBP: &str = "image/webp";
pub(crate) const TIFF: &str = "image/tiff";
pub(crate) const HEIC: &str = "image/heic";
pub(crate) const AVIF: &str = "image/avif";
pub(crate) const BMP: &str = "image/bmp";
pub(crate) const ICO: &str = "image/vnd.microsoft.icon";

pub(crate) fn file(media_type: &'static str, content: impl Into<Vec<u8>>) -> File {
    let content = content.into();
    File { media_type, content }
}

/// As the `image` crate encodes it.
pub(crate) fn encoded(media_type: &'static str, picture: &DynamicImage) -> File {
    let format = ImageFormat::from_mime_type(media_type).expect("a format");
    let mut content = Cursor::new(Vec::new());
    picture.write_to(&mut content, format).expect("encodes");
    file(media_type, content.into_inner())
}

/// A picture of 20 by 10 pixels with this colour profile.
pub(crate) fn with_profile(media_type: &'static str, profile: Vec<u8>) -> File {
    fn write(mut encoder: impl ImageEncoder, profile: Vec<u8>) {
        encoder.set_icc_profile(profile).expect("has a place for it");
        let pixels = vec![0; 20 * 10 * 3];
        encoder
            .write_image(&pixels, 20, 10, ExtendedColorType::Rgb8)
            .expect("encodes");
    }
    let mut content = Vec::new();
    match media_type {
        JPEG => write(JpegEncoder::new(&mut content), profile),
        PNG => write(PngEncoder::new(&mut content), profile),
        WEBP => write(WebPEncoder::new_lossless(&mut content), profile),
        other => panic!("{other} has no place for a profile here"),
    }
    file(media_type, content)
}

/// The header of a JPEG, and the beginning of its pixels.
pub(crate) fn jpeg(width: u16, height: u16, components: u8) -> File {
    let mut content = vec![0xFF, 0xD8, 0xFF, 0xE1, 0, 10];
    content.extend(b"Exif\0\0..");
    content.extend([0xFF, 0xFF, 0xC0, 0, 8 + 3 * components, 8]);
    content.extend(height.to_be_bytes());
    content.extend(width.to_be_bytes());
    content.push(components);
    for component in 1..=components {
        content.extend([component, 0x11, 0]);
    }
    content.extend([0xFF, 0xDA, 0, 2, 1, 2, 3, 0xFF, 0xD9]);
    file(JPEG, content)
}

/// A chunk of a PNG, without its checksum, which nobody verifies here.
pub(crate) fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("fits").to_be_bytes();
    [&length[..], name, body, &[0; 4]].concat()
}

/// A PNG of these chunks between its header and its end.
pub(crate) fn png_of(width: u32, height: u32, color: u8, chunks: &[Vec<u8>]) -> File {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, color, 0, 0, 0]].concat();
    let mut content = b"\x89PNG\r\n\x1a\n".to_vec();
    content.extend(chunk(b"IHDR", &header));
    content.extend(chunks.concat());
    content.extend(chunk(b"IEND", b""));
    file(PNG, content)
}

/// A PNG of one picture.
pub(crate) fn png(width: u32, height: u32, color: u8) -> File {
    png_of(width, height, color, &[chunk(b"IDAT", &[0; 8])])
}

/// An animation that declares so many frames, and has so many others.
pub(crate) fn apng(width: u32, height: u32, declared: u32, frames: u32) -> File {
    let count = [declared.to_be_bytes(), [0; 4]].concat();
    let mut chunks = vec![chunk(b"acTL", &count), chunk(b"IDAT", &[0; 8])];
    for _ in 0..frames {
        chunks.extend([chunk(b"fcTL", &[0; 26]), chunk(b"fdAT", &[0; 8])]);
    }
    png_of(width, height, 6, &chunks)
}

/// As the `png` crate encodes an animation.
pub(crate) fn encoded_apng(frames: u32) -> File {
    let mut content = Vec::new();
    let mut encoder = png::Encoder::new(&mut content, 20, 10);
    encoder.set_animated(frames, 0).expect("an animation");
    let mut writer = encoder.write_header().expect("a header");
    for _ in 0..frames {
        writer.write_image_data(&[0; 200]).expect("a frame");
    }
    writer.finish().expect("an end");
    file("image/apng", content)
}

/// As the `image` crate encodes it.
pub(crate) fn encoded_gif(frames: usize) -> File {
    let mut content = Vec::new();
    let mut encoder = GifEncoder::new(&mut content);
    for _ in 0..frames {
        encoder
            .encode_frame(Frame::new(RgbaImage::new(20, 10)))
            .expect("encodes");
    }
    drop(encoder);
    file(GIF, content)
}

/// A GIF with a screen and frames of two bytes of pixels each, and blocks in front of them.
pub(crate) fn gif(width: u16, height: u16, blocks: &[u8], frames: &[(u16, u16, u16, u16)]) -> File {
    let mut content = b"GIF89a".to_vec();
    content.extend([width, height].into_iter().flat_map(u16::to_le_bytes));
    // Two colours for all frames.
    content.extend([0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
    content.extend(blocks);
    for (left, top, width, height) in frames {
        content.extend(b"!\xF9\x04\0\0\0\0\0,");
        content.extend(
            [left, top, width, height]
                .into_iter()
                .flat_map(|side| side.to_le_bytes()),
        );
        content.extend([0, 2, 2, 0x4C, 1, 0]);
    }
    content.push(b';');
    file(GIF, content)
}

/// A GIF of so many frames of the whole screen.
pub(crate) fn frames(width: u16, height: u16, count: usize) -> File {
    gif(width, height, b"", &vec![(0, 0, width, height); count])
}

/// A WebP of these chunks.
pub(crate) fn webp_of(chunks: &[(&[u8; 4], Vec<u8>)]) -> File {
    let mut body = b"WEBP".to_vec();
    for (name, data) in chunks {
        body.extend(*name);
        body.extend(u32::try_from(data.len()).expect("fits").to_le_bytes());
        body.extend(data);
        body.extend(&[0][..data.len() % 2]);
    }
    let size = u32::try_from(body.len()).expect("fits").to_le_bytes();
    file(WEBP, [&b"RIFF"[..], &size, &body].concat())
}

/// The first chunk of a WebP in the extended format.
pub(crate) fn vp8x(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let mut chunk = vec![flags, 0, 0, 0];
    chunk.extend(&(width - 1).to_le_bytes()[..3]);
    chunk.extend(&(height - 1).to_le_bytes()[..3]);
    chunk
}

/// An animated WebP.
pub(crate) fn webp(width: u32, height: u32, frames: usize) -> File {
    let mut chunks = vec![(b"VP8X", vp8x(2, width, height)), (b"ANIM", vec![0; 6])];
    chunks.extend(vec![(b"ANMF", vec![0; 25]); frames]);
    webp_of(&chunks)
}

/// The entries of a page of a TIFF: tag, type, count and value.
pub(crate) type Entries = Vec<(u16, u16, u32, u32)>;

pub(crate) fn page(width: u32, height: u32, photometric: u32) -> Entries {
    vec![(0x100, 4, 1, width), (0x101, 4, 1, height), (0x106, 3, 1, photometric)]
}

/// A TIFF of these pages, each behind so many bytes of pixels.
pub(crate) fn tiff(is_big_endian: bool, gap: usize, pages: &[Entries]) -> File {
    let short = |value: u16| {
        if is_big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let long = |value: u32| {
        if is_big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    };
    let mut content = if is_big_endian {
        b"MM\0*".to_vec()
    } else {
        b"II*\0".to_vec()
    };
    let mut link = content.len();
    content.extend([0; 4]);
    for page in pages {
        content.extend(vec![0xAB; gap]);
        let here = u32::try_from(content.len()).expect("fits");
        content[link..link + 4].copy_from_slice(&long(here));
        content.extend(short(u16::try_from(page.len()).expect("fits")));
        for (tag, kind, count, value) in page {
            content.extend([short(*tag), short(*kind)].concat());
            content.extend(long(*count));
            match kind {
                3 => content.extend([short(u16::try_from(*value).expect("fits")), [0; 2]].concat()),
                _ => content.extend(long(*value)),
            }
        }
        link = content.len();
        content.extend([0; 4]);
    }
    file(TIFF, content)
}

/// A BigTIFF of these pages.
pub(crate) fn big_tiff(pages: &[(u64, u64)]) -> File {
    let mut content = b"II+\0\x08\0\0\0".to_vec();
    content.extend(16_u64.to_le_bytes());
    for (at, (width, height)) in pages.iter().enumerate() {
        content.extend(2_u64.to_le_bytes());
        for (tag, value) in [(0x100_u16, width), (0x101, height)] {
            content.extend([tag, 16].into_iter().flat_map(u16::to_le_bytes));
            content.extend(1_u64.to_le_bytes());
            content.extend(value.to_le_bytes());
        }
        let next = if at + 1 == pages.len() {
            0
        } else {
            content.len() as u64 + 8
        };
        content.extend(next.to_le_bytes());
    }
    file(TIFF, content)
}

/// A box of this name.
pub(crate) fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len() + 8).expect("fits");
    [&size.to_be_bytes(), &name[..], body].concat()
}

pub(crate) fn ispe(width: u32, height: u32) -> Vec<u8> {
    boxed(b"ispe", &[0, width, height].map(u32::to_be_bytes).concat())
}

pub(crate) fn clap(width: u32, height: u32) -> Vec<u8> {
    boxed(
        b"clap",
        &[width, 1, height, 1, 0, 1, 0, 1].map(u32::to_be_bytes).concat(),
    )
}

/// The box of the pictures: these properties, of which the picture that is shown has those.
pub(crate) fn meta(properties: &[Vec<u8>], shown: &[u8]) -> Vec<u8> {
    let count = u8::try_from(shown.len()).expect("a few");
    let numbers: Vec<_> = shown.iter().map(|number| number | 0x80).collect();
    // Of two pictures, the second one is shown.
    let association = [&[0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 1, 1, 0, 2, count][..], &numbers].concat();
    let list = [boxed(b"ipco", &properties.concat()), boxed(b"ipma", &association)].concat();
    let boxes = [boxed(b"pitm", &[0, 0, 0, 0, 0, 2]), boxed(b"iprp", &list)];
    boxed(b"meta", &[&[0; 4][..], &boxes.concat()].concat())
}

/// A HEIF or AVIF of these boxes.
pub(crate) fn heif(media_type: &'static str, boxes: &[Vec<u8>]) -> File {
    let brand = if media_type == AVIF {
        b"avif\0\0\0\0mif1avif"
    } else {
        b"heic\0\0\0\0mif1heic"
    };
    file(media_type, [boxed(b"ftyp", brand), boxes.concat()].concat())
}

/// A HEIF with a picture of this size, composed of tiles.
pub(crate) fn heic(width: u32, height: u32) -> File {
    heif(
        HEIC,
        &[
            meta(&[ispe(512, 512), ispe(width, height)], &[2]),
            boxed(b"mdat", &[0; 16]),
        ],
    )
}

/// A track of so many samples.
pub(crate) fn track(handler: &[u8; 4], width: u32, height: u32, samples: u32) -> Vec<u8> {
    let mut header = vec![0; 76];
    header.extend([width << 16, height << 16].into_iter().flat_map(u32::to_be_bytes));
    let handler = boxed(b"hdlr", &[&[0; 8][..], handler, &[0; 13]].concat());
    let sizes = boxed(b"stsz", &[0, 100, samples].map(u32::to_be_bytes).concat());
    let table = boxed(b"minf", &boxed(b"stbl", &[boxed(b"stsd", &[0; 8]), sizes].concat()));
    let media = boxed(b"mdia", &[handler, table].concat());
    boxed(b"trak", &[boxed(b"tkhd", &header), media].concat())
}

pub(crate) const JXL: &str = "image/jxl";

/// The header of a JPEG XL of these sides, gray or not, which moves or does not.
pub(crate) fn jxl_header(width: u32, height: u32, is_gray: bool, moves: bool) -> Vec<u8> {
    let mut numbers = vec![(0xFF, 8), (0x0A, 8)];
    // Sides at length, in 18 bits: no ratio between them.
    numbers.extend([(0, 1), (2, 2), (height - 1, 18), (0, 3), (2, 2), (width - 1, 18)]);
    // Not all as usual, and more than usual: upright, no other sizes.
    numbers.extend([(0, 1), (1, 1), (0, 3), (0, 1), (0, 1), (u32::from(moves), 1)]);
    if moves {
        // A hundred ticks a second, once, without time codes.
        numbers.extend([(0, 2), (0, 2), (0, 2), (0, 1)]);
    }
    // Eight bits, no further channels, no XYB.
    numbers.extend([(0, 1), (0, 2), (1, 1), (0, 2), (0, 1)]);
    if is_gray {
        // No profile, gray, D65, no gamma, sRGB, relative.
        numbers.extend([(0, 1), (0, 1), (1, 2), (1, 2), (0, 1), (2, 2), (11, 4), (1, 2)]);
    } else {
        numbers.push((1, 1));
    }
    // Tone mapping, extensions and transformation as usual.
    numbers.extend([(1, 1), (0, 2), (1, 1)]);
    let all = numbers
        .iter()
        .flat_map(|(number, count)| (0..*count).map(move |n| number >> n & 1));
    let all: Vec<u32> = all.collect();
    let bytes = all
        .chunks(8)
        .map(|byte| byte.iter().zip(0..).fold(0, |sum, (bit, n)| sum | (*bit as u8) << n));
    bytes.chain([0; 8]).collect()
}

/// A JPEG XL of these boxes.
pub(crate) fn jxl(boxes: &[Vec<u8>]) -> File {
    let head = [boxed(b"JXL ", b"\r\n\x87\n"), boxed(b"ftyp", b"jxl \0\0\0\0jxl ")];
    file(JXL, [head.concat(), boxes.concat()].concat())
}

/// A part of a JPEG XL.
pub(crate) fn jxlp(number: u32, bytes: &[u8]) -> Vec<u8> {
    boxed(b"jxlp", &[&number.to_be_bytes(), bytes].concat())
}

/// An icon with pictures of these sizes, as PNG where they do not fit into the list.
pub(crate) fn ico(sizes: &[u32]) -> File {
    let count = u16::try_from(sizes.len()).expect("a few");
    let mut content = [0, 1, count].into_iter().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let mut pictures = Vec::new();
    for size in sizes {
        let side = u8::try_from(*size).unwrap_or_default();
        let at = u32::try_from(6 + 16 * sizes.len() + pictures.len()).expect("fits");
        content.extend([side, side, 0, 0, 1, 0, 32, 0, 0, 0, 0, 0]);
        content.extend(at.to_le_bytes());
        pictures.extend(png(*size, *size, 6).content);
    }
    content.extend(pictures);
    file(ICO, content)
}

/// The headers of a BMP.
pub(crate) fn bmp(width: i32, height: i32) -> File {
    let mut content = b"BM".to_vec();
    content.extend([0; 12]);
    content.extend(40_u32.to_le_bytes());
    content.extend([width, height].into_iter().flat_map(i32::to_le_bytes));
    content.extend([1_u16, 24].into_iter().flat_map(u16::to_le_bytes));
    content.extend([0; 40]);
    file(BMP, content)
}
