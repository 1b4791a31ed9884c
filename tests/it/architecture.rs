//! The architecture: which crates may depend on which, and what every module and every code needs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files that git knows, or would know.
pub fn tracked(ending: &str) -> Vec<PathBuf> {
    let git = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let listed = String::from_utf8(git.unwrap().stdout).unwrap();
    let files: Vec<_> = listed
        .lines()
        .filter(|line| line.ends_with(ending))
        .map(|line| root().join(line))
        .collect();
    files.into_iter().filter(|path| path.exists()).collect()
}

#[test]
fn layers_know_only_those_below() {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output();
    let metadata: Value = serde_json::from_slice(&cargo.unwrap().stdout).unwrap();
    let core_may_know = [
        "async-trait",
        "bytes",
        "bytesize",
        "encoding_rs",
        "file-format",
        "futures-util",
        "hex",
        "humantime-serde",
        "inventory",
        // A facade, as `tracing` is: nothing is counted unless the program installs a recorder.
        "metrics",
        "mime",
        "miniz_oxide",
        "quick_cache",
        "secrecy",
        "serde",
        "serde_json",
        "serde_path_to_error",
        "sha2",
        "sync_wrapper",
        "thiserror",
        "tokio",
        "tokio-util",
        "tracing",
        "uuid",
    ];
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let normal = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["kind"].is_null());
        let knows: BTreeSet<_> = normal.map(|dependency| dependency["name"].as_str().unwrap()).collect();
        let ours = knows.iter().copied().filter(|name| name.starts_with("intake"));
        match name {
            "intake" => {}
            "intake-core" => {
                let foreign: Vec<_> = knows.iter().filter(|name| !core_may_know.contains(name)).collect();
                assert!(foreign.is_empty(), "the core knows {foreign:?}");
            }
            "intake-outbound" => assert_eq!(ours.collect::<Vec<_>>(), ["intake-core"], "{name}"),
            // A library of its own.
            "intake-images" => assert_eq!(ours.collect::<Vec<_>>(), [""; 0], "{name} knows another crate"),
            "intake-delivery" => assert_eq!(ours.collect::<Vec<_>>(), ["intake-core", "intake-images"], "{name}"),
            // Plugins that connect to targets that strangers name do it through one crate.
            _ => assert!(
                matches!(
                    ours.collect::<Vec<_>>()[..],
                    ["intake-core"] | ["intake-core", "intake-outbound"]
                ) && (!knows.contains("intake-outbound") || name.starts_with("intake-plugin-")),
                "{name} depends on another crate of the workspace than the core, or an adapter on `outbound`"
            ),
        }
    }
}

#[test]
fn every_module_has_docs_and_at_most_500_lines() {
    for path in tracked(".rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("//! "),
            "{} does not begin with a module doc comment",
            path.display()
        );
        let lines = text.lines().count();
        let most = 500;
        assert!(
            lines <= most,
            "{} has {lines} lines: split it by subject",
            path.display()
        );
    }
}

#[test]
fn every_code_is_documented() {
    let documented = std::fs::read_to_string(root().join("docs/codes.md")).unwrap();
    let mut missing = BTreeSet::new();
    for path in tracked(".rs")
        .into_iter()
        .filter(|path| !path.components().any(|part| part.as_os_str() == "tests"))
    {
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for code in line
                .split("Code::new(\"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
            {
                if !documented.contains(&format!("`{code}`")) {
                    missing.insert(code.to_owned());
                }
            }
        }
    }
    // Made up by suites and examples.
    let made_up = [
        "made_to_fail",
        "no",
        "name_forbidden",
        "no_archives",
        "no_department",
        "wrong_page",
    ];
    missing.retain(|code| !made_up.contains(&code.as_str()));
    assert!(missing.is_empty(), "docs/codes.md does not list {missing:?}");
}

#[test]
fn the_example_configurations_can_be_used() {
    let configurations = tracked(".toml")
        .into_iter()
        .filter(|path| path.starts_with(root().join("examples/configs")));
    let mut checked = 0;
    for path in configurations {
        let output = Command::new(crate::support::INTAKE)
            .arg("check")
            .arg(&path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        checked += 1;
    }
    assert!(checked > 0, "there are no example configurations");
}
