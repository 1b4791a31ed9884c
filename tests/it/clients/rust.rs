//! The published Rust client: every call. Its address is fixed; a detour leads it to the server under test.

use std::process::Command;

use serde_json::{Value, json};

use super::detour::{Detour, PUBLIC_URL};
use super::{PNG, run, tools};
use crate::origin::Origin;
use crate::parts::{digest, file_of};
use crate::support::{PART, Server, wait_until};

/// The program of the client, and a server for it.
pub(super) struct Rust {
    detour: Detour,
}

impl Rust {
    pub(super) fn before(server: &Server) -> Self {
        Self {
            detour: Detour::to(server),
        }
    }

    pub(super) fn run(&self, scenario: &str, options: Value) -> Value {
        let mut command = Command::new(tools().join("rust/bin/upload"));
        command.args([scenario, &options.to_string()]);
        self.detour.lead(&mut command);
        run(scenario, &mut command)
    }
}

fn demo(mut options: Value) -> Value {
    options["publicKey"] = json!("demopublickey");
    options
}

#[test]
fn the_rust_client_has_no_call_that_is_not_driven_here() {
    let program = include_str!("../../clients/rust/upload.rs");
    for call in [
        "file",
        "from_url",
        "from_url_status",
        "file_info",
        "create_group",
        "group_info",
        "multipart_start",
        "upload_part",
        "multipart_complete",
    ] {
        assert!(program.contains(&format!("service.{call}(")), "no code calls {call}");
    }
    // These are all calls of this version.
    let manifest = include_str!("../../clients/rust/Cargo.toml");
    assert!(manifest.contains("\nuploadcare = \"=0.2.1\"\n"), "{manifest}");
}

#[test]
fn the_rust_client_uploads_and_reads_back() {
    let server = Server::start();
    let client = Rust::before(&server);
    let path = server.dir.path().join("Ünï cat.png");
    std::fs::write(&path, PNG).unwrap();
    for (store, stored) in [
        (json!(true), true),
        (json!(false), false),
        (json!("auto"), true),
        (Value::Null, false),
    ] {
        let done = client.run(
            "upload",
            demo(json!({"path": path, "name": "Ünï cat.png", "store": store})),
        );
        let info = &done["info"];
        assert_eq!(done["files"], json!({"Ünï cat.png": info["uuid"]}));
        assert_eq!(info["file_id"], info["uuid"]);
        for size in ["size", "done", "total"] {
            assert_eq!(info[size], PNG.len(), "{size}");
        }
        assert_eq!(
            (info["original_filename"].as_str(), info["filename"].as_str()),
            (Some("Ünï cat.png"), Some("ncat.png"))
        );
        assert_eq!(info["mime_type"], "image/png");
        assert_eq!((&info["is_stored"], &info["is_ready"]), (&json!(stored), &json!(true)));
        assert_eq!(info["is_image"], true);
        let image = json!({"width": 3, "height": 2, "format": "PNG", "color_mode": "RGB", "sequence": false});
        assert_eq!(info["image_info"], image);
    }
}

#[test]
fn the_rust_client_uploads_large_files_in_parts() {
    let server = Server::start_with("", &[PUBLIC_URL]);
    let client = Rust::before(&server);
    let size = 2 * PART + 4711;
    let path = file_of(server.dir.path(), size as u64);
    let options = json!({"path": path, "name": "large.bin", "type": "application/x-large", "store": true});
    let done = client.run("in-parts", demo(options));
    let parts = done["parts"].as_array().unwrap();
    assert_eq!(parts.len(), 3);
    for address in parts {
        assert!(address.as_str().unwrap().starts_with(PUBLIC_URL.1), "{address}");
    }
    let info = &done["info"];
    assert_eq!(info["uuid"], done["uuid"]);
    assert_eq!(
        (info["size"].as_u64(), info["is_stored"].as_bool()),
        (Some(size as u64), Some(true))
    );
    assert_eq!(
        (info["original_filename"].as_str(), info["mime_type"].as_str()),
        (Some("large.bin"), Some("application/x-large"))
    );
    let files = server.files();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(digest(&files[0]), digest(&path));
}

#[test]
fn the_rust_client_has_files_fetched() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[]);
    let client = Rust::before(&server);
    let url = origin.url("/noise/1/300000/cat%20picture.jpeg");
    let done = client.run("from-url", demo(json!({"url": url, "store": true})));
    assert_eq!(done["answer"]["type"], "token");
    assert_eq!(done["status"]["status"], "success");
    let info = &done["status"]["info"];
    assert_eq!(
        (info["size"].as_u64(), info["is_stored"].as_bool()),
        (Some(300_000), Some(true))
    );
    assert_eq!(info["original_filename"], "cat picture.jpeg");

    let remembered = json!({"url": url, "name": "dog.jpeg", "store": false, "check": true, "save": true});
    let named = client.run("from-url", demo(remembered.clone()));
    let info = &named["status"]["info"];
    assert_eq!(
        (info["original_filename"].as_str(), info["is_stored"].as_bool()),
        (Some("dog.jpeg"), Some(false))
    );
    assert_eq!(origin.asked_in_all(), 2);
    let again = client.run("from-url", demo(remembered));
    assert_eq!(again["answer"]["type"], "file_info");
    assert_eq!(origin.asked_in_all(), 2, "it was fetched although it was there");
}

#[test]
fn the_rust_client_is_told_how_far_a_fetch_is_and_how_it_ended() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[]);
    let client = Rust::before(&server);
    let ask = |token: &Value| client.run("from-url-status", demo(json!({"token": token})))["status"].clone();
    let ordered = client.run(
        "from-url-order",
        demo(json!({"url": origin.url("/held/1/400000/a.bin")})),
    );
    let token = &ordered["answer"]["token"];
    assert_ne!(ask(token)["status"], "unknown");
    let half = json!({"status": "progress", "done": 200_000, "total": 400_000});
    wait_until("the first half is there", || ask(token) == half);
    origin.release();
    wait_until("all of it is there", || ask(token)["status"] == "success");
    assert_eq!(ask(token)["info"]["size"], 400_000);

    let missing = client.run("from-url", demo(json!({"url": origin.url("/status/404")})));
    assert_eq!(
        missing["status"],
        json!({"status": "error", "error": "HTTP client error: 404."})
    );
    assert_eq!(ask(&json!("11111111-2222-4333-8444-555555555555"))["status"], "unknown");
}

#[test]
fn the_rust_client_gets_in_with_a_signature_and_not_without() {
    let origin = Origin::start();
    let server = crate::signed::server(&origin, &[PUBLIC_URL]);
    let client = Rust::before(&server);
    let with = |mut options: Value, secret: Option<&str>| {
        options["publicKey"] = json!("signed");
        options["secretKey"] = json!(secret);
        options
    };
    let small = file_of(server.dir.path(), 1000);
    let large = file_of(server.dir.path(), 12 << 20);
    let upload = json!({"path": small, "name": "a"});
    let in_parts = json!({"path": large, "name": "a", "type": "a/b"});
    let from_url = json!({"url": origin.url("/noise/1/1000/a.bin")});
    for secret in ["old secret", "new secret"] {
        let run = |scenario: &str, options: &Value| client.run(scenario, with(options.clone(), Some(secret)));
        assert_eq!(run("upload", &upload)["info"]["size"], 1000);
        assert_eq!(run("in-parts", &in_parts)["info"]["size"], 12 << 20);
        assert_eq!(run("from-url", &from_url)["status"]["info"]["size"], 1000);
    }
    let files = server.files().len();
    for (call, mut options) in [("file", upload), ("multipart_start", in_parts), ("from_url", from_url)] {
        options["call"] = json!(call);
        let unsigned = client.run("refused", with(options.clone(), None));
        let missing = json!({"kind": "BadRequest", "message": "`signature` is required."});
        assert_eq!(unsigned, missing, "{call}");
        let stranger = client.run("refused", with(options, Some("a guess")));
        assert_eq!(
            stranger,
            json!({"kind": "Forbidden", "message": "Invalid signature."}),
            "{call}"
        );
    }
    assert_eq!(server.files().len(), files, "what was not let in is left");
}

#[test]
fn the_rust_client_understands_every_refusal() {
    let origin = Origin::start();
    let variables = [PUBLIC_URL, ("INTAKE_UPLOAD_API__MAX_DIRECT_SIZE", "100 KiB")];
    let server = Server::start_with(&origin.opened(), &variables);
    let client = Rust::before(&server);
    let [small, large, larger] = [1000, 200_000, 3 << 20].map(|size| file_of(server.dir.path(), size));
    let nobody = "11111111-2222-4333-8444-555555555555";
    let part = &server.begin_parts(2 * PART).parts[0];
    // The address of another part, with this one's signature.
    let tampered = format!("{}{}", PUBLIC_URL.1, part.replace("partNumber=1", "partNumber=2"));
    for (options, kind, message) in [
        (
            json!({"call": "file", "path": large, "name": "a"}),
            "BadRequest",
            "File is too large.",
        ),
        (
            json!({"call": "file", "path": larger, "name": "a"}),
            "PayloadTooLarge",
            "The size of the request is too large.",
        ),
        (
            json!({"call": "file_info", "id": nobody}),
            "NotFound",
            "File is not found.",
        ),
        (
            json!({"call": "file_info", "id": "no-id"}),
            "BadRequest",
            "file_id is invalid.",
        ),
        (
            json!({"call": "multipart_start", "path": small, "name": "a", "type": "a/b"}),
            "BadRequest",
            "File size can not be less than 10485760 bytes. Please use direct upload instead of multipart.",
        ),
        (
            json!({"call": "upload_part", "url": tampered}),
            "Forbidden",
            "Forbidden request.",
        ),
        (
            json!({"call": "multipart_complete", "id": nobody}),
            "NotFound",
            "File is not found.",
        ),
        (
            json!({"call": "multipart_complete", "id": "no-id"}),
            "BadRequest",
            "uuid is invalid.",
        ),
        (
            json!({"call": "from_url", "url": "http://192.168.1.10/1.jpg"}),
            "BadRequest",
            "Only public IPs are allowed.",
        ),
        (
            json!({"call": "from_url_status", "token": ""}),
            "BadRequest",
            "token is required.",
        ),
    ] {
        let said = client.run("refused", demo(options.clone()));
        assert_eq!(said, json!({"kind": kind, "message": message}), "{options}");
    }
    let stranger = json!({"call": "file", "path": small, "name": "a", "publicKey": "no-such-key"});
    assert_eq!(
        client.run("refused", stranger),
        json!({"kind": "Forbidden", "message": "UPLOADCARE_PUB_KEY is invalid."})
    );
    let throttled = Server::start_with(
        &origin.opened(),
        &[("INTAKE_RECEIVE__MAX_QUEUED_FETCHES_PER_PROJECT", "1")],
    );
    let client = Rust::before(&throttled);
    let url = origin.url("/held/1/100/a.bin");
    client.run("from-url-order", demo(json!({"url": url})));
    // The client ignores the delay in the answer.
    let come_again = json!({"kind": "TooManyRequests", "message": "30"});
    assert_eq!(
        client.run("refused", demo(json!({"call": "from_url", "url": url}))),
        come_again
    );
    origin.release();
}
