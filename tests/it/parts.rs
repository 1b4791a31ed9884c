//! Multipart uploads through the official clients, on disk and SQLite: the stored file has the bytes that were sent.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use intake::core::testkit::noise;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::clients::{js, python};
use crate::support::{COMPLETE, Form, PART, Server, completing, wait_until};
use crate::virus::{runtime, scanned_by};

const MIB: u64 = 1 << 20;

/// A file of this size, of which no two mebibytes are equal.
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

#[test]
fn an_upload_that_a_killed_process_was_completing_is_resumed() {
    let runtime = runtime();
    let clamd = runtime.block_on(intake_plugin_clamav::testkit::Clamd::start());
    let variables = [
        ("INTAKE_RECEIVE__LEASE", "1s"),
        ("INTAKE_SERVER__RECOVERY_INTERVAL", "100ms"),
    ];
    let mut server = Server::start_with(&scanned_by(&clamd), &variables);
    let whole = noise(9, 2 * PART + 100_000);
    let begun = server.begin_parts(whole.len());
    for (path, part) in begun.parts.iter().zip(whole.chunks(PART)) {
        assert_eq!(server.put_part(path, part).status, 200);
    }
    clamd.pause();
    let mut completing_it = server.connect();
    let body = completing(&begun.uuid);
    let head = format!("{COMPLETE}Host: x\r\nContent-Length: {}\r\n\r\n", body.len());
    completing_it.write_all((head + &body).as_bytes()).unwrap();
    // The store has assembled the parts, and the scanner has not answered.
    wait_until("the file has its name", || {
        server.files().iter().any(|path| path.ends_with(&begun.uuid))
    });
    let variables = [
        ("INTAKE_RECEIVE__LEASE", "1s"),
        ("INTAKE_SERVER__RECOVERY_INTERVAL", "100ms"),
    ];
    server.kill();
    let unread = |server: &Server| {
        server
            .get(&format!("/info/?pub_key=demopublickey&file_id={}", begun.uuid))
            .status
    };
    clamd.go_on();
    server = server.restart_after_kill(&variables);
    wait_until("another process has gone on with it", || unread(&server) == 200);
    let info = server.complete(&begun.uuid).json();
    assert_eq!(
        (info["uuid"].as_str(), info["size"].as_u64()),
        (Some(&*begun.uuid), Some(whole.len() as u64)),
        "{info}"
    );
    assert!(std::fs::read(the_only_file(&server)).unwrap() == whole);
    runtime.block_on(clamd.stop());
}

#[test]
fn a_file_of_more_than_ten_thousand_parts_is_refused_with_the_size_that_would_do() {
    let server = Server::start_with("", &[("INTAKE_RECEIVE__MAX_SIZE", "1 TiB")]);
    let size = 10_001 * PART;
    let body = format!("UPLOADCARE_PUB_KEY=demopublickey&filename=a.bin&size={size}&content_type=a%2Fb");
    let answer = server.send("POST /multipart/start/?jsonerrors=1 HTTP/1.1\r\n", body.as_bytes());
    let error = &answer.json()["error"];
    assert_eq!(error["error_code"], "MultipartPartSizeTooSmallError");
    let least = size.div_ceil(10_000);
    assert!(
        error["content"].as_str().unwrap().contains(&least.to_string()),
        "{error}"
    );
}

#[test]
fn the_address_of_a_part_lets_nothing_in_when_its_time_is_over() {
    let server = Server::start_with("", &[("INTAKE_RECEIVE__MULTIPART_TTL", "1s")]);
    let begun = server.begin_parts(2 * PART);
    wait_until("its time is over", || {
        server.put_part(&begun.parts[0], b"late").status == 403
    });
}

#[test]
fn a_part_waits_a_while_for_a_place_and_is_then_told_to_come_again() {
    let runtime = runtime();
    let clamd = runtime.block_on(intake_plugin_clamav::testkit::Clamd::start());
    let bounds = [
        ("INTAKE_UPLOAD_API__MAX_UPLOADS", "1"),
        ("INTAKE_UPLOAD_API__IDLE_TIMEOUT", "500ms"),
    ];
    let server = Server::start_with(&scanned_by(&clamd), &bounds);
    let begun = server.begin_parts(2 * PART);
    clamd.pause();
    // Its scanner does not answer, so this upload keeps the only permit.
    let form = Form::default().key().file("file", "a.bin", &noise(1, 100_000));
    let whole = form.body().len();
    let _has_the_place = server.begin("/base/", &form, whole);
    let mut refused = server.put_part(&begun.parts[0], &[0; PART]);
    wait_until("the place is taken", || {
        if refused.status == 200 {
            refused = server.put_part(&begun.parts[0], &[0; PART]);
        }
        refused.status != 200
    });
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert!(
        refused.header("retry-after").is_some(),
        "when to come again is not said"
    );
    clamd.go_on();
    wait_until("there is a place again", || {
        server.put_part(&begun.parts[0], &[0; PART]).status == 200
    });
    runtime.block_on(clamd.stop());
}
