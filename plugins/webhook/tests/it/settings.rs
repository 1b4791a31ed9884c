//! What an operator may set, by name.

use intake_core::plugin::{Build, Stage};
use intake_core::{Notifier, Registry, Settings as Table};
use intake_plugin_webhook as _;
use serde_json::{Value, json};

fn build(settings: Value) -> Result<Box<dyn Notifier>, String> {
    let Value::Object(table) = settings else {
        panic!("a table")
    };
    let registry = Registry::linked().expect("no name is taken twice");
    let plugin = registry.find(Stage::Notifier, "webhook").expect("it is linked");
    let Build::Notifier(build) = plugin.build else {
        panic!("a notifier")
    };
    build(Table::new(table)).map_err(|error| error.to_string())
}

#[test]
fn nothing_needs_to_be_set_and_everything_can_be() {
    build(json!({})).unwrap();
    let webhook = build(json!({
        "ports": [443, 8443], "allow_hosts": [".example.com"], "deny_hosts": ["203.0.113.0/24"], "open": ["10.0.0.0/8"],
        "proxy": "http://proxy.internal:3128", "allow_http": true, "connect_timeout": "2s", "timeout": "10s",
    }))
    .unwrap();
    assert!(webhook.check("http://example.com:8443/").is_ok());
    assert!(!webhook.has_own_target());
}

#[test]
fn settings_that_make_no_sense_are_named() {
    for (settings, says) in [
        (json!({"urls": []}), "urls: unknown field `urls`"),
        (json!({"ports": []}), "ports: must not be empty: no event could be sent"),
        (json!({"ports": [443, 0]}), "ports[1]: 0 is not a port"),
        (json!({"allow_hosts": ["*"]}), "allow_hosts[0]: `*` is not a host"),
        (
            json!({"deny_hosts": ["b..example"]}),
            "deny_hosts[0]: `b..example` is not a host",
        ),
        (json!({"open": ["10.0.0.1/8"]}), "open[0]: `10.0.0.1/8` is not a range"),
        (
            json!({"proxy": "proxy:3128"}),
            "proxy: must be the URL of an HTTP proxy",
        ),
        (
            json!({"proxy": "http://user:hunter2@proxy:3128"}),
            "proxy: must have no user info",
        ),
        (
            json!({"connect_timeout": "0s"}),
            "connect_timeout: must be greater than zero",
        ),
        (json!({"timeout": "25h"}), "timeout: must be at most a day"),
        (json!({"allow_http": "yes"}), "allow_http: "),
    ] {
        let error = build(settings.clone()).expect_err("makes no sense");
        assert!(error.starts_with(says), "{settings}: {error}");
    }
}
