//! Uploads in parts through the official clients, on disk and SQLite: what comes out is what went in.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use intake::core::testkit::noise;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::clients::{js, python};
use crate::support::Server;

const MIB: u64 = 1 << 20;

/// A file of so many bytes, each mebibyte of it another one.
pub(crate) fn file_of(folder: &Path, size: u64) -> PathBuf {
    let path = folder.join(format!("sent-{size}.bin"));
    let mut file = BufWriter::new(File::create(&path).unwrap());
    let mut left = size;
    for seed in 0.. {
        if left == 0 {
            break;
        }
        let piece = noise(seed, left.min(MIB) as usize);
        file.write_all(&piece).unwrap();
        left -= piece.len() as u64;
    }
    file.flush().unwrap();
    path
}

pub(crate) fn digest(path: &Path) -> String {
    let (mut hasher, mut file) = (Sha256::new(), File::open(path).unwrap());
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => return hex::encode(hasher.finalize()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn the_only_file(server: &Server) -> PathBuf {
    let mut files = server.files();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

fn check(server: &Server, sent: &Path, size: u64, info: &Value) {
    assert_eq!(info["size"], size);
    assert_eq!(
        digest(&the_only_file(server)),
        digest(sent),
        "{size} bytes came out other than they went in"
    );
}

#[test]
fn the_javascript_client_uploads_large_files_in_parallel_parts() {
    for size in [12 * MIB, 100 * MIB, 1024 * MIB + 4711] {
        let server = Server::start();
        let sent = file_of(server.dir.path(), size);
        let options = json!({"publicKey": "demopublickey", "path": sent, "fileName": "large.bin", "store": true});
        let done = js("in-parts", &server, options);
        assert_eq!(done["info"]["isStored"], true);
        assert_eq!(done["file"]["uuid"], done["info"]["uuid"]);
        check(&server, &sent, size, &done["info"]);
    }
}

#[test]
fn the_python_client_uploads_large_files_in_parts() {
    for size in [12 * MIB, 100 * MIB, 1024 * MIB] {
        let server = Server::start();
        let sent = file_of(server.dir.path(), size);
        let metadata = json!({"pet": "cat"});
        let options = json!({"publicKey": "demopublickey", "path": sent, "name": "large.bin", "store": false, "metadata": metadata});
        let done = python("upload", &server, options);
        assert_eq!(
            (done["info"]["is_stored"].as_bool(), &done["info"]["metadata"]),
            (Some(false), &metadata)
        );
        check(&server, &sent, size, &done["info"]);
    }
}

#[test]
fn the_javascript_client_is_told_that_a_file_in_parts_is_refused() {
    let more = "\n[[validate]]\nuse = \"media-type\"\nallow = [\"image/*\"]\n";
    let server = Server::start_with(more, &[]);
    let sent = file_of(server.dir.path(), 12 * MIB);
    let error = js(
        "refused-in-parts",
        &server,
        json!({"publicKey": "demopublickey", "path": sent}),
    );
    assert_eq!(error["code"], "FileTypeForbiddenError");
    assert!(server.files().is_empty(), "what was refused is left");
}
