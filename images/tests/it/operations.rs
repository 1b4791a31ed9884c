//! Operations in addresses: what is read, what it is called in caches, and what is refused with which words.

use intake_images::{MAX_LENGTH, MAX_OPERATIONS, Metadata, Operations, OutputFormat, Quality};

/// What is written, and its canonical text.
const READ: &[(&str, &str)] = &[
    ("", ""),
    ("-/", ""),
    ("-/@clib/@uploadcare/file-uploader/1.33.2/uc-file-uploader-regular/", ""),
    ("-/inline/yes/", ""),
    ("-/inline/", ""),
    ("-/json/", ""),
    ("-/preview/", "-/preview/2048x2048/"),
    ("/-/preview", "-/preview/2048x2048/"),
    ("preview/10x20", "-/preview/10x20/"),
    ("-/resize/500x/", "-/resize/500x/"),
    ("-/resize/0500x/", "-/resize/500x/"),
    ("-/resize/x7/", "-/resize/x7/"),
    ("-/resize/5000x5000/", "-/resize/5000x5000/"),
    ("-/scale_crop/50x60/", "-/scale_crop/50x60/0p,0p/"),
    ("-/scale_crop/50x60/center/", "-/scale_crop/50x60/50p,50p/"),
    ("-/scale_crop/50x60/50p,50p/", "-/scale_crop/50x60/50p,50p/"),
    ("-/scale_crop/50x60/right/", "-/scale_crop/50x60/100p,50p/"),
    ("-/crop/5x6/-/preview/", "-/crop/5x6/0p,0p/-/preview/2048x2048/"),
    ("-/crop/5x6/7,8/-/preview/1x1/", "-/crop/5x6/7,8/-/preview/1x1/"),
    (
        "-/crop/50px60p/bottom/-/preview/1x1/",
        "-/crop/50px60p/50p,100p/-/preview/1x1/",
    ),
    ("-/crop/16:10/top/-/preview/1x1/", "-/crop/8:5/50p,0p/-/preview/1x1/"),
    ("-/preview/1x1/-/crop/5x6/", "-/preview/1x1/-/crop/5x6/0p,0p/"),
    ("-/stretch/off/-/resize/9x/", "-/stretch/off/-/resize/9x/"),
    ("-/setfill/FfEeDd/-/preview/1x1/", "-/setfill/ffeeddff/-/preview/1x1/"),
    ("-/setfill/ffeedd80/-/preview/1x1/", "-/setfill/ffeedd80/-/preview/1x1/"),
    ("-/preview/1x1/-/format/auto/-/quality/normal/", "-/preview/1x1/"),
    ("-/format/png/-/preview/1x1/", "-/preview/1x1/-/format/png/"),
    (
        "-/format/png/-/preview/1x1/-/format/webp/",
        "-/preview/1x1/-/format/webp/",
    ),
    (
        "-/quality/smart_retina/-/preview/1x1/",
        "-/preview/1x1/-/quality/smart_retina/",
    ),
    ("-/preview/1x1/-/progressive/yes/", "-/preview/1x1/-/progressive/yes/"),
    ("-/preview/1x1/-/progressive/no/", "-/preview/1x1/"),
    ("-/preview/1x1/-/strip_meta/all/", "-/preview/1x1/"),
    ("-/preview/1x1/-/strip_meta/sensitive/", "-/preview/1x1/"),
    ("-/preview/1x1/-/strip_meta/none/", "-/preview/1x1/-/strip_meta/none/"),
    ("-/autorotate/no/-/preview/1x1/", "-/preview/1x1/-/autorotate/no/"),
    ("-/preview/1x1/-/rotate/90/", "-/preview/1x1/-/rotate/90/"),
    ("-/preview/1x1/-/rotate/450/", "-/preview/1x1/-/rotate/90/"),
    ("-/preview/1x1/-/rotate/-90/", "-/preview/1x1/-/rotate/270/"),
    ("-/preview/1x1/-/rotate/0/", "-/preview/1x1/"),
    ("-/preview/1x1/-/effect/flip/", "-/preview/1x1/-/flip/"),
    ("-/preview/1x1/-/mirror/-/flip/", "-/preview/1x1/-/mirror/-/flip/"),
    (
        "-/grayscale/-/invert/-/preview/1x1/",
        "-/grayscale/-/invert/-/preview/1x1/",
    ),
    ("-/preview/1x1/-/brightness/-100/", "-/preview/1x1/-/brightness/-100/"),
    ("-/preview/1x1/-/exposure/500/", "-/preview/1x1/-/exposure/500/"),
    ("-/preview/1x1/-/gamma/100/", "-/preview/1x1/"),
    ("-/preview/1x1/-/contrast/007/", "-/preview/1x1/-/contrast/7/"),
    ("-/preview/1x1/-/saturation/-0/", "-/preview/1x1/"),
    ("-/preview/1x1/-/vibrance/-1/", "-/preview/1x1/-/vibrance/-1/"),
    ("-/preview/1x1/-/warmth/1/", "-/preview/1x1/-/warmth/1/"),
    ("-/preview/1x1/-/enhance/", "-/preview/1x1/-/enhance/50/"),
    ("-/preview/1x1/-/enhance/100/", "-/preview/1x1/-/enhance/100/"),
    ("-/preview/1x1/-/enhance/0/", "-/preview/1x1/"),
    ("-/preview/1x1/-/blur/", "-/preview/1x1/-/blur/10/100/"),
    ("-/preview/1x1/-/blur/20/-50/", "-/preview/1x1/-/blur/20/-50/"),
    ("-/preview/1x1/-/blur/0/", "-/preview/1x1/"),
    ("-/preview/1x1/-/sharp/", "-/preview/1x1/-/sharp/5/"),
    (
        "-/preview/1x1/-/border_radius/5/",
        "-/preview/1x1/-/border_radius/5,5,5,5/5,5,5,5/",
    ),
    (
        "-/preview/1x1/-/border_radius/5,10p/7/",
        "-/preview/1x1/-/border_radius/5,10p,5,10p/7,7,7,7/",
    ),
];

/// What is written, the code of its refusal, and words of it.
const REFUSED: &[(&str, &str, &str)] = &[
    ("-/sepia/", "image_operation_unknown", "no operation sepia"),
    (
        "-/preview/-//-/flip/",
        "image_operation_unknown",
        "no operation of that name",
    ),
    ("-/<b>\n/", "image_operation_unknown", "no operation of that name"),
    ("-/Preview/", "image_operation_unknown", "Preview"),
    ("-/smart_resize/1x1/", "image_operation_unsupported", "smart_resize"),
    (
        "-/scale_crop/1x1/smart/",
        "image_operation_unsupported",
        "scale_crop/WxH/smart",
    ),
    (
        "-/scale_crop/1x1/smart_faces_points/",
        "image_operation_unsupported",
        "scale_crop/WxH/smart",
    ),
    ("-/crop/faces/", "image_operation_unsupported", "crop/TAG"),
    ("-/crop/image/1:1/center/", "image_operation_unsupported", "crop/TAG"),
    ("-/zoom_objects/5/", "image_operation_unsupported", "zoom_objects"),
    ("-/text/1x1/1,1/hello/", "image_operation_unsupported", "text"),
    ("-/text_align/left/top/", "image_operation_unsupported", "text_align"),
    ("-/rect/ff0000/1x1/1,1/", "image_operation_unsupported", "rect"),
    ("-/filter/adaris/", "image_operation_unsupported", "filter"),
    ("-/overlay/self/", "image_operation_unsupported", "overlay"),
    ("-/rasterize/", "image_operation_unsupported", "rasterize"),
    ("-/gif2video/", "image_operation_unsupported", "gif2video"),
    ("-/detect_faces/", "image_operation_unsupported", "detect_faces"),
    ("-/videoframe/", "image_operation_unsupported", "videoframe"),
    ("-/main_colors/3/", "image_operation_unsupported", "main_colors"),
    ("-/blur_region/1x1/1,1/", "image_operation_unsupported", "blur_region"),
    ("-/trim/", "image_operation_unsupported", "trim"),
    ("-/preview/-/format/avif/", "image_operation_unsupported", "format/avif"),
    ("-/crop/5x6/", "image_size_missing", "preview, resize or scale_crop"),
    ("-/grayscale/", "image_size_missing", "preview"),
    ("-/format/webp/", "image_size_missing", "preview"),
    ("-/brightness/0/", "image_size_missing", "preview"),
    (
        "-/preview/100/",
        "image_operation_invalid",
        "preview are wrong: expected nothing or WxH",
    ),
    ("-/preview/100x/", "image_operation_invalid", "preview"),
    ("-/preview/1x1/1/", "image_operation_invalid", "preview"),
    ("-/resize/", "image_operation_invalid", "resize"),
    ("-/resize/x/", "image_operation_invalid", "resize"),
    ("-/resize/0x/", "image_operation_invalid", "resize"),
    ("-/resize/5001x/", "image_operation_invalid", "from 1 to 5000"),
    ("-/resize/+5x/", "image_operation_invalid", "resize"),
    ("-/resize/5.5x/", "image_operation_invalid", "resize"),
    ("-/resize/٣x/", "image_operation_invalid", "resize"),
    ("-/resize/99999999999999999999x/", "image_operation_invalid", "resize"),
    ("-/scale_crop/5x/", "image_operation_invalid", "scale_crop"),
    ("-/scale_crop/5x5/5,5/", "image_operation_invalid", "scale_crop"),
    ("-/scale_crop/5x5/101p,5p/", "image_operation_invalid", "scale_crop"),
    ("-/crop/5/", "image_operation_invalid", "crop"),
    ("-/crop/0x5/", "image_operation_invalid", "crop"),
    ("-/crop/0px5p/", "image_operation_invalid", "crop"),
    ("-/crop/0:5/", "image_operation_invalid", "crop"),
    ("-/crop/5x5/-1,0/", "image_operation_invalid", "crop"),
    ("-/crop/5x5/middle/", "image_operation_invalid", "crop"),
    ("-/stretch/maybe/", "image_operation_invalid", "on, off or fill"),
    ("-/setfill/fff/", "image_operation_invalid", "RRGGBB"),
    ("-/setfill/+fffff/", "image_operation_invalid", "RRGGBB"),
    (
        "-/format/gif/",
        "image_operation_invalid",
        "jpeg, png, webp, auto or preserve",
    ),
    ("-/quality/great/", "image_operation_invalid", "smart_retina"),
    ("-/progressive/", "image_operation_invalid", "yes or no"),
    ("-/inline/maybe/", "image_operation_invalid", "yes or no"),
    ("-/json/1/", "image_operation_invalid", "json"),
    ("-/rotate/45/", "image_operation_invalid", "a multiple of 90"),
    ("-/flip/1/", "image_operation_invalid", "flip"),
    ("-/brightness/", "image_operation_invalid", "-100 to 100"),
    ("-/brightness/101/", "image_operation_invalid", "-100 to 100"),
    ("-/brightness/--1/", "image_operation_invalid", "-100 to 100"),
    ("-/enhance/101/", "image_operation_invalid", "0 to 100"),
    (
        "-/preview/-/blur/1/-/blur/2/-/sharp/3/-/blur/4/-/blur/5/",
        "image_operations_too_long",
        "four that blur",
    ),
    ("-/gamma/-1/", "image_operation_invalid", "0 to 1000"),
    ("-/blur/5001/", "image_operation_invalid", "0 to 5000"),
    ("-/sharp/21/", "image_operation_invalid", "0 to 20"),
    ("-/border_radius/", "image_operation_invalid", "radii"),
    ("-/border_radius/1,2,3,4,5/", "image_operation_invalid", "radii"),
];

#[test]
fn all_spellings_of_the_same_operations_have_one_text_and_that_text_reads_as_them() {
    for (written, canonical) in READ {
        let operations = Operations::parse(written).unwrap_or_else(|error| panic!("{written}: {error}"));
        assert_eq!(operations.canonical(), *canonical, "{written}");
        let again = Operations::parse(operations.canonical()).unwrap();
        assert_eq!(again.canonical(), *canonical, "{written}");
    }
}

#[test]
fn what_is_refused_names_the_operation_and_what_is_expected() {
    for (written, code, words) in REFUSED {
        let error = Operations::parse(written).expect_err(written);
        assert_eq!(error.code(), *code, "{written}: {error}");
        let text = error.to_string();
        assert!(text.contains(words), "{written}: {text}");
        let printable = text.chars().all(|letter| letter.is_ascii_graphic() || letter == ' ');
        assert!(printable, "{written}: {text}");
    }
}

#[test]
fn length_and_number_of_operations_are_bounded() {
    let long = format!("-/@{}/", "x".repeat(MAX_LENGTH - 4));
    assert_eq!(long.len(), MAX_LENGTH);
    assert!(Operations::parse(&long).is_ok());
    let error = Operations::parse(&format!("{long}/")).unwrap_err();
    assert_eq!(error.code(), "image_operations_too_long");
    let most = "-/preview/1x1/".repeat(MAX_OPERATIONS);
    assert!(Operations::parse(&most).is_ok());
    let error = Operations::parse(&format!("{most}-/flip/")).unwrap_err();
    assert_eq!(error.code(), "image_operations_too_long");
}

#[test]
fn an_address_without_operations_asks_for_the_original() {
    for original in ["", "-/@clib/a/1/b/", "-/inline/no/"] {
        let operations = Operations::parse(original).unwrap();
        assert!(
            operations.is_original() && !operations.negotiates() && !operations.json(),
            "{original}"
        );
    }
    assert_eq!(Operations::parse("-/inline/no/").unwrap().inline(), Some(false));
    assert_eq!(Operations::parse("-/inline/").unwrap().inline(), Some(true));
    assert!(Operations::parse("-/json/").unwrap().json());
    assert!(!Operations::parse("-/preview/9x9/-/rotate/0/").unwrap().is_original());
}

#[test]
fn only_the_automatic_format_depends_on_what_the_client_accepts() {
    assert!(Operations::parse("-/preview/").unwrap().negotiates());
    assert!(Operations::parse("-/preview/-/format/auto/").unwrap().negotiates());
    for fixed in ["jpeg", "png", "webp", "preserve"] {
        let operations = Operations::parse(&format!("-/preview/-/format/{fixed}/")).unwrap();
        assert!(!operations.negotiates(), "{fixed}");
    }
}

#[test]
fn how_the_result_is_written_is_read_from_anywhere_in_the_address() {
    let path = "-/quality/best/-/format/jpeg/-/preview/-/progressive/yes/-/strip_meta/none/-/autorotate/no/";
    let operations = Operations::parse(path).unwrap();
    let output = operations.output();
    assert_eq!(output.format, OutputFormat::Jpeg);
    assert_eq!(output.quality, Quality::Best);
    assert_eq!(output.metadata, Metadata::Keep);
    assert!(output.progressive && !operations.autorotate());
}
