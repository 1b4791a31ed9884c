//! `intake groups`, beside a running server, and the bounds of groups.

use std::time::Duration;

use serde_json::{Value, json};

use crate::in_process::{InProcess, code};
use crate::projects_cli::{intake, is_refused, stderr, works};
use crate::support::Server;

/// Makes a group that lists one file this number of times, and returns its id.
fn group(server: &Server, file: &str, times: usize) -> String {
    let files = format!("&files[]={file}").repeat(times);
    let answer = server.send(
        "POST /group/ HTTP/1.1\r\n",
        format!("pub_key=demopublickey{files}").as_bytes(),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn groups_are_listed_shown_and_removed_and_their_files_stay() {
    let server = Server::start();
    let file = server.upload("a.txt", b"hello");
    let mut groups: Vec<_> = (1..=5).map(|times| group(&server, &file, times)).collect();
    groups.reverse();
    let list = |more: &[&str]| {
        let output = intake(
            &server,
            &[&["groups", "list", "--project", "demopublickey", "--json"], more].concat(),
        );
        let listed = lines(&String::from_utf8(output.stdout.clone()).unwrap());
        let ids: Vec<_> = listed
            .iter()
            .map(|group| group["id"].as_str().unwrap().to_owned())
            .collect();
        (ids, stderr(&output).contains("there are more"))
    };
    assert_eq!(list(&[]), (groups.clone(), false));
    assert_eq!(list(&["--limit", "2"]), (groups[..2].to_vec(), true));
    assert_eq!(
        list(&["--behind", &groups[1], "--limit", "2"]),
        (groups[2..4].to_vec(), true)
    );
    let text = works(&server, &["groups", "list", "--project", "demopublickey"]);
    assert!(text.starts_with("ID ") && text.contains("to stay"), "{text}");

    let shown = lines(&works(&server, &["groups", "show", &groups[3], "--json"])).remove(0);
    assert_eq!((&shown["files_count"], &shown["expires"]), (&2.into(), &Value::Null));
    assert_eq!(shown["files"], json!([{"id": file}, {"id": file}]));
    let page = works(&server, &["groups", "show", groups[3].split('~').next().unwrap()]);
    assert!(
        page.contains(&format!("file        {file}")) && page.contains("expires     never"),
        "{page}"
    );

    let usage = || lines(&works(&server, &["usage", "--json", "--project", "demopublickey"]))[0]["groups"].clone();
    assert_eq!(usage(), 5);
    let removed = intake(&server, &["groups", "delete", &groups[0]]);
    assert!(
        stderr(&removed).contains("is removed; its files are kept"),
        "{}",
        stderr(&removed)
    );
    assert_eq!((usage(), list(&[]).0.len()), (4.into(), 4));
    let info = server.get(&format!("/group/info/?pub_key=demopublickey&group_id={}", groups[0]));
    assert_eq!((info.status, info.text().as_str()), (404, "group_id is invalid."));
    assert_eq!(
        server
            .get(&format!("/info/?pub_key=demopublickey&file_id={file}"))
            .status,
        200
    );

    let other = groups[1].replace("~4", "~5");
    for (verb, id) in [("show", &groups[0]), ("delete", &groups[0]), ("delete", &other)] {
        let said = is_refused(&server, &["groups", verb, id]);
        assert!(said.starts_with("intake: there is no group "), "{said}");
    }
    let said = is_refused(&server, &["groups", "list", "--project", "nobody"]);
    assert!(said.contains("no project has the key nobody"), "{said}");
    assert_eq!(intake(&server, &["groups", "show", "x"]).status.code(), Some(2));
}

#[test]
fn a_project_has_as_many_groups_as_it_may_however_many_are_made_at_once() {
    let in_process = InProcess::of(&[("shop", json!({"max_groups": 7}))]);
    let file = in_process.upload("shop", b"x");
    let making = format!("pub_key=shop&files[]={file}");
    let made = std::sync::Mutex::new(Vec::new());
    crate::support::in_parallel(60, 16, |_| {
        let answer = in_process.post("/group/", &making);
        match &*code(&answer) {
            "accepted" => made
                .lock()
                .unwrap()
                .push(answer.json()["id"].as_str().unwrap().to_owned()),
            "AccountLimitsExceededError" => {}
            other => panic!("{other}"),
        }
    });
    let made = made.into_inner().unwrap();
    assert_eq!(made.len(), 7);
    let id = made[0].split('~').next().unwrap().parse().unwrap();
    in_process.block_on(in_process.pipeline.delete_group(id)).unwrap();
    assert_eq!(
        code(&in_process.post("/group/", &making)),
        "accepted",
        "what was removed makes room"
    );
    assert_eq!(code(&in_process.post("/group/", &making)), "AccountLimitsExceededError");
}

#[test]
fn a_group_leaves_when_its_time_is_over_and_makes_room() {
    let in_process = InProcess::of(&[
        ("shop", json!({"max_groups": 1, "group_ttl": "1h"})),
        ("other", json!({})),
    ]);
    let made = ["shop", "other"].map(|key| {
        let file = in_process.upload(key, b"x");
        let group = in_process
            .post("/group/", &format!("pub_key={key}&files[]={file}"))
            .json();
        (key, file, group["id"].as_str().unwrap().to_owned())
    });
    let told =
        |key: &str, id: &str| code(&in_process.get(&format!("/group/info/?pub_key={key}&group_id={id}&jsonerrors=1")));
    for (key, _, id) in &made {
        assert_eq!(told(key, id), "accepted");
    }
    in_process.pass(Duration::from_secs(3601));
    assert_eq!(
        told("shop", &made[0].2),
        "GroupNotFoundError",
        "it is gone before a sweep"
    );
    assert_eq!(told("other", &made[1].2), "accepted", "no group expires by default");
    let again = format!("pub_key=shop&files[]={}", made[0].1);
    assert_eq!(code(&in_process.post("/group/", &again)), "AccountLimitsExceededError");
    assert_eq!(in_process.block_on(in_process.pipeline.sweep()).unwrap().groups, 1);
    assert_eq!(code(&in_process.post("/group/", &again)), "accepted");
}
