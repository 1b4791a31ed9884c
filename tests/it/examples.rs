//! The examples do what they say.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::{self, INTAKE, files_below};

pub fn example(name: &str) -> PathBuf {
    // Cargo builds the examples beside the program whenever it builds the tests.
    let path = Path::new(INTAKE).parent().unwrap().join("examples").join(name);
    assert!(
        path.exists(),
        "{} is not built: run all tests of the package, not one target",
        path.display()
    );
    path
}

#[test]
fn a_product_teams_service_takes_pictures_and_nothing_else() {
    let dir = TempDir::new().unwrap();
    let mut child = Command::new(example("embed"))
        .arg(dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut said)
        .unwrap();
    let address = said
        .split("http://")
        .nth(1)
        .and_then(|rest| rest.split('/').next())
        .expect(&said)
        .to_owned();

    let refused = support::send(&address, "PUT /pictures HTTP/1.1\r\n", b"<html>not a picture</html>");
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert!(files_below(&dir.path().join("files")).is_empty());
    let taken = support::send(
        &address,
        "PUT /pictures HTTP/1.1\r\n",
        include_bytes!("../data/3x2.png"),
    );
    assert_eq!(taken.status, 200, "{}", taken.text());
    assert_eq!(files_below(&dir.path().join("files")).len(), 1);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_integrators_plugin_is_listed_and_switched_on_by_configuration() {
    let program = example("custom_validator");
    let listed = Command::new(&program).arg("plugins").output().unwrap();
    assert!(
        String::from_utf8_lossy(&listed.stdout).contains("no-programs"),
        "{listed:?}"
    );

    let dir = TempDir::new().unwrap();
    let file = dir.path().join("intake.toml");
    let check = |endings: &str| {
        let more = format!("\n[[validate]]\nuse = \"no-programs\"\nendings = {endings}\n");
        std::fs::write(&file, support::config(dir.path()) + &more).unwrap();
        Command::new(&program).arg("check").arg(&file).output().unwrap()
    };
    assert!(check("[\".exe\"]").status.success());
    let wrong = String::from_utf8_lossy(&check("[]").stderr).into_owned();
    assert!(
        wrong.contains("validate[0].endings: there is none, so nothing would be refused"),
        "{wrong}"
    );
}
