//! `intake files get`, beside a server that runs on the same database and folder.

use std::path::Path;

use intake_plugin_clamav::testkit::{Clamd, eicar};
use serde_json::Value;

use crate::projects_cli::{intake, is_refused, stderr, works};
use crate::support::{Form, Server};
use crate::virus::{runtime, scanned_by};

const CONTENT: &[u8] = b"\0the original, \xff byte for byte";

/// What is in a folder, hidden files too.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    entries.map(name).collect()
}

#[test]
fn the_original_is_written_and_replaces_a_file_only_if_it_is_told_to() {
    let server = Server::start();
    let id = server.upload("a.bin", CONTENT);
    let printed = intake(&server, &["files", "get", &id]);
    assert!(
        printed.status.success() && printed.stdout == CONTENT,
        "{}",
        stderr(&printed)
    );

    let folder = server.dir.path().join("out");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("b.bin");
    let arguments = ["files", "get", &id, "-o", path.to_str().unwrap()];
    works(&server, &arguments);
    assert_eq!(std::fs::read(&path).unwrap(), CONTENT);

    std::fs::write(&path, "mine").unwrap();
    let said = is_refused(&server, &arguments);
    assert!(said.contains("already there") && said.contains("--force"), "{said}");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    works(&server, &[&arguments[..], &["--force"]].concat());
    assert_eq!(std::fs::read(&path).unwrap(), CONTENT);
    assert_eq!(names(&folder), ["b.bin"], "nothing else is left");
}

#[test]
fn bytes_that_are_not_those_that_were_accepted_never_get_the_final_name() {
    let server = Server::start();
    let id = server.upload("a.bin", CONTENT);
    let folder = server.dir.path().join("out");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("a.bin");
    let other = [b"x", &CONTENT[1..]].concat();
    for (stored, expected) in [
        (&other[..], "their SHA-256 is"),
        (&CONTENT[1..], "bytes instead of"),
        (&[CONTENT, b"more"].concat(), "there are more than"),
    ] {
        std::fs::write(&server.files()[0], stored).unwrap();
        let said = is_refused(&server, &["files", "get", &id, "-o", path.to_str().unwrap()]);
        assert!(said.contains(expected) && said.contains("is not written"), "{said}");
        assert_eq!(names(&folder), Vec::<String>::new());
    }
    std::fs::remove_file(&server.files()[0]).unwrap();
    let said = is_refused(&server, &["files", "get", &id, "-o", path.to_str().unwrap()]);
    assert!(said.contains("cannot be read"), "{said}");
    assert_eq!(names(&folder), Vec::<String>::new());
}

#[test]
fn what_cannot_be_read_is_refused_with_its_state() {
    let server = Server::start_with("[receive]\ntrash = \"1h\"\n", &[]);
    let id = server.upload("a.bin", CONTENT);
    works(&server, &["files", "delete", &id]);
    let said = is_refused(&server, &["files", "get", &id]);
    assert!(said.contains("so it cannot be read"), "{said}");
    let nobody = "67947755-1584-4e3f-902b-d4e2bf76a841";
    let said = is_refused(&server, &["files", "get", nobody]);
    assert!(said.contains("there is no file"), "{said}");
}

#[test]
fn a_file_in_quarantine_is_refused_with_the_command_that_releases_it() {
    let runtime = runtime();
    let clamd = runtime.block_on(Clamd::start());
    let server = Server::start_with(&(scanned_by(&clamd) + "on_infected = \"quarantine\"\n"), &[]);
    let form = Form::default().file("file", "eicar.com", &eicar()).key();
    server.post("/base/", &form);
    let listed = works(&server, &["quarantine", "list", "--json"]);
    let held: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    let id = held["id"].as_str().unwrap();
    let said = is_refused(&server, &["files", "get", id]);
    assert!(said.contains(&format!("intake quarantine release {id}")), "{said}");
    runtime.block_on(clamd.stop());
}
