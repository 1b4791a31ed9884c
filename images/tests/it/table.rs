//! Each source with each address: the size, the format, how it lies, its colours, and what is transparent.

use std::io::Cursor;

use image::DynamicImage;
use intake_images::{Accept, Limits, Operations, ResultFormat, run};

use crate::scene::{self, Class};
use crate::sources::{self, Source};

type Size = (u32, u32);
type Point = (f64, f64);

struct Case {
    path: &'static str,
    /// From the size of the source.
    size: fn(Size) -> Size,
    /// Where a point of the result is in the source, with the size of that; none if it is beyond it.
    from: fn(Point, Size) -> Option<Point>,
    paint: fn([i32; 3]) -> [i32; 3],
    format: Expected,
}

#[derive(Clone, Copy)]
enum Expected {
    Is(ResultFormat),
    /// PNG if there is transparency or there are few colours, else JPEG.
    Auto,
}

const JPEG: Expected = Expected::Is(ResultFormat::Jpeg);
const PNG: Expected = Expected::Is(ResultFormat::Png);
const WEBP: Expected = Expected::Is(ResultFormat::Webp);

fn same(point: Point, _: Size) -> Option<Point> {
    Some(point)
}

fn plain(color: [i32; 3]) -> [i32; 3] {
    color
}

fn part(side: u32, of: u32) -> f64 {
    f64::from(side) / f64::from(of)
}

fn rounded(side: u32, by: f64) -> u32 {
    (f64::from(side) * by).round().max(1.0) as u32
}

fn fitting((w, h): Size, most: u32) -> Size {
    let scale = part(most, w).min(part(most, h)).min(1.0);
    (rounded(w, scale), rounded(h, scale))
}

/// Of a square as large as the shorter side, at a share of the room.
fn square((u, v): Point, (w, h): Size, at: f64) -> Option<Point> {
    let side = w.min(h);
    let (across, down) = (part(side, w), part(side, h));
    Some((u * across + (1.0 - across) * at, v * down + (1.0 - down) * at))
}

const CASES: [Case; 22] = [
    Case {
        path: "-/preview/50x50/-/format/png/",
        size: |s| fitting(s, 50),
        from: same,
        paint: plain,
        format: PNG,
    },
    Case {
        path: "-/preview/",
        size: |s| s,
        from: same,
        paint: plain,
        format: Expected::Auto,
    },
    Case {
        path: "-/preview/9x9/-/format/jpeg/-/quality/best/",
        size: |s| fitting(s, 9),
        from: same,
        paint: plain,
        format: JPEG,
    },
    Case {
        path: "-/resize/40x/-/format/jpeg/-/quality/better/",
        size: |(w, h)| (40, rounded(h, part(40, w))),
        from: same,
        paint: plain,
        format: JPEG,
    },
    Case {
        path: "-/resize/x30/-/format/webp/",
        size: |(w, h)| (rounded(w, part(30, h)), 30),
        from: same,
        paint: plain,
        format: WEBP,
    },
    Case {
        path: "-/resize/33x44/-/format/png/",
        size: |_| (33, 44),
        from: same,
        paint: plain,
        format: PNG,
    },
    Case {
        path: "-/resize/200x/-/format/png/",
        size: |(w, h)| (200, rounded(h, part(200, w))),
        from: same,
        paint: plain,
        format: PNG,
    },
    Case {
        path: "-/stretch/off/-/resize/200x/-/format/png/",
        size: |s| s,
        from: same,
        paint: plain,
        format: PNG,
    },
    Case {
        path: "-/stretch/off/-/scale_crop/400x20/center/-/format/png/",
        size: |(w, _)| (w, 20),
        from: |(u, v), (_, h)| Some((u, (v * 20.0 + (f64::from(h) - 20.0) / 2.0) / f64::from(h))),
        paint: plain,
        format: PNG,
    },
    Case {
        path: "-/scale_crop/30x30/center/-/format/png/",
        size: |_| (30, 30),
        from: |p, s| square(p, s, 0.5),
        paint: plain,
        format: PNG,
    },
    Case {
        path: "-/scale_crop/30x30/",
        size: |_| (30, 30),
        from: |p, s| square(p, s, 0.0),
        paint: plain,
        format: Expected::Auto,
    },
    Case {
        path: "-/scale_crop/30x30/100p,100p/-/format/jpeg/-/progressive/yes/",
        size: |_| (30, 30),
        from: |p, s| square(p, s, 1.0),
        paint: plain,
        format: JPEG,
    },
    Case {
        path: "-/crop/20x10/5,6/-/preview/-/format/png/",
        size: |_| (20, 10),
        from: |(u, v), (w, h)| Some(((u * 20.0 + 5.0) / f64::from(w), (v * 10.0 + 6.0) / f64::from(h))),
        paint: plain,
        format: PNG,
    },
    Case {
        path: "-/crop/1:1/center/-/preview/24x24/-/format/png/",
        size: |_| (24, 24),
        from: |p, s| square(p, s, 0.5),
        paint: plain,
        format: PNG,
    },
    Case {
        path: "-/preview/50x50/-/rotate/90/-/format/png/",
        size: |s| {
            let (w, h) = fitting(s, 50);
            (h, w)
        },
        from: |(u, v), _| Some((1.0 - v, u)),
        paint: plain,
        format: PNG,
    },
    Case {
        path: "-/rotate/270/-/crop/10x20/1,2/-/preview/-/format/png/",
        size: |_| (10, 20),
        from: |(u, v), (w, h)| Some(((v * 20.0 + 2.0) / f64::from(w), 1.0 - (u * 10.0 + 1.0) / f64::from(h))),
        paint: plain,
        format: PNG,
    },
    Case {
        path: "-/mirror/-/preview/40x40/-/format/png/",
        size: |s| fitting(s, 40),
        from: |(u, v), _| Some((1.0 - u, v)),
        paint: plain,
        format: PNG,
    },
    Case {
        path: "-/preview/40x40/-/flip/-/format/png/",
        size: |s| fitting(s, 40),
        from: |(u, v), _| Some((u, 1.0 - v)),
        paint: plain,
        format: PNG,
    },
    Case {
        path: "-/preview/40x40/-/grayscale/-/format/png/",
        size: |s| fitting(s, 40),
        from: same,
        paint: |[r, g, b]| [(299 * r + 587 * g + 114 * b) / 1_000; 3],
        format: PNG,
    },
    Case {
        path: "-/invert/-/preview/40x40/-/format/png/",
        size: |s| fitting(s, 40),
        from: same,
        paint: |color| color.map(|v| 255 - v),
        format: PNG,
    },
    Case {
        path: "-/preview/40x40/-/exposure/-100/-/format/png/",
        size: |s| fitting(s, 40),
        from: same,
        paint: |color| color.map(|v| v / 2),
        format: PNG,
    },
    Case {
        path: "-/setfill/102030/-/crop/120x120/center/-/preview/-/format/png/",
        size: |_| (120, 120),
        from: |(u, v), (w, h)| {
            let point = (
                (u * 120.0 - 60.0) / f64::from(w) + 0.5,
                (v * 120.0 - 60.0) / f64::from(h) + 0.5,
            );
            let inside = |at: f64| (0.0..=1.0).contains(&at);
            (inside(point.0) && inside(point.1)).then_some(point)
        },
        paint: plain,
        format: PNG,
    },
];

pub(crate) fn addresses() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|case| case.path)
}

fn check(source: &Source, case: &Case) {
    let name = format!("{} {}", source.name, case.path);
    let operations = Operations::parse(case.path).unwrap();
    let mut file = Cursor::new(&source.bytes);
    let result = run(&mut file, &operations, Accept::default(), &Limits::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let size = (case.size)((source.width, source.height));
    assert_eq!((result.width, result.height), size, "{name}");
    let auto = [ResultFormat::Jpeg, ResultFormat::Png];
    match case.format {
        Expected::Is(format) => assert_eq!(result.format, format, "{name}"),
        Expected::Auto if source.class.has_alpha() => assert_eq!(result.format, ResultFormat::Png, "{name}"),
        Expected::Auto => assert!(auto.contains(&result.format), "{name}"),
    }
    let image = image::load_from_memory(&result.bytes).unwrap();
    assert_eq!((image.width(), image.height()), size, "{name}");
    let png = image.color().has_alpha();
    assert!(!png || source.class.has_alpha(), "{name}: nothing is transparent");
    compare(&name, source, case, &image);
}

fn compare(name: &str, source: &Source, case: &Case, image: &DynamicImage) {
    let found = image.to_rgba8();
    let (width, height) = found.dimensions();
    let most = scene::tolerance(source.class) + if width < 20 { 10 } else { 0 };
    for at in 0..49 {
        let (column, row) = (1 + at % 7 * 2, 1 + at / 7 * 2);
        let (x, y) = (column * width / 15, row * height / 15);
        let point = (part(2 * x + 1, 2 * width), part(2 * y + 1, 2 * height));
        let Some((u, v)) = (case.from)(point, (source.width, source.height)) else {
            assert_eq!(found.get_pixel(x, y).0[..3], [0x10, 0x20, 0x30], "{name} at {x},{y}");
            continue;
        };
        // Nothing is certain about the edges.
        if (v - 0.5).abs() < 0.12 || !(0.06..0.94).contains(&u) || !(0.06..0.94).contains(&v) {
            continue;
        }
        let [r, g, b, alpha] = scene::at(source.class, u, v).map(i32::from);
        let painted = (case.paint)([r, g, b]);
        let pixel = found.get_pixel(x, y).0.map(i32::from);
        if image.color().has_alpha() {
            assert!(
                (pixel[3] - alpha).abs() <= 6,
                "{name} at {x},{y}: alpha {} for {alpha}",
                pixel[3]
            );
        }
        // Without transparency it is on white.
        let covering = if image.color().has_alpha() { 255 } else { alpha };
        for (found, painted) in pixel.into_iter().zip(painted) {
            let expected = (painted * covering + 255 * (255 - covering)) / 255;
            // Of what cannot be seen no colour is certain.
            let seen = alpha > 0 || covering < 255;
            let near = (found - expected).abs() <= most;
            assert!(
                near || !seen,
                "{name} at {x},{y}: {pixel:?} for {painted:?} by {covering}"
            );
        }
    }
}

#[test]
fn every_source_with_every_address_has_the_size_format_place_and_colours_that_it_says() {
    let sources = sources::all();
    assert!(sources.len() >= 60, "{}", sources.len());
    for source in &sources {
        for case in &CASES {
            check(source, case);
        }
    }
}

#[test]
fn sources_are_described_as_they_are_seen() {
    for source in sources::all() {
        let found = intake_images::describe(&mut Cursor::new(&source.bytes), &Limits::default()).unwrap();
        let (name, moves) = (&source.name, source.name.contains("moves"));
        assert_eq!((found.width, found.height), (source.width, source.height), "{name}");
        assert_eq!(found.format, source.format, "{name}");
        assert_eq!(found.sequence, (source.format != "TIFF").then_some(moves), "{name}");
        let number = name
            .split_once("orientation ")
            .map(|(_, number)| number.parse().unwrap());
        assert_eq!(found.orientation.filter(|_| number.is_some()), number, "{name}");
        if name.contains("CMYK") || name.contains("YCCK") {
            assert_eq!(found.color_mode, "CMYK");
        } else if source.class == Class::Gray && source.format != "BMP" {
            assert_eq!(found.color_mode, "L", "{name}");
        }
    }
}

#[test]
fn one_format_is_chosen_from_what_the_client_accepts_and_the_picture_is() {
    let sources = sources::all();
    let named = |name: &str| sources.iter().find(|source| source.name.starts_with(name)).unwrap();
    for (source, path, accept, expected) in [
        ("jpeg 4:2:0", "-/preview/", "image/webp,*/*", ResultFormat::Webp),
        ("jpeg 4:2:0", "-/preview/", "image/avif,image/*", ResultFormat::Jpeg),
        ("jpeg 4:2:0", "-/preview/", "image/webp;q=0,*/*", ResultFormat::Jpeg),
        ("png rgba", "-/preview/", "image/webp", ResultFormat::Webp),
        ("png rgba", "-/preview/", "", ResultFormat::Png),
        ("png rgb ", "-/preview/", "", ResultFormat::Jpeg),
        ("gif ", "-/preview/", "", ResultFormat::Png),
        (
            "png rgb ",
            "-/preview/-/format/preserve/",
            "image/webp",
            ResultFormat::Png,
        ),
        (
            "jpeg 4:2:0",
            "-/preview/-/format/preserve/",
            "image/webp",
            ResultFormat::Jpeg,
        ),
        (
            "webp 97",
            "-/preview/-/format/preserve/",
            "image/webp",
            ResultFormat::Jpeg,
        ),
        (
            "webp alpha",
            "-/preview/-/format/preserve/",
            "image/webp",
            ResultFormat::Png,
        ),
    ] {
        let operations = Operations::parse(path).unwrap();
        let mut file = Cursor::new(&named(source).bytes);
        let result = run(&mut file, &operations, Accept::of(accept), &Limits::default()).unwrap();
        assert_eq!(result.format, expected, "{source} {path} {accept}");
    }
}
