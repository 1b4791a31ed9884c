//! What every scanner keeps to.

use intake_core::testkit::{self, Sample};
use intake_plugin_svg::{SVG_EXTERNAL, SVG_HANDLER, SVG_SCRIPT, Svg, SvgNote};

use crate::{note, packed, svg};

#[tokio::test]
async fn it_keeps_to_what_every_scanner_keeps_to() {
    let long = svg(&"<g><path d='M0 0L1 1'/></g>".repeat(3000));
    let samples = [
        Sample::clean(long.clone()),
        Sample::clean(packed(long.as_bytes())),
        Sample::clean("Hello, world!"),
        Sample::clean(""),
        Sample::clean("<!DOCTYPE html><html><body onload='x'><script>x</script></body></html>"),
        Sample::refused(svg("<script/>"), SVG_SCRIPT),
        Sample::refused(packed(svg("<g onclick=''/>").as_bytes()), SVG_HANDLER),
        Sample::refused(
            long.replace("</svg>", "<image href='https://a.example/b'/></svg>"),
            SVG_EXTERNAL,
        ),
    ];
    testkit::scanner(Svg::default(), &samples).await;
}

#[tokio::test]
async fn the_size_is_noted_in_css_pixels() {
    let told = |width, height, view_box| {
        let mut note = SvgNote::default();
        (note.width, note.height, note.view_box) = (width, height, view_box);
        Some(note)
    };
    for (attributes, expected) in [
        ("", told(None, None, None)),
        (
            "width='16' height='24px' viewBox='0 0 16 24'",
            told(Some(16.0), Some(24.0), Some([0.0, 0.0, 16.0, 24.0])),
        ),
        ("width='1in' height='2.54cm'", told(Some(96.0), Some(96.0), None)),
        ("width='3pt' height='25.4mm'", told(Some(4.0), Some(96.0), None)),
        ("width='1pc' height='1e2'", told(Some(16.0), Some(100.0), None)),
        ("width='100%' height='2em' viewBox='0 0 1'", told(None, None, None)),
        (
            "width='nan' height='inf' viewBox='-1,-2, 3 4.5'",
            told(None, None, Some([-1.0, -2.0, 3.0, 4.5])),
        ),
        ("width='-1' height='1e999'", told(None, None, None)),
    ] {
        let content = format!("<svg xmlns='http://www.w3.org/2000/svg' {attributes}/>");
        assert_eq!(note(&content).await, expected, "{attributes}");
    }
    assert_eq!(note("<other width='1'/>").await, None);
}
