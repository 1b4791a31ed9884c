//! The log for an operator: one line for each upload and each refused request, and each failure once, with its cause.

use std::fs::File;
use std::process::Command;

use intake_plugin_clamav::testkit::Clamd;
use serde_json::Value;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use crate::support::{self, Answer, Form, INTAKE, config, listening};
use crate::virus::{runtime, scanned_by};

/// Projects with rules, before those of the usual configuration.
const PROJECTS: &str = r#"projects = [
    { public_key = "signed", signed_uploads = true, secrets = [{ name = "first", secret = "s3cret" }] },
    { public_key = "small", max_direct_size = "8 B", deny_extensions = ["exe"], allow_types = ["text/*"] },
"#;

/// A running program whose log is kept.
struct Logged {
    dir: TempDir,
    child: std::process::Child,
    address: String,
}

impl Logged {
    fn start(more: &str) -> Self {
        Self::start_by(more, |command| command)
    }

    fn start_by(more: &str, change: impl FnOnce(Command) -> Command) -> Self {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("intake.toml");
        std::fs::write(&file, config(dir.path()).replace("projects = [", PROJECTS) + more).unwrap();
        let mut command = change(Command::new(INTAKE));
        command
            .args(["serve", "--config"])
            .arg(&file)
            .env("INTAKE_LOG", "info")
            .env("INTAKE_LOG_FORMAT", "json")
            .stderr(File::create(dir.path().join("log")).unwrap());
        let (child, address) = listening(command);
        Self { dir, child, address }
    }

    fn send(&self, head: &str, body: &[u8]) -> Answer {
        support::send(&self.address, head, body)
    }

    fn upload(&self, form: &Form) -> Answer {
        self.send(&form.head("/base/"), &form.body())
    }

    /// The lines of this target so far. A line is written before its request is answered.
    fn lines(&self, target: &str) -> Vec<Value> {
        let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap();
        let parsed = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")));
        parsed.filter(|line: &Value| line["target"] == target).collect()
    }

    fn errors(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap();
        let parsed = log.lines().map(|line| serde_json::from_str(line).unwrap());
        parsed.filter(|line: &Value| line["level"] == "ERROR").collect()
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn file(name: &str, content: &[u8]) -> Form {
    Form::default().key().file("file", name, content)
}

#[test]
fn an_upload_is_one_line_with_its_project_and_its_facts() {
    let server = Logged::start("");
    let answer = server.upload(&file("holiday.txt", b"some text"));
    let lines = server.lines("intake::upload");
    let [line] = &lines[..] else { panic!("{lines:?}") };
    for (field, value) in [
        ("level", "INFO".into()),
        ("state", "ready".into()),
        ("id", answer.json()["file"].clone()),
        ("method", "direct".into()),
        ("project", "demopublickey".into()),
        ("name", "holiday.txt".into()),
        ("size", 9.into()),
        ("type", "text/plain".into()),
    ] {
        assert_eq!(line[field], value, "{field}: {line}");
    }
    assert!(line["millis"].is_u64(), "{line}");
    assert_eq!(
        line["span"]["id"],
        answer.header("x-uploadcare-request-id").unwrap(),
        "{line}"
    );
    assert_eq!(line["span"]["client"], "127.0.0.1", "{line}");
    assert!(server.lines("intake::request").is_empty(), "nothing was refused");
}

/// A refused request, and its line in the log.
struct Refused {
    what: &'static str,
    head: String,
    body: Vec<u8>,
    code: &'static str,
    by: &'static str,
}

fn refused(what: &'static str, form: &Form, code: &'static str, by: &'static str) -> Refused {
    Refused {
        what,
        head: form.head("/base/"),
        body: form.body(),
        code,
        by,
    }
}

fn asked(what: &'static str, path: &str, code: &'static str) -> Refused {
    Refused {
        what,
        head: format!("GET {path} HTTP/1.1\r\n"),
        body: Vec::new(),
        code,
        by: "upload-api",
    }
}

#[test]
fn each_refused_request_is_one_line_with_the_stage_and_the_reason() {
    let server = Logged::start(
        r#"
        [[validate]]
        use = "media-type"
        deny = ["text/html"]
        "#,
    );
    let of = |key: &str| Form::default().field("UPLOADCARE_PUB_KEY", key);
    let cases = [
        refused(
            "no key",
            &Form::default().file("file", "a.txt", b"text"),
            "key_missing",
            "upload-api",
        ),
        refused(
            "a wrong key",
            &of("nobody").file("file", "a.txt", b"text"),
            "key_invalid",
            "upload-api",
        ),
        refused("no file", &of("demopublickey"), "file_missing", "upload-api"),
        refused(
            "no signature",
            &of("signed").file("file", "a.txt", b"text"),
            "signature_missing",
            "upload-api",
        ),
        refused(
            "too large",
            &of("small").file("file", "a.txt", b"too large"),
            "too_large",
            "receive",
        ),
        refused(
            "an ending",
            &of("small").file("file", "a.exe", b"text"),
            "extension_forbidden",
            "project",
        ),
        refused(
            "a type",
            &of("small").file("file", "a", b"%PDF-1.7"),
            "type_forbidden",
            "project",
        ),
        refused(
            "a validator",
            &file("a.html", b"<html><p>"),
            "type_forbidden",
            "media-type",
        ),
        asked("no such path", "/elsewhere/", "not_an_endpoint"),
        asked("a wrong method", "/base/", "method_not_allowed"),
        asked(
            "no such file",
            "/info/?pub_key=demopublickey&file_id=67947755-1584-4e3f-902b-d4e2bf76a841",
            "not_found",
        ),
    ];
    for Refused {
        what,
        head,
        body,
        code,
        by,
    } in cases
    {
        let before = server.lines("intake::request").len();
        let answer = server.send(&head, &body);
        let lines = server.lines("intake::request");
        let [line] = &lines[before..] else {
            panic!("{what}: {lines:?}")
        };
        assert_eq!([&line["code"], &line["by"]], [code, by], "{what}: {line}");
        assert_eq!(line["level"], "INFO", "{what}: {line}");
        assert_eq!(
            line["span"]["id"],
            answer.header("x-uploadcare-request-id").unwrap(),
            "{what}"
        );
        assert!(
            line["reason"].as_str().is_some_and(|reason| !reason.is_empty()),
            "{what}: {line}"
        );
    }
    assert!(
        server.errors().is_empty(),
        "a refusal is no failure: {:?}",
        server.errors()
    );
}

#[test]
fn a_name_of_a_senders_choice_makes_no_line_of_its_own() {
    let server = Logged::start("");
    let forged = "a%0A{\"level\":\"ERROR\"}\u{202E}.exe";
    server.upload(
        &Form::default()
            .field("UPLOADCARE_PUB_KEY", "no\nbody")
            .file("file", forged, b"text"),
    );
    server.upload(&file(forged, b"text"));
    // Each line is one JSON object: the lines are parsed.
    assert_eq!(server.lines("intake::upload").len(), 1);
    assert_eq!(server.lines("intake::request").len(), 1);
    assert!(server.errors().is_empty());
}

#[test]
fn a_store_that_is_full_is_one_error_with_its_cause() {
    // No file may be larger than 2 MiB: further writes fail as on a full disk.
    let server = Logged::start_by("", |_| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\"", INTAKE]);
        shell
    });
    let answer = server.upload(&file("large.bin", &vec![7; 4 << 20]));
    assert_eq!(answer.status, 500, "{}", answer.text());
    only_error(&server, "store_failed", "File too large");
}

#[test]
fn a_store_that_is_gone_is_one_error_with_its_cause() {
    let server = Logged::start("");
    let files = server.dir.path().join("files");
    std::fs::remove_dir_all(&files).unwrap();
    std::fs::write(&files, "no folder any more").unwrap();
    let answer = server.upload(&file("a.bin", &vec![7; 1 << 20]));
    assert_eq!(answer.status, 500, "{}", answer.text());
    only_error(&server, "store_failed", "Not a directory");
}

#[test]
fn a_scanner_that_is_down_is_one_error_with_its_cause() {
    let runtime = runtime();
    let clamd = runtime.block_on(Clamd::start());
    let server = Logged::start(&scanned_by(&clamd));
    runtime.block_on(clamd.stop());
    let answer = server.upload(&file("a.bin", b"bytes"));
    assert_eq!(answer.status, 500, "{}", answer.text());
    only_error(&server, "scanner_unavailable", "clamd");
}

#[test]
fn records_that_are_down_are_one_error_with_its_cause() {
    let server = Logged::start("");
    let records = server.dir.path().join("records.db");
    let runtime = runtime();
    // Another process keeps the database to itself for longer than the program waits.
    let mut other = runtime
        .block_on(SqliteConnectOptions::new().filename(&records).connect())
        .unwrap();
    runtime
        .block_on(sqlx::raw_sql("BEGIN EXCLUSIVE").execute(&mut other))
        .unwrap();
    let answer = server.upload(&file("a.bin", b"bytes"));
    assert_eq!(answer.status, 500, "{}", answer.text());
    only_error(&server, "record_failed", "locked");
}

/// Checks that exactly one line is an error, with this code and this cause.
fn only_error(server: &Logged, code: &str, cause: &str) {
    let errors = server.errors();
    let [line] = &errors[..] else { panic!("{errors:?}") };
    assert_eq!(line["code"], code, "{line}");
    let said = line["reason"].as_str().or(line["cause"].as_str()).unwrap();
    assert!(said.contains(cause), "{line}");
    assert_eq!(line["span"]["client"], "127.0.0.1", "{line}");
}
