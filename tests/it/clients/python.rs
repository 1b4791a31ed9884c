//! The published Python client: every call of the Upload API that the other tests do not cover.

use serde_json::{Value, json};

use super::{PNG, picture, python};
use crate::origin::Origin;
use crate::parts::{digest, file_of};
use crate::support::{PART, Server};

const NOBODY: &str = "11111111-2222-4333-8444-555555555555";

fn demo(mut options: Value) -> Value {
    options["publicKey"] = json!("demopublickey");
    options
}

#[test]
fn the_python_client_has_no_call_that_is_not_driven_here() {
    let server = Server::start();
    let script = include_str!("../../clients/python/upload.py");
    let calls = python("calls", &server, demo(json!({})));
    for (part, names) in calls.as_object().unwrap() {
        let names = names.as_array().unwrap();
        assert!(names.len() > 6, "{part}: {names:?}");
        for name in names.iter().map(|name| name.as_str().unwrap()) {
            let ways: &[&str] = match part.as_str() {
                "client" => &["client"],
                _ => &["api", "client.upload_api"],
            };
            let called = ways.iter().any(|way| script.contains(&format!(" {way}.{name}(")));
            assert!(called, "no code calls {name} of {part}");
        }
    }
}

#[test]
fn the_python_client_uploads_large_files_by_the_call_for_them() {
    let server = Server::start();
    let size = 2 * PART + 4711;
    let path = file_of(server.dir.path(), size as u64);
    let metadata = json!({"pet": "cat"});
    let options = json!({"path": path, "name": "Ünï.bin", "type": "application/x-large", "store": true,
        "metadata": metadata});
    let done = python("in-parts", &server, demo(options));
    let info = &done["info"];
    assert_eq!(info["uuid"], done["file"]);
    assert_eq!(
        (info["size"].as_u64(), info["is_stored"].as_bool()),
        (Some(size as u64), Some(true))
    );
    assert_eq!(
        (info["original_filename"].as_str(), info["mime_type"].as_str()),
        (Some("Ünï.bin"), Some("application/x-large"))
    );
    assert_eq!(info["metadata"], metadata);
    assert_eq!(done["progress"], json!([[PART, size], [2 * PART, size], [size, size]]));
    assert_eq!(digest(&server.files()[0]), digest(&path));
}

#[test]
fn the_python_client_uploads_from_every_kind_of_source() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[]);
    let small = python("anything", &server, demo(json!({"path": picture(&server)})));
    assert_eq!(small["info"]["original_filename"], "picture.png");
    assert_eq!(small["info"]["mime_type"], "image/png");
    assert_eq!(small["progress"], json!([[PNG.len(), PNG.len()]]));

    let size = 2 * PART;
    let large = file_of(server.dir.path(), size as u64);
    let large = python("anything", &server, demo(json!({"path": large})));
    assert_eq!(
        large["info"]["original_filename"],
        format!("sent-{size}.bin"),
        "the client names it with its path, and the answer must not show the path"
    );
    assert_eq!(large["progress"], json!([[PART, size], [size, size]]));

    let url = origin.url("/noise/1/3000/a.bin");
    let fetched = python("anything", &server, demo(json!({"url": url})));
    assert_eq!(
        (fetched["info"]["size"].as_u64(), &fetched["info"]["is_stored"]),
        (Some(3000), &json!(true))
    );
}

#[test]
fn the_python_client_follows_an_order_by_its_token() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[]);
    let options = json!({"url": origin.url("/noise/1/300000/a.bin"), "name": "b.bin", "store": false});
    let done = python("from-url-in-steps", &server, demo(options));
    let first = done["first"]["status"].as_str().unwrap();
    assert!(["waiting", "progress", "success"].contains(&first), "{first}");
    let last = &done["last"];
    assert_eq!(
        (last["status"].as_str(), last["size"].as_u64()),
        (Some("success"), Some(300_000))
    );
    assert_eq!(
        (last["original_filename"].as_str(), last["is_stored"].as_bool()),
        (Some("b.bin"), Some(false))
    );
    assert_eq!(done["file"], last["uuid"]);
    assert_ne!(done["token"], done["file"], "a token opens nothing");
}

#[test]
fn the_python_client_is_told_of_a_duplicate() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[]);
    let done = python(
        "duplicate",
        &server,
        demo(json!({"url": origin.url("/noise/1/10/a.bin")})),
    );
    assert_eq!(done["name"], "DuplicateFileError");
    let known = server.get(&format!(
        "/info/?pub_key=demopublickey&file_id={}",
        done["file"].as_str().unwrap()
    ));
    assert_eq!(known.json()["size"], 10);
    assert_eq!(origin.asked_in_all(), 1);
}

#[test]
fn the_python_client_makes_each_call_by_hand_signed_or_not() {
    let origin = Origin::start();
    let url = origin.url("/noise/1/3000/a.bin");
    let size = 2 * PART + 1;
    for (server, key, secret) in [
        (Server::start_with(&origin.opened(), &[]), "demopublickey", Value::Null),
        (crate::signed::server(&origin, &[]), "signed", json!("new secret")),
    ] {
        let [small, large] = [1000, size].map(|size| file_of(server.dir.path(), size as u64));
        let options = json!({"small": small, "large": large, "url": url, "publicKey": key, "secretKey": secret});
        let done = python("by-hand", &server, options);
        assert_eq!(done["files"].as_object().unwrap().keys().collect::<Vec<_>>(), ["field"]);
        assert_eq!(done["chunks"], json!(["", "", ""]), "a part is answered with nothing");
        let completed = &done["completed"];
        assert_eq!(completed["uuid"], done["started"]["uuid"]);
        assert_eq!(
            (completed["size"].as_u64(), completed["is_stored"].as_bool()),
            (Some(size as u64), Some(false))
        );
        assert_eq!(
            (completed["mime_type"].as_str(), &completed["metadata"]),
            (Some("text/plain"), &json!({"pet": "cat"}))
        );
        let status = &done["status"];
        assert_eq!(
            (status["status"].as_str(), status["size"].as_u64()),
            (Some("success"), Some(3000))
        );
        assert_eq!(status["original_filename"], "u.bin");
    }
}

#[test]
fn a_page_gets_in_with_the_signature_that_the_python_client_makes_for_it() {
    let server = crate::signed::server(&Origin::start(), &[]);
    let path = file_of(server.dir.path(), 1000);
    let options = json!({"publicKey": "signed", "secretKey": "old secret", "path": path});
    let done = python("browser-signature", &server, options);
    assert_eq!(
        (&done["info"]["uuid"], done["info"]["size"].as_u64()),
        (&done["file"], Some(1000))
    );
}

#[test]
fn the_python_client_understands_the_refusal_of_every_call() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[]);
    let part = &server.begin_parts(2 * PART).parts[0];
    let tampered = format!(
        "http://{}{}",
        server.address,
        part.replace("partNumber=1", "partNumber=2")
    );
    let invalid = "InvalidRequestError";
    for (call, arguments, name, message) in [
        ("info", json!([NOBODY]), invalid, "File is not found."),
        ("info", json!(["no-id"]), invalid, "file_id is invalid."),
        ("upload", json!([{}]), invalid, "Request does not contain files."),
        (
            "start_multipart_upload",
            json!(["a.bin", 1000, "a/b"]),
            invalid,
            "File size can not be less than 10485760 bytes. Please use direct upload instead of multipart.",
        ),
        ("multipart_complete", json!([NOBODY]), invalid, "File is not found."),
        ("multipart_complete", json!(["no-id"]), invalid, "uuid is invalid."),
        (
            "multipart_upload_chunk",
            json!([tampered, "a part"]),
            "AuthenticationError",
            "Forbidden request.",
        ),
        (
            "upload_from_url",
            json!(["http://10.0.0.1/"]),
            invalid,
            "Only public IPs are allowed.",
        ),
        ("upload_from_url", json!([""]), invalid, "source_url is required."),
        ("get_upload_from_url_status", json!([""]), invalid, "token is required."),
    ] {
        let options = demo(json!({"call": call, "arguments": arguments}));
        let said = python("refused-call", &server, options);
        assert_eq!(said, json!({"name": name, "message": message}), "{call} of {arguments}");
    }
    let stranger = json!({"publicKey": "no-such-key", "call": "info", "arguments": [NOBODY]});
    let said = python("refused-call", &server, stranger);
    assert_eq!(
        said,
        json!({"name": "AuthenticationError", "message": "pub_key is invalid."})
    );
    let throttled = Server::start_with(
        &origin.opened(),
        &[("INTAKE_RECEIVE__MAX_QUEUED_FETCHES_PER_PROJECT", "1")],
    );
    let order = json!({"call": "upload_from_url", "arguments": [origin.url("/held/1/100/a.bin")],
        "settings": {"retry_throttled": 0}});
    let body = format!("pub_key=demopublickey&source_url={}", origin.url("/held/1/100/b.bin"));
    let ordered = throttled.send("POST /from_url/ HTTP/1.1\r\n", body.as_bytes());
    assert_eq!(ordered.status, 200, "{}", ordered.text());
    let said = python("refused-call", &throttled, demo(order));
    assert_eq!(said["name"], "ThrottledRequestError");
    origin.release();
}
