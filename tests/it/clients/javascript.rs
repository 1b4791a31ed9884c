//! The published JavaScript client: every call that the other tests do not cover.

use serde_json::{Value, json};

use super::{PNG, js, picture};
use crate::origin::Origin;
use crate::parts::{digest, file_of};
use crate::support::{PART, Server, wait_until};

const NOBODY: &str = "11111111-2222-4333-8444-555555555555";

fn demo(mut options: Value) -> Value {
    options["publicKey"] = json!("demopublickey");
    options
}

#[test]
fn the_javascript_client_has_no_call_that_is_not_driven_here() {
    let server = Server::start();
    let script = include_str!("../../clients/js/upload.mjs");
    let calls = js("calls", &server, demo(json!({})));
    let named: Vec<_> = [&calls["functions"], &calls["methods"]]
        .into_iter()
        .flat_map(|names| names.as_array().unwrap())
        .map(|name| name.as_str().unwrap())
        .collect();
    assert!(named.len() > 25, "{named:?}");
    // These never ask the server.
    let helpers = ["camelizeKeys", "camelizeString", "getUserAgent", "updateSettings"];
    for name in named.iter().filter(|name| !helpers.contains(name)) {
        assert!(script.contains(&format!(".{name}(")), "no code calls {name}");
    }
}

#[test]
fn the_javascript_client_finds_a_file_that_is_there_already() {
    let server = Server::start();
    let uuid = server.upload("cat picture.png", PNG);
    let done = js(
        "already-there",
        &server,
        demo(json!({"uuid": uuid, "fileName": "dog.png"})),
    );
    assert_eq!(done["polled"]["uuid"], json!(uuid));
    assert_eq!(done["polled"]["isReady"], true);
    assert_eq!(done["polled"]["originalFilename"], "cat picture.png");
    for by in ["uploaded", "file"] {
        let file = &done[by];
        assert_eq!(
            (file["uuid"].as_str(), file["size"].as_u64(), file["name"].as_str()),
            (Some(&*uuid), Some(PNG.len() as u64), Some("dog.png")),
            "{by}: the client names it as it is told to"
        );
        assert_eq!((file["isImage"].as_bool(), &file["metadata"]), (Some(true), &json!({})));
        assert!(
            file["cdnUrl"].as_str().unwrap().ends_with(&format!("/{uuid}/")),
            "{file}"
        );
    }
    assert_eq!(server.files().len(), 1, "it was uploaded again");
}

#[test]
fn the_javascript_client_uploads_by_the_function_for_each_size() {
    let server = Server::start();
    let path = picture(&server);
    let metadata = json!({"pet": "cat"});
    let with = |path: &std::path::Path| {
        demo(
            json!({"path": path, "fileName": "cat.png", "contentType": "image/png", "store": false,
            "metadata": metadata, "tags": ["one", "two"]}),
        )
    };
    let small = &js("upload-direct", &server, with(&path))["file"];
    let large = file_of(server.dir.path(), 12 << 20);
    let large = &js("upload-multipart", &server, with(&large))["file"];
    for (file, size, image) in [(small, PNG.len(), true), (large, 12 << 20, false)] {
        assert_eq!(
            (file["size"].as_u64(), file["isImage"].as_bool()),
            (Some(size as u64), Some(image))
        );
        assert_eq!(
            (file["name"].as_str(), file["mimeType"].as_str()),
            (Some("cat.png"), Some("image/png"))
        );
        assert_eq!((&file["isStored"], &file["metadata"]), (&json!(false), &metadata));
    }
    assert_eq!(small["imageInfo"]["width"], 3);
}

#[test]
fn the_javascript_client_puts_parts_of_its_own_size_by_hand() {
    let server = Server::start();
    let size = 13 << 20;
    let path = file_of(server.dir.path(), size);
    let metadata = json!({"pet": "cat"});
    let options = json!({"path": path, "partSize": 6 << 20, "fileName": "Ünï.bin", "contentType": "a/b", "store": true,
        "metadata": metadata});
    let done = js("parts-by-hand", &server, demo(options));
    assert_eq!(done["started"]["parts"].as_array().unwrap().len(), 3);
    assert_eq!(done["codes"], json!([200, 200, 200]));
    let info = &done["info"];
    assert_eq!(info["uuid"], done["started"]["uuid"]);
    assert_eq!(
        (info["size"].as_u64(), info["isReady"].as_bool()),
        (Some(size), Some(true))
    );
    assert_eq!(
        (info["originalFilename"].as_str(), info["mimeType"].as_str()),
        (Some("Ünï.bin"), Some("a/b"))
    );
    assert_eq!((&info["isStored"], &info["metadata"]), (&json!(true), &metadata));
    assert_eq!(digest(&server.files()[0]), digest(&path));
}

#[test]
fn the_javascript_client_can_ask_for_the_status_of_an_order() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[]);
    let metadata = json!({"pet": "cat"});
    let url = origin.url("/noise/1/300000/a.bin");
    let options = json!({"url": url, "fileName": "b.bin", "store": true, "metadata": metadata,
        "checkForUrlDuplicates": true, "saveUrlForRecurrentUploads": true});
    let done = js("from-url-by-hand", &server, demo(options.clone()));
    assert_eq!(done["answer"]["type"], "token");
    let status = &done["status"];
    assert_eq!(
        (status["status"].as_str(), status["size"].as_u64()),
        (Some("success"), Some(300_000))
    );
    assert_eq!(
        (status["originalFilename"].as_str(), &status["metadata"]),
        (Some("b.bin"), &metadata)
    );
    let again = &js("from-url-by-hand", &server, demo(options))["answer"];
    assert_eq!(
        (again["type"].as_str(), &again["uuid"]),
        (Some("file_info"), &status["uuid"])
    );

    let missing = js(
        "from-url-by-hand",
        &server,
        demo(json!({"url": origin.url("/status/404")})),
    );
    let status =
        json!({"status": "error", "error": "HTTP client error: 404.", "errorCode": "DownloadFileHTTPClientError"});
    assert_eq!(missing["status"], status);
    let unknown = js(
        "call",
        &server,
        demo(json!({"call": "fromUrlStatus", "arguments": [NOBODY]})),
    );
    assert_eq!(unknown["answer"], json!({"status": "unknown"}));
}

#[test]
fn the_javascript_client_tells_how_far_a_fetch_is_if_anybody_knows() {
    for (path, halfway) in [
        ("/held/1/400000/a.bin", json!({"isComputable": true, "value": 0.5})),
        ("/unsized/1/400000/a.bin", json!({"isComputable": false})),
    ] {
        let origin = Origin::start();
        let server = Server::start_with(&origin.opened(), &[]);
        let options = json!({"url": origin.url(path), "release": origin.url("/release")});
        let done = js("from-url-in-progress", &server, demo(options));
        assert_eq!(done["file"]["size"], 400_000);
        let progress = done["progress"].as_array().unwrap();
        assert!(progress.contains(&halfway), "{path}: {progress:?}");
        assert_eq!(
            progress.last().unwrap(),
            &json!({"isComputable": true, "value": 1}),
            "{path}"
        );
    }
}

#[test]
fn an_upload_that_the_javascript_client_gives_up_leaves_nothing() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[]);
    let path = file_of(server.dir.path(), 20 << 20);
    let cancelled = |options: Value| {
        let said = js("given-up", &server, demo(options));
        assert_eq!(
            (said["name"].as_str(), said["isCancel"].as_bool()),
            (Some("CancelError"), Some(true)),
            "{said}"
        );
    };
    cancelled(json!({"path": path}));
    wait_until("the half of a file is gone", || server.files().is_empty());
    // Parts that arrived are kept for a client that continues, until their time is over.
    cancelled(json!({"path": path, "multipartMinFileSize": 10 << 20, "maxConcurrentRequests": 1}));
    // The client cannot cancel an order; it only stops asking for it.
    cancelled(json!({"url": origin.url("/held/1/400000/a.bin")}));
    origin.release();
}

#[test]
fn the_javascript_client_comes_again_when_it_is_told_to() {
    let origin = Origin::start();
    let server = Server::start_with(
        &origin.opened(),
        &[("INTAKE_RECEIVE__MAX_QUEUED_FETCHES_PER_PROJECT", "1")],
    );
    let order = |retries: u32, url: String| {
        let options = json!({"call": "fromUrl", "arguments": [url], "retryThrottledRequestMaxTimes": retries});
        js("call", &server, demo(options))
    };
    let held = order(0, origin.url("/held/1/400000/a.bin"));
    assert_eq!(held["answer"]["type"], "token");
    let refused = order(0, origin.url("/held/1/400000/b.bin"));
    assert_eq!(refused["error"]["code"], "RequestThrottledError");
    let options = json!({"url": origin.url("/held/1/400000/b.bin"), "release": origin.url("/release"),
        "retryThrottledRequestMaxTimes": 20});
    let done = js("told-to-come-again", &server, demo(options));
    assert_eq!(done["answer"]["type"], "token");
    assert!(done["answers"].as_u64().unwrap() > 1, "it was let in at once: {done}");
}

#[test]
fn the_javascript_client_understands_the_refusal_of_every_call() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[]);
    let stranger = json!({"publicKey": "no-such-key"});
    let small = json!({"call": "multipartStart", "arguments": [1000]});
    let with = |call: &str, argument: &str| json!({"call": call, "arguments": [argument]});
    for (options, more, code) in [
        (with("base", ""), &stranger, "ProjectPublicKeyInvalidError"),
        (with("base", "not a file"), &json!({}), "FilesRequiredError"),
        (with("info", NOBODY), &json!({}), "FileNotFoundError"),
        (with("info", "no-id"), &json!({}), "FileIdInvalidError"),
        (with("info", NOBODY), &stranger, "ProjectPublicKeyInvalidError"),
        (with("isReadyPoll", NOBODY), &json!({}), "FileNotFoundError"),
        (small.clone(), &json!({}), "MultipartFileSizeTooSmallError"),
        (small, &stranger, "ProjectPublicKeyInvalidError"),
        (
            with("multipartComplete", NOBODY),
            &json!({}),
            "MultipartFileNotFoundError",
        ),
        (with("multipartComplete", "no-id"), &json!({}), "UUIDInvalidError"),
        (
            with("fromUrl", "http://10.0.0.1/"),
            &json!({}),
            "URLHostPrivateIPForbiddenError",
        ),
        (
            with("fromUrl", "http://10.0.0.1/"),
            &stranger,
            "ProjectPublicKeyInvalidError",
        ),
        (with("fromUrlStatus", ""), &json!({}), "TokenRequiredError"),
        (with("uploadFile", NOBODY), &json!({}), "FileNotFoundError"),
    ] {
        let mut all = demo(options);
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let said = js("call", &server, all.clone());
        assert_eq!(said["error"]["code"], code, "{all}: {said}");
        assert_eq!(said["error"]["name"], "UploadError");
        assert!(!said["error"]["message"].as_str().unwrap().is_empty());
    }
    // In Node.js the client takes any answer to a part for success, so the test checks the code.
    let part = &server.begin_parts(2 * PART).parts[0];
    let tampered = format!(
        "http://{}{}",
        server.address,
        part.replace("partNumber=1", "partNumber=2")
    );
    let options = json!({"call": "multipartUpload", "arguments": ["a part", tampered]});
    assert_eq!(js("call", &server, demo(options))["answer"], json!({"code": 403}));
}
