//! The size of SVG: that at which browsers show it as an image.

use intake_core::{Bytes, Coverage, Declared, HEAD_BYTES, Head, Report, Scanner, UploadInfo, Verdict};
use intake_plugin_image_info::ImageInfo;

use crate::{left_out, note, scan};

/// The size of a drawing whose root has these attributes, or why it is unknown.
async fn size(attributes: &str) -> Result<(u32, u32), String> {
    size_of(&format!(
        "<svg xmlns='http://www.w3.org/2000/svg' {attributes}><g/></svg>"
    ))
    .await
}

async fn size_of(document: &str) -> Result<(u32, u32), String> {
    let report = scan(&ImageInfo::default().refuse_unreadable(), document.as_bytes()).await;
    assert_eq!(report.verdict, Verdict::Accept, "{document}");
    match note(&report) {
        Some(note) => {
            assert_eq!(
                (note.format.as_str(), report.coverage),
                ("SVG", Coverage::Whole),
                "{document}"
            );
            assert_eq!((note.color_mode, note.sequence), (None, Some(false)), "{document}");
            Ok((note.width, note.height))
        }
        None => Err(left_out(&report).unwrap_or_default().to_owned()),
    }
}

/// Scans a document whose root is so far away that its first bytes do not show its type.
async fn scan_far(document: &str) -> Report {
    let (declared, content) = (Declared::default(), Bytes::copy_from_slice(document.as_bytes()));
    let head = Head::new(UploadInfo::new(&declared), &content[..HEAD_BYTES], None).if_type_may_change(true);
    let mut scan = ImageInfo::default()
        .refuse_unreadable()
        .open(&head)
        .await
        .expect("opens");
    for piece in content.chunks(1000) {
        let _verdict = scan.feed(&content.slice_ref(piece)).await.expect("feeds");
    }
    scan.finish().await.expect("a file is never a fault of the server")
}

async fn all(cases: &[(&str, (u32, u32))]) {
    for (attributes, expected) in cases {
        assert_eq!(size(attributes).await, Ok(*expected), "{attributes}");
    }
}

/// As `naturalWidth` and `naturalHeight` are in Chromium 156.
#[tokio::test]
async fn a_drawing_with_both_sides_has_that_size() {
    all(&[
        ("width='100' height='50'", (100, 50)),
        ("width='100px' height='50Px'", (100, 50)),
        ("width='1in' height='2.54cm'", (96, 96)),
        ("width='72pt' height='6pc'", (96, 96)),
        ("width='25.4mm' height='101.6Q'", (96, 96)),
        ("width=' 100 ' height='+50\t'", (100, 50)),
        ("width='1e2' height='.5E2'", (100, 50)),
        ("width='100.5' height='50.4'", (101, 50)),
        ("width='1.4999' height='0.5'", (1, 1)),
        ("width='100' height='50' viewBox='0 0 1 1'", (100, 50)),
        ("width='100' height='50' viewBox='none'", (100, 50)),
        ("width='100' height='50' preserveAspectRatio='none'", (100, 50)),
        ("width='100' height='50' style='width:10px;height:20px'", (100, 50)),
        ("width='1em' height='1em' viewBox='0 0 24 24'", (16, 16)),
        ("width='10em' height='5e1rem'", (160, 800)),
        ("width='33554428' height='20'", (33_554_428, 20)),
    ])
    .await;
}

/// As above.
#[tokio::test]
async fn a_side_that_is_missing_follows_from_the_shape_and_else_is_that_of_browsers() {
    all(&[
        ("", (300, 150)),
        ("width='100'", (100, 150)),
        ("height='100'", (300, 100)),
        ("width='100%' height='100%'", (300, 150)),
        ("width='100' height='50%'", (100, 150)),
        ("width='-5%' height='50'", (300, 50)),
        ("style='width:10px;height:20px'", (300, 150)),
        ("WIDTH='100' HEIGHT='50'", (300, 150)),
        (
            "s:width='100' xmlns:s='http://www.w3.org/2000/svg' height='50'",
            (300, 50),
        ),
        ("viewBox='0 0 100 100'", (150, 150)),
        ("viewBox='0 0 24 24' width='100%' height='100%'", (150, 150)),
        ("viewBox='0 0 400 100'", (300, 75)),
        ("viewBox='0 0 1000 2000'", (75, 150)),
        ("viewBox='0 0 300 150.5'", (299, 150)),
        ("viewBox='0 0 30 20' style='width:30mm'", (225, 150)),
        ("viewBox=' 0 ,0,100\t100 '", (150, 150)),
        ("viewBox='-1-1 .5.5'", (150, 150)),
        ("viewBox='0 0 200 100' width='100'", (100, 50)),
        ("viewBox='0 0 200 100' height='100'", (200, 100)),
        ("viewBox='0 0 200 100' width='100%' height='100'", (200, 100)),
        ("viewBox='0 0 7 3' width='100'", (100, 43)),
        ("viewBox='0 0 3 1' width='100.6'", (101, 34)),
    ])
    .await;
}

/// As above.
#[tokio::test]
async fn what_is_no_length_and_no_shape_is_as_if_it_were_not_there() {
    all(&[
        ("width='abc' height='50'", (300, 50)),
        ("width='' height='50'", (300, 50)),
        ("width='auto' height='inherit'", (300, 150)),
        ("width='100 px' height='50'", (300, 50)),
        ("width='100.' height='5px;'", (300, 150)),
        ("width='+-5' height='50'", (300, 50)),
        ("width='NaN' height='50'", (300, 50)),
        ("width='inf' height='50'", (300, 50)),
        ("width='50e' height='5em'", (300, 80)),
        ("viewBox='0 0 100'", (300, 150)),
        ("viewBox='0 0 100 100 5'", (300, 150)),
        ("viewBox='0 0 100 100,'", (300, 150)),
        ("viewBox=',0 0 100 100'", (300, 150)),
        ("viewBox='0,,0 100 100'", (300, 150)),
        ("viewBox='0 0 0 100'", (300, 150)),
        ("viewBox='0 0 -100 100'", (300, 150)),
        ("viewBox='0 0 100px 100px'", (300, 150)),
        ("viewBox='0 0 1e1000 5'", (300, 150)),
        ("viewBox='0 0 100 100' preserveAspectRatio='none'", (300, 150)),
        ("viewBox='0 0 100 100' preserveAspectRatio=' none meet '", (300, 150)),
        ("viewBox='0 0 100 100' preserveAspectRatio='xMidYMid slice'", (150, 150)),
        (
            "viewBox='0 0 100 100' preserveAspectRatio='none' height='40'",
            (300, 150),
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_size_that_nobody_knows_without_showing_the_drawing_is_not_noted() {
    for (attributes, why) in [
        // Chromium takes the size of an `x`, of a zero, of a window without a size, and counts.
        ("width='5ex' height='5'", "its size depends on where it is shown"),
        ("width='5rch' height='5'", "its size depends on where it is shown"),
        ("width='5vw' height='5'", "its size depends on where it is shown"),
        ("width='5DVH' height='5'", "its size depends on where it is shown"),
        ("width='5cqmin' height='5'", "its size depends on where it is shown"),
        (
            "width='calc(1px + 1px)' height='5'",
            "its size depends on where it is shown",
        ),
        ("width='1em' height='1em' font-size='30'", "its size depends on a font"),
        (
            "width='1em' height='1em' style='font-size:30px'",
            "its size depends on a font",
        ),
        ("width='&w;' height='5'", "its size is in an entity"),
        ("viewBox='0 0 &#49; 1'", "its size is in an entity"),
        // Chromium shows nothing of these, or its own limit.
        ("width='0' height='50'", "it is smaller than a pixel"),
        ("width='-5' height='50'", "it is smaller than a pixel"),
        ("width='0.49' height='50'", "it is smaller than a pixel"),
        ("viewBox='0 0 3 1000'", "it is smaller than a pixel"),
        ("width='1e10' height='50'", "it is larger than browsers draw"),
        ("width='1e400' height='50'", "it is larger than browsers draw"),
    ] {
        let expected = format!("the image cannot be read: {why}");
        assert_eq!(size(attributes).await, Err(expected), "{attributes}");
    }
}

#[tokio::test]
async fn what_no_browser_shows_as_an_image_has_no_size() {
    let long = "a".repeat(9 * 1024);
    for (document, expected) in [
        (
            "<s:svg xmlns:s='http://www.w3.org/2000/svg' width='3' height='2'/>".to_owned(),
            Ok((3, 2)),
        ),
        ("<svg xmlns='&ns_svg;' width='3' height='2'/>".to_owned(), Ok((3, 2))),
        (
            format!("<svg xmlns='http://www.w3.org/2000/svg' content='{long}' width='3' height='2'/>"),
            Ok((3, 2)),
        ),
        (
            "<svg width='3' height='2'/>".to_owned(),
            Err("it is not in the namespace of SVG"),
        ),
        (
            "<svg xmlns='HTTP://www.w3.org/2000/svg'/>".to_owned(),
            Err("it is not in the namespace of SVG"),
        ),
        (
            "<svg xmlns='http://www.w3.org/2000/svg' width=3 />".to_owned(),
            Err("the first tag is broken"),
        ),
        (
            "<svg xmlns='http://www.w3.org/2000/svg' width='3".to_owned(),
            Err("the first tag is broken"),
        ),
    ] {
        let size = size_of(&document).await;
        match (&size, expected) {
            (Ok(size), Ok(expected)) => assert_eq!(*size, expected, "{document}"),
            (Err(why), Err(expected)) => assert!(why.contains(expected), "{document}: {why}"),
            _ => panic!("{document}: {size:?}"),
        }
    }
}

#[tokio::test]
async fn a_root_is_found_behind_much_else_and_a_page_is_no_drawing() {
    let long = "a".repeat(HEAD_BYTES);
    let drawing = format!("<!--{long}--><svg xmlns='http://www.w3.org/2000/svg' width='3' height='2'/>");
    let report = scan_far(&drawing).await;
    let size = note(&report).map(|note| (note.width, note.height));
    assert_eq!((size, report.coverage), (Some((3, 2)), Coverage::Whole));
    for other in [format!("<!--{long}--><html/>"), format!("<!--{long}")] {
        let report = scan_far(&other).await;
        assert_eq!((note(&report), report.coverage), (None, Coverage::Whole));
    }
}
