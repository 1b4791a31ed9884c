//! Programs, and names that hide one.

use crate::code;
use crate::contents::content;

#[tokio::test]
async fn programs_are_refused_by_their_content_whatever_their_name() {
    for of in ["windows", "linux", "mac"] {
        for name in ["setup", "setup.bin", "photo.png", "notes.txt", "paper.pdf"] {
            let seen = code(name, "", &content(of)).await;
            assert_eq!(seen.as_deref(), Some("type_forbidden"), "{of} as {name}");
        }
    }
}

#[tokio::test]
async fn endings_that_windows_runs_are_refused_however_they_are_written() {
    for name in [
        "setup.exe",
        "SETUP.EXE",
        "setup.exe.",
        "setup.exe. . ",
        "setup.exe\u{200B}",
        "setup.exe\u{A0}",
        "setup.exe::$DATA",
        "setup.exe:photo.jpg",
        "run.bat",
        "letter.vbs",
        "photo.scr",
        "link.lnk",
    ] {
        let seen = code(name, "", &content("text")).await;
        assert_eq!(seen.as_deref(), Some("extension_forbidden"), "{name:?}");
    }
}

#[tokio::test]
async fn names_that_hide_a_program_are_refused() {
    for (name, expected) in [
        ("invoice.pdf.exe", Some("file_type_double_extension")),
        ("invoice.pdf        .exe", Some("file_type_double_extension")),
        ("invoice.pdf.js", Some("file_type_double_extension")),
        ("photo.php.jpg", Some("file_type_double_extension")),
        ("annexe\u{202E}gpj.txt", Some("file_type_hidden_extension")),
        ("\u{202A}C:notes.txt", None),
        ("\u{200F}שלום.txt", None),
        ("report.docx.txt", None),
        ("index.php.txt", None),
    ] {
        let of = if name.ends_with("jpg") { "jpeg" } else { "text" };
        assert_eq!(code(name, "", &content(of)).await.as_deref(), expected, "{name:?}");
    }
}
