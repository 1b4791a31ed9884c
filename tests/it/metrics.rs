//! The metrics, as Prometheus reads them: every upload is counted once, no label has text of a sender, and the alert rules work.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use intake_core::measure::{Kind, METRICS};
use intake_plugin_clamav::testkit::{Clamd, eicar};
use tempfile::TempDir;

use crate::admin::Node;
use crate::architecture::root;
use crate::origin::Origin;
use crate::support::{self, Form, in_parallel, wait_until};
use crate::virus::{runtime, scanned_by};

/// A project with rules, and one that requires signatures.
const RULES: &str = r#"
[[projects]]
public_key = "rules"
max_size = "1 KiB"
deny_extensions = ["exe"]
deny_types = ["image/png"]

[[projects]]
public_key = "signed"
signed_uploads = true
secrets = [{ name = "one", secret = "secret" }]
"#;

#[test]
fn every_upload_is_counted_once_by_door_ending_and_code() {
    let runtime = runtime();
    let (origin, clamd) = (Origin::start(), runtime.block_on(Clamd::start()));
    let dir = TempDir::new().unwrap();
    let usual = support::config(dir.path());
    let without = usual
        .lines()
        .filter(|line| !line.trim_start().starts_with("projects ="));
    let demo = "\n[[projects]]\npublic_key = \"demopublickey\"\n";
    let config = without.collect::<Vec<_>>().join("\n") + demo + RULES + &origin.opened() + &scanned_by(&clamd);
    let node = Node::start_in(dir, &config, &[]);

    let form = |key: &str, name: &str, content: &[u8]| {
        let form = Form::default()
            .field("UPLOADCARE_PUB_KEY", key)
            .file("file", name, content);
        node.post("/base/", &form).status
    };
    for (key, name, content, status) in [
        ("demopublickey", "a.txt", &b"text"[..], 200),
        ("demopublickey", "b.txt", b"more text", 200),
        ("rules", "c.txt", b"text", 200),
        ("rules", "large.txt", &[b'x'; 2000], 413),
        ("rules", "large.txt", &[b'x'; 2000], 413),
        ("rules", "setup.exe", b"text", 400),
        ("rules", "3x2.png", include_bytes!("../data/3x2.png"), 400),
        ("demopublickey", "eicar.com", &eicar(), 400),
        ("signed", "d.txt", b"text", 400),
        // A request that is refused before it is an upload.
        ("nobodys", "e.txt", b"text", 403),
    ] {
        let seen = form(key, name, content);
        assert!(seen == status || (status >= 400 && seen >= 400), "{key} {name}: {seen}");
    }
    // An upload whose sender hangs up.
    let leaving = Form::default().key().file("file", "left.bin", &vec![7; 1 << 20]);
    drop(node.begin("/base/", &leaving, 1 << 19));
    // A multipart upload, and two from URLs.
    let begun = node.begin_parts(11 << 20);
    for (number, part) in begun.parts.iter().enumerate() {
        let size = (11 << 20) - number * support::PART;
        assert_eq!(node.put_part(part, &vec![1; size.min(support::PART)]).status, 200);
    }
    assert_eq!(node.complete(&begun.uuid).status, 200);
    for path in ["/noise/1/1000/a.bin", "/status/404"] {
        let body = format!("pub_key=demopublickey&source_url={}", origin.url(path));
        let ordered = node.send("POST /from_url/ HTTP/1.1\r\n", body.as_bytes());
        assert_eq!(ordered.status, 200, "{}", ordered.text());
    }

    let expected = |table: &[(&str, &str, &str, f64)]| -> BTreeMap<String, f64> {
        let series = table.iter().map(|(method, ending, code, count)| {
            (
                format!("method=\"{method}\",ending=\"{ending}\",code=\"{code}\""),
                *count,
            )
        });
        series.collect()
    };
    let expected = expected(&[
        ("direct", "ready", "none", 3.0),
        ("direct", "rejected", "too_large", 2.0),
        ("direct", "rejected", "extension_forbidden", 1.0),
        ("direct", "rejected", "type_forbidden", 1.0),
        ("direct", "rejected", "infected", 1.0),
        ("direct", "rejected", "signature_missing", 1.0),
        ("direct", "interrupted", "interrupted", 1.0),
        ("multipart", "ready", "none", 1.0),
        ("from_url", "ready", "none", 1.0),
    ]);
    let mut seen = BTreeMap::new();
    wait_until("every upload is counted", || {
        seen = node.series("intake_uploads_total");
        // A try is counted after its upload.
        let tried = node.series("intake_fetch_tries_total").values().sum::<f64>();
        seen == expected && tried >= 2.0
    });
    let fetched = node.series("intake_fetch_tries_total");
    assert_eq!(fetched["ending=\"fetched\",code=\"none\""], 1.0, "{fetched:?}");
    assert_eq!(fetched.values().sum::<f64>(), 2.0, "{fetched:?}");
    let accepted = node.series("intake_accepted_bytes_total");
    assert_eq!(accepted["method=\"direct\""], 4.0 + 9.0 + 4.0);
    assert_eq!(accepted["method=\"multipart\""], f64::from(11 << 20));
    assert_eq!(accepted["method=\"from_url\""], 1000.0);
    assert_eq!(
        node.series("intake_received_bytes_total")["method=\"multipart\""],
        f64::from(11 << 20)
    );
    runtime.block_on(clamd.stop());
}

#[test]
fn stages_and_calls_are_timed_and_unfinished_uploads_are_counted() {
    let node = Node::start();
    node.upload("a.txt", b"text");
    let _begun = node.begin_parts(11 << 20);
    let stages = node.series("intake_stage_seconds_count");
    for stage in ["receive", "store", "commit"] {
        assert_eq!(stages[&format!("stage=\"{stage}\"")], 1.0, "{stages:?}");
    }
    assert_eq!(stages["stage=\"scan\",name=\"image-info\""], 1.0);
    let calls = node.series("intake_store_call_seconds_count");
    assert_eq!(calls["store=\"default\",call=\"commit\""], 1.0, "{calls:?}");
    let calls = node.series("intake_database_call_seconds_count");
    assert!(calls["call=\"insert\""] >= 2.0, "{calls:?}");
    assert_eq!(
        node.series("intake_store_written_bytes_total")["store=\"default\""],
        4.0
    );
    wait_until("the upload in parts is counted", || {
        node.series("intake_unfinished_uploads").get("") == Some(&1.0)
    });
    assert_eq!(node.series("intake_fetch_queue")[""], 0.0);
    assert_eq!(node.series("intake_sweep_lag_seconds")[""], 0.0);
    assert!(node.series("intake_sweeps_total")["outcome=\"done\""] >= 1.0);
}

#[test]
fn calls_that_fail_are_counted_with_their_code() {
    let node = Node::start();
    let (files, away) = (node.dir.path().join("files"), node.dir.path().join("away"));
    node.upload("a.txt", b"text");
    std::fs::rename(&files, &away).unwrap();
    std::fs::write(&files, "").unwrap();
    let form = Form::default().key().file("file", "b.txt", b"text");
    assert_eq!(node.post("/base/", &form).status, 500);
    let failures = node.series("intake_store_failures_total");
    assert!(
        failures.keys().any(|labels| labels.contains("code=\"store_failed\"")),
        "{failures:?}"
    );
    let ended = node.series("intake_uploads_total");
    assert_eq!(
        ended["method=\"direct\",ending=\"fault\",code=\"store_failed\""], 1.0,
        "{ended:?}"
    );
}

#[test]
fn no_word_of_a_sender_makes_a_series() {
    let node = Node::start();
    let bogus = |number: usize| {
        let key = format!("key-{number}");
        let name = format!("name-{number}.e{number}");
        let form = Form::default()
            .field("UPLOADCARE_PUB_KEY", &key)
            .file("file", &name, b"x");
        node.post("/base/", &form);
        node.get(&format!("/path-{number}/?pub_key={key}"));
        node.get(&format!("/info/?pub_key={key}&file_id={number}"));
        support::send(&node.address, &format!("M{number} /info/ HTTP/1.1\r\n"), b"");
        let part = format!("PUT /parts/00000000-0000-4000-8000-{number:012}/{number} HTTP/1.1\r\n");
        node.send(&part, b"x");
    };
    let names = || -> BTreeSet<String> { node.metrics().into_keys().collect() };
    bogus(0);
    wait_until("all that there is was measured", || {
        names().contains("intake_ready")
            && names().contains("intake_fetch_queue")
            && names().contains("intake_sweeps_total{outcome=\"done\"}")
    });
    let before = names();
    in_parallel(1_000, 16, |number| bogus(number + 1));
    let more: Vec<_> = names().difference(&before).cloned().collect();
    assert!(more.is_empty(), "{more:?}");
}

#[test]
fn the_metrics_are_in_the_format_of_prometheus() {
    let node = Node::start();
    node.upload("a.txt", b"text");
    let text = node.ask("/metrics").text();
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("promtool: {error}; run `./check setup` first"));
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{text}");
}

const ALERTS: &str = "examples/alerts.yml";

#[test]
fn prometheus_takes_the_ten_alert_rules_and_they_name_metrics_that_there_are() {
    let output = Command::new("promtool")
        .args(["check", "rules", ALERTS])
        .current_dir(root())
        .output();
    let output = output.unwrap_or_else(|error| panic!("promtool: {error}; run `./check setup` first"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("SUCCESS: 10 rules found"),
        "{said}"
    );
    let rules = std::fs::read_to_string(root().join(ALERTS)).unwrap();
    let mut named = 0;
    let words = rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    for word in words.filter(|word| word.starts_with("intake_")) {
        let is_told = METRICS.iter().any(|(name, kind, _)| match kind {
            Kind::Histogram => word
                .strip_prefix(name)
                .is_some_and(|end| ["_bucket", "_sum", "_count"].contains(&end)),
            Kind::Counter | Kind::Gauge => word == *name,
        });
        assert!(is_told, "{ALERTS}: {word}");
        named += 1;
    }
    assert!(named >= 9, "{named}");
}

#[test]
fn every_metric_is_documented() {
    let page = std::fs::read_to_string(root().join("docs/operating.md")).unwrap();
    for (name, ..) in METRICS {
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/operating.md does not list {name}"
        );
    }
}
