//! Bounds of answers about groups, which any client could otherwise make very large.

use std::time::SystemTime;

use intake::core::{Group, Member, Recorder, Update, UploadId, UsageChange};
use intake::plugins::SqlRecorder;
use serde_json::Value;

use crate::support::{Form, Server, in_parallel};

/// The most files of a group.
const MOST: usize = 1000;
/// More bytes than any answer about a group has.
const LARGEST: usize = 4 << 20;

/// Uploads a file with the most metadata that a file may have: about 100 KB.
fn with_metadata(server: &Server) -> String {
    let value = "\u{1f980}".repeat(512);
    let form = (0..50).fold(Form::default().key(), |form, number| {
        form.field(&format!("metadata[key{number}]"), &value)
    });
    let answer = server.post("/base/", &form.file("file", "a.txt", b"hello"));
    answer.json()["file"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", answer.text()))
        .to_owned()
}

fn group(server: &Server, files: &str) -> crate::support::Answer {
    let body = format!("pub_key=demopublickey{files}");
    server.send("POST /group/?jsonerrors=1 HTTP/1.1\r\n", body.as_bytes())
}

#[test]
fn a_group_whose_answer_would_be_large_is_refused() {
    let server = Server::start();
    let file = with_metadata(&server);
    let named = |times: usize| format!("&files[]={file}").repeat(times);
    let refused = group(&server, &named(MOST)).json();
    assert_eq!(refused["error"]["error_code"], "FilesNumberLimitExceededError");
    let said = refused["error"]["content"].as_str().unwrap();
    assert!(
        said.contains("metadata and tags of all files of a group have 1 MiB at most"),
        "{said}"
    );

    // The file is in the answer as often as fits, each time with all its metadata.
    let id = group(&server, &named(9)).json()["id"].as_str().unwrap().to_owned();
    let path = format!("/group/info/?pub_key=demopublickey&group_id={id}");
    let json = server.get(&path).body;
    let told: Value = serde_json::from_slice(&json).unwrap();
    let files = told["files"].as_array().unwrap();
    assert_eq!(files.len(), 9);
    assert!(
        files
            .iter()
            .all(|told| told["metadata"].as_object().unwrap().len() == 50)
    );
    // A page that asks by a script gets the same answer.
    let script = server.get(&format!("{path}&callback=done")).body;
    let called = script
        .strip_prefix(b"/**/done(")
        .and_then(|rest| rest.strip_suffix(b");"))
        .unwrap();
    assert_eq!(serde_json::from_slice::<Value>(called).unwrap(), told);
}

#[test]
fn eighteen_requests_at_once_for_the_largest_group_cost_little_memory() {
    let server = Server::start();
    let file: UploadId = with_metadata(&server).parse().unwrap();
    // A group as a server without such a bound has made it.
    let member = Member::new(file);
    let old = Group::new(
        UploadId::random(),
        "demopublickey",
        SystemTime::now(),
        vec![member; MOST],
    );
    let recorder = SqlRecorder::sqlite(server.dir.path().join("records.db"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let added = runtime
        .block_on(recorder.catalog().add_group(&old, UsageChange::none()))
        .unwrap();
    assert_eq!(added, Update::Applied);

    let before = server.peak_memory() >> 20;
    let path = format!("/group/info/?pub_key=demopublickey&group_id={}~{MOST}", old.id);
    in_parallel(18, 18, |number| {
        let callback = ["", "&callback=done"][number % 2];
        let answer = server.get(&format!("{path}{callback}")).body;
        assert!(answer.len() < LARGEST, "{} bytes", answer.len());
        if number % 2 == 0 {
            let told: Value = serde_json::from_slice(&answer).unwrap();
            let files = told["files"].as_array().unwrap();
            assert_eq!(files.len(), MOST);
            assert!(files.iter().all(|told| told["uuid"] == file.to_string()));
            let beside = files.iter().filter(|told| told["metadata"] != serde_json::json!({}));
            assert_eq!(beside.count(), 10, "as much as fits into 1 MiB");
        }
    });
    let peak = server.peak_memory() >> 20;
    println!("peak memory: {peak} MiB, {before} MiB before");
    assert!(peak < before + 64, "the answers cost {} MiB", peak - before);
}
