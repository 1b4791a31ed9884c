//! The examples do what they say.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::architecture::root;
use crate::docs::blocks;
use crate::support::{self, Answer, Form, INTAKE, files_below};
use crate::transcript::{Shell, steps};

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

/// An example that serves, in a folder of its own, and the address that it prints.
struct Served {
    dir: TempDir,
    child: Child,
    address: String,
    /// The line that says where it listens.
    said: String,
}

impl Served {
    fn start(name: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let mut child = Command::new(example(name))
            .arg(dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut said)
            .unwrap();
        let address = said.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.expect(&said).to_owned();
        Self {
            dir,
            child,
            address,
            said,
        }
    }

    fn send(&self, head: &str, body: &[u8]) -> Answer {
        support::send(&self.address, head, body)
    }

    fn files(&self) -> usize {
        files_below(&self.dir.path().join("files")).len()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_product_teams_service_takes_reads_lists_and_deletes_pictures_and_nothing_else() {
    const PICTURE: &[u8] = include_bytes!("../data/3x2.png");
    let service = Served::start("embed");
    let refused = service.send("PUT /pictures HTTP/1.1\r\n", b"<html>not a picture</html>");
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(service.files(), 0);

    let taken = service.send("PUT /pictures HTTP/1.1\r\n", PICTURE);
    assert_eq!(taken.status, 200, "{}", taken.text());
    assert_eq!(service.files(), 1);
    let id = taken.text().trim().to_owned();
    assert_eq!(service.send("GET /pictures HTTP/1.1\r\n", b"").text().trim(), id);

    let whole = service.send(&format!("GET /pictures/{id} HTTP/1.1\r\n"), b"");
    assert_eq!((whole.status, whole.body.as_slice()), (200, PICTURE));
    let range = service.send(&format!("GET /pictures/{id} HTTP/1.1\r\nRange: bytes=1-3\r\n"), b"");
    assert_eq!((range.status, range.body.as_slice()), (206, b"PNG".as_slice()));

    let deleted = service.send(&format!("DELETE /pictures/{id} HTTP/1.1\r\n"), b"");
    assert_eq!(deleted.status, 204, "{}", deleted.text());
    assert_eq!(
        service.send(&format!("GET /pictures/{id} HTTP/1.1\r\n"), b"").status,
        404
    );
    assert_eq!(service.send("GET /pictures HTTP/1.1\r\n", b"").text(), "");
    assert_eq!(service.send("GET /pictures/x HTTP/1.1\r\n", b"").status, 404);
}

#[test]
fn a_product_team_comes_to_the_first_picture_by_the_page_alone() {
    let page = blocks(&root().join("docs/embedding.md")).into_iter();
    let shown: Vec<_> = page
        .filter(|block| block.language == "console")
        .flat_map(|block| steps(&block.text))
        .collect();
    let (start, shown) = shown.split_first().expect("the page shows a shell");
    assert_eq!(start.command, "cargo run --example embed -- embed-data");
    assert!(shown.len() > 3, "{} commands", shown.len());
    let service = Served::start("embed");
    let mut shell = Shell::default();
    shell.replace("127.0.0.1:40123", service.address.as_str());
    assert_eq!(service.said, shell.here(&start.shown));
    for step in shown {
        shell.follow(step);
    }
}

#[test]
fn an_application_with_the_upload_api_lets_only_its_users_upload() {
    let application = Served::start("upload_api");
    let form =
        Form::default()
            .field("UPLOADCARE_PUB_KEY", "shop")
            .file("file", "cat.png", include_bytes!("../data/3x2.png"));
    let upload = |cookie: &str| application.send(&(form.head("/uploads/base/") + cookie), &form.body());
    assert_eq!(upload("").status, 401);
    assert_eq!(upload("Cookie: session=invented\r\n").status, 401);
    assert_eq!(application.files(), 0);

    let logged_in = application.send("POST /login HTTP/1.1\r\n", b"");
    let cookie = logged_in
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let taken = upload(&format!("Cookie: {cookie}\r\n"));
    assert!(taken.json()["file"].is_string(), "{}", taken.text());
    assert_eq!(application.files(), 1);
    let own = application.send("GET / HTTP/1.1\r\n", b"");
    assert_eq!(own.text(), "the application's own page");
    assert_eq!(
        application.send("GET /base/ HTTP/1.1\r\n", b"").text(),
        "the application's own answer"
    );
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

#[test]
fn a_validator_of_ones_own_judges_by_project_metadata_and_page() {
    let output = Command::new(example("company_policy")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "photos: accepted",
            "press: refused by press-policy: a press release names its department (no_department)",
            "press: refused by press-policy: press releases come from https://press.example.com (wrong_page)",
            "press: accepted",
        ]
    );
}
