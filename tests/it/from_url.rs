//! Files that the server fetches: through the official clients, by any node, and once.

use intake::core::testkit::noise;
use serde_json::{Value, json};

use crate::clients::{js, python};
use crate::cluster::{Cluster, Parts, QUICK};
use crate::origin::Origin;
use crate::support::{Server, wait_until};

const DEMO: &str = "demopublickey";

fn order(server: &Server, url: &str, more: &str) -> String {
    let body = format!("pub_key={DEMO}&source_url={}&store=1{more}", encoded(url));
    let answer = server.send("POST /from_url/ HTTP/1.1\r\n", body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["token"].as_str().unwrap().to_owned()
}

fn encoded(url: &str) -> String {
    url.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn status(server: &Server, token: &str) -> Value {
    server.get(&format!("/from_url/status/?token={token}")).json()
}

/// The final status of an order.
fn outcome(server: &Server, token: &str) -> Value {
    let mut last = Value::Null;
    wait_until("the order has ended", || {
        last = status(server, token);
        last["status"] == "success" || last["status"] == "error"
    });
    last
}

#[test]
fn the_javascript_client_has_files_fetched() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[]);
    let url = origin.url("/noise/1/300000/cat%20picture.jpeg");
    let metadata = json!({"pet": "cat"});
    let done = js(
        "from-url",
        &server,
        json!({"publicKey": DEMO, "url": url, "store": true, "metadata": metadata}),
    );
    let info = &done["info"];
    assert_eq!(
        (info["size"].as_u64(), info["isStored"].as_bool()),
        (Some(300_000), Some(true))
    );
    assert_eq!(info["originalFilename"], "cat picture.jpeg");
    assert_eq!(
        (info["mimeType"].as_str(), &info["metadata"]),
        (Some("image/x-noise"), &metadata)
    );
    assert_eq!(done["file"]["uuid"], info["uuid"]);

    let named = js(
        "from-url",
        &server,
        json!({"publicKey": DEMO, "url": url, "fileName": "dog.jpeg", "store": false}),
    );
    assert_eq!(
        (
            named["info"]["originalFilename"].as_str(),
            named["info"]["isStored"].as_bool()
        ),
        (Some("dog.jpeg"), Some(false))
    );
    assert_eq!(std::fs::read(&server.files()[0]).unwrap(), noise(1, 300_000));
}

#[test]
fn the_javascript_client_gets_the_file_fetched_before_if_it_asks_for_duplicates() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[]);
    let url = origin.url("/noise/1/1000/a.bin");
    let ask = |check: bool, save: bool| {
        let options = json!({"publicKey": DEMO, "url": url, "store": true, "checkForUrlDuplicates": check, "saveUrlForRecurrentUploads": save});
        js("from-url", &server, options)["file"]["uuid"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let unremembered = ask(false, false);
    let remembered = ask(true, true);
    assert_ne!(unremembered, remembered);
    assert_eq!(ask(true, true), remembered);
    assert_ne!(ask(false, false), remembered);
    assert_eq!(origin.asked("/noise/1/1000/a.bin"), 3);
}

#[test]
fn the_javascript_client_is_told_why_nothing_was_fetched() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[]);
    for (url, code) in [
        (origin.url("/status/404"), "DownloadFileHTTPClientError"),
        (
            origin.url("/to/http://127.0.0.2/"),
            "DownloadFileHTTPURLValidationError",
        ),
        ("http://192.168.1.10/1.jpg".to_owned(), "URLHostPrivateIPForbiddenError"),
        (
            "http://169.254.169.254/latest/meta-data/".to_owned(),
            "URLHostPrivateIPForbiddenError",
        ),
        ("https://nowhere.invalid/1.jpg".to_owned(), "HostnameNotFoundError"),
        ("ftp://example.com/1.jpg".to_owned(), "URLSchemeInvalidError"),
    ] {
        let error = js("refused-from-url", &server, json!({"publicKey": DEMO, "url": url}));
        assert_eq!(error["code"], code, "{url}: {error}");
    }
    assert!(server.files().is_empty());
}

#[test]
fn the_python_client_has_files_fetched() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[]);
    let url = origin.url("/noise/2/5000/a.bin");
    let metadata = json!({"pet": "cat"});
    let options =
        json!({"publicKey": DEMO, "url": url, "store": true, "metadata": metadata, "name": "b.bin", "check": true});
    let info = &python("from-url", &server, options.clone())["info"];
    assert_eq!(
        (info["size"].as_u64(), info["is_stored"].as_bool()),
        (Some(5_000), Some(true))
    );
    assert_eq!(
        (info["original_filename"].as_str(), &info["metadata"]),
        (Some("b.bin"), &metadata)
    );
    // The client takes the answer as the file.
    assert_eq!(python("from-url", &server, options)["file"], info["uuid"]);
    assert_eq!(origin.asked("/noise/2/5000/a.bin"), 1);
    let error = python(
        "refused-from-url",
        &server,
        json!({"publicKey": DEMO, "url": origin.url("/status/403")}),
    );
    assert!(
        error["message"].as_str().unwrap().contains("HTTP client error: 403."),
        "{error}"
    );
}

#[test]
fn how_far_it_is_can_be_asked_of_any_node_and_any_node_fetches() {
    let (cluster, origin) = (Cluster::new(Parts::ThroughTheServer), Origin::start());
    let (one, other) = (
        cluster.node(&origin.opened(), QUICK),
        cluster.node(&origin.opened(), QUICK),
    );
    let sized = order(&one, &origin.url("/held/1/400000/a.bin"), "");
    assert_ne!(status(&other, &sized)["status"], "unknown");
    wait_until("the other node sees how far it is", || {
        status(&other, &sized)["done"] == 200_000
    });
    assert_eq!(
        status(&other, &sized),
        json!({"status": "progress", "done": 200_000, "total": 400_000})
    );
    let unknown = order(&one, &origin.url("/unsized/2/400000/a.bin"), "");
    let head = format!("GET /from_url/status/?token={unknown} HTTP/1.1\r\nX-UC-User-Agent: x\r\n");
    wait_until("the other node sees how far it is", || {
        other.send(&head, b"").json()["done"] == 200_000
    });
    assert_eq!(
        other.send(&head, b"").json()["total"],
        "unknown",
        "in the word that the JavaScript client knows"
    );
    assert_eq!(
        status(&other, &unknown),
        json!({"status": "waiting"}),
        "others read a number there, or nothing at all"
    );
    origin.release();
    for token in [&sized, &unknown] {
        assert_eq!(outcome(&other, token)["size"], 400_000);
    }
}

#[test]
fn fifty_fetches_that_a_killed_process_was_at_end_well_and_once_each() {
    const FETCHES: usize = 50;

    let origin = Origin::start();
    let many = [
        ("INTAKE_RECEIVE__MAX_FETCHES", "64"),
        ("INTAKE_RECEIVE__MAX_FETCHES_PER_PROJECT", "64"),
        ("INTAKE_RECEIVE__MAX_FETCHES_PER_IP", "64"),
    ];
    let variables: Vec<_> = QUICK.iter().copied().chain(many).collect();
    let mut server = Server::start_with(&origin.opened(), &variables);
    let path = |number: usize| format!("/held/{number}/1000000/{number}.bin");
    let tokens: Vec<_> = (0..FETCHES)
        .map(|number| order(&server, &origin.url(&path(number)), ""))
        .collect();
    wait_until("all fifty are being fetched", || origin.asked_in_all() == FETCHES);
    wait_until("bytes of several are there", || server.files().len() >= FETCHES / 5);
    server = server.restart_after_kill(&variables);
    origin.release();
    let mut files = std::collections::BTreeMap::new();
    for (number, token) in tokens.iter().enumerate() {
        let done = outcome(&server, token);
        assert_eq!(done["status"], "success", "{done}");
        assert_eq!(done["original_filename"], format!("{number}.bin"));
        files.insert(done["uuid"].as_str().unwrap().to_owned(), number);
    }
    assert_eq!(files.len(), FETCHES, "two orders came to one file");
    for path in server.files() {
        let number = files.remove(path.file_name().unwrap().to_str().unwrap());
        let number = number.unwrap_or_else(|| panic!("{} has no record: fetched twice, or left", path.display()));
        assert!(std::fs::read(&path).unwrap() == noise(number as u64, 1_000_000));
    }
    assert!(files.is_empty(), "{files:?} are not there");
}

#[test]
fn an_origin_that_misbehaves_ends_in_the_right_code_and_leaves_nothing() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), QUICK);
    for (path, code) in [
        ("/status/404", "DownloadFileHTTPClientError"),
        ("/status/204", "DownloadFileError"),
        ("/to/ftp://example.com/", "DownloadFileHTTPURLValidationError"),
        ("/to/http://10.0.0.1/", "DownloadFileHTTPURLValidationError"),
    ] {
        let token = order(&server, &origin.url(path), "");
        let ended = outcome(&server, &token);
        assert_eq!(ended["error_code"], code, "{path}: {ended}");
    }
    let endless = format!("/to/{}", origin.url("/to/x"));
    let token = order(&server, &origin.url(&endless), "");
    assert_eq!(outcome(&server, &token)["status"], "error");
    let cut = "/cut/1/1000000";
    let token = order(&server, &origin.url(cut), "");
    wait_until("it is tried again", || origin.asked(cut) >= 2);
    assert_ne!(status(&server, &token)["status"], "unknown");
    assert_eq!(outcome(&server, &token)["error_code"], "DownloadFileHTTPNetworkError");
    wait_until("nothing is left of what broke off", || server.files().is_empty());
}

#[test]
fn why_nothing_was_fetched_is_said_after_as_many_tries_as_are_set() {
    let origin = Origin::start();
    let settings = [
        ("INTAKE_RECEIVE__FETCH_TRIES", "3"),
        ("INTAKE_RECEIVE__FETCH_BACKOFF", "10ms"),
    ];
    let server = Server::start_with(&origin.opened(), &settings);
    for (path, tries, error) in [
        ("/status/503", 3, "HTTP server error: 503."),
        ("/cut/1/1000", 3, "HTTP network error: connection closed early."),
        ("/status/403", 1, "HTTP client error: 403."),
        (
            "/status/204",
            1,
            "Failed to download the file: the source answers with no file (204).",
        ),
        (
            "/packed/compress",
            1,
            "Failed to download the file: the source packs its file although asked not to, in a way that is not unpacked \
             here (content-encoding: compress).",
        ),
        (
            "/packed/gzip",
            1,
            "Failed to download the file: the source's file cannot be unpacked (gzip): it is damaged, or not packed so.",
        ),
    ] {
        let token = order(&server, &origin.url(path), "");
        assert_eq!(outcome(&server, &token)["error"], error, "{path}");
        assert_eq!(origin.asked(path), tries, "{path}");
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let refusing = Server::start_with(
        &format!(
            "\n[receive.pull]\nuse = \"http-source\"\nports = [{}]\nopen = [\"127.0.0.1\"]\n",
            closed.port()
        ),
        &settings,
    );
    let token = order(&refusing, &format!("http://{closed}/a.png"), "");
    assert_eq!(
        outcome(&refusing, &token)["error"],
        "HTTP network error: connection refused."
    );
}

#[test]
fn sources_that_bend_the_rules_are_fetched_as_browsers_do() {
    let origin = Origin::start();
    let pictures = [("INTAKE_PROJECTS__0__ALLOW_EXTENSIONS", "[\"png\"]")];
    let server = Server::start_with(&origin.opened(), &pictures);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/plugins/http-source/tests/origins");
    for origins in std::fs::read_dir(folder).unwrap() {
        let name = origins.unwrap().file_name().into_string().unwrap();
        let token = order(&server, &origin.url(&format!("/raw/{name}")), "&filename=a.png");
        let done = outcome(&server, &token);
        assert_eq!(
            (done["size"].as_u64(), &done["mime_type"]),
            (Some(5), &json!("text/plain")),
            "{name}: {done}"
        );
    }
    assert!(
        server
            .files()
            .iter()
            .all(|path| std::fs::read(path).unwrap() == b"hello")
    );
    for (path, named) in [
        ("/noise/1/10/%E4.png", "\u{e4}.png".to_owned()),
        (
            &format!("/noise/1/10/{}.png", "x".repeat(300)),
            "x".repeat(251) + ".png",
        ),
    ] {
        let done = outcome(&server, &order(&server, &origin.url(path), ""));
        assert_eq!(done["original_filename"], named, "{done}");
    }
}

#[test]
fn a_file_that_has_left_since_is_said_to_be_gone() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[("INTAKE_EXPIRE__TEMPORARY", "1ms")]);
    let body = format!(
        "pub_key={DEMO}&source_url={}&store=0",
        encoded(&origin.url("/noise/1/10/a.bin"))
    );
    let token = server.send("POST /from_url/ HTTP/1.1\r\n", body.as_bytes()).json();
    let ended = outcome(&server, token["token"].as_str().unwrap());
    assert_eq!(ended["error_code"], "DownloadFileNotFoundError", "{ended}");
}

#[test]
fn a_project_with_too_many_orders_is_told_to_come_again() {
    let origin = Origin::start();
    let server = Server::start_with(
        &origin.opened(),
        &[("INTAKE_RECEIVE__MAX_QUEUED_FETCHES_PER_PROJECT", "1")],
    );
    let token = order(&server, &origin.url("/held/1/100/a.bin"), "");
    let body = format!(
        "pub_key={DEMO}&source_url={}",
        encoded(&origin.url("/held/1/100/b.bin"))
    );
    let refused = server.send("POST /from_url/?jsonerrors=1 HTTP/1.1\r\n", body.as_bytes());
    assert_eq!(refused.json()["error"]["error_code"], "RequestThrottledError");
    assert!(
        refused.header("retry-after").is_some(),
        "when to come again is not said"
    );
    origin.release();
    assert_eq!(outcome(&server, &token)["status"], "success");
    order(&server, &origin.url("/held/1/100/b.bin"), "");
}

#[test]
fn a_server_that_fetches_nothing_says_so() {
    let server = Server::start();
    let body = format!("pub_key={DEMO}&source_url=https%3A%2F%2Fexample.com%2F");
    let answer = server.send("POST /from_url/ HTTP/1.1\r\n", body.as_bytes());
    assert_eq!(
        (answer.status, answer.text().contains("fetches no files")),
        (403, true),
        "{}",
        answer.text()
    );
}
