//! `intake files`, beside a server that runs on the same database and folder.

use intake_plugin_clamav::testkit::{Clamd, eicar};
use serde_json::Value;

use crate::projects_cli::{intake, is_refused, stderr, stdout, works};
use crate::support::{Form, Server};
use crate::virus::{runtime, scanned_by};

const TRASH: &str = "[receive]\ntrash = \"1h\"\n";

/// The status of the server's answer for a file: 200, or 404.
fn info(server: &Server, id: &str) -> u16 {
    server.get(&format!("/info/?pub_key=demopublickey&file_id={id}")).status
}

fn is_stored(server: &Server, id: &str) -> bool {
    let answer = server.get(&format!("/info/?pub_key=demopublickey&file_id={id}"));
    answer.json()["is_stored"].as_bool().unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What both `show` and the list say of a file. It must be the same.
fn file(server: &Server, id: &str) -> Value {
    let shown = lines(&works(server, &["files", "show", id, "--json"])).remove(0);
    let list = lines(&works(
        server,
        &["files", "list", "--project", "demopublickey", "--json"],
    ));
    if let Some(listed) = list.into_iter().find(|listed| listed["id"] == id) {
        assert_eq!(listed, shown);
    }
    shown
}

#[test]
fn a_file_is_shown_with_its_declared_and_its_known_properties() {
    let server = Server::start();
    let form = Form::default()
        .key()
        .field("metadata[pet]", "cat")
        .field("UPLOADCARE_STORE", "0")
        .file("file", "a\u{202e}b.png", b"\x89PNG\r\n\x1a\nno more of it");
    let id = server.post("/base/", &form).json()["file"].as_str().unwrap().to_owned();
    let shown = file(&server, &id);
    for (field, expected) in [
        ("id", Value::from(id.clone())),
        ("state", "ready".into()),
        ("project", "demopublickey".into()),
        ("name", "a\u{202e}b.png".into()),
        ("size", 21.into()),
        ("media_type", "image/png".into()),
        ("kept", false.into()),
        ("metadata", serde_json::json!({"pet": "cat"})),
    ] {
        assert_eq!(shown[field], expected, "{field}");
    }
    let time = |field: &str| shown[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let day = time("expires").duration_since(time("created"));
    assert_eq!(day.as_hours(), 24, "{shown}");

    let page = works(&server, &["files", "show", &id]);
    for part in [&*id, "state       ready", "21 B (21 bytes)", "image/png", "pet = cat"] {
        assert!(page.contains(part), "{part:?} is missing in\n{page}");
    }
    let list = works(&server, &["files", "list", "--project", "demopublickey"]);
    assert!(list.contains(&id) && list.contains("a\\u{202e}b.png"), "{list}");
    assert!(
        !page.contains('\u{202e}') && !list.contains('\u{202e}'),
        "a terminal would obey"
    );
}

#[test]
fn a_multipart_upload_is_shown_without_the_secret_of_its_part_urls() {
    let server = Server::start();
    let begun = server.begin_parts(12 << 20);
    for arguments in [
        &["files", "show", &begun.uuid][..],
        &["files", "show", &begun.uuid, "--json"],
    ] {
        let shown = works(&server, arguments);
        assert!(shown.contains("open"), "{shown}");
        assert!(!shown.contains("secret") && !shown.contains("pass"), "{shown}");
    }
    let fields = file(&server, &begun.uuid);
    let fields: Vec<_> = fields.as_object().unwrap().keys().collect();
    assert_eq!(fields.len(), 13, "{fields:?}");
    let said = is_refused(&server, &["files", "store", &begun.uuid]);
    assert!(said.contains("is open, so it cannot be stored"), "{said}");
}

#[test]
fn so_many_refusals_are_remembered_as_may_be_and_the_newest_are_listed() {
    let server = Server::start_with("[receive]\nmax_tombstones_per_project = 20\n", &[]);
    // Without a key the project is not known.
    for number in 0..100 {
        let answer = server.post("/base/", &Form::default().file("file", &format!("{number}.txt"), b"x"));
        assert_eq!(answer.status, 403);
    }
    let arguments = ["files", "list", "--refused", "--project", "demopublickey", "--json"];
    let refused = lines(&works(&server, &arguments));
    assert!((4..=20).contains(&refused.len()), "{} are remembered", refused.len());
    for (at, file) in refused.iter().enumerate() {
        assert_eq!(file["name"], format!("{}.txt", 99 - at));
        assert_eq!(file["sender"], "127.0.0.1");
    }
    assert_eq!(server.files().len(), 0);
}

#[test]
fn orders_that_wait_are_listed_and_taken_back() {
    let runtime = runtime();
    // A source that takes a connection and says nothing.
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let source = format!("http://{address}/a.bin");
    let port = address.port();
    let fetch_job = format!("[receive.pull]\nuse = \"http-source\"\nports = [{port}]\nopen = [\"127.0.0.1\"]\n");
    let server = Server::start_with(&fetch_job, &[]);
    let order = || {
        let body = format!("pub_key=demopublickey&source_url={source}");
        let answer = server.send("POST /from_url/ HTTP/1.1\r\n", body.as_bytes());
        answer.json()["token"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", answer.text()))
            .to_owned()
    };
    let tokens = [order(), order()];
    let list = || {
        lines(&works(
            &server,
            &["files", "list", "--project", "demopublickey", "--orders", "--json"],
        ))
    };
    let listed = list();
    assert_eq!([&listed[0]["id"], &listed[1]["id"]], [&tokens[1], &tokens[0]]);
    assert_eq!(
        (&listed[0]["source"], &listed[0]["sender"]),
        (&source.into(), &"127.0.0.1".into())
    );
    for token in &tokens {
        let said = intake(&server, &["files", "delete", token]);
        assert!(
            stderr(&said).contains("is cancelled: no file is fetched"),
            "{}",
            stderr(&said)
        );
        let status = server.get(&format!("/from_url/status/?token={token}")).json();
        assert_eq!(status["error_code"], "DownloadFileTaskFailedError", "{status}");
    }
    assert_eq!(list(), Vec::<Value>::new());
}

#[test]
fn unfinished_uploads_are_listed_with_their_senders_and_can_be_ended() {
    let server = Server::start_with("[receive]\nmax_multiparts_per_ip = 2\n", &[]);
    let [first, second] = [12 << 20, 13 << 20].map(|size| server.begin_parts(size));
    let start = "POST /multipart/start/ HTTP/1.1\r\n";
    let starting = "UPLOADCARE_PUB_KEY=demopublickey&filename=a.bin&size=20000000&content_type=a%2Fb";
    let refused = server.send(start, starting.as_bytes());
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("30")));
    assert!(
        refused.text().contains("this address has too many unfinished uploads"),
        "{}",
        refused.text()
    );

    let put = server.put_part(&first.parts[0], &[0; crate::support::PART]);
    assert_eq!(put.status, 200, "{}", put.text());
    let list = |more: &[&str]| {
        let arguments = ["files", "list", "--project", "demopublickey", "--unfinished"];
        works(&server, &[&arguments[..], more].concat())
    };
    let listed = lines(&list(&["--json"]));
    let ids: Vec<_> = listed.iter().map(|file| file["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [&*second.uuid, &*first.uuid]);
    assert_eq!(
        (&listed[0]["sender"], &listed[0]["size"]),
        (&"127.0.0.1".into(), &(13 << 20).into())
    );
    assert!(listed[0]["ends"].is_string(), "{listed:?}");
    let text = list(&[]);
    assert!(
        text.starts_with("ID ") && text.contains("127.0.0.1") && text.contains("13.0 MiB"),
        "{text}"
    );

    let usage =
        || lines(&works(&server, &["usage", "--json", "--project", "demopublickey"]))[0]["unfinished_uploads"].clone();
    assert_eq!(usage(), 2);
    let ended = intake(&server, &["files", "delete", &first.uuid]);
    assert!(
        stderr(&ended).contains("was unfinished, and is aborted"),
        "{}",
        stderr(&ended)
    );
    assert_eq!((usage(), lines(&list(&["--json"])).len()), (1.into(), 1));
    assert_eq!(server.put_part(&first.parts[1], b"late").status, 404);
    assert_eq!(
        server.complete(&first.uuid).json()["error"]["error_code"],
        "MultipartFileNotFoundError"
    );
    assert_eq!(
        server.send(start, starting.as_bytes()).status,
        200,
        "there is room again"
    );
}

#[test]
fn a_file_is_stored_deleted_brought_back_and_deleted_for_good() {
    let server = Server::start_with(TRASH, &[]);
    let id = server.upload("a.txt", b"hello");
    assert!(!is_stored(&server, &id));
    works(&server, &["files", "store", &id]);
    assert!(is_stored(&server, &id));
    let shown = file(&server, &id);
    assert_eq!((&shown["kept"], &shown["expires"]), (&true.into(), &Value::Null));

    let deleted = intake(&server, &["files", "delete", &id]);
    assert!(
        stderr(&deleted).contains(&format!("`intake files restore {id}`")),
        "{}",
        stderr(&deleted)
    );
    assert_eq!(info(&server, &id), 404);
    let shown = file(&server, &id);
    assert_eq!(shown["state"], "trashed");
    assert!(shown["restorable_until"].is_string(), "{shown}");
    assert_eq!(server.files().len(), 1, "its bytes stay");
    for verb in ["store", "delete"] {
        let said = is_refused(&server, &["files", verb, &id]);
        assert!(said.contains("is trashed, so it cannot be"), "{said}");
    }

    works(&server, &["files", "restore", &id]);
    assert_eq!(info(&server, &id), 200);
    assert!(is_stored(&server, &id), "it is as it was");
    let said = is_refused(&server, &["files", "restore", &id]);
    assert!(said.contains("is ready, so it cannot be restored"), "{said}");

    works(&server, &["files", "delete", &id]);
    works(&server, &["files", "delete", &id, "--for-good"]);
    assert_eq!(info(&server, &id), 404);
    assert_eq!(server.files().len(), 0, "its bytes are gone");
    let said = is_refused(&server, &["files", "restore", &id]);
    assert!(said.contains("is gone, so it cannot be restored"), "{said}");
}

#[test]
fn without_a_trash_period_a_deleted_file_is_gone() {
    let server = Server::start();
    let id = server.upload("a.txt", b"hello");
    let deleted = intake(&server, &["files", "delete", &id]);
    assert!(stderr(&deleted).contains("is deleted for good"), "{}", stderr(&deleted));
    assert_eq!((info(&server, &id), server.files().len()), (404, 0));
}

#[test]
fn files_are_listed_the_newest_first_and_from_behind_any_of_them() {
    let server = Server::start();
    let mut ids: Vec<_> = (0..5)
        .map(|number| server.upload(&format!("{number}.txt"), b"hello"))
        .collect();
    ids.reverse();
    let list = |more: &[&str]| {
        let arguments = [&["files", "list", "--project", "demopublickey", "--json"], more].concat();
        let output = intake(&server, &arguments);
        let ids: Vec<_> = lines(&stdout(&output))
            .iter()
            .map(|file| file["id"].as_str().unwrap().to_owned())
            .collect();
        (ids, stderr(&output).contains("there are more"))
    };
    assert_eq!(list(&[]), (ids.clone(), false));
    assert_eq!(list(&["--limit", "5"]), (ids.clone(), false));
    assert_eq!(list(&["--limit", "2"]), (ids[..2].to_vec(), true));
    assert_eq!(list(&["--behind", &ids[1], "--limit", "2"]), (ids[2..4].to_vec(), true));
    assert_eq!(list(&["--behind", &ids[4]]), (Vec::new(), false));
    assert_eq!(works(&server, &["files", "list", "--project", "other", "--json"]), "");
    let said = is_refused(&server, &["files", "list", "--project", "nobody"]);
    assert!(said.contains("no project has the key nobody"), "{said}");
}

#[test]
fn of_a_file_that_there_is_not_everything_says_so() {
    let server = Server::start();
    let id = "00000000-0000-4000-8000-000000000000";
    for verb in ["show", "store", "delete", "restore"] {
        let said = is_refused(&server, &["files", verb, id]);
        assert_eq!(said, format!("intake: there is no file {id}"));
    }
    let behind = ["files", "list", "--project", "demopublickey", "--json", "--behind", id];
    assert!(is_refused(&server, &behind).contains("there is no file"));
    let no_id = intake(&server, &["files", "show", "a.txt"]);
    assert_eq!(no_id.status.code(), Some(2), "{}", stderr(&no_id));
}

#[test]
fn refused_uploads_are_listed_with_the_stage_and_the_reason() {
    let runtime = runtime();
    let clamd = runtime.block_on(Clamd::start());
    let deny = "\n[[validate]]\nuse = \"media-type\"\ndeny = [\"text/html\"]\n";
    let server = Server::start_with(&(scanned_by(&clamd) + deny), &[]);
    server.post("/base/", &Form::default().key().file("file", "a.com", &eicar()));
    // The key comes after the file, so the project is not known when the file is refused.
    server.post("/base/", &Form::default().file("file", "b.html", b"<html><p>").key());
    server.upload("good.txt", b"text");

    let refused = lines(&works(
        &server,
        &["files", "list", "--refused", "--project", "demopublickey", "--json"],
    ));
    let [html, virus] = &refused[..] else {
        panic!("{refused:?}")
    };
    assert_eq!(
        [&virus["refused"], &virus["refused_by"], &virus["name"]],
        ["infected", "clamav", "a.com"]
    );
    assert!(virus["refused_about"].as_str().unwrap().contains("Eicar"), "{virus}");
    assert_eq!(
        [&html["refused"], &html["refused_by"], &html["refused_about"]],
        ["type_forbidden", "media-type", "text/html"]
    );
    let text = works(&server, &["files", "list", "--refused", "--project", "demopublickey"]);
    assert!(
        text.starts_with("ID ") && text.contains("clamav") && text.contains("Eicar"),
        "{text}"
    );
    runtime.block_on(clamd.stop());
}
