//! What an operator may set, by name.

use intake_core::plugin::{Build, Stage};
use intake_core::{Fetcher, Registry, Settings as Table};
use intake_plugin_http_source as _;
use serde_json::{Value, json};

fn build(settings: Value) -> Result<Box<dyn Fetcher>, String> {
    let Value::Object(table) = settings else {
        panic!("a table")
    };
    let registry = Registry::linked().expect("no name is taken twice");
    let plugin = registry.find(Stage::Fetcher, "http-source").expect("it is linked");
    let Build::Fetcher(build) = plugin.build else {
        panic!("a receiver")
    };
    build(Table::new(table)).map_err(|error| error.to_string())
}

#[test]
fn nothing_needs_to_be_set_and_everything_can_be() {
    build(json!({})).unwrap();
    build(json!({
        "ports": [80, 443, 8080], "allow_hosts": ["*.example.com", ".example.org", "93.184.216.34"],
        "deny_hosts": ["bad.example.com", "203.0.113.0/24", "2001:db8::/32", "[::1]"], "open": ["10.0.0.0/8", "intranet"],
        "proxy": "http://proxy.internal:3128", "allow_downgrade": true, "max_redirects": 0, "connect_timeout": "5s",
        "header_timeout": "10s", "idle_timeout": "10s", "min_rate": "1 KiB", "timeout": "1h", "user_agent": "Example/1.0 (+https://example.com)",
    }))
    .unwrap();
}

#[test]
fn settings_that_make_no_sense_are_named() {
    for (settings, says) in [
        (json!({"port": [80]}), "port: unknown field `port`"),
        (json!({"ports": []}), "ports: must not be empty"),
        (json!({"ports": [80, 0]}), "ports[1]: 0 is not a port"),
        (
            json!({"ports": [65536]}),
            "ports[0]: expected a whole number from 0 to 65535",
        ),
        (
            json!({"deny_hosts": ["a.example", "b..example"]}),
            "deny_hosts[1]: `b..example` is not a host",
        ),
        (json!({"deny_hosts": ["http://a.example/"]}), "deny_hosts[0]: "),
        (json!({"allow_hosts": ["*"]}), "allow_hosts[0]: `*` is not a host"),
        (json!({"allow_hosts": ["*.10.0.0.1"]}), "allow_hosts[0]: "),
        (json!({"allow_hosts": ["a.*.example"]}), "allow_hosts[0]: "),
        (
            json!({"open": ["10.0.0.1/8"]}),
            "open[0]: `10.0.0.1/8` is not a range: it would begin at 10.0.0.0/8",
        ),
        (json!({"open": ["10.0.0.0/33"]}), "open[0]: "),
        (json!({"open": [""]}), "open[0]: "),
        (
            json!({"proxy": "proxy:3128"}),
            "proxy: must be the URL of an HTTP proxy",
        ),
        (
            json!({"proxy": "https://proxy:3128"}),
            "proxy: must be the URL of an HTTP proxy",
        ),
        (
            json!({"proxy": "http://proxy:3128/path"}),
            "proxy: must be the URL of an HTTP proxy",
        ),
        (json!({"max_redirects": 21}), "max_redirects: must be at most 20"),
        (
            json!({"connect_timeout": "0s"}),
            "connect_timeout: must be greater than zero",
        ),
        (
            json!({"header_timeout": "25h"}),
            "header_timeout: must be at most a day",
        ),
        (json!({"idle_timeout": 5}), "idle_timeout: expected a length of time"),
        (json!({"min_rate": "fast"}), "min_rate: expected a size"),
        (json!({"timeout": "0s"}), "timeout: must be greater than zero"),
        (json!({"user_agent": ""}), "user_agent: "),
        (json!({"user_agent": "a\r\nHost: b"}), "user_agent: "),
    ] {
        let error = build(settings.clone()).expect_err("makes no sense");
        assert!(error.starts_with(says), "{settings}: {error}");
    }
}

#[test]
fn a_password_in_the_proxys_url_is_refused_and_not_said_back() {
    let error = build(json!({"proxy": "http://user:hunter2@proxy:3128"})).expect_err("refused");
    assert!(error.starts_with("proxy: must have no user info"), "{error}");
    for proxy in ["http://user:hunter2@proxy:99999", "http://user:hunter2@"] {
        let error = build(json!({ "proxy": proxy })).expect_err("refused");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
