//! Signed uploads, through the official clients and for every way of uploading: only a client with the secret can upload.

use serde_json::json;

use crate::clients::{js, python};
use crate::origin::Origin;
use crate::parts::file_of;
use crate::support::Server;

/// Two secrets, as while one is replaced by the other.
const PROJECT: &str = r#"
[[projects]]
public_key = "signed"
signed_uploads = true
secrets = [{ name = "old", secret = { env = "INTAKE_TEST_OLD" } }, { name = "new", secret = "new secret" }]
"#;

/// A server on which every upload to the project `signed` needs a signature.
pub(crate) fn server(origin: &Origin, variables: &[(&str, &str)]) -> Server {
    let dir = tempfile::TempDir::new().unwrap();
    let usual = crate::support::config(dir.path());
    let without = usual
        .lines()
        .filter(|line| !line.trim_start().starts_with("projects ="));
    let config = without.collect::<Vec<_>>().join("\n") + PROJECT + &origin.opened();
    let variables = [variables, &[("INTAKE_TEST_OLD", "old secret")]].concat();
    Server::start_in(dir, &config, &variables)
}

#[test]
fn the_official_clients_get_in_with_either_secret_and_not_without() {
    let origin = Origin::start();
    let server = server(&origin, &[]);
    let small = file_of(server.dir.path(), 1000);
    let large = file_of(server.dir.path(), 12 << 20);
    let url = origin.url("/noise/1/1000/a.bin");
    for secret in ["old secret", "new secret"] {
        let with = |more: serde_json::Value| {
            let mut options = json!({"publicKey": "signed", "secretKey": secret, "store": true});
            options
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            options
        };
        assert_eq!(
            js("base-and-info", &server, with(json!({"path": small})))["info"]["size"],
            1000
        );
        assert_eq!(
            js("in-parts", &server, with(json!({"path": large})))["info"]["size"],
            12 << 20
        );
        assert_eq!(js("from-url", &server, with(json!({"url": url})))["info"]["size"], 1000);
        assert_eq!(
            python("upload", &server, with(json!({"path": small})))["info"]["size"],
            1000
        );
        assert_eq!(
            python("upload", &server, with(json!({"path": large})))["info"]["size"],
            12 << 20
        );
        assert_eq!(
            python("from-url", &server, with(json!({"url": url})))["info"]["size"],
            1000
        );
    }
    let files = server.files().len();
    let unsigned = js("refused", &server, json!({"publicKey": "signed", "path": small}));
    assert_eq!(unsigned["code"], "SignatureRequiredError");
    let stranger = json!({"publicKey": "signed", "secretKey": "a guess", "path": small});
    assert_eq!(
        js("refused", &server, stranger.clone())["code"],
        "SignatureInvalidError"
    );
    let said = python("refused", &server, stranger);
    assert!(
        said["message"].as_str().unwrap().contains("Invalid signature."),
        "{said}"
    );
    assert_eq!(server.files().len(), files, "what was not let in is left");
}

#[test]
fn a_secret_that_is_not_there_is_said_to_be_missing_and_none_is_shown() {
    let origin = Origin::start();
    let server = server(&origin, &[]);
    let checked = std::process::Command::new(crate::support::INTAKE)
        .arg("check")
        .arg(server.config_file())
        .env_remove("INTAKE_TEST_OLD")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(78));
    assert!(
        said.contains("INTAKE_TEST_OLD") && said.contains("secrets[0].secret"),
        "{said}"
    );
    assert!(!said.contains("new secret"), "{said}");
}
