//! The example page with the official web component, in a real browser: it makes signed uploads to this server, and no requests to
//! others.

use std::process::{Child, Command};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clients::{run, tools};
use crate::origin::Origin;
use crate::parts::file_of;
use crate::support::{Server, listening};

/// The example's own server, in a folder of its own with the packages that it names.
pub(crate) struct Page {
    _dir: TempDir,
    child: Child,
    address: String,
}

impl Page {
    /// Serves the example for the project `signed` of this server. Only the server's address and the key differ from the
    /// files.
    pub(crate) fn before(server: &Server, secret: &str) -> Self {
        Self::start(server, "signed", &[("INTAKE_SECRET_KEY", secret)])
    }

    /// Serves the example for this project, with these variables.
    pub(crate) fn start(server: &Server, public_key: &str, variables: &[(&str, &str)]) -> Self {
        let dir = TempDir::new().unwrap();
        for entry in std::fs::read_dir("examples/web").unwrap() {
            let path = entry.unwrap().path();
            // Where someone has tried the example, it has packages and files.
            if path.is_dir() {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text
                .replace("http://localhost:8080", &format!("http://{}", server.address))
                .replace("\"demopublickey\"", &format!("\"{public_key}\""));
            std::fs::write(dir.path().join(path.file_name().unwrap()), text).unwrap();
        }
        std::os::unix::fs::symlink(tools().join("web/node_modules"), dir.path().join("node_modules")).unwrap();
        let mut command = Command::new("node");
        command.arg(dir.path().join("server.mjs"));
        command.env("PORT", "0").envs(variables.iter().copied());
        let (child, address) = listening(command);
        Self {
            _dir: dir,
            child,
            address,
        }
    }

    /// Opens the page in a browser and uploads.
    pub(crate) fn upload(&self, options: &Value) -> Value {
        let mut command = Command::new("node");
        command
            .arg("tests/clients/web/drive.mjs")
            .args([format!("http://{}/", self.address), options.to_string()]);
        run("the web component", &mut command)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _dead = self.child.kill();
        let _dead = self.child.wait();
    }
}

/// The sizes of the files that the page lists as uploaded, as the server tells them.
fn sizes(server: &Server, done: &Value) -> Vec<u64> {
    let uploads = done["uploads"].as_array().unwrap().iter();
    let mut sizes: Vec<_> = uploads
        .map(|upload| {
            assert_eq!(upload["outcome"], "uploaded", "{done}");
            let (_, id) = upload["text"].as_str().unwrap().rsplit_once(' ').unwrap();
            let info = server.get(&format!("/info/?pub_key=signed&file_id={id}"));
            assert_eq!(info.status, 200, "{}", info.text());
            info.json()["size"].as_u64().unwrap()
        })
        .collect();
    sizes.sort_unstable();
    sizes
}

/// The two hosts that the page may speak to, in order.
pub(crate) fn ours(server: &Server, page: &Page) -> Value {
    let mut hosts = [server.address.clone(), page.address.clone()];
    hosts.sort();
    json!(hosts)
}

#[test]
fn the_component_uploads_with_signatures_and_by_its_settings_alone_asks_no_other_host() {
    let server = crate::signed::server(&Origin::start(), &[]);
    let page = Page::before(&server, "new secret");
    let picture = server.dir.path().join("3x2.png");
    std::fs::copy("tests/data/3x2.png", &picture).unwrap();
    // The component sends files above 25 MiB in parts.
    let large = file_of(server.dir.path(), 26 << 20);
    let done = page.upload(&json!({"files": [picture, large], "withoutPolicy": true}));
    assert_eq!(sizes(&server, &done), [73, 26 << 20]);
    assert_eq!(done["hosts"], ours(&server, &page));
}

#[test]
fn the_policy_of_the_page_lets_a_fetch_from_a_link_reach_the_server_only() {
    let origin = Origin::start();
    let server = crate::signed::server(&origin, &[]);
    let page = Page::before(&server, "new secret");
    let done = page.upload(&json!({"link": origin.url("/noise/1/1000/a.bin")}));
    assert_eq!(sizes(&server, &done), [1000]);
    assert_eq!(done["hosts"], ours(&server, &page));
    // The component always asks there for the progress of the fetch; without an answer, it asks the server.
    assert_eq!(done["blocked"], json!(["ws.pusherapp.com"]));
}

#[test]
fn the_component_tells_the_visitor_why_an_upload_was_refused() {
    let server = crate::signed::server(&Origin::start(), &[]);
    let page = Page::before(&server, "a guess");
    let file = file_of(server.dir.path(), 1000);
    let done = page.upload(&json!({"files": [file]}));
    let upload = &done["uploads"][0];
    assert_eq!(upload["outcome"], "refused", "{done}");
    assert!(
        upload["text"].as_str().unwrap().ends_with(": Invalid signature."),
        "{done}"
    );
    assert!(server.files().is_empty());
}

#[test]
fn a_policy_token_goes_where_the_component_has_a_signature() {
    let server = crate::signed::server(&Origin::start(), &[]);
    let page = Page::before(&server, "a guess");
    let file = file_of(server.dir.path(), 1000);
    for (id, most, outcome) in [("enough", 1000, "uploaded"), ("less", 999, "refused")] {
        let token = crate::in_process::token("new secret", id, json!({"max_size": most}));
        let signature = json!({"secureSignature": token, "secureExpire": "4000000000"});
        let done = page.upload(&json!({"files": [file], "signature": signature}));
        assert_eq!(done["uploads"][0]["outcome"], outcome, "{done}");
    }
}

#[test]
fn an_access_token_that_the_page_adds_to_its_requests_lets_in_files_parts_and_links() {
    let origin = Origin::start();
    let server = crate::signed::server(&origin, &[]);
    let page = Page::start(
        &server,
        "signed",
        &[("INTAKE_SECRET_KEY", "new secret"), ("INTAKE_LET_IN", "token")],
    );
    let picture = server.dir.path().join("3x2.png");
    std::fs::copy("tests/data/3x2.png", &picture).unwrap();
    let large = file_of(server.dir.path(), 26 << 20);
    let done = page.upload(&json!({"files": [picture, large]}));
    assert_eq!(sizes(&server, &done), [73, 26 << 20]);
    let done = page.upload(&json!({"link": origin.url("/noise/1/1000/a.bin")}));
    assert_eq!(sizes(&server, &done), [1000]);
    assert_eq!(done["hosts"], ours(&server, &page));
}

#[test]
fn the_component_tells_the_visitor_why_an_access_token_does_not_let_in() {
    let server = crate::signed::server(&Origin::start(), &[]);
    let page = Page::start(
        &server,
        "signed",
        &[("INTAKE_SECRET_KEY", "a guess"), ("INTAKE_LET_IN", "token")],
    );
    let file = file_of(server.dir.path(), 1000);
    let done = page.upload(&json!({"files": [file]}));
    let upload = &done["uploads"][0];
    assert_eq!(upload["outcome"], "refused", "{done}");
    assert!(
        upload["text"].as_str().unwrap().contains("Invalid token. Reason:"),
        "{done}"
    );
    assert!(server.files().is_empty());
}

#[test]
fn the_example_names_the_version_of_the_component_that_is_tested() {
    let version = |path: &str| {
        let package: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        package["dependencies"]["@uploadcare/file-uploader"].clone()
    };
    let tested = version("tests/clients/web/package.json");
    assert!(tested.is_string());
    assert_eq!(version("examples/web/package.json"), tested);
}
