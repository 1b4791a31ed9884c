//! Small files of all formats, made here.

use std::io::Cursor;

use image::codecs::gif::{GifEncoder, Repeat};
use image::codecs::jpeg::{JpegEncoder, PixelDensity};
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, Frame, ImageEncoder, ImageFormat, RgbaImage};
use png::{BitDepth, ColorType, PixelDimensions, Unit};

use crate::boxes::{Heif, Item, boxed, ispe};

/// Wider than high, so that one sees which is which.
pub(crate) const WIDTH: u32 = 20;
pub(crate) const HEIGHT: u32 = 10;

/// As the `image` crate encodes it.
pub(crate) fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).expect("encodes");
    file.into_inner()
}

pub(crate) fn rgb() -> DynamicImage {
    DynamicImage::new_rgb8(WIDTH, HEIGHT)
}

pub(crate) fn rgba() -> DynamicImage {
    DynamicImage::new_rgba8(WIDTH, HEIGHT)
}

pub(crate) fn grey() -> DynamicImage {
    DynamicImage::new_luma8(WIDTH, HEIGHT)
}

/// With EXIF data, in one of the formats that have a place for it.
pub(crate) fn with_exif(format: ImageFormat, exif: Vec<u8>) -> Vec<u8> {
    fn write(mut encoder: impl ImageEncoder, exif: Vec<u8>) {
        encoder.set_exif_metadata(exif).expect("has a place for it");
        let pixels = rgb().into_rgb8();
        encoder
            .write_image(&pixels, WIDTH, HEIGHT, ExtendedColorType::Rgb8)
            .expect("encodes");
    }
    let mut file = Vec::new();
    match format {
        ImageFormat::Jpeg => write(JpegEncoder::new(&mut file), exif),
        ImageFormat::Png => write(PngEncoder::new(&mut file), exif),
        ImageFormat::WebP => write(WebPEncoder::new_lossless(&mut file), exif),
        format => panic!("{format:?} has no EXIF data"),
    }
    file
}

pub(crate) fn jpeg_of_density(density: PixelDensity) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new(&mut file);
    encoder.set_pixel_density(density);
    encoder.encode_image(&rgb()).expect("encodes");
    file
}

/// A JPEG of a frame header and the beginning of pixels, which is all that is looked at; and what stands in front.
pub(crate) fn jpeg_of(segments: &[(u8, &[u8])], frame: u8, (width, height): (u16, u16), components: u8) -> Vec<u8> {
    let mut header = vec![8];
    header.extend(height.to_be_bytes());
    header.extend(width.to_be_bytes());
    header.push(components);
    for component in 1..=components {
        header.extend([component, 0x11, 0]);
    }
    let mut file = vec![0xFF, 0xD8];
    for (code, body) in segments.iter().copied().chain([(frame, &header[..])]) {
        file.extend(segment(code, body));
    }
    file.extend([0xFF, 0xDA, 0, 2, 1, 2, 3, 0xFF, 0xD9]);
    file
}

pub(crate) fn segment(code: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).expect("fits a segment");
    [&[0xFF, code][..], &length.to_be_bytes(), body].concat()
}

/// How a PNG says what it has.
#[derive(Default)]
pub(crate) struct Png<'a> {
    pub(crate) color: Option<ColorType>,
    pub(crate) depth: Option<BitDepth>,
    pub(crate) per_metre: Option<(u32, u32)>,
    pub(crate) frames: u32,
    pub(crate) chunks: &'a [([u8; 4], &'a [u8])],
}

/// A PNG without pixels worth mentioning.
pub(crate) fn png_of((width, height): (u32, u32), png: &Png<'_>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.validate_sequence(false);
    let color = png.color.unwrap_or(ColorType::Rgb);
    encoder.set_color(color);
    encoder.set_depth(png.depth.unwrap_or(BitDepth::Eight));
    if color == ColorType::Indexed {
        encoder.set_palette(vec![0; 6]);
    }
    encoder.set_pixel_dims(png.per_metre.map(|(xppu, yppu)| PixelDimensions {
        xppu,
        yppu,
        unit: Unit::Meter,
    }));
    if png.frames > 0 {
        encoder.set_animated(png.frames, 0).expect("an animation");
    }
    let mut writer = encoder.write_header().expect("a header");
    for (name, body) in png.chunks {
        writer.write_chunk(png::chunk::ChunkType(*name), body).expect("a chunk");
    }
    writer.write_chunk(png::chunk::IDAT, &[0; 8]).expect("a chunk");
    drop(writer);
    file
}

pub(crate) fn gif(frames: usize, repeat: Option<Repeat>) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = GifEncoder::new(&mut file);
    if let Some(repeat) = repeat {
        encoder.set_repeat(repeat).expect("encodes");
    }
    for _ in 0..frames {
        let frame = Frame::new(RgbaImage::new(WIDTH, HEIGHT));
        encoder.encode_frame(frame).expect("encodes");
    }
    drop(encoder);
    file
}

/// A GIF with a screen and frames of one byte of pixels each, `(left, top, width, height)`.
pub(crate) fn gif_of(screen: (u16, u16), frames: &[(u16, u16, u16, u16)]) -> Vec<u8> {
    let mut file = b"GIF89a".to_vec();
    file.extend([screen.0, screen.1].into_iter().flat_map(u16::to_le_bytes));
    // Two colours for all frames.
    file.extend([0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
    for (left, top, width, height) in frames {
        file.push(b',');
        file.extend(
            [left, top, width, height]
                .into_iter()
                .flat_map(|side| side.to_le_bytes()),
        );
        file.extend([0, 2, 1, 0, 0]);
    }
    file.push(b';');
    file
}

/// A WebP of these chunks.
pub(crate) fn webp_of(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (name, data) in chunks {
        body.extend(*name);
        body.extend(u32::try_from(data.len()).expect("fits").to_le_bytes());
        body.extend(*data);
        body.extend(&[0][..data.len() % 2]);
    }
    let size = u32::try_from(body.len()).expect("fits").to_le_bytes();
    [&b"RIFF"[..], &size, &body].concat()
}

/// The first chunk of a WebP in the extended format.
pub(crate) fn vp8x(flags: u8, (width, height): (u32, u32)) -> Vec<u8> {
    let mut chunk = vec![flags, 0, 0, 0];
    chunk.extend(&(width - 1).to_le_bytes()[..3]);
    chunk.extend(&(height - 1).to_le_bytes()[..3]);
    chunk
}

/// The first chunk of a WebP with loss.
pub(crate) fn vp8((width, height): (u16, u16)) -> Vec<u8> {
    let mut chunk = vec![0x10, 0, 0, 0x9D, 0x01, 0x2A];
    chunk.extend([width, height].into_iter().flat_map(u16::to_le_bytes));
    chunk
}

/// A BMP's headers: `bits` for each pixel, and the mask that says which of them are alpha.
pub(crate) fn bmp_of((width, height): (i32, i32), bits: u16, per_metre: (u32, u32), alpha: u32) -> Vec<u8> {
    let mut file = b"BM".to_vec();
    file.extend([0; 12]);
    file.extend(108_u32.to_le_bytes());
    file.extend([width, height].into_iter().flat_map(i32::to_le_bytes));
    file.extend([1, bits].into_iter().flat_map(u16::to_le_bytes));
    file.extend([0; 8]);
    file.extend([per_metre.0, per_metre.1].into_iter().flat_map(u32::to_le_bytes));
    file.extend([0; 20]);
    file.extend(alpha.to_le_bytes());
    file.extend([0; 52]);
    file
}

/// The headers of a BMP as OS/2 wrote them.
pub(crate) fn old_bmp_of((width, height): (u16, u16)) -> Vec<u8> {
    let mut file = b"BM".to_vec();
    file.extend([0; 12]);
    file.extend(12_u32.to_le_bytes());
    file.extend([width, height, 1, 24].into_iter().flat_map(u16::to_le_bytes));
    file.extend([0; 30]);
    file
}

/// A HEIF or AVIF with properties of these sizes, turned by so many quarters; it shows a picture of the largest size.
/// `front` stands in front of them, and a size of nothing is so many bytes that say nothing.
pub(crate) fn heif_of(brand: &[u8; 4], front: &[u8], sizes: &[(u32, u32)], turned: u8) -> Vec<u8> {
    let mut properties: Vec<Vec<u8>> = sizes
        .iter()
        .map(|(width, height)| match height {
            0 => boxed(b"free", &vec![0; *width as usize]),
            _ => ispe(*width, *height),
        })
        .collect();
    let area = |(_, (width, height)): &(usize, &(u32, u32))| u64::from(*width) * u64::from(*height);
    let largest = sizes.iter().enumerate().max_by_key(area).map(|(at, _)| at + 1);
    let mut shown: Vec<usize> = largest.into_iter().collect();
    if turned > 0 {
        properties.push(boxed(b"irot", &[turned]));
        shown.push(properties.len());
    }
    let heif = Heif {
        properties,
        items: vec![Item {
            kind: *b"grid",
            properties: shown,
            ..Item::default()
        }],
        ..Heif::default()
    };
    [
        boxed(b"ftyp", &[&brand[..], &[0; 4], b"mif1", brand].concat()),
        front.to_vec(),
        heif.meta(0),
        boxed(b"mdat", &[0; 16]),
    ]
    .concat()
}

/// A value in a directory of EXIF data or a TIFF.
#[derive(Clone)]
pub(crate) enum Value {
    Byte(u8),
    Text(&'static str),
    Short(u16),
    Long(u32),
    Fractions(Vec<(u32, u32)>),
    Directory(Entries),
}

pub(crate) type Entries = Vec<(u16, Value)>;

/// EXIF data, or a TIFF, of these directories one after the other.
pub(crate) fn tiff_of(big_endian: bool, directories: &[Entries]) -> Vec<u8> {
    let mut tiff = Tiff {
        big_endian,
        bytes: if big_endian { b"MM\0*" } else { b"II*\0" }.to_vec(),
    };
    let mut link = tiff.bytes.len();
    tiff.long(0);
    for entries in directories {
        let here = tiff.bytes.len();
        tiff.patch(link, here);
        link = tiff.directory(entries);
    }
    tiff.bytes
}

struct Tiff {
    big_endian: bool,
    bytes: Vec<u8>,
}

impl Tiff {
    fn short(&mut self, value: u16) {
        let bytes = value.to_be_bytes();
        self.bytes
            .extend(if self.big_endian { bytes } else { value.to_le_bytes() });
    }

    fn long(&mut self, value: u32) {
        let bytes = value.to_be_bytes();
        self.bytes
            .extend(if self.big_endian { bytes } else { value.to_le_bytes() });
    }

    fn patch(&mut self, at: usize, value: usize) {
        let tail = self.bytes.split_off(at);
        self.long(u32::try_from(value).expect("fits"));
        self.bytes.extend(&tail[4..]);
    }

    /// Writes a directory and what does not fit into it; answers where the link to the next one stands.
    fn directory(&mut self, entries: &Entries) -> usize {
        let mut elsewhere = Vec::new();
        self.short(u16::try_from(entries.len()).expect("fits"));
        for (tag, value) in entries {
            let (kind, count) = match value {
                Value::Byte(_) => (1, 1),
                Value::Text(text) => (2, text.len() + 1),
                Value::Short(_) => (3, 1),
                Value::Long(_) | Value::Directory(_) => (4, 1),
                Value::Fractions(parts) => (5, parts.len()),
            };
            self.short(*tag);
            self.short(kind);
            self.long(u32::try_from(count).expect("fits"));
            let at = self.bytes.len();
            self.long(0);
            match value {
                Value::Byte(value) => self.bytes[at] = *value,
                Value::Text(text) if count <= 4 => self.bytes[at..at + text.len()].copy_from_slice(text.as_bytes()),
                Value::Short(value) => {
                    self.bytes.truncate(at);
                    self.short(*value);
                    self.short(0);
                }
                Value::Long(value) => {
                    self.bytes.truncate(at);
                    self.long(*value);
                }
                value => elsewhere.push((at, value.clone())),
            }
        }
        let link = self.bytes.len();
        self.long(0);
        for (at, value) in elsewhere {
            let here = self.bytes.len();
            self.patch(at, here);
            match value {
                Value::Text(text) => self.bytes.extend([text.as_bytes(), &[0]].concat()),
                Value::Fractions(parts) => {
                    for (over, under) in parts {
                        self.long(over);
                        self.long(under);
                    }
                }
                Value::Directory(entries) => {
                    self.directory(&entries);
                }
                _ => {}
            }
        }
        link
    }
}

pub(crate) const ORIENTATION: u16 = 0x0112;
pub(crate) const X_RESOLUTION: u16 = 0x011A;
pub(crate) const Y_RESOLUTION: u16 = 0x011B;
pub(crate) const RESOLUTION_UNIT: u16 = 0x0128;
pub(crate) const EXIF: u16 = 0x8769;
pub(crate) const GPS: u16 = 0x8825;
pub(crate) const DATETIME_ORIGINAL: u16 = 0x9003;

/// An entry that says when.
pub(crate) fn taken(when: &'static str) -> (u16, Value) {
    (EXIF, Value::Directory(vec![(DATETIME_ORIGINAL, Value::Text(when))]))
}

/// An entry that says where: on which sides, and how far in degrees, minutes and seconds.
pub(crate) fn at(sides: [&'static str; 2], latitude: &[(u32, u32)], longitude: &[(u32, u32)]) -> (u16, Value) {
    let entries = vec![
        (1, Value::Text(sides[0])),
        (2, Value::Fractions(latitude.to_vec())),
        (3, Value::Text(sides[1])),
        (4, Value::Fractions(longitude.to_vec())),
    ];
    (GPS, Value::Directory(entries))
}

/// A page of a TIFF.
pub(crate) fn page(width: u32, height: u32, photometric: u16, samples: u16) -> Entries {
    vec![
        (0x0100, Value::Long(width)),
        (0x0101, Value::Long(height)),
        (0x0106, Value::Short(photometric)),
        (0x0115, Value::Short(samples)),
    ]
}

/// EXIF data of less than 64 KiB in which every directory has every entry, so that a reader which lists them does not end.
pub(crate) fn endless_exif() -> Vec<u8> {
    const POINTERS: usize = 1_300;
    const ENTRIES: usize = 3_600;
    let first = 8 + 2 + 12 * POINTERS + 4;
    let room = ENTRIES - POINTERS - 2;
    let mut data = b"MM\0*\0\0\0\x08".to_vec();
    data.extend(u16::try_from(POINTERS).expect("fits").to_be_bytes());
    for n in 0..POINTERS {
        data.extend([0x87, 0x69, 0, 4, 0, 0, 0, 1]);
        data.extend(u32::try_from(first + 12 * n).expect("fits").to_be_bytes());
    }
    data.extend([0; 4]);
    for _ in 0..ENTRIES {
        // The number of entries for a reader that expects a directory here, otherwise a tag.
        data.extend(u16::try_from(room).expect("fits").to_be_bytes());
        data.extend([0; 10]);
    }
    data
}
