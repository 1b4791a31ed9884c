//! What an operator who names media types can rely on.

use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::plugin::{Build, Stage};
use intake_core::{
    Declared, Error, HEAD_BYTES, Head, Incoming, MediaType, Pipeline, Registry, Rejection, Settings, UploadInfo,
    UploadOptions, Validator, testkit,
};
use intake_plugin_media_type::{MediaTypes, TYPE_FORBIDDEN, Unknown};
use serde_json::{Value, json};

fn build(settings: Value) -> Result<Box<dyn Validator>, String> {
    let Value::Object(table) = settings else {
        panic!("a table")
    };
    let registry = Registry::linked().expect("no name is taken twice");
    let plugin = registry.find(Stage::Validator, "media-type").expect("it is linked");
    let Build::Validator(build) = plugin.build else {
        panic!("a validator")
    };
    build(Settings::new(table)).map_err(|error| error.to_string())
}

/// The refusal of content of the type, which its sender calls something else.
fn judge(validator: &dyn Validator, found: Option<&str>, declared: &str) -> Option<Rejection> {
    let declared =
        Declared::named("holiday.png").with(|it| it.media_type = Some(declared.parse().expect("a media type")));
    let found: Option<MediaType> = found.map(|found| found.parse().expect("a media type"));
    let head = Head::new(UploadInfo::new(&declared), b"not asked", found.as_ref());
    assert_eq!(
        validator.declared(&UploadInfo::new(&declared)).rejection(),
        None,
        "claims are not judged"
    );
    validator.head(&head).rejection()
}

#[test]
fn what_is_in_a_content_decides_whether_it_is_taken() {
    let png = Some("image/png");
    let svg = Some("image/svg+xml");
    let html = Some("text/html");
    let pictures = || json!({"allow": ["image/*", "application/pdf"], "deny": ["image/svg+xml"]});
    for (settings, found, taken) in [
        // Without settings everything is taken.
        (json!({}), png, true),
        (json!({}), html, true),
        (json!({}), None, true),
        // A wildcard takes its main type and nothing else; a type takes itself.
        (pictures(), png, true),
        (pictures(), Some("image/x-canon-cr2"), true),
        (pictures(), Some("application/pdf"), true),
        (pictures(), Some("application/zip"), false),
        (pictures(), Some("imagery/png"), false),
        (pictures(), html, false),
        // Who denies wins over who allows, in whatever order and however widely.
        (pictures(), svg, false),
        (json!({"deny": ["image/*"], "allow": ["*/*", "image/png"]}), png, false),
        (json!({"deny": ["*/*"], "allow": ["image/png"]}), png, false),
        (json!({"deny": ["*/*"]}), png, false),
        // To deny something allows everything else.
        (json!({"deny": ["text/html"]}), html, false),
        (json!({"deny": ["text/html"]}), png, true),
        (json!({"allow": [], "deny": ["text/html"]}), png, true),
        // Case and parameters make no other type.
        (json!({"allow": ["IMAGE/*"]}), png, true),
        (json!({"allow": ["Image/PNG; q=0.5"]}), png, true),
        (json!({"deny": ["Image/SVG+XML"]}), svg, false),
        // What is not known is refused where only some types are allowed, unless the operator says otherwise.
        (pictures(), None, false),
        (json!({"allow": ["*/*"]}), None, false),
        (json!({"allow": ["image/*"], "unknown": "accept"}), None, true),
        (json!({"deny": ["text/html"]}), None, true),
        (json!({"deny": ["*/*"], "unknown": "refuse"}), None, false),
        (json!({"unknown": "refuse"}), None, false),
        (json!({"unknown": "refuse"}), png, true),
    ] {
        let validator = build(settings.clone()).expect("settings that make sense");
        // Whatever it is called: the answer is the same.
        for declared in ["image/png", "text/html", "application/octet-stream"] {
            let refused = judge(&*validator, found, declared);
            assert_eq!(
                refused.is_none(),
                taken,
                "{found:?} declared as {declared} with {settings}: {refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_content_that_lies_about_its_type_is_found_out() {
    let pipeline = Pipeline::builder()
        .validator("media-type", MediaTypes::allow(["image/png"]).unwrap())
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default())
        .expirer(KeepAll)
        .build()
        .expect("builds");
    let page: &[u8] = b"<!DOCTYPE html><html><script>alert(1)</script></html>";
    let program: &[u8] = b"MZ\x90\0\x03\0\0\0";
    let picture: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    for (content, declared, found) in [
        (page, "image/png", Some("text/html")),
        (
            program,
            "image/png",
            Some("application/vnd.microsoft.portable-executable"),
        ),
        (b"<svg onload='alert(1)'/>", "image/png", Some("image/svg+xml")),
        // Nor does a lie in the other direction do harm.
        (picture, "text/html", None),
    ] {
        let declared =
            Declared::named("holiday.png").with(|it| it.media_type = Some(declared.parse().expect("a media type")));
        let incoming = Incoming::from_bytes(declared, content);
        let refused = match pipeline.ingest(incoming, UploadOptions::default()).await {
            Ok(_) => None,
            Err(Error::Rejected { rejection, .. }) => Some(rejection.subject.expect("names the type")),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(refused.as_deref(), found, "{:?}", String::from_utf8_lossy(content));
    }
}

#[tokio::test]
async fn active_content_is_refused_however_far_in_it_says_what_it_is() {
    let long = "x".repeat(2 * HEAD_BYTES);
    let svg = "<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>";
    for (denied, content, taken) in [
        (
            "image/svg+xml",
            format!("<?xml version='1.0'?><!--{long}-->{svg}"),
            false,
        ),
        ("image/svg+xml", format!("<!--{long}-->{svg}"), false),
        ("image/svg+xml", format!("{}{svg}", " ".repeat(2 * HEAD_BYTES)), false),
        (
            "image/svg+xml",
            format!("<?xml version='1.0'?><?a {long}?>{svg}"),
            false,
        ),
        ("text/html", format!("<!--{long}--><script></script>"), false),
        (
            "text/html",
            format!("{}<script></script>", "\n".repeat(2 * HEAD_BYTES)),
            false,
        ),
        ("text/xml", format!("<?xml version='1.0'?><!--{long}--><a/>"), false),
        // What is not denied is taken, however long its prolog is.
        ("image/svg+xml", format!("<?xml version='1.0'?><!--{long}--><a/>"), true),
        ("text/html", format!("<?xml version='1.0'?><!--{long}-->{svg}"), true),
        ("text/html", format!("<!--{long}-->{svg}"), true),
        ("text/xml", format!("<?xml version='1.0'?><!--{long}-->{svg}"), true),
        ("text/plain", format!("{}{svg}", "\n".repeat(2 * HEAD_BYTES)), true),
        ("text/html", " ".repeat(2 * HEAD_BYTES), true),
    ] {
        let pipeline = Pipeline::builder()
            .validator("media-type", MediaTypes::default().deny([denied]).unwrap())
            .store(MemoryStore::default())
            .recorder(MemoryRecorder::default())
            .expirer(KeepAll)
            .build()
            .expect("builds");
        let incoming = Incoming::from_bytes(Declared::named("a"), content.clone());
        let refused = match pipeline.ingest(incoming, UploadOptions::default()).await {
            Ok(_) => None,
            Err(Error::Rejected { rejection, .. }) => rejection.subject,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(refused.is_none(), taken, "{denied}: {} ...", &content[..30]);
    }
}

#[test]
fn a_type_is_meant_by_whichever_of_its_names() {
    for (named, found, meant) in [
        ("audio/flac", "audio/flac", true),
        ("audio/x-flac", "audio/flac", true),
        ("audio/mp4", "audio/mp4", true),
        ("audio/m4a", "audio/mp4", true),
        ("font/woff2", "font/woff2", true),
        ("application/font-sfnt", "font/otf", true),
        ("audio/wave", "audio/wav", true),
        ("video/mov", "video/quicktime", true),
        ("image/svg", "image/svg+xml", true),
        ("image/x-icon", "image/vnd.microsoft.icon", true),
        (
            "application/x-shockwave-flash",
            "application/vnd.adobe.flash.movie",
            true,
        ),
        // The name of a kind means all of the kind, and not the other way round.
        ("image/heif", "image/heic", true),
        ("image/heic", "image/heif", false),
        ("application/x-ole-storage", "application/msword", true),
        ("application/msword", "application/x-ole-storage", false),
        ("application/zip", "application/java-archive", true),
        ("audio/flac", "audio/wav", false),
    ] {
        for (settings, taken) in [(json!({"allow": [named]}), meant), (json!({"deny": [named]}), !meant)] {
            let validator = build(settings.clone()).expect("settings that make sense");
            assert_eq!(
                judge(&*validator, Some(found), "a/b").is_none(),
                taken,
                "{found} with {settings}"
            );
        }
    }
}

#[test]
fn a_refusal_names_the_type_that_was_found() {
    let validator = build(json!({"allow": ["image/*"]})).unwrap();
    let refused = judge(&*validator, Some("text/html"), "image/png").expect("refused");
    assert_eq!(refused.code, TYPE_FORBIDDEN);
    assert_eq!(refused.subject.as_deref(), Some("text/html"));
    assert_eq!(refused.message, "the content is text/html, which is not taken");

    let refused = judge(&*validator, None, "image/png").expect("refused");
    assert_eq!(refused.code, TYPE_FORBIDDEN);
    assert_eq!(refused.subject, None);
}

#[test]
fn settings_that_make_no_sense_are_named() {
    for (settings, says) in [
        (json!({"alow": []}), "alow: unknown field `alow`"),
        (
            json!({"allow": "image/*"}),
            "allow: expected a list such as [\"image/*\"]",
        ),
        (
            json!({"allow": ["image/*", "png"]}),
            "allow[1]: `png` is neither a media type",
        ),
        (json!({"deny": ["*/png"]}), "deny[0]: `*/png` is neither a media type"),
        (
            json!({"unknown": "ask"}),
            "unknown: unknown variant `ask`, expected `accept` or `refuse`",
        ),
    ] {
        let error = build(settings.clone()).expect_err("makes no sense");
        assert!(error.starts_with(says), "{settings}: {error}");
    }
}

#[test]
fn who_embeds_it_says_the_same_in_rust() {
    let pictures = MediaTypes::allow(["image/*"]).unwrap().deny(["image/svg+xml"]).unwrap();
    assert_eq!(judge(&pictures, Some("image/png"), "text/html"), None);
    assert!(judge(&pictures, Some("image/svg+xml"), "image/png").is_some());
    assert!(judge(&pictures, None, "image/png").is_some());
    assert_eq!(judge(&pictures.unknown(Unknown::Accept), None, "image/png"), None);

    let no_pages = MediaTypes::default().deny(vec!["text/html".to_owned()]).unwrap();
    assert!(judge(&no_pages, Some("text/html"), "image/png").is_some());
    assert_eq!(judge(&no_pages, None, "image/png"), None);

    assert!(MediaTypes::allow(["png"]).is_err());
    assert!(MediaTypes::default().deny(["*/png"]).is_err());
}

#[test]
fn it_keeps_to_what_every_validator_keeps_to() {
    testkit::validator(MediaTypes::default());
    testkit::validator(MediaTypes::allow(["image/*"]).unwrap().deny(["image/png"]).unwrap());
}
