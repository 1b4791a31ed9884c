//! `intake explain`, `intake files explain` and `intake check --test`.

use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::projects_cli::works;
use crate::support::{INTAKE, Server, config};

fn run(dir: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(INTAKE);
    command.current_dir(dir.path()).args(arguments);
    command.env_remove("INTAKE_CONFIG").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder with a configuration that refuses text, and two files.
fn folder(more: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    let refuses = "\n[[validate]]\nuse = \"media-type\"\ndeny = [\"text/plain\"]\n";
    let text = config(dir.path()) + refuses + more;
    std::fs::write(dir.path().join("intake.toml"), text).unwrap();
    std::fs::write(dir.path().join("hello.txt"), "Hello, world!").unwrap();
    std::fs::write(dir.path().join("small.gif"), b"GIF89a\x01\0\x01\0\0\0\0;").unwrap();
    dir
}

#[test]
fn a_local_file_is_explained_by_every_stage_and_leaves_nothing() {
    let dir = folder("");
    let accepted = run(&dir, &["explain", "--config", "intake.toml", "small.gif"]);
    let page = text(&accepted.stdout);
    assert!(accepted.status.success(), "{page}{}", text(&accepted.stderr));
    for part in [
        "image/gif",
        "image-info 0.1.0",
        "media-type 0.1.0",
        "accepted",
        "receive",
    ] {
        assert!(page.contains(part), "{part:?} is missing in\n{page}");
    }
    let refused = run(&dir, &["explain", "--config", "intake.toml", "hello.txt"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stdout).contains("type_forbidden"));
    assert!(text(&refused.stderr).contains("would not be accepted"));

    let json = run(&dir, &["explain", "--config", "intake.toml", "--json", "hello.txt"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["accepted"], &json["size"]), (&Value::Bool(false), &13.into()));
    let stages: Vec<_> = json["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| &stage["stage"])
        .collect();
    assert_eq!(stages, ["receive", "media-type", "image-info"]);

    let mut left: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["hello.txt", "intake.toml", "small.gif"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let dir = folder("");
    for (file, part) in [("none.txt", "cannot read none.txt"), (".", "is a folder")] {
        let failed = run(&dir, &["explain", "--config", "intake.toml", file]);
        assert_eq!(failed.status.code(), Some(1));
        assert!(text(&failed.stderr).contains(part), "{}", text(&failed.stderr));
    }
}

#[test]
fn the_tests_of_a_configuration_are_run_and_compared() {
    let right = "[[test]]\nfile = \"small.gif\"\nexpect = \"accepted\"\n[[test]]\nfile = \"hello.txt\"\nexpect = \"type_forbidden\"\n";
    let wrong = "[[test]]\nfile = \"small.gif\"\nexpect = \"infected\"\n";
    let dir = folder(right);
    let passed = run(&dir, &["check", "--test", "intake.toml"]);
    assert!(passed.status.success(), "{}", text(&passed.stderr));
    assert!(text(&passed.stderr).contains("tests: 2 passed"));

    let failed = run(
        &folder(&(right.to_owned() + wrong)),
        &["check", "--test", "intake.toml"],
    );
    assert_eq!(failed.status.code(), Some(1));
    let said = text(&failed.stderr);
    assert!(
        said.contains("small.gif: accepted, and infected was expected"),
        "{said}"
    );
    assert!(said.contains("1 of 3 tests failed"), "{said}");

    let none = run(&folder(""), &["check", "--test", "intake.toml"]);
    assert!(text(&none.stderr).contains("no [[test]]"));
    let mistyped = run(
        &folder("[[test]]\nfile = \"a\"\nexpects = \"accepted\"\n"),
        &["check", "intake.toml"],
    );
    assert_eq!(mistyped.status.code(), Some(78));
    assert!(text(&mistyped.stderr).contains("expects"), "{}", text(&mistyped.stderr));
}

#[test]
fn a_record_says_later_which_stage_said_what() {
    let server = Server::start();
    let id = server.upload("small.gif", b"GIF89a\x01\0\x01\0\0\0\0;");
    let page = works(&server, &["files", "explain", &id]);
    assert!(
        page.contains("image-info 0.1.0") && page.contains("partly covered"),
        "{page}"
    );
}
