//! Forms as real clients write them, sent to the program: nothing is lost, and a refusal names the error and its place. The tests of
//! the reader check from the same table how each form is read.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::Shutdown;
use std::path::Path;

use serde_json::{Value, json};

use crate::in_process::{InProcess, form};
use crate::support::{Answer, BOUNDARY, Form, Server, read_answer};

/// The requests that were recorded or made, and the sizes of the files in each, by their fields.
fn requests() -> Vec<(String, Vec<u8>, BTreeMap<String, usize>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("adapters/upload-api/tests/forms");
    let table = std::fs::read(folder.join("table.json")).unwrap();
    let table: Vec<Value> = serde_json::from_slice(&table).unwrap();
    let with_a_file = table.iter().filter_map(|row| Some((row["request"].as_str()?, row)));
    let request = |(name, row): (&str, &Value)| {
        let text = |part: &Value, key: &str| part[key].as_str().unwrap_or_default().to_owned();
        let parts = row["parts"].as_array().unwrap().iter();
        let files = parts.filter(|part| part["file_name"].is_string());
        let files = files.map(|part| (text(part, "name"), text(part, "content").len()));
        let chosen = files.filter(|(_, size)| *size > 0).collect();
        (name.to_owned(), std::fs::read(folder.join(name)).unwrap(), chosen)
    };
    with_a_file.map(request).collect()
}

/// Sends these bytes, closes the sending side, and reads the answer.
fn half_closed(server: &Server, bytes: &[u8]) -> Answer {
    let mut stream = server.connect();
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    read_answer(&mut stream).unwrap()
}

fn sizes(server: &Server, answer: &Answer) -> BTreeMap<String, usize> {
    let size = |id: &Value| {
        let id = id.as_str().unwrap();
        let info = server.get(&format!("/info/?pub_key=demopublickey&file_id={id}")).json();
        info["size"].as_u64().unwrap() as usize
    };
    let files = answer.json();
    let files = files.as_object().unwrap().iter();
    files.map(|(field, id)| (field.clone(), size(id))).collect()
}

#[test]
fn every_file_of_every_recorded_client_is_taken() {
    let server = Server::start();
    let requests = requests();
    for (name, request, files) in &requests {
        let mut stream = server.connect();
        stream.write_all(request).unwrap();
        let answer = read_answer(&mut stream).unwrap();
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        assert_eq!(sizes(&server, &answer), *files, "{name}");
    }
    assert!(requests.len() > 30, "{} requests", requests.len());
}

#[test]
fn a_client_that_closes_its_sending_side_behind_the_request_is_answered() {
    let server = Server::start();
    let form = Form::default().key().file("file", "a.txt", b"hello");
    let body = form.body();
    let head = format!(
        "{}Host: x\r\nContent-Length: {}\r\n\r\n",
        form.head("/base/"),
        body.len()
    );
    let answer = half_closed(&server, &[head.as_bytes(), &body].concat());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let id = answer.json()["file"].as_str().unwrap().to_owned();

    let get = format!("GET /info/?pub_key=demopublickey&file_id={id} HTTP/1.1\r\nHost: x\r\n\r\n");
    let answer = half_closed(&server, get.as_bytes());
    assert_eq!((answer.status, &answer.json()["size"]), (200, &json!(5)));
}

#[test]
fn a_choice_of_files_that_was_left_empty_is_no_file() {
    let server = Server::start_with("", &[("INTAKE_UPLOAD_API__MAX_FILES", "1")]);
    let empty = || Form::default().key().file("photo", "", b"");
    let answer = server.post("/base/", &empty().file("file", "a.txt", b"hello"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(sizes(&server, &answer), BTreeMap::from([("file".to_owned(), 5)]));

    let alone = server.post("/base/?jsonerrors=1", &empty()).json();
    assert_eq!(alone["error"]["error_code"], "FilesRequiredError");

    // A file without a name, and one without content, are files.
    for (name, content) in [("", &b"x"[..]), ("a.txt", b"")] {
        let answer = server.post("/base/", &Form::default().key().file("file", name, content));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    // They are counted as fields, so their number is bounded.
    let many = (0..200).fold(Form::default().key(), |form, _| form.file("photo", "", b""));
    let many = server.post("/base/?jsonerrors=1", &many).json();
    assert_eq!(many["error"]["error_code"], "RequestFiledsNumberLimitExceededError");
}

#[test]
fn a_choice_of_files_that_was_left_empty_takes_no_room_of_a_quota() {
    let in_process = InProcess::of(&[("shop", json!({"max_files": 1}))]);
    let chosen = form("shop").file("photo", "", b"").file("file", "a.txt", b"hello");
    let answer = in_process.base(&chosen);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(in_process.usage("shop"), (1, 5));
}

#[test]
fn a_refusal_says_which_part_and_which_header_it_is_about() {
    let server = Server::start();
    let part = |head: &str, content: &str| format!("--{BOUNDARY}\r\n{head}\r\n\r\n{content}\r\n");
    let second = |head: &str, content: &str| {
        let mut body = Form::default().key().unfinished().to_vec();
        body.extend(format!("{}--{BOUNDARY}--\r\n", part(head, content)).into_bytes());
        body
    };
    let long = "x".repeat(9000);
    let table = [
        (
            second("Content-Disposition: form-data; name=\"a\" filename=\"b\"", "x"),
            "Part 2, header Content-Disposition: it is not clear whether it gives a file name; write `\\\"` for a quote \
             within a value.",
        ),
        (
            second("Content-Disposition form-data; name=\"a\u{202e}\"", "x"),
            "Part 2, header Content-Disposition form-data; name=\\\"a\\u{202e}\\\": it has no colon; write `Name: value`.",
        ),
        (
            second("Content-Disposition: form-data; name=\"a\"", &long),
            "Part 2, field \"a\": it looks like a file and has no file name; send a file with a `filename`.",
        ),
        (
            second(
                "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: Image/svg+xml",
                "<svg/>",
            ),
            "Part 2, field \"a\": it looks like a file and has no file name; send a file with a `filename`.",
        ),
    ];
    for (body, expected) in table {
        let expected = format!("HTTP POST request parsing failed. {expected}");
        let text = server.send(&Form::default().head("/base/"), &body);
        assert_eq!((text.status, text.text()), (400, expected.clone()));
        let json = server.send(&Form::default().head("/base/?jsonerrors=1"), &body).json();
        assert_eq!(json["error"]["content"], expected.as_str());
        assert_eq!(json["error"]["error_code"], "PostRequestParserFailedError");
    }
    let file = Form::default().file("pub_key", "blob", b"demopublickey");
    assert_eq!(
        server.post("/group/", &file).text(),
        "HTTP POST request parsing failed. Part 1, field \"pub_key\": it is a file where a parameter is meant; send it \
         without a `filename`."
    );
    let packed = server.send(
        &format!("{}Content-Encoding: gzip\r\n", Form::default().head("/base/")),
        b"",
    );
    assert_eq!(
        packed.text(),
        "HTTP POST request parsing failed. Header Content-Encoding of the request: packed bodies are not read; send the \
         body as it is."
    );
    let no_boundary = server.send("POST /base/ HTTP/1.1\r\nContent-Type: multipart/form-data\r\n", b"");
    assert_eq!(
        no_boundary.text(),
        "HTTP POST request parsing failed. Header Content-Type of the request: it gives no boundary; add `boundary=` and \
         the text that separates the parts."
    );
    assert!(server.files().is_empty());
}
