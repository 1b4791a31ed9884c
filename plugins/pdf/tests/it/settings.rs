//! What an operator can choose.

use intake_core::FromSettings;
use intake_plugin_pdf::{Choice, Pdf, Settings};

use crate::documents::{SCRIPT, document, filtered, flate, packed, stream, with};
use crate::{code, is_whole, scan};

fn pdf(change: impl FnOnce(&mut Settings)) -> Pdf {
    Pdf::from_settings(Settings::default().with(change)).expect("these settings make sense")
}

#[tokio::test]
async fn each_property_is_refused_or_accepted_as_the_operator_says() {
    let all = |choice: Choice| {
        pdf(|settings| {
            settings.javascript = choice;
            settings.launch = choice;
            settings.remote = choice;
            settings.embedded_files = choice;
            settings.encrypted = choice;
            settings.xfa = choice;
        })
    };
    let encrypted = String::from_utf8_lossy(&with("<<>>")).replace("/Root", "/Encrypt 4 0 R/Root");
    let cases = [
        (with(SCRIPT), "pdf_javascript"),
        (with("<</S/Launch>>"), "pdf_launch"),
        (with("<</S/GoToR>>"), "pdf_remote"),
        (with("<</S/GoToE>>"), "pdf_remote"),
        (with("<</Type/Filespec/EF<<>>>>"), "pdf_embedded_file"),
        (with("<</Type/EmbeddedFile>>"), "pdf_embedded_file"),
        (with("<</XFA 5 0 R>>"), "pdf_xfa"),
        (encrypted.into_bytes(), "pdf_encrypted"),
        (with("<</Type/XRef/Encrypt<</Filter/Standard>>>>"), "pdf_encrypted"),
    ];
    for (file, expected) in cases {
        let refused = scan(&all(Choice::Refuse), &file, 100).await;
        assert_eq!(code(&refused), Some(expected));
        let accepted = scan(&all(Choice::Accept), &file, 100).await;
        assert_eq!(code(&accepted), None, "{expected}");
    }
}

#[tokio::test]
async fn what_the_scanner_cannot_look_into_is_partly_covered_or_refused() {
    let (entries, bytes) = packed(&[SCRIPT]);
    let of = |filters: &str, bytes: &[u8]| document(&[&stream(&format!("{entries}{filters}"), bytes)]);
    let broken = flate(&bytes);
    let (_, large) = filtered(&[&"[1]".repeat(2_000)]).swap_remove(1);
    let cases = [
        ("an unknown filter", of("/Filter/JPXDecode", &bytes)),
        ("five filters", of("/Filter[/Fl/Fl/Fl/Fl/Fl]", &bytes)),
        ("filters in another object", of("/Filter 9 0 R", &bytes)),
        (
            "two keys for filters",
            of("/Filter/FlateDecode/Filter/LZWDecode", &bytes),
        ),
        ("half of a stream", of("/Filter/FlateDecode", &broken[..20])),
        ("no compressed bytes", of("/Filter/FlateDecode", b"hello")),
        ("too deep", with(&"[".repeat(200))),
        ("too many objects", document(&[&b"null"[..]; 60])),
        ("too many inflated bytes", large),
        ("no end", b"%PDF-1.7\n1 0 obj<<".to_vec()),
    ];
    let limits = |settings: &mut Settings| {
        settings.max_objects = 50;
        settings.max_inflated = 5_000;
    };
    for (name, file) in cases {
        let accepted = scan(&pdf(limits), &file, 10).await;
        assert_eq!((code(&accepted), is_whole(&accepted)), (None, false), "{name}");
        let strict = pdf(|settings| {
            limits(settings);
            settings.unreadable = Choice::Refuse;
        });
        assert_eq!(code(&scan(&strict, &file, 10).await), Some("pdf_unreadable"), "{name}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let wrong: [fn(&mut Settings); 4] = [
        |settings| settings.max_objects = 0,
        |settings| settings.max_depth = 0,
        |settings| settings.max_object_stream = 0,
        |settings| settings.max_inflated = 0,
    ];
    for change in wrong {
        assert!(Pdf::from_settings(Settings::default().with(change)).is_err());
    }
}
