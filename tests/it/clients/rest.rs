//! The published clients of the REST API, for JavaScript and Python: every call that they have, signed and with the secret itself.

use std::path::Path;

use serde_json::{Value, json};

use super::{PNG, script, tools};
use crate::support::Server;

const NOBODY: &str = "11111111-2222-4333-8444-555555555555";
const NOT_FOUND: &str = "Not found.";

/// The program with the REST API, a trash, and a project that has a secret.
fn server() -> Server {
    let dir = tempfile::TempDir::new().unwrap();
    let config = crate::support::config(dir.path()).replace(
        r#"{ public_key = "demopublickey" }"#,
        r#"{ public_key = "demopublickey", secrets = [{ name = "one", secret = "demosecret" }] }"#,
    );
    let more = r#"
        [receive]
        trash = "1h"
        [[notify]]
        use = "webhook"
        [rest_api]
        allow_simple_over_http = true
        cdn_base = "https://cdn.example.com"
    "#;
    Server::start_in(dir, &(config + more), &[])
}

/// Runs a scenario by a client, which signs or sends the secret itself.
fn run(client: &str, scenario: &str, server: &Server, simple: bool, mut options: Value) -> Value {
    options["publicKey"] = json!("demopublickey");
    options["simple"] = json!(simple);
    if options.get("secretKey").is_none() {
        options["secretKey"] = json!("demosecret");
    }
    let (program, path) = match client {
        "js" => ("node".into(), "js/rest.mjs"),
        _ => (tools().join("python/bin/python"), "python/rest.py"),
    };
    script(Path::new(&program), path, scenario, server, &options)
}

/// Each client, once signed and once with the secret itself.
const WAYS: [(&str, bool); 4] = [("js", false), ("js", true), ("python", false), ("python", true)];

/// The name of a field as the client gives it.
fn named(client: &str, name: &str) -> String {
    if client != "js" {
        return name.to_owned();
    }
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

#[test]
fn the_clients_have_no_call_that_is_not_driven_here() {
    let server = server();
    let script = include_str!("../../clients/js/rest.mjs");
    let calls = run("js", "calls", &server, false, json!({}));
    // These never ask the server, or are loops around calls that are driven.
    let others = [
        "addonJobPoller",
        "conversionJobPoller",
        "createSignature",
        "getUserAgent",
        "isRestClientError",
        "isRestClientValidationError",
        "CancelError",
        "Paginator",
        "RestClientError",
        "RestClientValidationError",
        "UploadcareAuthSchema",
        "UploadcareError",
        "UploadcareSimpleAuthSchema",
        "listOfFiles",
    ];
    for name in calls["functions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
    {
        let is_driven = others.contains(&name) || script.contains(&format!("client.{name}("));
        assert!(is_driven, "no code calls {name} of the JavaScript client");
    }
    let script = include_str!("../../clients/python/rest.py");
    let calls = run("python", "calls", &server, false, json!({}));
    for (part, names) in calls.as_object().unwrap() {
        for name in names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()) {
            assert!(script.contains(&format!(".{name}")), "no code calls {name} of {part}");
        }
    }
}

#[test]
fn the_clients_store_and_delete_files() {
    for (client, simple) in WAYS {
        let server = server();
        let [uuid, other] = ["cat.png", "dog.png"].map(|name| server.upload(name, PNG));
        let options = json!({"uuid": uuid, "other": other, "missing": NOBODY});
        let done = run(client, "files", &server, simple, options);
        let name = |name: &str| named(client, name);
        let info = &done["info"];
        assert_eq!(
            (&info["uuid"], &info["size"]),
            (&json!(uuid), &json!(PNG.len())),
            "{client}"
        );
        assert_eq!(info[name("original_filename")], "cat.png");
        assert_eq!(info[name("is_image")], true);
        assert_eq!(
            info[name("original_file_url")],
            format!("https://cdn.example.com/{uuid}/cat.png")
        );
        assert_eq!(info[name("content_info")]["image"]["width"], 3);
        assert!(info["appdata"].is_object(), "{info}");
        assert!(done["stored"][name("datetime_stored")].is_string());
        assert!(done["deleted"][name("datetime_removed")].is_string());
        assert_eq!(done["restored"][name("datetime_removed")], Value::Null);
        for batch in ["batch", "gone"] {
            assert_eq!(done[batch]["status"], "ok");
            assert_eq!(done[batch]["result"].as_array().unwrap().len(), 2, "{client}, {batch}");
            assert_eq!(done[batch]["problems"][NOBODY], "Missing in the project");
        }
        let said = done["unknown"]["message"].as_str().unwrap();
        assert!(said.contains(NOT_FOUND), "{client}: {said}");
        if client == "js" {
            assert_eq!(done["batch"]["problems"]["invalid"], "Invalid");
        }
    }
}

#[test]
fn the_clients_read_lists_of_files_to_their_end() {
    let server = server();
    let uploaded: Vec<_> = (0..7).map(|at| server.upload(&format!("{at}.png"), PNG)).collect();
    for simple in [false, true] {
        let query = json!({"limit": 3, "ordering": "-datetime_uploaded"});
        let done = run("js", "pages", &server, simple, json!({"query": query}));
        let pages = done["pages"].as_array().unwrap();
        let of_page = |page: &Value| -> Vec<String> {
            let files = page["results"].as_array().unwrap();
            files
                .iter()
                .map(|file| file["uuid"].as_str().unwrap().to_owned())
                .collect()
        };
        let newest_first: Vec<_> = pages.iter().flat_map(of_page).collect();
        let mut expected = uploaded.clone();
        expected.reverse();
        assert_eq!(newest_first, expected);
        assert_eq!(
            (pages.len(), &pages[0]["total"], &pages[0]["perPage"]),
            (3, &json!(7), &json!(3))
        );
        let seen = done["seen"].as_array().unwrap();
        assert_eq!(seen.len(), 5, "three pages there and two back");
        assert_eq!((&seen[0], &seen[1]), (&seen[4], &seen[3]));

        let done = run("python", "pages", &server, simple, json!({"limit": 2}));
        assert_eq!(done["listed"], json!([uploaded, expected]));
        assert_eq!(done["count"], 7);
        assert_eq!(done["unstored"].as_array().unwrap().len(), 7);
    }
}

#[test]
fn the_clients_describe_files() {
    for (client, simple) in WAYS {
        let server = server();
        let uuid = server.upload("cat.png", PNG);
        let done = run(client, "descriptions", &server, simple, json!({"uuid": uuid}));
        assert_eq!(done["empty"], json!({}), "{client}");
        assert_eq!(
            (&done["made"], &done["changed"], &done["value"]),
            (&json!("cat"), &json!("dog"), &json!("dog"))
        );
        assert_eq!(done["all"], json!({"-:45az_": "dog"}));
        assert!(
            done["deleted"]["message"].as_str().unwrap().contains(NOT_FOUND),
            "{done}"
        );
        assert_eq!(done["replaced"]["tags"], json!(["cat", "dog"]));
        assert_eq!(
            done["updated"],
            json!({"tags": ["dog", "ant"], "added": ["ant"], "deleted": ["cat"]})
        );
        assert_eq!(done["tags"], json!(["dog", "ant"]), "{client}");
    }
}

#[test]
fn the_clients_list_and_delete_groups() {
    for (client, simple) in WAYS {
        let server = server();
        let uuid = server.upload("cat.png", PNG);
        let request = format!("pub_key=demopublickey&files[]={uuid}");
        let group = server.send("POST /group/ HTTP/1.1\r\n", request.as_bytes()).json();
        let id = group["id"].as_str().unwrap();
        let done = run(client, "groups", &server, simple, json!({"id": id}));
        let info = &done["info"];
        assert_eq!(
            (&info["id"], &info[named(client, "files_count")]),
            (&json!(id), &json!(1)),
            "{client}"
        );
        assert_eq!(info["files"][0]["uuid"], json!(uuid));
        let listed = match client {
            "js" => &done["list"]["results"][0]["id"],
            _ => &done["list"][0],
        };
        assert_eq!(*listed, id);
        assert_eq!(done["deleted"]["answer"], Value::Null);
        assert!(done["after"]["message"].as_str().unwrap().contains(NOT_FOUND), "{done}");
        assert_eq!(server.files().len(), 1, "its file is gone");
    }
}

#[test]
fn the_clients_copy_files_and_understand_what_is_not_offered() {
    for (client, simple) in WAYS {
        let server = server();
        let uuid = server.upload("cat.png", PNG);
        let done = run(client, "copies", &server, simple, json!({"uuid": uuid}));
        let copy = &done["copy"];
        assert_eq!(
            (&copy["type"], &copy["result"]["size"]),
            (&json!("file"), &json!(PNG.len())),
            "{client}"
        );
        assert!(copy["result"][named(client, "datetime_stored")].is_string());
        assert_eq!(server.files().len(), 2);
        for (call, outcome) in done["refused"].as_object().unwrap() {
            let said = outcome["message"].as_str().unwrap_or_default();
            assert!(
                said.contains("is not supported by this server."),
                "{client}, {call}: {outcome}"
            );
        }
        if client == "python" {
            assert_eq!(done["project"]["pub_key"], "demopublickey");
        }
    }
}

#[test]
fn the_clients_understand_why_they_are_not_let_in() {
    let server = server();
    for (client, simple) in WAYS {
        let options = json!({"uuid": NOBODY, "secretKey": "wrong"});
        let said = run(client, "strangers", &server, simple, options);
        let expected = match simple {
            true => "Secret key not found.",
            false => "Invalid signature. Please check your Secret key.",
        };
        assert!(said["message"].as_str().unwrap().contains(expected), "{client}: {said}");
    }
}

#[test]
fn the_clients_subscribe_to_events() {
    for (client, simple) in WAYS {
        let server = server();
        let target = "https://example.com/hook";
        let done = run(client, "webhooks", &server, simple, json!({"target": target}));
        let name = |name: &str| named(client, name);
        let made = &done["made"];
        assert_eq!(
            (&made["event"], &made[name("target_url")]),
            (&json!("file.uploaded"), &json!(target)),
            "{client}"
        );
        assert_eq!(made[name("is_active")], true);
        assert_eq!(done["list"], json!([made]), "{client}");
        assert_eq!(done["changed"][name("is_active")], false);
        assert_eq!(done["after"], json!([]));
        match client {
            "js" => {
                assert_eq!(made["signingSecret"], "12345X");
                assert_eq!(done["again"]["status"], 400);
                assert_eq!(done["empty"]["status"], 400);
            }
            _ => {
                assert_eq!(done["again"]["error"], "WebhookIsNotUnique");
                assert_eq!(done["listed"], done["list"]);
                assert_eq!(done["object"]["event"], "file.stored");
                let missing = done["missing"]["message"].as_str().unwrap();
                assert!(missing.contains(NOT_FOUND), "{missing}");
            }
        }
    }
}
