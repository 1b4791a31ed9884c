//! `intake webhooks`, beside a server that sends events.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use intake_plugin_webhook::testkit::{Library, Receiver};
use serde_json::Value;
use tempfile::TempDir;

use crate::projects_cli::{is_refused, works};
use crate::support::wait_until;
use crate::webhooks::server;

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_url_is_subscribed_shown_without_its_secret_told_of_files_and_removed() {
    let receiver = Receiver::start(Library::Python, &[&format!("whsec_{}", STANDARD.encode("another"))]);
    let server = server(TempDir::new().unwrap(), &[&receiver]);
    let url = receiver.url();
    let secret = works(&server, &["webhooks", "add", "demopublickey", &url]);
    assert_eq!(secret.trim().len(), 64, "{secret}");
    let said = is_refused(&server, &["webhooks", "add", "demopublickey", &url]);
    assert!(said.contains("has a subscription"), "{said}");
    let said = is_refused(&server, &["webhooks", "add", "shpo", &url]);
    assert!(said.contains("no project has the key shpo"), "{said}");

    let list = ["webhooks", "list", "--project", "demopublickey", "--json"];
    let listed = works(&server, &list);
    assert!(!listed.contains(secret.trim()), "{listed}");
    let subscription = lines(&listed).remove(0);
    for (field, expected) in [
        ("target", Value::from(url)),
        ("event", "file.uploaded".into()),
        ("active", true.into()),
    ] {
        assert_eq!(subscription[field], expected, "{field}");
    }
    let id = subscription["id"].to_string();
    // The receiver has another secret, so it does not take what is signed with this one.
    let said = is_refused(&server, &["webhooks", "test", &id]);
    assert!(said.contains("the test event was not taken"), "{said}");
    let said = is_refused(&server, &["webhooks", "test", "999999"]);
    assert!(said.contains("there is no subscription"), "{said}");
    assert_eq!(
        works(&server, &["webhooks", "deliveries", &id, "--json"]),
        "",
        "a test is recorded nowhere"
    );
    let file = server.upload("cat.txt", b"cat");
    let deliveries = || lines(&works(&server, &["webhooks", "deliveries", &id, "--json"]));
    let has_ended = || matches!(deliveries().as_slice(), [one] if one["state"] != "waiting");
    wait_until("the delivery has ended", has_ended);
    assert_eq!(deliveries()[0]["file"], file);
    let delivery = deliveries()[0]["id"].to_string();
    works(&server, &["webhooks", "replay", &delivery]);
    let of_another = works(&server, &["webhooks", "deliveries", "999999", "--json"]);
    assert_eq!(of_another, "");

    works(&server, &["webhooks", "remove", &id]);
    assert_eq!(works(&server, &list), "");
    let said = is_refused(&server, &["webhooks", "remove", &id]);
    assert!(said.contains("there is no subscription"), "{said}");
    let said = is_refused(&server, &["webhooks", "replay", "999999"]);
    assert!(said.contains("there is no delivery 999999"), "{said}");
}
