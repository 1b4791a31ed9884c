//! The official clients, as published, with only their base URL set; the Rust client, which has none, is led here by a [detour].

mod detour;
mod groups;
mod javascript;
mod python;
mod rest;
mod rust;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::Server;

/// Where `./check setup` puts the clients.
pub(crate) fn tools() -> PathBuf {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = || {
        set("XDG_CACHE_HOME")
            .or_else(|| Some(set("HOME")?.join(".cache")))
            .expect("a home")
    };
    set("INTAKE_TEST_TOOLS").unwrap_or_else(|| cache().join("intake/test-tools"))
}

/// Runs the program of a client to its end, and reads its output.
pub(crate) fn run(scenario: &str, command: &mut Command) -> Value {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}; run `./check setup` first"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{scenario}: {said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

fn script(program: &Path, script: &str, scenario: &str, server: &Server, options: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
    let mut command = Command::new(program);
    command
        .arg(script)
        .args([scenario, &server.url(), &options.to_string()]);
    run(scenario, &mut command)
}

pub(crate) fn js(scenario: &str, server: &Server, options: Value) -> Value {
    script(Path::new("node"), "js/upload.mjs", scenario, server, &options)
}

pub(crate) fn python(scenario: &str, server: &Server, options: Value) -> Value {
    script(
        &tools().join("python/bin/python"),
        "python/upload.py",
        scenario,
        server,
        &options,
    )
}

/// A picture of 3 by 2 pixels.
const PNG: &[u8] = include_bytes!("../data/3x2.png");

fn picture(server: &Server) -> PathBuf {
    let path = server.dir.path().join("picture.png");
    std::fs::write(&path, PNG).unwrap();
    path
}

#[test]
fn the_javascript_client_uploads_and_reads_back() {
    let server = Server::start();
    let path = picture(&server);
    let metadata = json!({"pet": "cat"});
    let options = json!({"publicKey": "demopublickey", "path": path, "fileName": "Ünï cat.png", "contentType": "image/png",
        "store": true, "metadata": metadata});
    let done = js("base-and-info", &server, options);
    let info = &done["info"];
    assert_eq!(info["uuid"], done["file"]);
    assert_eq!(info["originalFilename"], "Ünï cat.png");
    assert_eq!(info["filename"], "ncat.png");
    assert_eq!(
        (info["size"].as_u64(), info["isStored"].as_bool()),
        (Some(PNG.len() as u64), Some(true))
    );
    assert_eq!(
        (info["mimeType"].as_str(), info["isImage"].as_bool()),
        (Some("image/png"), Some(true))
    );
    assert_eq!(info["metadata"], metadata);
    assert_eq!(
        (
            info["imageInfo"]["width"].as_u64(),
            info["imageInfo"]["height"].as_u64()
        ),
        (Some(3), Some(2))
    );
    assert_eq!(info["contentInfo"]["mime"]["mime"], "image/png");
}

#[test]
fn the_javascript_client_uploads_by_its_high_level_call() {
    let server = Server::start();
    let path = picture(&server);
    let options = json!({"publicKey": "demopublickey", "path": path, "fileName": "cat.png", "store": "auto"});
    let file = &js("upload-file", &server, options)["file"];
    assert_eq!(
        (file["name"].as_str(), file["size"].as_u64()),
        (Some("cat.png"), Some(PNG.len() as u64))
    );
    assert_eq!(
        file["isStored"], true,
        "a project keeps what comes as `auto`, unless it says otherwise"
    );
}

#[test]
fn the_javascript_client_uploads_many_files_at_a_time() {
    let server = Server::start();
    let done = js("many", &server, json!({"publicKey": "demopublickey", "count": 100}));
    let files = done["files"].as_array().unwrap();
    assert_eq!(files.len(), 100);
    for file in files {
        assert_eq!(
            file["size"].as_u64().unwrap(),
            file["text"].as_str().unwrap().len() as u64
        );
    }
}

#[test]
fn the_javascript_client_understands_a_refusal() {
    let server = Server::start();
    let path = picture(&server);
    let error = js("wrong-key", &server, json!({"path": path}));
    assert_eq!(error["code"], "ProjectPublicKeyInvalidError");
    assert_eq!(error["message"], "UPLOADCARE_PUB_KEY is invalid.");
}

#[test]
fn the_python_client_uploads_and_reads_back() {
    let server = Server::start();
    let path = picture(&server);
    let metadata = json!({"pet": "cat", "sub-system": "1"});
    let options =
        json!({"publicKey": "demopublickey", "path": path, "name": "Ünï cat.png", "store": true, "metadata": metadata});
    let done = python("upload", &server, options);
    let info = &done["info"];
    assert_eq!(info["uuid"], done["file"]);
    assert_eq!(info["size"], PNG.len());
    assert_eq!(
        (info["is_stored"].as_bool(), info["is_image"].as_bool()),
        (Some(true), Some(true))
    );
    assert_eq!(info["metadata"], metadata);
}

#[test]
fn the_python_client_uploads_several_files_in_a_request() {
    let server = Server::start();
    let path = picture(&server);
    let files = ["one.png", "two.png", "three.png"].map(|name| json!({"path": path, "name": name}));
    let done = python(
        "several-files",
        &server,
        json!({"publicKey": "demopublickey", "files": files}),
    );
    assert_eq!(done["files"].as_array().unwrap().len(), 3);
    for file in done["files"].as_array().unwrap() {
        assert_eq!(file["info"]["size"], PNG.len());
    }
}

#[test]
fn the_python_client_understands_a_refusal() {
    let server = Server::start();
    let path = picture(&server);
    let error = python("wrong-key", &server, json!({"path": path}));
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("UPLOADCARE_PUB_KEY is invalid."),
        "{error}"
    );
}
