//! Events reach receivers that verify them with published libraries, whatever happens to the program meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use intake_plugin_webhook::testkit::{Library, Receiver};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Server, config, wait_until};

pub const CREDENTIALS: &str = "Authorization: Uploadcare.Simple demopublickey:demosecret";

/// The program with a project that has a secret, and webhooks to receivers on this machine.
pub fn server(dir: TempDir, receivers: &[&Receiver]) -> Server {
    let ports: Vec<_> = receivers.iter().map(|receiver| receiver.port()).collect();
    let schedule = r#"["100ms", "100ms", "100ms", "100ms", "100ms", "100ms", "100ms", "100ms", "100ms", "100ms"]"#;
    let config = hooked(dir.path(), &ports, "2s", &format!("schedule = {schedule}"));
    Server::start_in(dir, &config, &[])
}

/// A configuration with a project that has a secret, and webhooks to these ports of this machine, each attempt for so long.
pub fn hooked(dir: &Path, ports: &[u16], attempt: &str, events: &str) -> String {
    let config = config(dir).replace(
        r#"{ public_key = "demopublickey" }"#,
        r#"{ public_key = "demopublickey", secrets = [{ name = "one", secret = "demosecret" }] }"#,
    );
    let more = format!(
        r#"
        [rest_api]
        allow_simple_over_http = true
        cdn_base = "https://cdn.example.com"
        [[notify]]
        use = "webhook"
        allow_http = true
        open = ["127.0.0.1"]
        ports = {ports:?}
        timeout = "{attempt}"
        [events]
        attempt_timeout = "{attempt}"
        {events}
        "#
    );
    config + &more
}

/// Sends a request of the REST API with a body in JSON.
fn ask(server: &Server, method: &str, path: &str, body: &Value) -> crate::support::Answer {
    let body = body.to_string();
    let head = format!("{method} {path} HTTP/1.1\r\n{CREDENTIALS}\r\nContent-Type: application/json\r\n");
    server.send(&head, body.as_bytes())
}

pub fn subscribe(server: &Server, target: &str, event: &str, secret: &str) {
    let hook = json!({"target_url": target, "event": event, "signing_secret": secret});
    let answer = ask(server, "POST", "/webhooks/", &hook);
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// What a receiver has, each delivery with its body; all of it was verified.
fn received(receiver: &Receiver, at_least: usize) -> Vec<(String, Value)> {
    let deliveries = receiver.deliveries(at_least).into_iter().map(|line| {
        let delivery: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(delivery["error"], Value::Null, "{delivery}");
        let body = match &delivery["body"] {
            Value::String(body) => serde_json::from_str(body).unwrap(),
            body => body.clone(),
        };
        (delivery["id"].as_str().unwrap().to_owned(), body)
    });
    deliveries.collect()
}

#[test]
fn a_webhook_made_by_the_api_gets_events_that_both_libraries_verify() {
    // The libraries take the secret as base64; the service's receivers take it as it is.
    let secret = "a-secret-of-this-webhook";
    let key = format!("whsec_{}", STANDARD.encode(secret));
    for library in Library::ALL {
        let receiver = Receiver::start(library, &[&key, secret]);
        let server = server(TempDir::new().unwrap(), &[&receiver]);
        for event in ["file.uploaded", "file.deleted"] {
            subscribe(&server, &receiver.url(), event, secret);
        }
        let uuid = server.upload("cat.txt", b"cat");
        let answer = ask(&server, "DELETE", &format!("/files/{uuid}/storage/"), &json!({}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told: Vec<_> = received(&receiver, 2)
            .into_iter()
            .map(|(_, body)| (body["hook"]["event"].clone(), body["data"]["uuid"].clone()))
            .collect();
        assert_eq!(
            told,
            [
                (json!("file.uploaded"), json!(uuid)),
                (json!("file.deleted"), json!(uuid))
            ]
        );
    }
}

#[test]
fn every_event_of_an_acknowledged_upload_arrives_however_often_the_program_is_killed() {
    const KILLS: usize = 8;
    let secret = "another-secret-of-a-webhook";
    let key = format!("whsec_{}", STANDARD.encode(secret));
    let receiver = Receiver::start(Library::Python, &[&key, secret]);
    let mut server = server(TempDir::new().unwrap(), &[&receiver]);
    subscribe(&server, &receiver.url(), "file.uploaded", secret);
    let mut acknowledged = BTreeSet::new();
    for kill in 0..KILLS {
        for file in 0..5 {
            acknowledged.insert(server.upload(&format!("{kill}-{file}.txt"), format!("{kill} {file}").as_bytes()));
        }
        server = server.restart_after_kill(&[]);
    }
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    wait_until("every event has arrived", || {
        told.clear();
        for (id, body) in received(&receiver, 0) {
            told.entry(body["data"]["uuid"].as_str().unwrap().to_owned())
                .or_default()
                .insert(id);
        }
        acknowledged.iter().all(|uuid| told.contains_key(uuid))
    });
    // None was invented, and one that came twice is known by its id.
    assert_eq!(told.keys().cloned().collect::<BTreeSet<_>>(), acknowledged);
    assert!(told.values().all(|ids| ids.len() == 1), "{told:?}");
}
