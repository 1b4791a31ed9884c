//! The quarantine, from outside: with a real clamd, the Upload API and `intake quarantine`.

use intake_plugin_clamav::testkit::{Clamd, eicar};
use serde_json::Value;

use crate::projects_cli::{intake, is_refused, stderr, works};
use crate::support::{Form, Server, wait_until};
use crate::virus::{runtime, scanned_by};

fn info(server: &Server, id: &str) -> u16 {
    server.get(&format!("/info/?pub_key=demopublickey&file_id={id}")).status
}

fn quarantined(server: &Server) -> Vec<Value> {
    let listed = works(server, &["quarantine", "list", "--json"]);
    listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_infected_file_is_refused_and_kept_where_only_an_operator_reaches_it() {
    let runtime = runtime();
    let clamd = runtime.block_on(Clamd::start());
    let config = scanned_by(&clamd) + "on_infected = \"quarantine\"\n";
    let server = Server::start_with(&config, &[]);
    let form = Form::default().file("file", "eicar.com", &eicar()).key();
    for _ in 0..2 {
        let refused = server.post("/base/?jsonerrors=1", &form).json();
        assert_eq!(refused["error"]["error_code"], "FileInfectedError");
    }
    let listed = quarantined(&server);
    assert_eq!(listed.len(), 2);
    let ids: Vec<&str> = listed.iter().map(|held| held["id"].as_str().unwrap()).collect();
    for (field, expected) in [
        ("state", "quarantined"),
        ("cause", "infected"),
        ("by", "clamav"),
        ("project", "demopublickey"),
        ("name", "eicar.com"),
    ] {
        assert_eq!(listed[0][field], expected, "{field}");
    }
    assert_eq!(info(&server, ids[0]), 404);
    assert_eq!(server.files().len(), 2, "the bytes are kept");
    assert!(works(&server, &["quarantine", "show", ids[0]]).contains("Eicar"));
    assert!(works(&server, &["quarantine", "list"]).contains(ids[1]));
    assert!(works(&server, &["files", "explain", ids[0]]).contains("refused"));
    assert!(is_refused(&server, &["files", "delete", ids[0]]).contains("quarantined"));

    let released = intake(&server, &["quarantine", "release", ids[0], "--by", "anna"]);
    let said = stderr(&released);
    assert!(released.status.success() && said.contains("can be read now"), "{said}");
    assert!(said.contains("intake::audit") && said.contains("anna"), "{said}");
    assert_eq!(info(&server, ids[0]), 200);

    let deleted = intake(&server, &["quarantine", "delete", ids[1], "--by", "anna"]);
    let said = stderr(&deleted);
    assert!(deleted.status.success() && said.contains("intake::audit"), "{said}");
    assert_eq!(server.files().len(), 1);
    assert_eq!(quarantined(&server), Vec::<Value>::new());
    for id in ids {
        let said = is_refused(&server, &["quarantine", "release", id, "--by", "anna"]);
        assert!(said.contains("not in quarantine"), "{said}");
    }
    runtime.block_on(clamd.stop());
}

#[test]
fn while_clamd_is_down_files_are_taken_and_readable_once_it_has_scanned_them() {
    let runtime = runtime();
    let mut clamd = runtime.block_on(Clamd::start());
    let config =
        "\n[receive]\nrescan_backoff = \"1s\"\n".to_owned() + &scanned_by(&clamd) + "on_fault = \"quarantine\"\n";
    let server = Server::start_with(&config, &[("INTAKE_SERVER__RECOVERY_INTERVAL", "1s")]);
    runtime.block_on(clamd.kill());
    let id = server.upload("clean.txt", b"nothing to see here");
    let describe = || server.get(&format!("/info/?pub_key=demopublickey&file_id={id}")).json();
    assert_eq!(describe()["is_ready"], false);
    let listed = quarantined(&server);
    assert_eq!(
        (&listed[0]["cause"], &listed[0]["pending"]),
        (&"fault".into(), &true.into())
    );
    let form = Form::default()
        .key()
        .field("files[0]", &id)
        .field("pub_key", "demopublickey");
    assert_eq!(
        server.post("/group/", &form).status,
        400,
        "a group has only files that can be read"
    );

    runtime.block_on(clamd.restart());
    wait_until("clamd has scanned the file", || describe()["is_ready"] == true);
    assert_eq!(quarantined(&server), Vec::<Value>::new());
    runtime.block_on(clamd.stop());
}
