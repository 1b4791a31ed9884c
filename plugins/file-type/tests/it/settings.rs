//! What an operator may set.

use intake_core::FromSettings;
use intake_plugin_file_type::{FileType, Settings};
use serde_json::{Value, json};

use crate::contents::content;
use crate::{pipeline, refusal};

fn read(settings: Value) -> Result<Settings, String> {
    serde_json::from_value(settings).map_err(|error| error.to_string())
}

#[tokio::test]
async fn lists_of_endings_and_types_replace_the_defaults() {
    for (settings, name, of, expected) in [
        (
            json!({"deny_extensions": ["svg"]}),
            "a.SVG",
            "svg",
            Some("extension_forbidden"),
        ),
        (json!({"deny_extensions": ["svg"]}), "run.bat", "text", None),
        (json!({"deny_extensions": []}), "run.bat", "text", None),
        (json!({"deny_types": []}), "setup.dll", "windows", None),
        (
            json!({"deny_types": ["application/x-gzip"]}),
            "a.gz",
            "gzip",
            Some("type_forbidden"),
        ),
        (
            json!({"deny_types": ["image/*"]}),
            "a.svg",
            "svg behind a long comment",
            Some("type_forbidden"),
        ),
        (
            json!({"deny_types": ["text/html", "text/xml"]}),
            "a.svg",
            "svg behind a long comment",
            None,
        ),
        (json!({"double_extensions": "accept"}), "invoice.pdf.js", "text", None),
        (json!({"hidden_extensions": "accept"}), "\u{202E}a.txt", "text", None),
    ] {
        let pipeline = pipeline(read(settings.clone()).expect("settings that make sense"));
        let refused = refusal(&pipeline, name, "", &content(of)).await;
        assert_eq!(
            refused.as_ref().map(|refused| refused.code.as_str()),
            expected,
            "{settings}: {name}"
        );
    }
}

#[test]
fn settings_that_make_no_sense_are_named() {
    for (settings, says) in [
        (json!({"name_contents": "accept"}), "unknown field `name_contents`"),
        (json!({"name_content": "ask"}), "unknown variant `ask`"),
        (json!({"deny_types": ["no type"]}), "neither a media type"),
        (json!({"deny_extensions": [".exe"]}), "deny_extensions"),
        (json!({"deny_extensions": [""]}), "deny_extensions"),
        (json!({"deny_extensions": vec!["a"; 1001]}), "deny_extensions"),
    ] {
        let built = read(settings.clone())
            .and_then(|settings| FileType::from_settings(settings).map_err(|error| error.to_string()));
        let error = built.expect_err("makes no sense");
        assert!(error.contains(says), "{settings}: {error}");
    }
}
