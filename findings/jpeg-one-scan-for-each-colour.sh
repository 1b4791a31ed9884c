#!/usr/bin/env bash
# A picture whose colours depend on the reader: JPEG with one scan for each colour.
#
# Versions: zune-jpeg 0.5.15 (the reader behind `image` 0.25.10), jpeg-decoder 0.3.2 and jpeg-encoder 0.7.1, for Rust;
# Pillow 12.3.0, for Python, which has libjpeg-turbo.
#
# A baseline JPEG may have its three colours in one scan or in one scan each. jpeg-encoder writes the second kind as soon as it is
# asked for optimised tables, also with colours at half the size (4:2:0), as most pictures have them. Here a smooth picture of
# 64x48 pixels is written in both ways, which differ in nothing else, and each reader's result is compared with the original.
#
# Seen, as the largest difference of any value from 0 to 255:
#   - One scan for all: 9 for every reader.
#   - One scan each: Pillow and jpeg-decoder as before. zune-jpeg and `image` report no error, and are off by 255.
#
# So a service that makes thumbnails with `image` can show wrong colours for such files; another reader has to take them.
#
# Runs in a temporary folder, outside CI. Ends with 1 if any of this has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cargo --quiet init --name finding --vcs none .
cargo --quiet add zune-jpeg@=0.5.15 jpeg-decoder@=0.3.2 jpeg-encoder@=0.7.1
cargo --quiet add image@=0.25.10 --no-default-features --features jpeg

cat >src/main.rs <<'RUST'
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

const WIDE: usize = 64;
const HIGH: usize = 48;

fn largest_difference(original: &[u8], read: &[u8]) -> u8 {
    assert_eq!(original.len(), read.len());
    original.iter().zip(read).map(|(one, other)| one.abs_diff(*other)).max().unwrap_or(0)
}

fn main() {
    let pixel = |at: usize| {
        let (x, y) = (at % WIDE, at / WIDE);
        [(x * 4) as u8, (y * 5) as u8, (255 - x * 4) as u8]
    };
    let original: Vec<u8> = (0..WIDE * HIGH).flat_map(pixel).collect();
    std::fs::write("original.rgb", &original).unwrap();
    for (name, optimised) in [("together", false), ("apart", true)] {
        let mut jpeg = Vec::new();
        let mut encoder = Encoder::new(&mut jpeg, 95);
        encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
        encoder.set_optimized_huffman_tables(optimised);
        encoder.encode(&original, WIDE as u16, HIGH as u16, ColorType::Rgb).unwrap();
        std::fs::write(format!("{name}.jpg"), &jpeg).unwrap();
        let scans = jpeg.windows(2).filter(|pair| *pair == [0xff, 0xda]).count();
        let mut zune = zune_jpeg::JpegDecoder::new(std::io::Cursor::new(&jpeg[..]));
        let zune = zune.decode().unwrap();
        let other = jpeg_decoder::Decoder::new(&jpeg[..]).decode().unwrap();
        let image = image::load_from_memory(&jpeg).unwrap().into_rgb8();
        println!("{name}: scans {scans}");
        println!("{name}: zune-jpeg {}", largest_difference(&original, &zune));
        println!("{name}: image {}", largest_difference(&original, &image));
        println!("{name}: jpeg-decoder {}", largest_difference(&original, &other));
    }
}
RUST
cargo --quiet run >said.txt

python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install pillow==12.3.0
venv/bin/python - >>said.txt <<'PY'
from PIL import Image

original = open("original.rgb", "rb").read()
for name in ("together", "apart"):
    read = Image.open(f"{name}.jpg").convert("RGB").tobytes()
    print(f"{name}: Pillow", max(abs(one - other) for one, other in zip(original, read)))
PY
cat said.txt

of() { sed -n "s/^$1: $2 //p" said.txt; }
[ "$(of together scans)" = 1 ] && [ "$(of apart scans)" = 3 ]
for reader in zune-jpeg image jpeg-decoder Pillow; do [ "$(of together $reader)" -le 12 ]; done
for reader in jpeg-decoder Pillow; do [ "$(of apart $reader)" -le 12 ]; done
for reader in zune-jpeg image; do [ "$(of apart $reader)" -gt 200 ]; done
