//! Results beside those of Pillow: the same size, transparency and orientation, and pixels within a stated distance.

use std::io::Cursor;
use std::path::PathBuf;
use std::process::Command;

use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use intake_images::{Accept, Limits, Operations, run};
use jpeg_encoder::ColorType;
use moxcms::ColorProfile;
use serde::Deserialize;

use crate::scene::Class;
use crate::sources;
use crate::table;

/// An address, and how far the channels of a result may be from Pillow's, from 0 to 255: the mean, and 99 of 100.
type Bound = (&'static str, f64, u32);
type Difference = (&'static str, &'static str, f64, u32, &'static str);

const BOUNDS: &[Bound] = &[
    ("-/preview/50x50/-/format/png/", 1.2, 4),
    ("-/preview/", 1.2, 5),
    ("-/preview/9x9/-/format/jpeg/-/quality/best/", 3.9, 18),
    ("-/resize/40x/-/format/jpeg/-/quality/better/", 1.4, 7),
    ("-/resize/x30/-/format/webp/", 2.9, 11),
    ("-/resize/33x44/-/format/png/", 1.2, 4),
    ("-/resize/200x/-/format/png/", 1.2, 4),
    ("-/stretch/off/-/resize/200x/-/format/png/", 1.2, 3),
    ("-/stretch/off/-/scale_crop/400x20/center/-/format/png/", 1.3, 4),
    ("-/scale_crop/30x30/center/-/format/png/", 0.9, 7),
    ("-/scale_crop/30x30/", 1.9, 8),
    ("-/scale_crop/30x30/100p,100p/-/format/jpeg/-/progressive/yes/", 2.2, 8),
    ("-/crop/20x10/5,6/-/preview/-/format/png/", 1.4, 3),
    ("-/crop/1:1/center/-/preview/24x24/-/format/png/", 0.8, 6),
    ("-/preview/50x50/-/rotate/90/-/format/png/", 1.2, 4),
    ("-/rotate/270/-/crop/10x20/1,2/-/preview/-/format/png/", 1.2, 3),
    ("-/mirror/-/preview/40x40/-/format/png/", 0.8, 5),
    ("-/preview/40x40/-/flip/-/format/png/", 0.8, 5),
    ("-/preview/40x40/-/grayscale/-/format/png/", 0.6, 4),
    ("-/invert/-/preview/40x40/-/format/png/", 0.8, 4),
    ("-/preview/40x40/-/exposure/-100/-/format/png/", 0.6, 3),
    ("-/setfill/102030/-/crop/120x120/center/-/preview/-/format/png/", 0.5, 3),
    ("-/preview/40x40/-/brightness/-30/-/format/png/", 0.8, 4),
    ("-/preview/40x40/-/gamma/180/-/format/png/", 0.9, 13),
    ("-/preview/40x40/-/contrast/60/-/format/png/", 1.2, 5),
    ("-/preview/40x40/-/saturation/150/-/format/png/", 1.5, 7),
    ("-/preview/40x40/-/blur/20/-/format/png/", 3.8, 15),
    ("-/preview/40x40/-/sharp/10/-/format/png/", 2.1, 20),
];

/// Where a source is further away than the bound of the address: how the name of the source begins, the address, or `""` for
/// all, how far, and why. The first that fits holds.
const DIFFERENCES: &[Difference] = &[
    ("detailed png alpha", SHARP, 12.0, 50, APART),
    ("detailed", SHARP, 8.3, 34, KERNEL),
    ("png palette with a hole", SHARP, 2.4, 38, APART),
    ("gif with a hole", SHARP, 2.4, 38, APART),
    ("detailed png in Display P3", GAMMA, 4.0, 46, PROFILE),
    ("detailed png in Display P3", "", 8.3, 32, PROFILE),
    ("detailed jpeg", "", 6.4, 30, SMALLER),
    ("detailed png alpha", PROGRESSIVE, 6.4, 29, CHROMA),
    ("detailed png alpha", "", 4.1, 16, OVERSHOT),
    ("detailed png", PROGRESSIVE, 5.4, 29, CHROMA),
    ("detailed png", "", 4.4, 23, CHROMA),
];

const SHARP: &str = "-/preview/40x40/-/sharp/10/-/format/png/";
const GAMMA: &str = "-/preview/40x40/-/gamma/180/-/format/png/";
const PROGRESSIVE: &str = "-/scale_crop/30x30/100p,100p/-/format/jpeg/-/progressive/yes/";

const APART: &str = "Colours and transparency are sharpened apart; Pillow is asked to sharpen their product.";
const KERNEL: &str = "Both come near a Gaussian by means of boxes, of other widths.";
const PROFILE: &str = "The size is changed in the colours of the file, and the profile is applied to what that makes.";
const SMALLER: &str = "A JPEG is decoded at a half, a quarter or an eighth of its size where no step can see it.";
const CHROMA: &str = "Encoders choose differently what colours at half the resolution are.";
const OVERSHOT: &str = "Colours that overshoot at an edge of transparency are cut off, by each at its own place.";

#[derive(Deserialize)]
struct Found {
    size: bool,
    alpha: bool,
    upright: bool,
    mean: f64,
    p99: u32,
}

/// Where `./check setup` puts what the tests need.
fn python() -> PathBuf {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = || {
        set("XDG_CACHE_HOME")
            .or_else(|| Some(set("HOME")?.join(".cache")))
            .unwrap()
    };
    let tools = set("INTAKE_TEST_TOOLS").unwrap_or_else(|| cache().join("intake/test-tools"));
    tools.join("pillow/bin/python")
}

const WIDTH: u32 = 97;
const HEIGHT: u32 = 71;

/// Edges, fine lines and noise: what filters differ in.
fn detail(x: u32, y: u32) -> [u8; 4] {
    let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(2_246_822_519)).wrapping_mul(3_266_489_917) >> 27;
    let disc = (x * x + y * y) % 1_700 < 600;
    let stripe = (x / 3 + y / 5).is_multiple_of(4);
    let base = if disc { [200, 90, 40] } else { [60, 110, 180] };
    let bright = if stripe { 40 } else { 0 };
    // In range: at most 200 + 40 + 15.
    let [r, g, b] = base.map(|value: u32| (value + bright + noise / 2).min(255) as u8);
    [r, g, b, if disc { 255 } else { 90 }]
}

/// The sources of the table, and those that it has no use for: profiles, and details.
fn all_sources() -> Vec<(String, Vec<u8>)> {
    let scene = |class, channels: &[usize]| sources::channels(class, WIDTH, HEIGHT, channels);
    let (rgb, rgba) = (scene(Class::Color, &[0, 1, 2]), scene(Class::Alpha, &[0, 1, 2, 3]));
    let gray = scene(Class::Gray, &[0]);
    let named = sources::all().into_iter().map(|source| (source.name, source.bytes));
    let mut all: Vec<_> = named.collect();
    let mut add = |name: String, bytes| all.push((name, bytes));
    for (name, profile) in [
        ("Display P3", ColorProfile::new_display_p3()),
        ("Adobe RGB", ColorProfile::new_adobe_rgb()),
        ("ProPhoto RGB", ColorProfile::new_pro_photo_rgb()),
        ("BT.2020", ColorProfile::new_bt2020()),
    ] {
        let profile = profile.encode().unwrap();
        add(
            format!("png in {name}"),
            png(&rgb, ExtendedColorType::Rgb8, Some(&profile)),
        );
        add(
            format!("png alpha in {name}"),
            png(&rgba, ExtendedColorType::Rgba8, Some(&profile)),
        );
        add(format!("webp in {name}"), webp(&rgb, &profile));
        add(format!("jpeg in {name}"), jpeg(&rgb, Some(&profile)));
    }
    let profile = ColorProfile::new_gray_with_gamma(1.8).encode().unwrap();
    add(
        "png in gray 1.8".to_owned(),
        png(&gray, ExtendedColorType::L8, Some(&profile)),
    );
    let points = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| detail(x, y)));
    let rgba: Vec<u8> = points.clone().flatten().collect();
    let rgb: Vec<u8> = points.flat_map(|[r, g, b, _]| [r, g, b]).collect();
    add("detailed jpeg".to_owned(), jpeg(&rgb, None));
    add("detailed png".to_owned(), png(&rgb, ExtendedColorType::Rgb8, None));
    add(
        "detailed png alpha".to_owned(),
        png(&rgba, ExtendedColorType::Rgba8, None),
    );
    let profile = ColorProfile::new_display_p3().encode().unwrap();
    let bytes = png(&rgb, ExtendedColorType::Rgb8, Some(&profile));
    add("detailed png in Display P3".to_owned(), bytes);
    all
}

fn png(data: &[u8], color: ExtendedColorType, profile: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile.to_vec()).unwrap();
    }
    encoder.write_image(data, WIDTH, HEIGHT, color).unwrap();
    bytes
}

fn webp(rgb: &[u8], profile: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut bytes);
    encoder.set_icc_profile(profile.to_vec()).unwrap();
    encoder
        .write_image(rgb, WIDTH, HEIGHT, ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

fn jpeg(rgb: &[u8], profile: Option<&[u8]>) -> Vec<u8> {
    sources::jpeg(rgb, (WIDTH, HEIGHT), ColorType::Rgb, |encoder| {
        if let Some(profile) = profile {
            encoder.add_icc_profile(profile).unwrap();
        }
    })
}

#[test]
fn results_are_as_large_as_those_of_pillow_lie_the_same_way_and_have_nearly_the_same_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let sources = all_sources();
    let mut wanted = Vec::new();
    for (at, (name, bytes)) in sources.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{at}")), bytes).unwrap();
        for (number, (address, _, _)) in BOUNDS.iter().enumerate() {
            let operations = Operations::parse(address).unwrap();
            let mut file = Cursor::new(bytes);
            let result = run(&mut file, &operations, Accept::default(), &Limits::default())
                .unwrap_or_else(|error| panic!("{name} {address}: {error}"));
            let path = format!("{at}.{number}");
            std::fs::write(folder.path().join(&path), result.bytes).unwrap();
            wanted.push((at.to_string(), *address, path));
        }
    }
    let list = serde_json::to_vec(&wanted).unwrap();
    std::fs::write(folder.path().join("wanted.json"), list).unwrap();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pillow/compare.py");
    let output = Command::new(python()).arg(script).arg(folder.path()).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}; run `./check setup` first", python().display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Vec<Found> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found.len(), sources.len() * BOUNDS.len());
    let names = sources.iter().map(|(name, _)| name);
    let pairs = names.flat_map(|name| BOUNDS.iter().map(move |bound| (name, bound)));
    let (mut wrong, mut needed) = (Vec::new(), Vec::new());
    for ((name, bound), found) in pairs.zip(&found) {
        wrong.extend(fault(name, bound, found));
        if found.mean > bound.1 || found.p99 > bound.2 {
            needed.extend(listed(name, bound.0));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for difference in DIFFERENCES {
        assert!(needed.contains(&difference), "nothing differs any more: {difference:?}");
    }
}

fn listed(source: &str, address: &str) -> Option<&'static Difference> {
    let fits = |(start, at, ..): &&Difference| source.starts_with(start) && (at.is_empty() || *at == address);
    DIFFERENCES.iter().find(fits)
}

/// What is wrong with a result, if anything is.
fn fault(source: &str, (address, mean, p99): &Bound, found: &Found) -> Option<String> {
    let (mean, p99) = listed(source, address).map_or((*mean, *p99), |(_, _, mean, p99, _)| (*mean, *p99));
    let fine = found.size && found.alpha && found.upright && found.mean <= mean && found.p99 <= p99;
    let Found {
        size, alpha, upright, ..
    } = found;
    (!fine).then(|| {
        format!(
            "{source}: {address}: size {size}, alpha {alpha}, upright {upright}, mean {:.2} of {mean}, p99 {} of {p99}",
            found.mean, found.p99
        )
    })
}

#[test]
fn every_address_of_the_table_is_compared_with_pillow() {
    for address in table::addresses() {
        assert!(BOUNDS.iter().any(|(bound, ..)| *bound == address), "{address}");
    }
}
