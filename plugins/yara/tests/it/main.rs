//! What an operator who has YARA rules can rely on.

mod bounds;
mod contract;
mod engine;
mod matches;
mod modules;
mod sources;

use std::path::Path;

use intake_core::{Bytes, FromSettings, Report, Scanner, testkit};
use intake_plugin_yara::{Settings, Yara, YaraNote};
use tempfile::TempDir;

/// A marker of these tests, which means nothing to anybody else.
const MARKER: &str = "INTAKE-YARA-TEST-MARKER";

/// A rule that finds it.
const FINDS_MARKER: &str = r#"rule marker { strings: $a = "INTAKE-YARA-TEST-MARKER" condition: $a }"#;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("in the folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    folder
}

fn build(rules: &Path, change: impl FnOnce(&mut Settings)) -> Result<Yara, String> {
    let settings = Settings::default().with(|settings| settings.rules = vec![rules.to_owned()]);
    Yara::from_settings(settings.with(change)).map_err(|error| error.to_string())
}

/// A scanner with the rules of this text, which are in a file `own.yar`.
fn own_with(rules: &str, change: impl FnOnce(&mut Settings)) -> Yara {
    build(folder(&[("own.yar", rules)]).path(), change).unwrap_or_else(|error| panic!("{error}"))
}

fn own(rules: &str) -> Yara {
    own_with(rules, |_| {})
}

async fn scan_in(scanner: &dyn Scanner, content: &[u8], piece: usize) -> Report {
    let content = Bytes::copy_from_slice(content);
    testkit::scan(scanner, &content, piece)
        .await
        .expect("it can be scanned")
}

async fn scan(scanner: &dyn Scanner, content: impl AsRef<[u8]>) -> Report {
    scan_in(scanner, content.as_ref(), 64 * 1024).await
}

/// The rule because of which a content is refused.
async fn refusal(scanner: &dyn Scanner, content: impl AsRef<[u8]>) -> Option<String> {
    let rejection = scan(scanner, content).await.verdict.rejection()?;
    assert_eq!(rejection.code, intake_plugin_yara::YARA_MATCH);
    Some(rejection.subject.expect("a rule"))
}

fn note(report: &Report) -> Option<YaraNote> {
    let note = report.notes.get(YaraNote::SUBJECT)?;
    Some(serde_json::from_value(note.clone()).expect("the shape that is promised"))
}

/// The names of the rules that match.
async fn matched(scanner: &dyn Scanner, content: impl AsRef<[u8]>) -> Vec<String> {
    let note = note(&scan(scanner, content).await).unwrap_or_default();
    note.rules.into_iter().map(|rule| rule.name).collect()
}
