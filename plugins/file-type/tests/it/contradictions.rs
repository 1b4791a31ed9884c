//! Files that are not what they are called: each is refused, with the code of what contradicts what.

use intake_plugin_file_type::{Choice, Settings};

use crate::contents::content;
use crate::{code, pipeline, refusal};

const NAME: Option<&str> = Some("file_type_name_content");
const DECLARED: Option<&str> = Some("file_type_declared_content");
const CLAIMS: Option<&str> = Some("file_type_name_declared");

/// The name, the declared type, the content, and the code of the refusal.
const DISHONEST: &[(&str, &str, &str, Option<&str>)] = &[
    // The name and the content.
    ("photo.png", "", "html", NAME),
    ("photo.png", "image/png", "jpeg", NAME),
    ("photo.png", "", "text", NAME),
    ("photo.png", "", "unknown", NAME),
    ("photo.png", "", "nothing", NAME),
    ("photo.jpg", "image/jpeg", "svg", NAME),
    ("photo.jpg", "", "html behind a long comment", NAME),
    ("photo.jpg", "", "zip", NAME),
    ("photo.jpg. .", "", "html", NAME),
    ("photo.jpg\u{200B}", "", "html", NAME),
    ("photo.JPE", "", "gzip", NAME),
    ("photo.tga", "", "html", NAME),
    ("photo.fpx", "", "shell", NAME),
    ("paper.pdf", "application/pdf", "html", NAME),
    ("paper.pdf", "", "text", NAME),
    ("paper.pdf", "", "docx", NAME),
    ("notes.txt", "", "html", NAME),
    ("notes.txt", "text/plain", "svg", NAME),
    ("notes.txt", "", "zip", NAME),
    ("table.csv", "", "html", NAME),
    ("table.xls", "", "html", NAME),
    ("letter.docx", "", "docm", NAME),
    ("letter.docx", "", "jar", NAME),
    ("letter.docx", "", "xlsx", NAME),
    ("letter.odt", "", "docx", NAME),
    ("drawing.svg", "", "html", NAME),
    ("drawing.svg", "", "html behind a long comment", NAME),
    ("clip.mp4", "", "mkv", NAME),
    ("song.mp3", "", "html", NAME),
    ("all.zip", "", "rar", NAME),
    ("all.tar.gz", "", "tar", NAME),
    ("font.woff2", "", "png", NAME),
    // The declared type and the content.
    ("photo", "image/png", "html", DECLARED),
    ("photo", "image/jpeg", "png", DECLARED),
    ("photo", "image/png", "unknown", DECLARED),
    ("photo", "image/x-of-some-camera", "html", DECLARED),
    ("photo", "application/pdf", "svg", DECLARED),
    ("2024.01.31 at noon", "image/gif", "html", DECLARED),
    ("notes.txt", "text/plain", "html", NAME),
    // The name and the declared type.
    ("photo.png", "text/html", "png", CLAIMS),
    ("photo.png", "image/svg+xml", "png", CLAIMS),
    ("photo.jpg", "image/png", "jpeg", CLAIMS),
    ("page.html", "image/png", "html", CLAIMS),
    ("paper.pdf", "text/html", "pdf", CLAIMS),
    ("table.csv", "text/html", "csv", CLAIMS),
    ("letter.docx", "image/png", "docx", CLAIMS),
    ("app.exe", "image/png", "png", Some("extension_forbidden")),
];

#[tokio::test]
async fn a_file_that_is_not_what_it_is_called_is_refused() {
    for (name, declared, of, expected) in DISHONEST {
        let seen = code(name, declared, &content(of)).await;
        assert_eq!(
            seen.as_deref(),
            *expected,
            "{name} declared as {declared:?}, content {of}"
        );
    }
}

#[tokio::test]
async fn each_contradiction_is_taken_where_an_operator_accepts_it() {
    type Change = fn(&mut Settings);
    let changes: [(Change, &str, &str, &str); 6] = [
        (
            |settings| settings.name_content = Choice::Accept,
            "photo.png",
            "",
            "html",
        ),
        (
            |settings| settings.declared_content = Choice::Accept,
            "photo",
            "image/png",
            "html",
        ),
        (
            |settings| settings.name_declared = Choice::Accept,
            "app.js",
            "text/html",
            "text",
        ),
        (
            |settings| settings.unknown_content = Choice::Accept,
            "photo.png",
            "image/png",
            "unknown",
        ),
        (
            |settings| settings.same_use = Choice::Accept,
            "photo.png",
            "image/png",
            "webp",
        ),
        (
            |settings| settings.same_use = Choice::Accept,
            "clip.mp4",
            "video/x-matroska",
            "mkv",
        ),
    ];
    for (change, name, declared, of) in changes {
        let content = content(of);
        assert_ne!(
            code(name, declared, &content).await,
            None,
            "{name} is refused unless it is set"
        );
        let lenient = pipeline(Settings::default().with(change));
        assert_eq!(
            refusal(&lenient, name, declared, &content).await,
            None,
            "{name} {declared} {of}"
        );
    }
}

#[tokio::test]
async fn what_is_used_for_the_same_is_not_what_a_browser_runs() {
    let lenient = pipeline(Settings::default().with(|settings| settings.same_use = Choice::Accept));
    for (name, of) in [
        ("photo.png", "svg"),
        ("photo.png", "html"),
        ("photo.png", "mp4"),
        ("clip.mp4", "jpeg"),
    ] {
        let refused = refusal(&lenient, name, "", &content(of)).await;
        assert_eq!(
            refused.map(|refused| refused.code.to_string()).as_deref(),
            NAME,
            "{name} {of}"
        );
    }
}

#[tokio::test]
async fn a_refusal_says_what_was_found() {
    let strict = pipeline(Settings::default());
    for (name, declared, of, subject) in [
        ("photo.png", "", "html", "text/html"),
        ("photo.png", "", "unknown", "unknown"),
        ("photo.png", "text/html", "png", "text/html"),
    ] {
        let refused = refusal(&strict, name, declared, &content(of))
            .await
            .expect("it is refused");
        assert_eq!(refused.subject.as_deref(), Some(subject), "{name} {declared} {of}");
    }
}
