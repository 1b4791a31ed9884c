//! What a user of the `opendal` store can rely on.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod cors;
mod disk;
mod dropped;
mod full;
mod probe;
mod s3;
mod settings;
mod suites;
mod tls;

use std::path::Path;

use intake_core::plugin::{Build, Registry, Stage};
use intake_core::testkit::noise;
use intake_core::{Bytes, ConfigError, Key, Settings, Staged, Store, UploadId, codes};
use serde_json::{Value, json};

/// Builds a store as a configuration does.
fn build(settings: Value) -> Result<Box<dyn Store>, ConfigError> {
    let Value::Object(table) = settings else {
        panic!("a table")
    };
    match Registry::linked()?.find(Stage::Store, "opendal")?.build {
        Build::Store(build) => Ok(build(Settings::new(table))?),
        other => panic!("{other:?}"),
    }
}

fn fs(root: &Path) -> Box<dyn Store> {
    build(json!({"scheme": "fs", "root": root})).unwrap()
}

fn key() -> Key {
    Key::whole(UploadId::random())
}

/// Writes in pieces as the pipeline does, and commits.
async fn put(store: &dyn Store, key: &Key, bytes: &Bytes) {
    let mut staged = store.stage(key, Some(&"image/png".parse().unwrap())).await.unwrap();
    for piece in bytes.chunks(256 * 1024) {
        staged.write(bytes.slice_ref(piece)).await.unwrap();
    }
    staged.commit().await.unwrap();
}

async fn is_missing(store: &dyn Store, key: &Key) -> bool {
    match store.read(key, None).await {
        Ok(_) => false,
        Err(fault) => {
            assert_eq!(fault.code, codes::BYTES_MISSING, "{}", fault.report());
            true
        }
    }
}

/// The files below a folder, at whatever depth, as `folder/file`, sorted.
fn files(root: &Path) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found)
            } else {
                found.push(path)
            }
        }
    }
    let mut found = Vec::new();
    walk(root, &mut found);
    let relative = |path: std::path::PathBuf| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    let mut names: Vec<_> = found.into_iter().map(relative).collect();
    names.sort();
    names
}

fn some_bytes() -> Bytes {
    noise(1, 700_000)
}

/// The bytes of a large write.
fn much() -> Bytes {
    noise(1, 1 << 20)
}

/// Writes so much that a file is there: the last write may still run.
async fn write_much(staged: &mut dyn Staged) {
    for _ in 0..3 {
        staged.write(much()).await.unwrap();
    }
}
