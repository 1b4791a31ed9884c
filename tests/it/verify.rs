//! `intake files verify`, beside a server that runs on the same database and folder.

use serde_json::Value;

use crate::projects_cli::{intake, is_refused, stderr, stdout};
use crate::support::{Form, Server};

/// Exit code, findings, and the summary.
fn verified(server: &Server, more: &[&str]) -> (Option<i32>, Vec<(String, String)>, String) {
    let output = intake(server, &[&["files", "verify", "--json"], more].concat());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = |line: &str| {
        let finding: Value = serde_json::from_str(line).unwrap();
        (text(&finding["id"]), text(&finding["found"]))
    };
    let said = stderr(&output);
    let summary = said
        .lines()
        .find(|line| line.starts_with("verified "))
        .unwrap_or_default();
    (
        output.status.code(),
        stdout(&output).lines().map(found).collect(),
        summary.to_owned(),
    )
}

/// The path of the stored bytes of a file.
fn stored(server: &Server, content: &[u8]) -> std::path::PathBuf {
    let is_it = |path: &std::path::PathBuf| std::fs::read(path).unwrap() == content;
    server.files().into_iter().find(is_it).unwrap()
}

#[test]
fn a_changed_a_shorter_and_a_missing_file_are_found_and_no_other() {
    let server = Server::start();
    server.upload("right.bin", b"right");
    let contents: [&[u8]; 3] = [b"changed", b"shorter", b"missing"];
    let [changed, shorter, missing] = contents.map(|content| server.upload("a.bin", content));
    let other = Form::default().field("UPLOADCARE_PUB_KEY", "other");
    server.post("/base/", &other.file("file", "a.bin", b"of another project"));
    let (code, found, summary) = verified(&server, &[]);
    assert_eq!((code, found), (Some(0), Vec::new()));
    assert!(
        summary.contains("verified 5 files") && summary.contains("5 as recorded"),
        "{summary}"
    );

    std::fs::write(stored(&server, b"changed"), b"chAnged").unwrap();
    std::fs::write(stored(&server, b"shorter"), b"short").unwrap();
    std::fs::remove_file(stored(&server, b"missing")).unwrap();
    let mut expected = vec![(changed.clone(), "differs"), (shorter, "differs"), (missing, "missing")];
    expected.sort();
    for more in [&[][..], &["--project", "demopublickey"]] {
        let (code, mut found, summary) = verified(&server, more);
        found.sort();
        let found: Vec<_> = found.iter().map(|(id, what)| (id.clone(), what.as_str())).collect();
        assert_eq!((code, &found), (Some(1), &expected), "{summary}");
        assert!(summary.contains("2 differ, 1 missing"), "{summary}");
    }
    assert_eq!(verified(&server, &["--project", "other"]).0, Some(0));
    let (code, found, _) = verified(&server, &[&changed]);
    assert_eq!((code, found.len()), (Some(1), 1));
}

#[test]
fn a_name_that_is_wrong_is_not_taken_for_a_store_that_is_right() {
    let server = Server::start();
    let said = is_refused(&server, &["files", "verify", "--project", "shpo"]);
    assert!(said.contains("no project has the key shpo"), "{said}");
    let said = is_refused(&server, &["files", "verify", "67947755-1584-4e3f-902b-d4e2bf76a841"]);
    assert!(said.contains("there is no file"), "{said}");
}
