//! Groups, through all published clients: members in their order with their operations, and refusals.

use serde_json::{Value, json};

use super::detour::PUBLIC_URL;
use super::rust::Rust;
use super::{PNG, js, picture, python};
use crate::origin::Origin;
use crate::parts::file_of;
use crate::support::{Form, Server};

const NOBODY: &str = "11111111-2222-4333-8444-555555555555";

fn demo(mut options: Value) -> Value {
    options["publicKey"] = json!("demopublickey");
    options
}

/// Three files.
fn files(server: &Server) -> [String; 3] {
    ["one.png", "two.png", "three.png"].map(|name| server.upload(name, PNG))
}

/// Checks a group of these members. The clients name the fields alike but for the letter case.
fn check(group: &Value, name: impl Fn(&str) -> String, members: &[(&str, &str)]) {
    let id = group["id"].as_str().unwrap();
    let (uuid, count) = id.split_once('~').unwrap();
    uuid::Uuid::parse_str(uuid).unwrap();
    assert_eq!(count, members.len().to_string());
    assert!(
        members.iter().all(|(member, _)| *member != uuid),
        "a group has an id of its own"
    );
    assert_eq!(group[name("files_count")], members.len());
    assert_eq!(group[name("datetime_stored")], Value::Null);
    assert!(
        group[name("datetime_created")].as_str().unwrap().ends_with('Z'),
        "{group}"
    );
    for address in ["cdn_url", "url"] {
        assert!(
            group[name(address)].as_str().unwrap().contains(id),
            "{address} of {group}"
        );
    }
    let files = group["files"].as_array().unwrap();
    let said = files.iter().map(|file| {
        (
            file["uuid"].as_str().unwrap(),
            file[name("default_effects")].as_str().unwrap(),
        )
    });
    assert_eq!(said.collect::<Vec<_>>(), members);
    for file in files {
        assert_eq!(
            (file["size"].as_u64(), &file[name("is_image")]),
            (Some(PNG.len() as u64), &json!(true))
        );
    }
}

fn snake(name: &str) -> String {
    name.to_owned()
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

#[test]
fn the_javascript_client_groups_files_and_reads_the_group_back() {
    let server = Server::start();
    let [one, two, three] = files(&server);
    let members = json!([three, format!("{one}/-/resize/x800/"), two]);
    let in_order = [(&*three, ""), (&*one, "resize/x800/"), (&*two, "")];
    // The name of a callback has no effect here: the answer stays JSON, as this client needs it.
    let done = js(
        "group",
        &server,
        demo(json!({"members": members, "jsonpCallback": "callback"})),
    );
    check(&done["group"], camel, &in_order);
    assert_eq!(done["info"], done["group"]);
}

#[test]
fn the_javascript_client_groups_its_uploads() {
    let origin = Origin::start();
    let server = Server::start_with(&origin.opened(), &[]);
    let (picture, other) = (picture(&server), file_of(server.dir.path(), 1000));
    let urls = ["/noise/1/1000/a.bin", "/noise/2/2000/b.bin"].map(|path| origin.url(path));
    let [one, two, _] = files(&server);
    let size = PNG.len() as u64;
    for (options, sizes) in [
        (json!({"paths": [picture, other], "store": true}), [size, 1000]),
        (json!({"urls": urls, "store": true}), [1000, 2000]),
        (json!({"uuids": [two, one]}), [size, size]),
    ] {
        let done = js("upload-group", &server, demo(options.clone()));
        let (group, info) = (&done["group"], &done["info"]);
        assert_eq!(
            (&group["uuid"], &group["createdAt"]),
            (&info["id"], &info["datetimeCreated"])
        );
        assert_eq!(
            (&group["filesCount"], &group["totalSize"]),
            (&json!(2), &json!(sizes[0] + sizes[1]))
        );
        assert_eq!((&group["isStored"], &group["storedAt"]), (&json!(false), &Value::Null));
        assert!(
            group["cdnUrl"].as_str().unwrap().contains(info["id"].as_str().unwrap()),
            "{group}"
        );
        assert_eq!(done["progress"], 1);
        for (at, size) in sizes.iter().enumerate() {
            let (file, known) = (&group["files"][at], &info["files"][at]);
            assert_eq!(
                (&file["uuid"], file["size"].as_u64()),
                (&known["uuid"], Some(*size)),
                "{options}"
            );
            assert_eq!(file["defaultEffects"], "");
        }
        if let Some(uuids) = options["uuids"].as_array() {
            assert_eq!(&group["files"][0]["uuid"], &uuids[0]);
        }
    }
}

#[test]
fn the_python_client_groups_files_and_reads_the_group_back() {
    let server = Server::start();
    let [one, two, three] = files(&server);
    let with_effects = format!("https://ucarecdn.com/{one}/-/resize/x800/");
    let done = python("group", &server, demo(json!({"members": [three, with_effects, two]})));
    let in_order = [(&*three, ""), (&*one, "resize/x800/"), (&*two, "")];
    check(&done["group"], snake, &in_order);
    assert_eq!(done["info"], done["group"]);
    assert_eq!((&done["id"], &done["count"]), (&done["group"]["id"], &json!(3)));
    assert!(
        done["created"].as_str().unwrap().ends_with("+00:00"),
        "{}",
        done["created"]
    );
    let members = in_order.map(|(file, effects)| json!({"file": file, "effects": effects}));
    assert_eq!(done["members"], json!(members));
    check(&done["by_hand"], snake, &in_order);
    assert_ne!(
        done["by_hand"]["id"], done["id"],
        "the same files may be in several groups"
    );
}

#[test]
fn the_rust_client_groups_files_and_reads_the_group_back() {
    let server = Server::start();
    let client = Rust::before(&server);
    let [one, two, three] = files(&server);
    let members = json!([three, format!("{one}/-/resize/x800/"), two]);
    let done = client.run("group", demo(json!({"members": members})));
    check(
        &done["group"],
        snake,
        &[(&three, ""), (&one, "resize/x800/"), (&two, "")],
    );
    assert_eq!(done["info"], done["group"]);
}

#[test]
fn every_client_groups_with_a_signature_and_not_without() {
    let origin = Origin::start();
    let server = crate::signed::server(&origin, &[PUBLIC_URL]);
    let rust = Rust::before(&server);
    let signed = |mut options: Value, secret: Option<&str>| {
        options["publicKey"] = json!("signed");
        options["secretKey"] = json!(secret);
        options
    };
    let path = picture(&server);
    let file = js(
        "base-and-info",
        &server,
        signed(json!({"path": path}), Some("old secret")),
    )["file"]
        .clone();
    let members = json!({"members": [file]});
    for secret in ["old secret", "new secret"] {
        let with = || signed(members.clone(), Some(secret));
        for done in [
            js("group", &server, with()),
            python("group", &server, with()),
            rust.run("group", with()),
        ] {
            assert!(done["info"]["id"].as_str().unwrap().ends_with("~1"), "{done}");
        }
    }
    let call = json!({"call": "group", "arguments": [[file]]});
    assert_eq!(
        js("call", &server, signed(call.clone(), None))["error"]["code"],
        "SignatureRequiredError"
    );
    let stranger = js("call", &server, signed(call, Some("a guess")));
    assert_eq!(stranger["error"]["code"], "SignatureInvalidError");
    let call = json!({"call": "create_group", "arguments": [[file]]});
    assert_eq!(
        python("refused-call", &server, signed(call, None))["message"],
        "`signature` is required."
    );
    let call = json!({"call": "create_group", "members": [file]});
    assert_eq!(
        rust.run("refused", signed(call, Some("a guess"))),
        json!({"kind": "Forbidden", "message": "Invalid signature."})
    );
}

#[test]
fn every_client_understands_why_there_is_no_group() {
    let server = Server::start();
    let rust = Rust::before(&server);
    let form = Form::default()
        .field("UPLOADCARE_PUB_KEY", "other")
        .file("file", "a", b"a");
    let anothers = server.post("/base/", &form).json()["file"].as_str().unwrap().to_owned();
    let mine = server.upload("a.png", PNG);
    let no_group = format!("{NOBODY}~1");
    let parsing = "This is not valid file url: no-id.";
    for (members, code, message) in [
        (vec![], "GroupFilesInvalidError", "No files[N] parameters found."),
        (vec![&*mine, "no-id"], "GroupFileURLParsingFailedError", parsing),
        (vec![&*mine, NOBODY], "GroupFilesNotFoundError", "Some files not found."),
        (
            vec![&*mine, &*anothers],
            "GroupFilesNotFoundError",
            "Some files not found.",
        ),
    ] {
        let said = &js("call", &server, demo(json!({"call": "group", "arguments": [members]})))["error"];
        assert_eq!(
            (said["code"].as_str(), said["message"].as_str()),
            (Some(code), Some(message)),
            "{members:?}"
        );
        let said = python(
            "refused-call",
            &server,
            demo(json!({"call": "create_group", "arguments": [members]})),
        );
        assert_eq!(
            said,
            json!({"name": "InvalidRequestError", "message": message}),
            "{members:?}"
        );
        let said = rust.run("refused", demo(json!({"call": "create_group", "members": members})));
        assert_eq!(said, json!({"kind": "BadRequest", "message": message}), "{members:?}");
    }
    for id in [&*no_group, "no-id"] {
        let said = &js("call", &server, demo(json!({"call": "groupInfo", "arguments": [id]})))["error"];
        assert_eq!(
            (said["code"].as_str(), said["message"].as_str()),
            (Some("GroupNotFoundError"), Some("group_id is invalid."))
        );
        let said = python(
            "refused-call",
            &server,
            demo(json!({"call": "group_info", "arguments": [id]})),
        );
        assert_eq!(
            said,
            json!({"name": "InvalidRequestError", "message": "group_id is invalid."})
        );
        let said = rust.run("refused", demo(json!({"call": "group_info", "id": id})));
        assert_eq!(said, json!({"kind": "NotFound", "message": "group_id is invalid."}));
    }
    let stranger = json!({"publicKey": "no-such-key", "call": "groupInfo", "arguments": [no_group]});
    assert_eq!(
        js("call", &server, stranger)["error"]["code"],
        "ProjectPublicKeyInvalidError"
    );
}
