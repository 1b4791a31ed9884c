//! The examples in the documentation work as they are shown. `src/docs.rs` compiles its Rust blocks.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::architecture::{root, tracked};
use crate::support::INTAKE;

/// A block of a page, between two fences.
pub struct Block {
    pub language: String,
    /// The file that a line above it names, as in "`src/lib.rs`:".
    pub file: Option<String>,
    line: usize,
    pub text: String,
}

pub fn blocks(page: &Path) -> Vec<Block> {
    let text = std::fs::read_to_string(page).unwrap();
    let mut blocks: Vec<Block> = Vec::new();
    let (mut is_within, mut above) = (false, "");
    for (at, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if is_within => is_within = false,
            Some(language) => {
                is_within = true;
                let file = above.strip_prefix('`').and_then(|rest| rest.strip_suffix("`:"));
                blocks.push(Block {
                    language: language.to_owned(),
                    file: file.map(str::to_owned),
                    line: at + 1,
                    text: String::new(),
                });
            }
            None if is_within => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            None if line.trim().is_empty() => {}
            None => above = line,
        }
    }
    blocks
}

const PAGE: &str = "docs/writing-a-plugin.md";

/// The files of the crate that the page makes, by name.
fn first_plugin() -> BTreeMap<String, String> {
    let blocks = blocks(&root().join(PAGE)).into_iter();
    blocks.filter_map(|block| Some((block.file?, block.text))).collect()
}

#[test]
fn an_integrator_comes_to_a_plugin_that_passes_the_kit_by_the_page_alone() {
    let folder = TempDir::new().unwrap();
    let crate_folder = folder.path().join("no-programs");
    for (name, text) in first_plugin() {
        // The page has the checkout beside the crate.
        let text = text.replace("../intake/", &format!("{}/", root().display()));
        let path = crate_folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    // The versions that are tested, so that nothing is downloaded.
    std::fs::copy(root().join("Cargo.lock"), crate_folder.join("Cargo.lock")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["test", "--offline", "--color=never"])
        .current_dir(&crate_folder)
        // Kept between runs, so that only the first one is long.
        .env("CARGO_TARGET_DIR", Path::new(INTAKE).with_file_name("first-plugin"))
        .output()
        .unwrap();
    let (said, errors) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}\n{errors}");
    let transcript = blocks(&root().join(PAGE));
    let transcript = transcript.iter().find(|block| block.text.starts_with("$ cargo test"));
    for line in transcript.expect("the page shows what is said").text.lines().skip(1) {
        assert!(
            said.contains(line),
            "the page shows `{line}`, and what was said is\n{said}"
        );
    }
}

#[test]
fn the_plugin_of_the_page_is_the_one_among_the_examples() {
    let files = first_plugin();
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        ["Cargo.toml", "src/lib.rs", "tests/contract.rs"]
    );
    for (name, text) in files {
        let path = root().join("examples/no-programs").join(&name);
        let text = text.replace("../intake/", "../../");
        assert_eq!(text, std::fs::read_to_string(path).unwrap(), "{name} in {PAGE}");
    }
}

#[test]
fn every_page_with_rust_in_it_is_compiled() {
    let compiled = std::fs::read_to_string(root().join("src/docs.rs")).unwrap();
    for page in tracked(".md") {
        let name = page.strip_prefix(root()).unwrap().display().to_string();
        let rust = |block: &Block| block.language.starts_with("rust");
        for block in blocks(&page).into_iter().filter(rust) {
            let line = block.line;
            let is_compiled = ["rust", "rust,no_run"].contains(&block.language.as_str());
            assert!(is_compiled, "{name}:{line}: is not compiled");
            assert!(
                compiled.contains(&format!("../{name}")),
                "{name}:{line}: src/docs.rs does not name it"
            );
        }
    }
}

#[test]
fn every_toml_block_is_toml_and_a_configuration_can_be_used() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("intake.toml");
    let mut checked = 0;
    // The program has no plugins of other workspaces, so it cannot check their settings.
    let manifest: toml::Table = toml::from_str(&std::fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    let apart = manifest["workspace"]["exclude"].as_array().unwrap();
    let apart: Vec<_> = apart
        .iter()
        .map(|folder| root().join(folder.as_str().unwrap()))
        .collect();
    let is_apart = |page: &Path| apart.iter().any(|folder| page.starts_with(folder));
    for page in tracked(".md").into_iter().filter(|page| !is_apart(page)) {
        for block in blocks(&page).into_iter().filter(|block| block.language == "toml") {
            let place = format!("{}:{}", page.display(), block.line);
            let shown: toml::Table = toml::from_str(&block.text).unwrap_or_else(|error| panic!("{place}: {error}"));
            if shown.contains_key("package") {
                continue;
            }
            // A page shows some settings; the others keep their defaults.
            let mut whole: toml::Table = toml::from_str(intake::config::BUILT_IN).unwrap();
            for (key, value) in shown {
                match (whole.get_mut(&key), value) {
                    (Some(toml::Value::Table(table)), toml::Value::Table(more)) if !more.contains_key("use") => {
                        table.extend(more);
                    }
                    (_, value) => drop(whole.insert(key, value)),
                }
            }
            std::fs::write(&file, toml::to_string(&whole).unwrap()).unwrap();
            let mut check = Command::new(program_for(&block.text));
            let output = check
                .arg("check")
                .arg(&file)
                .env("DATABASE_URL", "postgres://localhost/intake")
                .env("SHOP_DELIVERY_SECRET", "00112233445566778899aabbccddeeff")
                .output()
                .unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{place}: {errors}\n{}", block.text);
            checked += 1;
        }
    }
    assert!(checked > 5, "{checked} configurations");
}

/// The program that has the plugin which the block names.
fn program_for(block: &str) -> std::path::PathBuf {
    match block.contains("no-programs") {
        true => crate::examples::example("custom_validator"),
        false => INTAKE.into(),
    }
}
