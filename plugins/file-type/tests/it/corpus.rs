//! Every file of the core's corpus under its own name: real files of all programs that could be had.

use std::path::Path;

use intake_plugin_file_type::Settings;

use crate::{pipeline, refusal};

/// Those that are refused: programs, and what starts or installs one.
const REFUSED: [&str; 7] = [
    "apple.macho",
    "dos.exe",
    "linux.elf",
    "setup.msi",
    "universal.macho",
    "windows.exe",
    "windows.lnk",
];

#[tokio::test]
async fn files_of_many_programs_are_taken_under_their_own_names_and_types() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../core/tests/corpus/files");
    let strict = pipeline(Settings::default());
    let mut refused = Vec::new();
    let mut triples = 0;
    for entry in std::fs::read_dir(files).expect("the corpus is beside the core") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name of letters");
        let content = std::fs::read(&path).expect("a file");
        let guessed = mime_guess::from_path(&path);
        for declared in guessed.iter_raw().chain(["", "application/octet-stream"]) {
            triples += 1;
            let refusal = refusal(&strict, name, declared, &content).await;
            if let Some(refusal) = refusal.filter(|_| !REFUSED.contains(&name)) {
                refused.push(format!("{name} {declared:?}: {refusal}"));
            }
        }
    }
    assert!(triples > 1000, "{triples}");
    assert_eq!(
        refused,
        Vec::<String>::new(),
        "of {triples} names, declared types and contents"
    );
}
