//! Projects: their rules, for every way of uploading, and their groups.

use std::time::Duration;

use serde_json::{Value, json};

use crate::in_process::{InProcess, code, file_first, form, starting};
use crate::support::Form;

/// The official JavaScript client sends the file before the key: the project is not known while the bytes arrive.
#[test]
fn the_rules_of_a_project_hold_whether_its_key_comes_before_the_file_or_behind_it() {
    let rules: [(Value, &str, &str, &str); 10] = [
        (json!({}), "a.txt", "text", "accepted"),
        (json!({"status": "blocked"}), "a.txt", "text", "AccountBlockedError"),
        (
            json!({"max_size": "3 B"}),
            "a.txt",
            "text",
            "FileSizeLimitExceededError",
        ),
        (
            json!({"max_direct_size": "3 B"}),
            "a.txt",
            "text",
            "FileSizeLimitExceededError",
        ),
        (json!({"max_multipart_size": "3 B"}), "a.txt", "text", "accepted"),
        (
            json!({"deny_types": ["text/*"]}),
            "a.png",
            "text",
            "FileTypeForbiddenError",
        ),
        (
            json!({"allow_types": ["image/*"]}),
            "a.png",
            "text",
            "FileTypeForbiddenError",
        ),
        (
            json!({"allow_extensions": ["png"]}),
            "a.txt",
            "text",
            "FileTypeForbiddenError",
        ),
        (
            json!({"deny_extensions": ["exe"]}),
            "a.exe.",
            "text",
            "FileTypeForbiddenError",
        ),
        (
            json!({"max_stored": "3 B"}),
            "a.txt",
            "text",
            "AccountLimitsExceededError",
        ),
    ];
    for (settings, name, content, expected) in rules {
        let server = InProcess::of(&[("shop", settings.clone())]);
        let first = server.base(&form("shop").file("file", name, content.as_bytes()));
        let behind = server.base(&file_first("shop", name, content.as_bytes()));
        assert_eq!([code(&first), code(&behind)], [expected; 2], "{settings}");
        let stored = if expected == "accepted" { 2 } else { 0 };
        assert_eq!(
            server.store.keys().len(),
            stored,
            "{settings}: what was refused is still there"
        );
        assert_eq!(server.usage("shop").0, stored as u64, "{settings}: what is booked");
    }
}

#[test]
fn a_name_is_judged_as_it_was_sent_and_as_it_is_shown() {
    let forbid = json!({"deny_extensions": ["exe"]});
    let allow = json!({"allow_extensions": ["png"]});
    let long = |stem: &str, ending: &str, count| stem.repeat(count) + ending;
    for (settings, name, expected) in [
        (&forbid, long("文", ".exe", 120), Err(())),
        (&forbid, long("x", ".exe", 252), Err(())),
        (&forbid, "x.e-xe".to_owned(), Err(())),
        (&forbid, "x.exe#".to_owned(), Err(())),
        (&forbid, "x.exe\u{200B}".to_owned(), Err(())),
        (&forbid, "x.éexe".to_owned(), Err(())),
        (&forbid, "x.exe::$DATA".to_owned(), Err(())),
        (&forbid, "x.exe.png".to_owned(), Ok("xexe.png".to_owned())),
        (&allow, long("文", ".png", 120), Ok("noroot.png".to_owned())),
        (&allow, long("x", ".png", 300), Ok(long("x", ".png", 251))),
        (&allow, "x.p-ng".to_owned(), Err(())),
    ] {
        let server = InProcess::of(&[("shop", settings.clone())]);
        let answer = server.base(&form("shop").file("file", &name, b"text"));
        let shown = (code(&answer) == "accepted").then(|| {
            let id = answer.json()["file"].as_str().unwrap().to_owned();
            let info = server.get(&format!("/info/?pub_key=shop&file_id={id}")).json();
            info["filename"].as_str().unwrap_or_else(|| panic!("{info}")).to_owned()
        });
        assert_eq!(shown, expected.ok(), "{settings} {name:?}: {}", answer.text());
    }
}

#[test]
fn a_fetched_file_is_judged_by_the_rules_at_the_time_of_the_fetch() {
    let order = |server: &InProcess| {
        let ordered = server.post("/from_url/", "pub_key=shop&source_url=x");
        ordered.json()["token"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", ordered.text()))
            .to_owned()
    };
    for (change, expected) in [
        (json!({}), Value::Null),
        (
            json!({"max_url_size": "9 B"}),
            json!("DownloadFileSizeLimitExceededError"),
        ),
        (json!({"max_direct_size": "9 B"}), Value::Null),
        (
            json!({"allow_types": ["image/*"]}),
            json!("DownloadFileValidationFailedError"),
        ),
        (json!({"status": "blocked"}), json!("DownloadFileValidationFailedError")),
        (json!({"max_files": 0}), json!("DownloadFileValidationFailedError")),
    ] {
        let server = InProcess::of(&[("shop", json!({}))]);
        let token = order(&server);
        server.set("shop", change.clone());
        server.block_on(server.pipeline.fetch_due()).unwrap();
        let status = server.get(&format!("/from_url/status/?token={token}")).json();
        assert_eq!(status["error_code"], expected, "{change}: {status}");
        if change["max_url_size"] == "9 B" {
            assert_eq!(status["error"], "Downloaded file is too big: 10 > 9.");
        }
        assert_eq!(status["status"] == "success", expected.is_null(), "{change}: {status}");
    }
}

#[test]
fn files_stay_as_long_as_their_project_says() {
    let stays = |server: &InProcess, id: &str| {
        let record = server.record(id);
        let expires = record.lifetime.unwrap().expires;
        expires.map(|expires| {
            expires
                .duration_since(record.created)
                .unwrap()
                .as_secs()
                .div_euclid(3600)
        })
    };
    let server = InProcess::of(&[
        ("usual", json!({})),
        ("short", json!({"keep_unstored": "1h", "keep_stored": "30d"})),
    ]);
    for (project, store, hours) in [
        ("usual", "0", Some(24)),
        ("usual", "1", None),
        ("short", "0", Some(1)),
        ("short", "1", Some(30 * 24)),
    ] {
        let answer = server.base(&form(project).field("UPLOADCARE_STORE", store).file("file", "a", b"x"));
        let id = answer.json()["file"].as_str().unwrap().to_owned();
        assert_eq!(stays(&server, &id), hours, "{project}, {store}");
    }
    let id = server.base(&form("short").file("file", "a", b"x")).json()["file"]
        .as_str()
        .unwrap()
        .to_owned();
    server
        .block_on(server.pipeline.keep(id.parse().unwrap(), intake::core::Retention::Keep))
        .unwrap();
    assert_eq!(stays(&server, &id), Some(30 * 24), "kept later");
}

#[test]
fn a_projects_bytes_are_in_the_store_and_under_the_prefix_that_it_names_and_nowhere_else() {
    let server = InProcess::of(&[
        ("eu-shop", json!({"store": "eu", "prefix": "shop"})),
        ("usual", json!({})),
    ]);
    let ids: Vec<String> = [
        server.base(&form("eu-shop").file("file", "a", b"early")),
        server.base(&file_first("eu-shop", "a", b"late!")),
    ]
    .iter()
    .map(|answer| answer.json()["file"].as_str().unwrap().to_owned())
    .collect();
    let uuid = server.parts("eu-shop", "");
    assert_eq!(code(&server.complete("eu-shop", &uuid)), "accepted");
    assert_eq!(server.store.keys(), [], "in the first store");
    let mut expected: Vec<_> = ids.iter().chain([&uuid]).map(|id| format!("shop-{id}")).collect();
    let mut found: Vec<_> = server.eu.keys().iter().map(|key| key.as_str().to_owned()).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    for (id, content) in ids.iter().zip([b"early", b"late!"]) {
        let body = server.block_on(async {
            let stream = server.pipeline.read(id.parse().unwrap(), None).await.unwrap();
            intake::core::testkit::collect(stream).await
        });
        assert_eq!(&body[..], content);
        server.block_on(server.pipeline.delete(id.parse().unwrap())).unwrap();
    }
    assert_eq!(server.eu.keys().len(), 1, "what was deleted is still there");
    server.upload("usual", b"x");
    assert_eq!(server.store.keys().len(), 1);
}

#[test]
fn a_store_that_the_configuration_does_not_have_takes_nothing() {
    let server = InProcess::of(&[("shop", json!({"store": "us"}))]);
    for answer in [
        server.base(&form("shop").file("file", "a", b"x")),
        server.base(&file_first("shop", "a", b"x")),
        server.post("/multipart/start/", &starting("shop", "")),
    ] {
        assert_eq!(code(&answer), "UploadAPIError");
    }
    assert_eq!(server.store.keys(), []);
}

#[test]
fn a_project_with_unusable_settings_is_a_fault_and_takes_no_uploads() {
    use intake::core::{Catalog as _, ManagedProject, Update};

    let server = InProcess::of(&[]);
    let settings = json!({"max_size": "many", "secrets": [{"name": "a", "secret": "hunter2"}]});
    let project = ManagedProject::new("shop", 0, settings.as_object().unwrap().clone());
    assert_eq!(
        server.block_on(server.recorder.put_project(&project)).unwrap(),
        Update::Applied
    );
    let answer = server.base(&form("shop").file("file", "a", b"x"));
    assert_eq!(code(&answer), "UploadAPIError");
    let fault = server.block_on(server.pipeline.project("shop")).unwrap_err();
    assert!(
        fault.report().contains("max_size") && !format!("{fault:?}").contains("hunter2"),
        "{fault:?}"
    );
}

#[test]
fn a_group_tells_of_members_that_have_left_as_nothing() {
    let server = InProcess::of(&[("shop", json!({}))]);
    let (stays, leaves) = (server.upload("shop", b"a"), server.upload("shop", b"b"));
    let group = server.post(
        "/group/",
        &format!("pub_key=shop&files[]={leaves}&files[]={stays}/-/crop/3x3/"),
    );
    let id = group.json()["id"].as_str().unwrap().to_owned();
    assert!(id.ends_with("~2"), "{id}");
    server
        .block_on(server.pipeline.delete(leaves.parse().unwrap()))
        .unwrap();
    let told = server.get(&format!("/group/info/?pub_key=shop&group_id={id}")).json();
    assert_eq!(told["files_count"], 2, "{told}");
    assert_eq!(told["files"][0], Value::Null, "{told}");
    assert_eq!(told["files"][1]["uuid"], *stays);
    assert_eq!(told["files"][1]["default_effects"], "crop/3x3/");
    assert_eq!(told["datetime_created"], group.json()["datetime_created"]);
}

#[test]
fn a_group_of_as_many_files_as_may_be_comes_in_any_order_and_as_any_body() {
    let server = InProcess::of(&[("shop", json!({}))]);
    let ids: Vec<_> = (0..20).map(|number: u8| server.upload("shop", &[number])).collect();
    let many: Vec<_> = (0..1000).map(|number| ids[number % ids.len()].as_str()).collect();
    let numbered = |number: usize| format!("&files[{number}]={}", many[number]);
    let backwards: String = (0..1000).rev().map(numbered).collect();
    let forms = [server.post("/group/", &format!("pub_key=shop{backwards}")), {
        let form = (0..1000).rev().fold(Form::default(), |form, number| {
            form.field(&format!("files[{number}]"), many[number])
        });
        let form = form.field("pub_key", "shop");
        crate::support::send(&server.address, &form.head("/group/?jsonerrors=1"), &form.body())
    }];
    for answer in forms {
        let told = answer.json();
        let files = told["files"].as_array().unwrap_or_else(|| panic!("{}", answer.text()));
        let found: Vec<_> = files.iter().map(|file| file["uuid"].as_str().unwrap()).collect();
        assert_eq!(found, many);
    }
    let one_more = format!("pub_key=shop{backwards}&files[]={}", many[0]);
    assert_eq!(
        code(&server.post("/group/", &one_more)),
        "FilesNumberLimitExceededError"
    );
}

#[test]
fn received_and_removed_files_are_counted_by_project_and_day() {
    use intake::core::Catalog as _;
    use intake::core::accounting::Day;

    let server = InProcess::of(&[("shop", json!({})), ("other", json!({}))]);
    let first = server.upload("shop", b"12345");
    server.base(&file_first("shop", "a", b"123"));
    server.upload("other", b"1");
    server.base(
        &form("shop")
            .field("UPLOADCARE_STORE", "1")
            .field("metadata[]", "x")
            .file("file", "a", b"refused"),
    );
    server.pass(Duration::from_secs(24 * 3600));
    server.block_on(server.pipeline.sweep()).unwrap();
    let daily_usage = server
        .block_on(server.recorder.daily_usage(Some("shop"), Day(0)..=Day(i64::MAX)))
        .unwrap();
    let told: Vec<_> = daily_usage
        .iter()
        .map(|daily_usage| {
            [
                daily_usage.asked,
                daily_usage.received,
                daily_usage.received_bytes,
                daily_usage.removed,
                daily_usage.removed_bytes,
            ]
        })
        .collect();
    assert_eq!(told, [[3, 2, 8, 0, 0], [0, 0, 0, 2, 8]], "{first}");
}

/// Some clients send the key under both of its names. A file that is judged by one project must not become another project's.
#[test]
fn a_request_has_one_project_whichever_names_its_key_has() {
    let server = InProcess::of(&[("one", json!({"prefix": "one"})), ("two", json!({"prefix": "two"}))]);
    let send = |first: &str, last: &str| {
        let form = Form::default().field("pub_key", first).file("file", "a", b"x");
        code(&server.base(&form.field("UPLOADCARE_PUB_KEY", last)))
    };
    assert_eq!(send("one", "one"), "accepted");
    assert_eq!(send("one", "two"), "ProjectPublicKeyInvalidError");
    assert_eq!(send("two", "one"), "ProjectPublicKeyInvalidError");
    assert_eq!(
        (server.usage("one").0, server.usage("two").0, server.store.keys().len()),
        (1, 0, 1)
    );
}

#[test]
fn the_operations_on_the_files_of_a_group_have_a_bound_in_all() {
    let server = InProcess::of(&[("shop", json!({}))]);
    let id = server.upload("shop", b"x");
    let effects = "a/".repeat(500);
    let group = |files: usize| {
        let files: String = (0..files).map(|_| format!("&files[]={id}/-/{effects}")).collect();
        code(&server.post("/group/", &format!("pub_key=shop{files}")))
    };
    assert_eq!(group(65), "accepted");
    assert_eq!(group(66), "RequestSizeLimitExceededError");
}
