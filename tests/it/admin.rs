//! Health, readiness and metrics, on a listener of their own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::ops::Deref;
use std::process::{Command, Stdio};
use std::time::Instant;

use intake_plugin_clamav::testkit::Clamd;
use intake_plugin_sql::testkit::Postgres;
use tempfile::TempDir;

use crate::support::{self, Answer, Form, INTAKE, Server, in_parallel, read_answer, wait_until};
use crate::virus::{runtime, scanned_by};

/// A server with a listener for health and metrics.
pub(crate) struct Node {
    server: Server,
    admin: String,
}

impl Deref for Node {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Node {
    pub(crate) fn start() -> Self {
        Self::start_with("", &[])
    }

    pub(crate) fn start_with(more: &str, variables: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        let config = support::config(dir.path()) + more;
        Self::start_in(dir, &config, variables)
    }

    pub(crate) fn start_in(dir: TempDir, config: &str, variables: &[(&str, &str)]) -> Self {
        let file = dir.path().join("intake.toml");
        std::fs::write(&file, config).unwrap();
        let mut child = Command::new(INTAKE)
            .args(["serve", "--config"])
            .arg(&file)
            .env("INTAKE_SERVER__ADMIN", "127.0.0.1:0")
            .env("INTAKE_LOG", "off")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The first two lines of the banner.
        let mut listens = || {
            let line = lines.next().unwrap().unwrap();
            let (_, behind) = line.split_once("http://").unwrap_or_else(|| panic!("{line}"));
            behind.split('/').next().unwrap().to_owned()
        };
        let (address, admin) = (listens(), listens());
        std::thread::spawn(move || lines.for_each(drop));
        let server = Server { dir, address, child };
        Self { server, admin }
    }

    pub(crate) fn ask(&self, path: &str) -> Answer {
        support::send(&self.admin, &format!("GET {path} HTTP/1.1\r\n"), b"")
    }

    /// The status and the sentence of `/readyz`.
    fn ready(&self) -> (u16, String) {
        let answer = self.ask("/readyz");
        (answer.status, answer.text().trim_end().to_owned())
    }

    fn comes_to_be_ready(&self) {
        wait_until("it is ready", || self.ready() == (200, "ready".to_owned()));
    }

    /// Waits until the server is not ready, and returns the reason.
    fn comes_to_be_unready(&self) -> String {
        let mut reason = String::new();
        wait_until("it is not ready", || {
            let (status, said) = self.ready();
            reason = said;
            status == 503
        });
        reason
            .strip_prefix("not ready: ")
            .unwrap_or_else(|| panic!("{reason}"))
            .to_owned()
    }

    /// Every series, with its value.
    pub(crate) fn metrics(&self) -> BTreeMap<String, f64> {
        let answer = self.ask("/metrics");
        assert_eq!(answer.status, 200);
        let text = answer.text();
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let series = lines.map(|line| line.rsplit_once(' ').unwrap());
        series
            .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
            .collect()
    }

    /// The series of one metric: the labels in braces, and the value.
    pub(crate) fn series(&self, metric: &str) -> BTreeMap<String, f64> {
        let of_metric = |(name, value): (String, f64)| {
            let labels = name.strip_prefix(metric)?;
            let labels = labels.strip_prefix('{').and_then(|labels| labels.strip_suffix('}'));
            (name == metric || labels.is_some()).then(|| (labels.unwrap_or_default().to_owned(), value))
        };
        self.metrics().into_iter().filter_map(of_metric).collect()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(sent.success());
    }
}

#[test]
fn health_readiness_and_metrics_are_told_on_a_listener_of_their_own() {
    let node = Node::start();
    assert_eq!(
        (node.ask("/healthz").status, node.ask("/healthz").text()),
        (200, "ok\n".to_owned())
    );
    assert_eq!(node.ready(), (200, "ready".to_owned()));
    let metrics = node.ask("/metrics");
    assert_eq!(
        metrics.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    for path in ["/", "/base/", "/info/", "/metrics/more", "/readyz/"] {
        assert_eq!(node.ask(path).status, 404, "{path}");
    }
    let posted = support::send(&node.admin, "POST /metrics HTTP/1.1\r\n", b"x");
    assert_eq!(posted.status, 405);
}

#[test]
fn the_public_listener_answers_none_of_it() {
    let node = Node::start();
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/metrics?name=x",
        "//metrics",
        "/%6detrics",
    ] {
        let answer = node.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.text().contains("intake_"), "{path}: {}", answer.text());
    }
    assert_ne!(node.address, node.admin);
}

#[test]
fn an_address_that_is_taken_or_none_is_said_and_off_is_off() {
    let node = Node::start();
    let serve = |admin: &str| {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("intake.toml");
        std::fs::write(&file, support::config(dir.path())).unwrap();
        let mut command = Command::new(INTAKE);
        command
            .args(["serve", "--config"])
            .arg(&file)
            .env("INTAKE_SERVER__ADMIN", admin);
        let output = command.output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, said) = serve(&node.admin);
    assert_eq!(code, Some(1), "{said}");
    for part in [
        &node.admin,
        "for health and metrics",
        "`admin`",
        "INTAKE_SERVER__ADMIN",
        "\"off\"",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (code, said) = serve(":8081");
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("server.admin: expected an address and a port"), "{said}");
    // The usual configuration of the tests turns it off.
    assert!(Server::start().get("/info/").status >= 400);
}

#[test]
fn readiness_follows_the_database_and_says_no_password() {
    let runtime = runtime();
    let mut postgres = runtime.block_on(Postgres::start());
    let url = runtime.block_on(postgres.database());
    let url = url.replace("postgres@", "postgres:hunter2@");
    let node = Node::start_with("", &[("INTAKE_RECORD__URL", &url)]);
    for _ in 0..2 {
        node.comes_to_be_ready();
        runtime.block_on(postgres.stop());
        let reason = node.comes_to_be_unready();
        assert!(
            reason.starts_with("record: ") && !reason.contains("hunter2"),
            "{reason}"
        );
        assert_eq!(node.ask("/healthz").status, 200, "the process turns all the same");
        assert_eq!(node.series("intake_ready").values().sum::<f64>(), 0.0);
        runtime.block_on(postgres.restart());
    }
    node.comes_to_be_ready();
    assert_eq!(node.series("intake_ready").values().sum::<f64>(), 1.0);
}

#[test]
fn readiness_follows_a_scanner_that_is_needed_and_not_one_that_is_not() {
    let runtime = runtime();
    let mut clamd = runtime.block_on(Clamd::start());
    let needed = Node::start_with(&scanned_by(&clamd), &[]);
    let optional = Node::start_with(&(scanned_by(&clamd) + "on_fault = \"accept\"\n"), &[]);
    needed.comes_to_be_ready();
    clamd.pause();
    let reason = needed.comes_to_be_unready();
    assert!(reason.starts_with("scan `clamav`: "), "{reason}");
    clamd.go_on();
    needed.comes_to_be_ready();
    runtime.block_on(clamd.kill());
    let reason = needed.comes_to_be_unready();
    assert!(reason.starts_with("scan `clamav`: "), "{reason}");
    assert_eq!(optional.ready().0, 200);
}

#[test]
fn readiness_follows_the_store() {
    let node = Node::start();
    let (files, away) = (node.dir.path().join("files"), node.dir.path().join("away"));
    node.upload("a.txt", b"text");
    for _ in 0..2 {
        node.comes_to_be_ready();
        std::fs::rename(&files, &away).unwrap();
        // Nothing can be written below a file.
        std::fs::write(&files, "").unwrap();
        let reason = node.comes_to_be_unready();
        assert!(reason.starts_with("store: "), "{reason}");
        std::fs::remove_file(&files).unwrap();
        std::fs::rename(&away, &files).unwrap();
    }
    node.comes_to_be_ready();
}

#[test]
fn asking_often_costs_the_stages_nothing() {
    const READY: &str = "call=\"ready\"";
    let node = Node::start();
    node.comes_to_be_ready();
    let looks = || {
        node.series("intake_database_call_seconds_count")
            .get(READY)
            .copied()
            .unwrap_or_default()
    };
    let (before, began) = (looks(), Instant::now());
    in_parallel(400, 16, |_| assert_eq!(node.ready().0, 200));
    // At most one check every two seconds, and the program's own every five.
    let most = began.elapsed().as_secs_f64() / 2.0 + 3.0;
    let looked = looks() - before;
    assert!(looked <= most, "{looked} looks, at most {most}");
}

#[test]
fn a_program_that_is_told_to_stop_says_so_before_it_closes_its_listener() {
    let mut node = Node::start_with("", &[("INTAKE_SERVER__STOP_DELAY", "1h")]);
    node.comes_to_be_ready();
    node.signal("TERM");
    assert_eq!(node.comes_to_be_unready(), "the program is stopping");
    // A client that connects meanwhile is served.
    node.upload("late.txt", b"text");
    assert_eq!(node.ask("/healthz").status, 200);
    // A second signal ends it at once.
    node.signal("TERM");
    node.server.child.wait().unwrap();
}

#[test]
fn health_is_told_until_the_last_upload_has_ended() {
    let mut node = Node::start();
    let form = Form::default().key().file("file", "a.bin", &vec![7; 8 << 20]);
    let mut stream = node.begin("/base/", &form, 4 << 20);
    wait_until("bytes of the upload are in the store", || !node.files().is_empty());
    node.signal("TERM");
    assert_eq!(node.comes_to_be_unready(), "the program is stopping");
    stream.write_all(&form.body()[4 << 20..]).unwrap();
    let answer = read_answer(&mut stream).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(node.server.child.wait().unwrap().success());
}
