//! Images after operations.

use std::io::Cursor;

use futures_util::future::join_all;
use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use intake_core::Retention;
use intake_delivery::Settings;

use crate::support::{Answer, Host};

/// A picture without a flat place, so that results differ.
pub fn photo(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let pixel = |x: u32, y: u32| Rgb([(x % 256) as u8, (y % 256) as u8, ((x * y) % 256) as u8]);
    RgbImage::from_fn(width, height, pixel)
        .write_to(&mut bytes, format)
        .unwrap();
    bytes.into_inner()
}

pub fn drawing(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = RgbaImage::from_pixel(width, height, Rgba([200, 0, 0, 100]));
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

pub fn size(answer: &Answer) -> (u32, u32) {
    let picture = image::load_from_memory(&answer.body).unwrap();
    (picture.width(), picture.height())
}

#[tokio::test]
async fn the_addresses_of_official_clients_are_answered_with_images() {
    let host = Host::new();
    let jpeg = host.upload("cat.jpg", photo(ImageFormat::Jpeg, 300, 200)).await.id;
    let png = host.upload("logo.png", drawing(300, 200)).await.id;
    const CLIB: &str = "-/@clib/blinkloader/2.0.0/uc-img/";
    for (id, operations, media_type, expected) in [
        (
            jpeg,
            "-/scale_crop/100x100/center/-/stretch/off/",
            "image/jpeg",
            (100, 100),
        ),
        (jpeg, "-/preview/100x100/", "image/jpeg", (100, 67)),
        (jpeg, "-/preview/", "image/jpeg", (300, 200)),
        (jpeg, "-/crop/50x40/10,20/-/preview/", "image/jpeg", (50, 40)),
        (
            jpeg,
            "-/resize/150x/-/stretch/off/-/quality/lightest/-/format/auto/-/progressive/yes/",
            "image/jpeg",
            (150, 100),
        ),
        (
            jpeg,
            "-/preview/-/brightness/20/-/saturation/-40/-/mirror/-/rotate/90/",
            "image/jpeg",
            (200, 300),
        ),
        (jpeg, "-/preview/60x60/-/format/png/", "image/png", (60, 40)),
        (jpeg, "-/preview/60x60/-/format/webp/", "image/webp", (60, 40)),
        (png, "-/preview/100x100/", "image/png", (100, 67)),
        (png, "-/preview/100x100/-/format/jpeg/", "image/jpeg", (100, 67)),
        (png, "-/scale_crop/30x30/center/", "image/png", (30, 30)),
    ] {
        for end in ["", CLIB, "name.any"] {
            let answer = host.get(&format!("/{id}/{operations}{end}")).await;
            assert_eq!(
                answer.status,
                200,
                "{operations}{end}: {}",
                String::from_utf8_lossy(&answer.body)
            );
            assert_eq!(answer.header("content-type"), media_type, "{operations}{end}");
            assert_eq!(size(&answer), expected, "{operations}{end}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert!(answer.header("content-security-policy").contains("sandbox"));
            assert!(answer.header("content-disposition").starts_with("inline"));
        }
    }
}

#[tokio::test]
async fn a_result_is_asked_for_again_by_its_tag_and_named_by_its_format() {
    let host = Host::new();
    let id = host.upload("cat.png", photo(ImageFormat::Png, 40, 30)).await.id;
    let path = format!("/{id}/-/preview/20x20/");
    let webp = [("accept", "image/webp,*/*")];
    let answer = host.ask("GET", &path, &webp).await;
    assert_eq!(answer.header("content-type"), "image/webp");
    assert_eq!(answer.header("vary"), "Accept");
    assert_eq!(answer.header("content-disposition"), "inline; filename=\"cat.webp\"");
    let tag = answer.header("etag").to_owned();
    let other = host.get(&path).await;
    assert_ne!(other.header("etag"), tag, "another format is another result");
    let again = host.ask("GET", &path, &[webp[0], ("if-none-match", &tag)]).await;
    assert_eq!(
        (again.status, again.header("etag"), again.header("vary")),
        (304, &*tag, "Accept")
    );
    let head = host.ask("HEAD", &path, &webp).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), answer.body.len().to_string());
    let part = host.ask("GET", &path, &[webp[0], ("range", "bytes=0-1")]).await;
    assert_eq!((part.status, part.body), (200, answer.body));
    let fixed = host.get(&format!("/{id}/-/preview/20x20/-/format/png/")).await;
    assert_eq!(fixed.header("vary"), "");
    let saved = host.get(&format!("/{id}/-/preview/20x20/-/inline/no/")).await;
    assert!(saved.header("content-disposition").starts_with("attachment"));
}

#[tokio::test]
async fn an_image_is_described_with_its_id() {
    let host = Host::new();
    let id = host.upload("cat.png", photo(ImageFormat::Png, 40, 30)).await.id;
    let twin = host.upload("twin.png", photo(ImageFormat::Png, 40, 30)).await.id;
    for id in [id, twin] {
        let answer = host.get(&format!("/{id}/-/json/")).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "application/json")
        );
        let described: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(described["id"], id.to_string());
        assert_eq!((&described["width"], &described["height"]), (&40.into(), &30.into()));
        assert_eq!(described["format"], "PNG");
    }
}

#[tokio::test]
async fn what_cannot_be_processed_is_said_and_costs_no_more() {
    let settings = Settings::default().with(|settings| settings.max_image_size = 3000);
    let host = Host::with(|builder| builder, settings);
    let text = host.upload("a.txt", "no image").await.id;
    let svg = host
        .upload(
            "a.svg",
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"4\" height=\"4\"/>",
        )
        .await
        .id;
    let large = host.upload("large.png", photo(ImageFormat::Png, 300, 200)).await.id;
    let mut broken = photo(ImageFormat::Png, 20, 20);
    broken.truncate(broken.len() / 2);
    let broken = host.upload("broken.png", broken).await.id;
    let small = host.upload("small.png", photo(ImageFormat::Png, 10, 10)).await.id;
    for (id, operations, status, said) in [
        (text, "-/preview/", 400, "Not an image."),
        (svg, "-/preview/", 400, "Not an image."),
        (text, "-/json/", 400, "Not an image."),
        (large, "-/preview/", 422, "too large"),
        (broken, "-/preview/", 422, "damaged"),
        (small, "-/preview/-/smart_resize/5x5/", 400, "smart_resize"),
        (small, "-/rotate/90/", 400, "Not possible"),
    ] {
        let answer = host.get(&format!("/{id}/{operations}")).await;
        assert_eq!(answer.status, status, "{operations}: {}", answer.text());
        assert!(answer.text().contains(said), "{operations}: {}", answer.text());
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn a_result_is_no_longer_given_out_once_its_file_is_deleted() {
    let host = Host::new();
    let id = host.upload("cat.png", photo(ImageFormat::Png, 40, 30)).await.id;
    host.pipeline.keep(id, Retention::Keep).await.unwrap();
    let path = format!("/{id}/-/preview/20x20/");
    assert_eq!(host.get(&path).await.status, 200);
    host.pipeline.delete(id).await.unwrap();
    assert_eq!(host.get(&path).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_who_ask_for_one_result_cost_one_reading_of_the_image() {
    // Room for one: a second computation would be refused.
    let settings = Settings::default().with(|settings| {
        settings.max_queued_images = 1;
        settings.max_concurrent_requests = 2000;
        settings.image_cache = 0;
    });
    let host = Host::with(|builder| builder, settings);
    let id = host.upload("cat.png", photo(ImageFormat::Png, 600, 400)).await.id;
    let path = format!("/{id}/-/preview/200x200/");
    let answers = join_all((0..1000).map(|_| host.get(&path))).await;
    let first = &answers[0];
    assert_eq!(first.status, 200);
    let same = answers
        .iter()
        .filter(|answer| answer.status == 200 && answer.body == first.body)
        .count();
    assert_eq!(same, 1000, "the others were refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_images_than_may_wait_are_told_to_come_again() {
    let settings = Settings::default().with(|settings| {
        settings.max_queued_images = 1;
        settings.image_cache = 0;
    });
    let host = Host::with(|builder| builder, settings);
    let id = host.upload("cat.png", photo(ImageFormat::Png, 600, 400)).await.id;
    let asked = (1..40).map(|side| {
        let path = format!("/{id}/-/preview/{}x{}/", side * 10, side * 10);
        let host = &host;
        async move { host.get(&path).await }
    });
    let answers = join_all(asked).await;
    assert!(answers.iter().any(|answer| answer.status == 200));
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!((answer.status, answer.header("retry-after")), (429, "5"));
    }
}
