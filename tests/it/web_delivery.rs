//! What the official web component shows of files, and does with them, at this server: thumbnails, its image editor, groups.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::origin::Origin;
use crate::support::{Answer, Server};
use crate::web::{Page, ours};

/// Where pictures of the page are left for people who look at them after a run, and how their names begin.
fn screenshots(test: &str) -> String {
    let folder = std::env::var_os("INTAKE_TEST_ARTEFACTS").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots"),
        PathBuf::from,
    );
    std::fs::create_dir_all(&folder).unwrap();
    let beginning = std::path::absolute(folder).unwrap().join(format!("{test}-"));
    beginning.to_str().unwrap().to_owned()
}

/// A server that gives files out, and writes their addresses into its answers.
fn delivering() -> Server {
    crate::signed::server(&Origin::start(), &[("INTAKE_DELIVERY__CACHE", "1h")])
}

/// The path of an address of this server.
fn path_of<'a>(server: &Server, address: &'a str) -> &'a str {
    let path = address.strip_prefix(&format!("http://{}", server.address));
    path.unwrap_or_else(|| panic!("{address} is not of this server"))
}

/// A picture that is dark at the left, light at the right, and of two colours.
fn picture(server: &Server) -> PathBuf {
    let path = server.dir.path().join("harbour.png");
    let picture = image::RgbImage::from_fn(600, 400, |x, y| {
        let light = 30 + (x * 180 / 600) as u8;
        let blue = if y < 200 { 200 } else { 60 };
        image::Rgb([light, light, blue])
    });
    picture.save(&path).unwrap();
    path
}

/// The image at an address that the component made.
fn opened(server: &Server, address: &str) -> image::RgbImage {
    let answer: Answer = server.get(&format!("{}-/format/png/", path_of(server, address)));
    assert_eq!(answer.status, 200, "{}", answer.text());
    image::load_from_memory(&answer.body).unwrap().into_rgb8()
}

/// All that the page asked for of files was there, and scripts of other pages may read it.
fn all_delivered(done: &Value) -> &[Value] {
    let delivered = done["delivered"].as_array().unwrap();
    for answer in delivered {
        assert_eq!(answer["status"], 200, "{answer}");
        assert_eq!(answer["allowed"], "*", "{answer}");
    }
    delivered
}

#[test]
fn the_component_shows_thumbnails_and_edits_images_that_this_server_makes() {
    let server = delivering();
    let page = Page::before(&server, "new secret");
    let done = page.upload(&json!({
        "files": [picture(&server)],
        "thumbnails": 1,
        "edit": "turn",
        "screenshots": screenshots("turn"),
    }));
    let thumbnail = done["thumbnails"][0].as_str().unwrap();
    assert!(thumbnail.contains("/-/scale_crop/76x76/center/"), "{thumbnail}");
    path_of(&server, thumbnail);
    let edited = done["edited"].as_str().unwrap();
    assert!(
        edited.ends_with("/-/enhance/40/-/brightness/40/-/mirror/-/rotate/90/-/preview/"),
        "{edited}"
    );
    let result = opened(&server, edited);
    assert_eq!(result.dimensions(), (400, 600));
    // Mirrored, what was light is at the left; turned counter-clockwise, that is at the bottom.
    assert!(result.get_pixel(50, 590)[0] > result.get_pixel(50, 10)[0] + 100);
    let described = all_delivered(&done)
        .iter()
        .filter(|answer| answer["type"] == "application/json");
    assert_eq!(described.count(), 1, "the editor reads the size of the image once");
    assert_eq!(done["hosts"], ours(&server, &page));
    assert_eq!(done["blocked"], json!([]));
}

#[test]
fn what_a_visitor_cuts_out_in_the_editor_has_that_size_at_this_server() {
    let server = delivering();
    let page = Page::before(&server, "new secret");
    let done = page.upload(&json!({
        "files": [picture(&server)],
        "thumbnails": 1,
        "edit": "crop",
        "screenshots": screenshots("crop"),
    }));
    let edited = done["edited"].as_str().unwrap();
    let (_, crop) = edited.split_once("/-/crop/").expect(edited);
    let (size, _) = crop.split_once('/').unwrap();
    let result = opened(&server, edited);
    assert_eq!(format!("{}x{}", result.width(), result.height()), size);
    // The visitor drags the corner to the middle, as far as whole pixels of the screen allow.
    assert!(
        result.width().abs_diff(300) <= 10 && result.height().abs_diff(200) <= 10,
        "{edited}"
    );
    // The quarter at the top left is dark, and of one colour, but for what was dragged too far.
    let (width, height) = (result.width().min(290), result.height().min(190));
    let quarter = image::imageops::crop_imm(&result, 0, 0, width, height).to_image();
    assert!(
        quarter.pixels().all(|pixel| pixel[0] < 140 && pixel[2] > 150),
        "{edited}"
    );
    all_delivered(&done);
}

#[test]
fn every_slider_of_the_editor_shows_an_image_of_this_server() {
    let server = delivering();
    let page = Page::before(&server, "new secret");
    let done = page.upload(&json!({
        "files": [picture(&server)],
        "thumbnails": 1,
        "edit": "sliders",
        "screenshots": screenshots("sliders"),
    }));
    let edited = done["edited"].as_str().unwrap();
    let tuned = "/-/exposure/50/-/gamma/50/-/contrast/50/-/saturation/50/-/vibrance/50/-/warmth/50/-/preview/";
    assert!(edited.ends_with(tuned), "{edited}");
    assert_eq!(opened(&server, edited).dimensions(), (600, 400));
    all_delivered(&done);
}

#[test]
fn the_editor_says_that_a_filter_does_not_load_and_the_answer_says_why() {
    let server = delivering();
    let page = Page::before(&server, "new secret");
    let done = page.upload(&json!({
        "files": [picture(&server)],
        "thumbnails": 1,
        "settings": {"cloudImageEditorTabs": "crop, tuning, filters"},
        "edit": "filter",
        "screenshots": screenshots("filters"),
    }));
    let delivered = done["delivered"].as_array().unwrap().iter();
    let refused: Vec<_> = delivered.filter(|answer| answer["status"] != 200).collect();
    assert!(!refused.is_empty(), "{done}");
    for answer in refused {
        let answer = server.get(path_of(&server, answer["url"].as_str().unwrap()));
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains("filter"), "{}", answer.text());
    }
}

#[test]
fn a_group_of_the_component_opens_at_this_server_and_only_its_image_has_a_thumbnail() {
    let server = delivering();
    let page = Page::before(&server, "new secret");
    let text = server.dir.path().join("notes.txt");
    std::fs::write(&text, "no image").unwrap();
    let done = page.upload(&json!({
        "files": [picture(&server), text],
        "thumbnails": 1,
        "group": true,
        "screenshots": screenshots("group"),
    }));
    let group = path_of(&server, done["group"].as_str().unwrap()).to_owned();
    assert!(group.ends_with("~2/"), "{group}");
    let answers = [0, 1].map(|place| server.get(&format!("{group}nth/{place}/")));
    let mut types: Vec<_> = answers
        .iter()
        .map(|answer| answer.header("content-type").unwrap())
        .collect();
    types.sort_unstable();
    assert_eq!(types, ["image/png", "text/plain"]);
    let delivered = all_delivered(&done);
    assert!(!delivered.is_empty());
    for answer in delivered {
        assert!(answer["type"].as_str().unwrap().starts_with("image/"), "{answer}");
    }
    assert_eq!(done["hosts"], ours(&server, &page));
}

#[test]
fn the_component_shows_and_edits_files_that_open_with_tokens_of_the_page_only() {
    const SECRET: &str = "00112233445566778899aabbccddeeff";
    let signed = [
        ("INTAKE_DELIVERY__CACHE", "1h"),
        ("INTAKE_PROJECTS__0__DELIVERY", "signed"),
        (
            "INTAKE_PROJECTS__0__DELIVERY_SECRETS",
            &format!("[{{ name = \"page\", secret = \"{SECRET}\" }}]"),
        ),
    ];
    let server = crate::signed::server(&Origin::start(), &signed);
    let variables = [("INTAKE_SECRET_KEY", "new secret"), ("INTAKE_DELIVERY_SECRET", SECRET)];
    let page = Page::start(&server, "signed", &variables);
    let done = page.upload(&json!({
        "files": [picture(&server)],
        "thumbnails": 1,
        "edit": "turn",
        "screenshots": screenshots("private"),
    }));
    let thumbnail = done["thumbnails"][0].as_str().unwrap();
    assert!(thumbnail.contains("/?token=exp="), "{thumbnail}");
    // The token is for the page's visitor: the address that the page keeps has none.
    let edited = done["edited"].as_str().unwrap();
    assert!(!edited.contains("token"), "{edited}");
    assert_eq!(server.get(path_of(&server, edited)).status, 403);
    all_delivered(&done);
    assert_eq!(done["hosts"], ours(&server, &page));
}

#[test]
fn the_example_works_with_its_own_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("intake-data");
    let config = std::fs::read_to_string("examples/web/intake.toml").unwrap();
    let config = config
        .replace("\"127.0.0.1:8080\"", "\"127.0.0.1:0\"\nadmin = \"off\"")
        .replace("intake-data", data.to_str().unwrap());
    let variables = [("INTAKE_SECRET_KEY", "of the page")];
    let server = Server::start_in(dir, &config, &variables);
    let page = Page::start(&server, "demopublickey", &variables);
    let done =
        page.upload(&json!({"files": [picture(&server)], "thumbnails": 1, "screenshots": screenshots("example")}));
    assert_eq!(done["uploads"][0]["outcome"], "uploaded", "{done}");
    all_delivered(&done);
}
