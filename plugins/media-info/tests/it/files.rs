//! Files that a common program wrote, with what is known of them: `tests/files`, written by `make.sh` there.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::{left_out, note, scan};

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files")
}

/// The files of the table, with their content and their facts.
pub(crate) fn table() -> Vec<(String, Vec<u8>, Value)> {
    let text = std::fs::read_to_string(folder().join("expected.json")).expect("the table is there");
    let table: Map<String, Value> = serde_json::from_str(&text).expect("the table is JSON");
    let read = |name: &str| std::fs::read(folder().join(name)).expect("every file of the table is there");
    table
        .into_iter()
        .map(|(name, facts)| (name.clone(), read(&name), facts))
        .collect()
}

#[tokio::test]
async fn every_format_says_what_the_table_says() {
    let table = table();
    assert!(table.len() > 20, "the table has all files");

    for (name, content, expected) in table {
        let report = scan(&content).await;
        let found = note(&report).map(|note| serde_json::to_value(note).expect("plain data"));
        assert_eq!(found, Some(expected), "{name}: {:?}", report.coverage);
        assert_eq!(left_out(&report), None, "{name}");
    }
}

/// Prints what is known of other files: `INTAKE_MEDIA=/folder cargo test -p intake-plugin-media-info other_files -- --nocapture`.
#[tokio::test]
async fn other_files_are_read_without_a_fault() {
    let Some(folder) = std::env::var_os("INTAKE_MEDIA") else {
        return;
    };
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let content = std::fs::read(&path).unwrap_or_default();
        let report = scan(&content).await;
        let found = serde_json::to_string(&note(&report)).expect("plain data");
        let name = path.file_name().unwrap_or_default().display();
        println!("MEDIA\t{name}\t{found}\t{}", left_out(&report).unwrap_or_default());
    }
}
