//! `intake projects`, beside a running server on the same database.

use std::process::{Command, Output};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use intake::core::{ManagedProject, Recorder, Update};
use intake::plugins::SqlRecorder;
use sha2::Sha256;

use crate::support::{Form, INTAKE, Server};

/// The program, on this server's configuration.
pub fn intake(server: &Server, arguments: &[&str]) -> Output {
    Command::new(INTAKE)
        .args(arguments)
        .env("INTAKE_CONFIG", server.config_file())
        .env("INTAKE_LOG", "trace")
        .output()
        .unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The output of a command that must succeed.
pub fn works(server: &Server, arguments: &[&str]) -> String {
    let output = intake(server, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    stdout(&output)
}

/// The error of a command that must fail.
pub fn is_refused(server: &Server, arguments: &[&str]) -> String {
    let output = intake(server, arguments);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{arguments:?}: {}{}",
        stdout(&output),
        stderr(&output)
    );
    assert_eq!(stdout(&output), "", "{arguments:?}");
    let said = stderr(&output);
    let line = said.lines().find(|line| line.starts_with("intake: "));
    line.unwrap_or_else(|| panic!("{arguments:?}: {said}")).to_owned()
}

/// The outcome of an upload to this project: an id, or the code of a refusal.
fn upload(server: &Server, key: &str, signature: Option<(&str, &str)>) -> Result<String, String> {
    let mut form = Form::default().field("UPLOADCARE_PUB_KEY", key);
    if let Some((signature, expire)) = signature {
        form = form.field("signature", signature).field("expire", expire);
    }
    let answer = server.post("/base/?jsonerrors=1", &form.file("file", "a.txt", b"hello"));
    let json = answer.json();
    match json["file"].as_str() {
        Some(id) => Ok(id.to_owned()),
        None => Err(json["error"]["error_code"].as_str().unwrap().to_owned()),
    }
}

fn signed(server: &Server, key: &str, secret: &str) -> Result<String, String> {
    let expire = SystemTime::now() + Duration::from_secs(600);
    let expire = expire.duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(expire.as_bytes());
    let signature = hex::encode(mac.finalize().into_bytes());
    upload(server, key, Some((&signature, &expire)))
}

fn refused(code: &str) -> Result<String, String> {
    Err(code.to_owned())
}

/// The line of the list that begins with this key, with single spaces.
fn listed(server: &Server, key: &str) -> Option<String> {
    let list = works(server, &["projects", "list"]);
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    list.lines().map(words).find(|line| line.split(' ').next() == Some(key))
}

#[test]
fn a_project_takes_uploads_from_the_moment_it_is_made_and_none_while_it_is_blocked_or_removed() {
    let server = Server::start();
    assert_eq!(upload(&server, "shop", None), refused("ProjectPublicKeyInvalidError"));
    let made = intake(&server, &["projects", "create", "shop", "max_direct_size=1 KiB"]);
    assert!(made.status.success() && made.stdout.is_empty(), "{made:?}");
    assert!(stderr(&made).contains("UPLOADCARE_PUB_KEY=shop"), "{}", stderr(&made));
    upload(&server, "shop", None).unwrap();
    let large = Form::default().field("UPLOADCARE_PUB_KEY", "shop");
    let large = server.post("/base/", &large.file("file", "a.bin", &[b'x'; 1025]));
    assert_ne!(large.status, 200, "its own bound does not hold");

    works(&server, &["projects", "block", "shop"]);
    assert_eq!(upload(&server, "shop", None), refused("AccountBlockedError"));
    works(&server, &["projects", "unblock", "shop"]);
    upload(&server, "shop", None).unwrap();

    works(&server, &["projects", "remove", "shop"]);
    assert_eq!(upload(&server, "shop", None), refused("ProjectPublicKeyRemovedError"));
    let again = is_refused(&server, &["projects", "create", "shop"]);
    assert!(again.contains("there is a project shop already"), "{again}");
    assert_eq!(listed(&server, "shop").unwrap(), "shop removed 0 2 10 B");
    assert_eq!(server.files().len(), 2, "files of a removed project stay");
}

#[test]
fn a_secret_key_is_shown_once_and_signs_uploads_until_it_is_revoked() {
    let server = Server::start();
    works(&server, &["projects", "create", "shop"]);
    let early = is_refused(&server, &["projects", "set", "shop", "signed_uploads=true"]);
    assert!(early.contains("secrets: missing"), "{early}");
    let mut secrets = Vec::new();
    for name in ["old", "new"] {
        let added = intake(&server, &["projects", "add-key", "shop", name]);
        let secret = stdout(&added);
        let secret = secret.strip_suffix('\n').unwrap().to_owned();
        assert!(hex::decode(&secret).is_ok_and(|bytes| bytes.len() == 32), "{secret}");
        assert!(
            !stderr(&added).contains(&secret),
            "it is where an operator does not look for secrets"
        );
        secrets.push(secret);
    }
    assert_ne!(secrets[0], secrets[1]);
    works(&server, &["projects", "set", "shop", "signed_uploads=true"]);
    let twice = is_refused(&server, &["projects", "add-key", "shop", "old"]);
    assert!(
        twice.contains("secrets[2].name: another secret has the same name"),
        "{twice}"
    );

    assert_eq!(upload(&server, "shop", None), refused("SignatureRequiredError"));
    for secret in &secrets {
        signed(&server, "shop", secret).unwrap();
    }
    for arguments in [&["projects", "show", "shop"][..], &["projects", "list"]] {
        let output = intake(&server, arguments);
        let said = stdout(&output) + &stderr(&output);
        assert!(secrets.iter().all(|secret| !said.contains(secret)), "{said}");
    }
    let shown: toml::Table = works(&server, &["projects", "show", "shop"]).parse().unwrap();
    assert_eq!(shown["signed_uploads"].as_bool(), Some(true));
    assert_eq!(shown["secrets"][0]["name"].as_str(), Some("old"));
    assert_eq!(shown["secrets"][0]["secret"].as_str(), Some("(not shown)"));
    assert_eq!(listed(&server, "shop").unwrap(), "shop active 2 2 10 B");

    works(&server, &["projects", "revoke-key", "shop", "old"]);
    assert_eq!(signed(&server, "shop", &secrets[0]), refused("SignatureInvalidError"));
    signed(&server, "shop", &secrets[1]).unwrap();
    for (name, says) in [
        ("old", "secrets: no secret key is called `old`"),
        ("new", "add another one first"),
    ] {
        let said = is_refused(&server, &["projects", "revoke-key", "shop", name]);
        assert!(said.contains(says), "{said}");
    }
    signed(&server, "shop", &secrets[1]).unwrap();
}

#[test]
fn a_project_can_be_made_with_its_first_secret_key() {
    let server = Server::start();
    let made = [
        "projects",
        "create",
        "shop",
        "signed_uploads=true",
        "--with-key",
        "first",
    ];
    let secret = works(&server, &made);
    assert_eq!(upload(&server, "shop", None), refused("SignatureRequiredError"));
    signed(&server, "shop", secret.trim_end()).unwrap();
}

#[test]
fn a_field_that_is_wrong_is_named_and_nothing_is_changed() {
    let more = "[[stores]]\nuse = \"in-memory\"\nname = \"europe\"\n";
    let server = Server::start_with(more, &[]);
    works(&server, &["projects", "create", "shop", "max_files=7", "store=europe"]);
    let before = works(&server, &["projects", "show", "shop"]);
    for (field, says) in [
        ("max_szie=10 MiB", "max_szie: unknown field `max_szie`, expected"),
        ("max_szie=", "max_szie: unknown field `max_szie`, expected"),
        (
            "max_files=many",
            "max_files: expected a whole number, without quotes; found \"many\"",
        ),
        ("max_size=10 apples", "max_size: "),
        ("origins=[\"example.com\"]", "origins[0]: must be a scheme and a host"),
        ("max_requests=10/day", "max_requests: expected a rate"),
        ("keep_unstored=0s", "keep_unstored: must be greater than zero"),
        ("status=asleep", "status"),
        ("standing=active", "standing: is now called `status`"),
        ("forbid_types=", "forbid_types: is now called `deny_types`"),
        ("store=asia", "store: no store is called `asia`; [[stores]] has: europe"),
        ("secrets=[\"hunter2\"]", "secrets: secret keys are made by `add-key`"),
        ("public_key=other", "public_key: a project has its key for good"),
    ] {
        // The correct setting beside the wrong one must not be changed either.
        let said = is_refused(&server, &["projects", "set", "shop", "max_files=8", field]);
        assert!(said.contains(says), "{field}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
        let said = is_refused(&server, &["projects", "create", "second", field]);
        assert!(said.contains(says), "{field}: {said}");
    }
    assert_eq!(works(&server, &["projects", "show", "shop"]), before);
    assert_eq!(listed(&server, "second"), None);
    let said = is_refused(&server, &["projects", "create", "no key"]);
    assert!(said.contains("public_key: must have at most 64 letters"), "{said}");

    works(
        &server,
        &["projects", "set", "shop", "max_files=", "store=", "max_size="],
    );
    let after: toml::Table = works(&server, &["projects", "show", "shop"]).parse().unwrap();
    assert_eq!(after.keys().collect::<Vec<_>>(), ["public_key"], "{after}");
}

#[test]
fn a_token_is_revoked_by_its_id_and_whole_ones_are_not_taken_for_ids() {
    let server = Server::start();
    works(&server, &["projects", "create", "shop"]);
    for _ in 0..2 {
        works(&server, &["projects", "revoke-token", "shop", "2026-01-31"]);
    }
    let whole = is_refused(
        &server,
        &["projects", "revoke-token", "shop", "eyJhbGciOiJI.eyJqdGkiOiIx.c2ln"],
    );
    assert!(whole.contains("revoked_tokens: this is a whole token"), "{whole}");
    assert!(!whole.contains("c2ln"), "{whole}");
    let shown: toml::Table = works(&server, &["projects", "show", "shop"]).parse().unwrap();
    assert_eq!(shown["revoked_tokens"].as_array().unwrap().len(), 1);
}

#[test]
fn of_changes_at_the_same_time_each_counts() {
    let server = Server::start();
    works(&server, &["projects", "create", "shop"]);
    const CHANGES: [&str; 8] = [
        "max_size=1",
        "max_direct_size=1",
        "max_multipart_size=1",
        "max_url_size=1",
        "max_files=1",
        "max_uploads=1",
        "max_stored=1",
        "max_group_files=1",
    ];
    std::thread::scope(|scope| {
        for change in CHANGES {
            let server = &server;
            scope.spawn(move || works(server, &["projects", "set", "shop", change]));
        }
    });
    let shown: toml::Table = works(&server, &["projects", "show", "shop"]).parse().unwrap();
    assert_eq!(shown.len(), 1 + CHANGES.len(), "{shown}");
}

#[test]
fn projects_of_the_configuration_are_listed_and_shown_and_changed_there_only() {
    let server = Server::start();
    server.upload("a.txt", b"hello");
    assert_eq!(
        listed(&server, "demopublickey").unwrap(),
        "demopublickey active 0 1 5 B configured"
    );
    let shown = works(&server, &["projects", "show", "strict"]);
    assert!(shown.contains("autostore = \"forbidden\""), "{shown}");
    let taken = is_refused(&server, &["projects", "create", "other"]);
    assert!(taken.contains("listed in the configuration"), "{taken}");
    for command in [
        &["block", "other"][..],
        &["set", "other", "max_files=1"],
        &["add-key", "other", "new"],
    ] {
        let said = is_refused(&server, &[&["projects"], command].concat());
        assert!(said.contains("[[projects]], and is changed there"), "{said}");
    }
    for command in [
        &["block", "nobody"][..],
        &["show", "nobody"],
        &["set", "nobody", "max_files=1"],
    ] {
        let said = is_refused(&server, &[&["projects"], command].concat());
        assert!(said.contains("no project has the key nobody"), "{said}");
    }
}

#[test]
fn every_project_is_listed_however_many_there_are() {
    const MANY: usize = 205;
    let server = Server::start();
    let recorder = SqlRecorder::sqlite(server.dir.path().join("records.db"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for number in 0..MANY {
            let project = ManagedProject::new(format!("project-{number}"), 0, serde_json::Map::new());
            let put = recorder.catalog().put_project(&project).await.unwrap();
            assert_eq!(put, Update::Applied);
        }
    });
    let list = works(&server, &["projects", "list"]);
    let ours: std::collections::BTreeSet<_> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|key| key.starts_with("project-"))
        .collect();
    assert_eq!(ours.len(), MANY);
}

#[test]
fn a_project_that_cannot_be_used_as_it_is_can_still_be_blocked() {
    let server = Server::start();
    let recorder = SqlRecorder::sqlite(server.dir.path().join("records.db"));
    let project = ManagedProject::new(
        "odd",
        0,
        serde_json::from_str(r#"{"store": "a store of another node"}"#).unwrap(),
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let put = runtime.block_on(recorder.catalog().put_project(&project)).unwrap();
    assert_eq!(put, Update::Applied);
    works(&server, &["projects", "block", "odd"]);
    assert_eq!(upload(&server, "odd", None), refused("AccountBlockedError"));
    let said = is_refused(&server, &["projects", "unblock", "odd"]);
    assert!(
        said.contains("store: no store is called `a store of another node`"),
        "{said}"
    );
}

#[test]
fn a_project_that_an_earlier_version_stored_keeps_its_settings() {
    let server = Server::start();
    let recorder = SqlRecorder::sqlite(server.dir.path().join("records.db"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stored = |key: &str, revision, settings| {
        let project = ManagedProject::new(key, revision, serde_json::from_str(settings).unwrap());
        let put = runtime.block_on(recorder.catalog().put_project(&project)).unwrap();
        assert_eq!(put, Update::Applied);
    };
    stored(
        "old",
        0,
        r#"{"standing": "unpaid", "forbid_types": ["image/*"], "keep_groups": "1d"}"#,
    );
    stored("text", 0, r#"{"forbid_types": ["text/plain"]}"#);
    stored("txt", 0, r#"{"forbid_extensions": ["txt"]}"#);
    assert_eq!(upload(&server, "old", None), refused("AccountUnpaidError"));
    for key in ["text", "txt"] {
        assert_eq!(upload(&server, key, None), refused("FileTypeForbiddenError"), "{key}");
    }
    let list = works(&server, &["projects", "list"]);
    let row = list.lines().find(|line| line.starts_with("old ")).unwrap();
    assert!(row.contains("unpaid"), "{row}");

    // A change writes the names of this version.
    works(&server, &["projects", "unblock", "old"]);
    upload(&server, "old", None).unwrap();
    let found = runtime.block_on(recorder.catalog().project("old")).unwrap().unwrap();
    let names: std::collections::BTreeSet<_> = found.settings.keys().map(String::as_str).collect();
    assert_eq!(names, ["deny_types", "group_ttl", "status"].into());
    let shown: toml::Table = works(&server, &["projects", "show", "txt"]).parse().unwrap();
    assert!(shown.contains_key("deny_extensions"), "{shown}");
}

#[test]
fn where_records_are_kept_in_memory_nothing_is_managed() {
    let server = Server::start();
    let text = std::fs::read_to_string(server.config_file()).unwrap();
    let url = format!("url = \"sqlite:{}/records.db\"", server.dir.path().display());
    let text = text.replace("use = \"sql\"", "use = \"in-memory\"").replace(&url, "");
    std::fs::write(server.config_file(), text).unwrap();
    for arguments in [
        &["projects", "create", "shop"][..],
        &["files", "list", "--project", "other"],
        &["usage"],
    ] {
        let said = is_refused(&server, arguments);
        assert!(said.contains("records are kept in memory"), "{said}");
    }
}
