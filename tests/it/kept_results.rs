//! Results of image operations in a folder: over restarts, damaged, beyond the bound, and after their file is deleted.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::admin::Node;
use crate::support::{self, INTAKE, files_below, wait_until};

const PICTURE: &[u8] = include_bytes!("../data/3x2.png");
const OPERATIONS: [&str; 4] = ["resize/2x/", "resize/1x/", "preview/-/format/jpeg/", "json/"];

/// A server whose files, records and results outlive it.
fn start(kept: &Path) -> Node {
    let folder = kept.display();
    let more = format!(
        "\n[delivery]\n[derived]\nuse = \"opendal\"\nscheme = \"fs\"\nroot = \"{folder}/derived\"\ndurable = false\nmax_count = 8\n"
    );
    Node::start_in(TempDir::new().unwrap(), &(support::config(kept) + &more), &[])
}

fn results(kept: &Path) -> Vec<PathBuf> {
    files_below(&kept.join("derived"))
}

/// How many questions for results ended so, or how many results were kept.
fn count(node: &Node, metric: &str, label: &str) -> f64 {
    node.series(metric).get(label).copied().unwrap_or_default()
}

fn asked(node: &Node, result: &str) -> f64 {
    count(node, "intake_derived_asked_total", &format!("result=\"{result}\""))
}

fn wait_until_kept(node: &Node, many: usize) {
    wait_until("the results are kept", || {
        count(node, "intake_derived_kept_total", "result=\"kept\"") == many as f64
    });
}

fn ask_all(node: &Node, id: &str) -> Vec<Vec<u8>> {
    let get = |operation| {
        let answer = node.get(&format!("/{id}/-/{operation}"));
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
        answer.body
    };
    OPERATIONS.into_iter().map(get).collect()
}

#[test]
fn results_are_there_after_a_restart_and_damaged_ones_are_made_again() {
    let kept = TempDir::new().unwrap();
    let all = OPERATIONS.len();
    let node = start(kept.path());
    let id = node.upload("cat.png", PICTURE);
    let answers = ask_all(&node, &id);
    wait_until_kept(&node, all);
    drop(node);

    let node = start(kept.path());
    assert_eq!(ask_all(&node, &id), answers);
    assert_eq!((asked(&node, "found"), asked(&node, "missing")), (all as f64, 0.0));
    drop(node);

    for (at, result) in results(kept.path()).into_iter().enumerate() {
        let whole = std::fs::read(&result).unwrap();
        std::fs::write(&result, &whole[..whole.len() * at / all]).unwrap();
    }
    let node = start(kept.path());
    assert_eq!(ask_all(&node, &id), answers);
    assert_eq!((asked(&node, "found"), asked(&node, "damaged")), (0.0, all as f64));
    wait_until_kept(&node, all);
    drop(node);

    let node = start(kept.path());
    assert_eq!(ask_all(&node, &id), answers);
    assert_eq!(asked(&node, "found"), all as f64, "they were replaced");
}

#[test]
fn results_are_bounded_and_go_with_their_file_whoever_deletes_it() {
    let kept = TempDir::new().unwrap();
    let node = start(kept.path());
    let id = node.upload("cat.png", PICTURE);
    for (many, quality) in (1..).zip(["normal", "better", "best", "lighter", "lightest"]) {
        for size in [1, 2] {
            let path = format!("/{id}/-/resize/{size}x/-/format/jpeg/-/quality/{quality}/");
            assert_eq!(node.get(&path).status, 200, "{path}");
        }
        wait_until_kept(&node, many * 2);
        assert!(results(kept.path()).len() <= 8);
    }
    assert!(results(kept.path()).len() >= 7);

    let path = format!("/{id}/-/resize/2x/-/format/jpeg/-/quality/lightest/");
    let deleted = Command::new(INTAKE)
        .args(["files", "delete", &id, "--config"])
        .arg(node.config_file())
        .output();
    let deleted = deleted.unwrap();
    assert!(deleted.status.success(), "{}", String::from_utf8_lossy(&deleted.stderr));
    assert_eq!(results(kept.path()), [""; 0].map(PathBuf::from));
    assert_eq!(node.get(&path).status, 404);
}
