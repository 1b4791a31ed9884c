#!/bin/sh
# Two readers of EXIF data tell the date of a picture that the file does not show.
#
# Versions: kamadak-exif 0.6.2 and nom-exif 3.8.0 (Rust); pillow-heif 1.8.1 with Pillow 13.0.0 writes the file and reads it.
#
# A HEIC may hold several pictures, each with EXIF data of its own: burst photos and edited copies are such. The box `pitm` says
# which picture is shown, and the references `cdsc` in the box `iref` say which EXIF data describes which picture (ISO/IEC
# 23008-12). pillow-heif goes by them. Both Rust readers take the last EXIF data in the list and say nothing: here they answer
# with the date of a picture taken a year later; of real files they tell its place and its orientation too.
#
# Seen, for a file that shows its first picture (of 2001):
#   pillow-heif:  2001:01:01 01:01:01
#   kamadak-exif: 2002-02-02 02:02:02
#   nom-exif:     2002-02-02 02:02:02
#
# Needs cargo, and python3 with venv. Ends with 1 if an answer is another one.
set -eu

room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cd "$room"

python3 -m venv python
python/bin/pip install --quiet pillow==13.0.0 pillow-heif==1.8.1
cat > make.py <<'PYTHON'
import pillow_heif
from PIL import Image

def picture(date):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9003] = date
    picture = Image.new("RGB", (64, 48))
    picture.info["exif"] = exif.tobytes()
    return picture

file = pillow_heif.HeifFile()
file.add_from_pillow(picture("2001:01:01 01:01:01"))
file.add_from_pillow(picture("2002:02:02 02:02:02"))
file.save("two.heic", primary_index=0)

pillow_heif.register_heif_opener()
print("pillow-heif:", Image.open("two.heic").getexif().get_ifd(0x8769)[0x9003])
PYTHON

mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "two"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
kamadak-exif = "=0.6.2"
nom-exif = "=3.8.0"
TOML
cat > src/main.rs <<'RUST'
use std::io::Cursor;

fn main() {
    let file = std::fs::read("two.heic").unwrap();
    let read = exif::Reader::new().read_from_container(&mut Cursor::new(&file)).unwrap();
    let date = read.get_field(exif::Tag::DateTimeOriginal, exif::In::PRIMARY).unwrap();
    println!("kamadak-exif: {}", date.display_value());
    let source = nom_exif::MediaSource::from_memory(file).unwrap();
    let read: nom_exif::Exif = nom_exif::MediaParser::new().parse_exif(source).unwrap().into();
    println!("nom-exif: {}", read.get(nom_exif::ExifTag::DateTimeOriginal).unwrap());
}
RUST

python/bin/python make.py > seen
CARGO_TARGET_DIR="$room/target" cargo run --quiet >> seen
cat seen
grep -q '^pillow-heif: 2001:01:01 01:01:01$' seen
grep -q '^kamadak-exif: 2002-02-02 02:02:02$' seen
grep -q '^nom-exif: 2002-02-02 02:02:02$' seen
echo "as described"
