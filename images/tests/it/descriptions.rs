//! What `-/json/` answers.

use std::io::Cursor;

use exif::experimental::Writer;
use exif::{Field, In, Rational, Tag, Value};
use intake_images::{Accept, Limits, Operations, describe, run};
use jpeg_encoder::ColorType;
use serde_json::json;

use crate::sources;

/// EXIF data of a phone.
fn of_a_phone() -> Vec<u8> {
    let fractions =
        |values: &[u32]| Value::Rational(values.iter().map(|num| Rational { num: *num, denom: 1 }).collect());
    let text = |text: &str| Value::Ascii(vec![text.as_bytes().to_vec()]);
    let fields = [
        (Tag::Orientation, Value::Short(vec![6])),
        (Tag::XResolution, fractions(&[300])),
        (Tag::YResolution, fractions(&[300])),
        (Tag::ResolutionUnit, Value::Short(vec![2])),
        (Tag::DateTimeOriginal, text("2024:02:29 12:34:56")),
        (Tag::GPSLatitudeRef, text("S")),
        (Tag::GPSLatitude, fractions(&[33, 30, 36])),
        (Tag::GPSLongitudeRef, text("E")),
        (Tag::GPSLongitude, fractions(&[151, 12, 0])),
    ];
    let fields = fields.map(|(tag, value)| Field {
        tag,
        ifd_num: In::PRIMARY,
        value,
    });
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut data = Cursor::new(Vec::new());
    writer.write(&mut data, false).unwrap();
    data.into_inner()
}

fn photo() -> Vec<u8> {
    sources::jpeg(&[99; 96], (8, 4), ColorType::Rgb, |encoder| {
        encoder.add_exif_metadata(&of_a_phone()).unwrap();
    })
}

#[test]
fn a_description_has_the_fields_of_the_service_and_the_size_as_it_is_seen() {
    let found = describe(&mut Cursor::new(photo()), &Limits::default()).unwrap();
    let expected = json!({
        "format": "JPEG",
        "width": 4,
        "height": 8,
        "sequence": false,
        "dpi": [300, 300],
        "color_mode": "RGB",
        "orientation": 6,
        "geo_location": { "latitude": -33.51, "longitude": 151.2 },
        "datetime_original": "2024-02-29T12:34:56",
    });
    assert_eq!(serde_json::to_value(found).unwrap(), expected);
}

#[test]
fn results_say_nothing_about_the_sender_unless_the_address_asks_for_it() {
    for (path, keeps) in [
        ("-/preview/-/format/jpeg/", false),
        ("-/preview/-/format/png/", false),
        ("-/preview/-/format/webp/-/strip_meta/none/", false),
        ("-/preview/-/format/jpeg/-/strip_meta/sensitive/", false),
        ("-/preview/-/format/jpeg/-/strip_meta/none/", true),
        ("-/preview/-/format/png/-/strip_meta/none/", true),
    ] {
        let operations = Operations::parse(path).unwrap();
        let result = run(
            &mut Cursor::new(photo()),
            &operations,
            Accept::default(),
            &Limits::default(),
        )
        .unwrap();
        let found = describe(&mut Cursor::new(&result.bytes), &Limits::default()).unwrap();
        assert_eq!(found.geo_location.is_some(), keeps, "{path}");
        assert_eq!(found.datetime_original.is_some(), keeps, "{path}");
        // The pixels are turned already: a reader must not turn them again.
        assert_eq!((found.width, found.height), (4, 8), "{path}");
        assert_eq!(found.orientation, keeps.then_some(1), "{path}");
    }
}
