//! The program as an operator uses it: at the first start, with a typing error, with a port that is in use.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::{INTAKE, Server, config};

fn intake(arguments: &[&str]) -> Command {
    let mut command = Command::new(INTAKE);
    command.args(arguments).env_remove("INTAKE_CONFIG");
    command
}

fn check(dir: &Path, text: &str) -> Output {
    let file = dir.join("intake.toml");
    std::fs::write(&file, text).unwrap();
    intake(&["check"]).arg(&file).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn without_a_configuration_it_serves_at_once_and_the_line_that_it_prints_works() {
    let dir = TempDir::new().unwrap();
    let mut child = intake(&[])
        .current_dir(dir.path())
        .env("INTAKE_SERVER__LISTEN", "127.0.0.1:0")
        .env("INTAKE_SERVER__ADMIN", "off")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let banner: Vec<_> = lines.by_ref().take_while(|line| !line.starts_with("Try it:")).collect();
    let banner = banner.join("\n");
    for part in [
        "listens on http://127.0.0.1:",
        "intake-data/files",
        "intake-data/records.db",
        "demopublickey",
        "NOT switched on: a virus scanner",
    ] {
        assert!(banner.contains(part), "{part:?} is missing in\n{banner}");
    }
    let line = lines.next().unwrap();
    let pasted = Command::new("sh").arg("-c").arg(&line).output().unwrap();
    let answer: serde_json::Value =
        serde_json::from_slice(&pasted.stdout).unwrap_or_else(|error| panic!("{line}: {error}: {pasted:?}"));
    assert!(answer["file"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_typing_error_is_refused_with_its_line_and_a_correction() {
    let table = [
        (
            "[store]",
            "[stor]",
            "stor: no section is called that; there are: projects, receive, validate, scan, store, stores, record, expire, notify, events, derived, upload_api, delivery, rest_api, server, test",
        ),
        ("scheme = \"fs\"", "scheme = \"tape\"", "store.scheme: "),
        ("root =", "rot =", "store.rot: unknown field `rot`, expected"),
        (
            "use = \"opendal\"",
            "use = \"opendall\"",
            "store.use: no store is called `opendall`; this program has: in-memory, opendal",
        ),
        (
            "use = \"image-info\"",
            "use = \"imageinfo\"",
            "scan[0].use: no scanner is called `imageinfo`; this program has: archive, clamav, ffprobe, icap, image-info, image-limits, media-info, pdf, polyglot, svg, text",
        ),
        (
            "max_fields = 100",
            "max_fields = \"many\"",
            "upload_api.max_fields: expected a whole number, without quotes; found \"many\"",
        ),
        (
            "sweep_interval = \"1h\"",
            "sweep_interval = \"soon\"",
            "server.sweep_interval: ",
        ),
        (
            "temporary = \"24h\"",
            "temporary = 24",
            "expire.temporary: expected a length of time such as \"30s\", \"24h\" or \"7days\"; found 24",
        ),
        (
            "public_key = \"other\"",
            "public_key = \"demopublickey\"",
            "projects[1].public_key: another project has the same key",
        ),
        (
            "public_key = \"other\"",
            "public_key = \"other\", store = \"eu\"",
            "projects[1].store: no store is called `eu` in [[stores]]",
        ),
        (
            "public_key = \"other\"",
            "public_key = \"other\", max_requests = 10",
            "projects[1].max_requests: expected a rate such as `10/s`",
        ),
        ("[[scan]]", "[scan]", "scan: must be a list of tables: [[scan]]"),
    ];
    let dir = TempDir::new().unwrap();
    for (right, wrong, expected) in table {
        let text = config(dir.path());
        assert!(text.contains(right), "{right}");
        let text = text.replace(right, wrong);
        let output = check(dir.path(), &text);
        let (found, line) = (
            said(&output),
            1 + text[..text.find(wrong).unwrap()].matches('\n').count(),
        );
        assert_eq!(output.status.code(), Some(78), "{wrong}: {found}");
        assert!(found.contains(expected), "{wrong}: {found:?} does not say {expected:?}");
        assert!(
            found.contains(&format!("intake.toml:{line}:")),
            "{wrong}: {found:?} does not say line {line}"
        );
    }
    let broken = check(dir.path(), "[store\nuse = 1");
    assert!(
        said(&broken).contains("intake.toml:1:7: unclosed table"),
        "{}",
        said(&broken)
    );
    let missing = intake(&["check", "/no/such/file.toml"]).output().unwrap();
    assert!(
        said(&missing).contains("cannot read /no/such/file.toml"),
        "{}",
        said(&missing)
    );
}

#[test]
fn all_errors_are_reported_at_once() {
    let dir = TempDir::new().unwrap();
    let text = config(dir.path())
        .replace("max_fields", "max_feilds")
        .replace("root =", "rot =")
        + "\n[extra]\n";
    let found = said(&check(dir.path(), &text));
    for part in ["upload_api.max_feilds", "store.rot", "extra: no section"] {
        assert!(found.contains(part), "{part:?} is missing in\n{found}");
    }
}

#[test]
fn a_type_that_no_content_is_found_to_be_is_said_and_can_be_used() {
    let dir = TempDir::new().unwrap();
    let text = config(dir.path()).replace(
        "public_key = \"other\"",
        "public_key = \"other\", allow_types = [\"image/*\", \"text/csv\"], deny_types = [\"audio/x-flac\", \"image/apng\"]",
    ) + "\n[[validate]]\nuse = \"media-type\"\ndeny = [\"image/svg+xml\", \"application/xhtml+xml\", \"message/*\"]\n";
    let output = check(dir.path(), &text);
    let found = said(&output);
    assert!(output.status.success(), "{found}");
    for warning in [
        "projects[1].allow_types[1]: no content is found to be text/csv (text of any kind is text/plain), so this does nothing",
        "projects[1].deny_types[1]: no content is found to be image/apng, so this does nothing",
        "validate[0].deny[1]: no content is found to be application/xhtml+xml (documents in XML are text/xml), so this does nothing",
        "validate[0].deny[2]: no content is found to be message/*, so this does nothing",
    ] {
        assert!(found.contains(warning), "{found:?} does not say {warning:?}");
    }
    assert_eq!(found.matches("warning: ").count(), 4, "{found}");
    assert!(
        found.contains(&format!("intake.toml:{}:", text.lines().count())),
        "{found}"
    );
    let found = said(&check(dir.path(), &config(dir.path())));
    assert!(!found.contains("warning: "), "nothing is wrong with this: {found}");
}

#[test]
fn checking_opens_nothing_unless_asked_to() {
    let dir = TempDir::new().unwrap();
    let checked = check(dir.path(), &config(dir.path()));
    assert!(checked.status.success(), "{}", said(&checked));
    let left: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["intake.toml"]);
    let connected = intake(&["check", "--connect"])
        .arg(dir.path().join("intake.toml"))
        .output()
        .unwrap();
    assert!(connected.status.success(), "{}", said(&connected));
    let told = String::from_utf8_lossy(&connected.stdout).into_owned();
    assert!(
        told.contains("but for the records: `intake serve` makes them"),
        "{told}"
    );
    assert!(!dir.path().join("records.db").exists(), "only `serve` makes records");
    std::fs::write(dir.path().join("taken"), "no folder").unwrap();
    let impossible = intake(&["check", "--connect", "--config"])
        .arg(dir.path().join("intake.toml"))
        .env("INTAKE_STORE__ROOT", dir.path().join("taken"))
        .output()
        .unwrap();
    assert_eq!(impossible.status.code(), Some(1), "{}", said(&impossible));
}

#[test]
fn a_variable_overrides_the_file_and_is_named_when_it_is_wrong() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("intake.toml"), config(dir.path())).unwrap();
    let with = |name: &str, value: &str| {
        intake(&["check"])
            .arg(dir.path().join("intake.toml"))
            .env(name, value)
            .output()
            .unwrap()
    };
    assert!(with("INTAKE_RECEIVE__MAX_SIZE", "1 GiB").status.success());
    assert!(with("INTAKE_PROJECTS__3__PUBLIC_KEY", "added").status.success());
    for (name, value, expected) in [
        ("INTAKE_STORE__SCHEME", "tape", "INTAKE_STORE__SCHEME: store.scheme"),
        (
            "INTAKE_SERVER__PORT",
            "1",
            "INTAKE_SERVER__PORT: server.port: unknown field `port`",
        ),
        (
            "INTAKE_SCAN__7__USE",
            "clamav",
            "INTAKE_SCAN__7__USE: the list has only 1 entries",
        ),
    ] {
        let found = said(&with(name, value));
        assert!(found.contains(expected), "{found:?} does not say {expected:?}");
    }
}

#[test]
fn a_port_in_use_is_reported_with_a_remedy() {
    let server = Server::start();
    let dir = TempDir::new().unwrap();
    let second = intake(&["serve"])
        .current_dir(dir.path())
        .env("INTAKE_SERVER__LISTEN", &server.address)
        .output()
        .unwrap();
    let found = said(&second);
    assert!(
        found.contains(&server.address) && found.contains("INTAKE_SERVER__LISTEN"),
        "{found}"
    );
}

#[test]
fn the_plugins_are_listed_and_the_built_in_configuration_can_be_used() {
    let listed = intake(&["plugins"]).output().unwrap();
    let list = String::from_utf8_lossy(&listed.stdout).into_owned();
    for plugin in [
        "archive",
        "clamav",
        "ffprobe",
        "file-type",
        "http-source",
        "icap",
        "image-info",
        "image-limits",
        "media-info",
        "media-type",
        "opendal",
        "pdf",
        "polyglot",
        "svg",
        "text",
        "sql",
        "retention",
        "webhook",
        "in-memory",
    ] {
        assert!(list.contains(plugin), "{plugin} is not linked:\n{list}");
    }
    let dir = TempDir::new().unwrap();
    let printed = intake(&["config"]).output().unwrap();
    let text = String::from_utf8_lossy(&printed.stdout).into_owned();
    let checked = check(dir.path(), &text);
    assert!(checked.status.success(), "{}", said(&checked));
}

#[test]
fn an_asked_for_stop_lets_the_upload_that_is_under_way_end() {
    use std::io::Write;

    let mut server = Server::start();
    let form = crate::support::Form::default()
        .key()
        .file("file", "x", &vec![b'x'; 8 << 20]);
    let body = form.body();
    let mut stream = server.begin("/base/", &form, body.len() / 2);
    crate::support::wait_until("the upload is under way", || !server.files().is_empty());
    let asked = Command::new("kill")
        .arg(server.child.id().to_string())
        .status()
        .unwrap();
    assert!(asked.success());
    let address = server.address.clone();
    crate::support::wait_until("no further connection is accepted", || {
        std::net::TcpStream::connect(&address).is_err()
    });
    stream.write_all(&body[body.len() / 2..]).unwrap();
    assert_eq!(crate::support::read_answer(&mut stream).unwrap().status, 200);
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn no_error_in_a_configuration_shows_a_secret() {
    let dir = TempDir::new().unwrap();
    for wrong in [
        "secrets = \"hunter2\"",
        "secrets = [\"hunter2\"]",
        "secrets = [{ name = \"a\", secret = [\"hunter2\"] }]",
        "secrets = [{ name = \"a\", secret = \"hunter2 }]",
        "secrets = [{ name = \"a\" secret = \"hunter2\" }]",
    ] {
        let text = config(dir.path()) + "\n[[projects]]\npublic_key = \"x\"\n";
        let text = text.replace("projects = [", "#") + wrong;
        let output = check(dir.path(), &text);
        assert_eq!(output.status.code(), Some(78), "{wrong}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("intake.toml:") && !said.contains("hunter2"), "{said}");
    }
}
