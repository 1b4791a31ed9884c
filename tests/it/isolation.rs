//! Isolation of projects: every endpoint that takes a name answers a client of another project as if the name did not exist, for
//! every kind of name.

use serde_json::{Value, json};

use crate::in_process::{InProcess, code, form, signed, token};
use crate::support::{self, Answer};

/// Everything of one project that has a name.
struct Things {
    file: String,
    group: String,
    order: String,
    /// An open multipart upload, and the URL of its first part.
    open: String,
    part: String,
    policy: String,
}

/// Names of the same forms that do not exist.
fn made_up(of: &Things) -> Things {
    let id = uuid::Uuid::new_v4().to_string();
    Things {
        group: format!("{id}~1"),
        part: of.part.replace(&of.open, &id),
        // Signed with a secret that no project has.
        policy: token("nobody's", "t", json!({})),
        file: id.clone(),
        order: id.clone(),
        open: id,
    }
}

fn things(server: &InProcess, key: &str) -> Things {
    let file = server.upload(key, b"x");
    let group = server.post("/group/", &format!("pub_key={key}&files[]={file}")).json();
    let order = server.post("/from_url/", &format!("pub_key={key}&source_url=x")).json();
    let begun = server.begin(key, "");
    Things {
        file,
        group: group["id"].as_str().unwrap().to_owned(),
        order: order["token"].as_str().unwrap().to_owned(),
        open: begun.uuid,
        part: begun.parts[0].clone(),
        policy: token("secret of mine", "t", json!({"uses": 100})),
    }
}

/// The requests that a client of another project may try with one name: each with a title.
type Try = (&'static str, fn(&InProcess, &str, &Things) -> Answer);

/// Every endpoint with every kind of name. Signatures are made with the other project's own secret.
const TRIES: [Try; 14] = [
    ("info of a file", |server, key, things| {
        server.get(&format!("/info/?pub_key={key}&file_id={}&jsonerrors=1", things.file))
    }),
    ("info of an order", |server, key, things| {
        server.get(&format!("/info/?pub_key={key}&file_id={}&jsonerrors=1", things.order))
    }),
    ("info of an open upload", |server, key, things| {
        server.get(&format!("/info/?pub_key={key}&file_id={}&jsonerrors=1", things.open))
    }),
    ("info of a group", |server, key, things| {
        let id = things.group.split('~').next().unwrap();
        server.get(&format!("/info/?pub_key={key}&file_id={id}&jsonerrors=1"))
    }),
    ("group of a file", |server, key, things| {
        server.post("/group/", &format!("pub_key={key}&files[]={}", things.file))
    }),
    ("group of an open upload", |server, key, things| {
        server.post("/group/", &format!("pub_key={key}&files[]={}", things.open))
    }),
    ("group info", |server, key, things| {
        server.get(&format!(
            "/group/info/?pub_key={key}&group_id={}&jsonerrors=1",
            things.group
        ))
    }),
    ("complete an open upload", |server, key, things| {
        server.complete(key, &things.open)
    }),
    ("complete a file", |server, key, things| {
        server.complete(key, &things.file)
    }),
    ("complete an order", |server, key, things| {
        server.complete(key, &things.order)
    }),
    ("status of an order", |server, key, things| {
        server.get(&format!(
            "/from_url/status/?pub_key={key}&token={}&jsonerrors=1",
            things.order
        ))
    }),
    ("status of a file", |server, key, things| {
        server.get(&format!(
            "/from_url/status/?pub_key={key}&token={}&jsonerrors=1",
            things.file
        ))
    }),
    (
        "put a part with an address of one's own upload, and another's id",
        |server, key, things| {
            let mine = server.begin(key, "");
            let path = mine.parts[0].replace(&mine.uuid, &things.open);
            support::send(&server.address, &format!("PUT {path}&jsonerrors=1 HTTP/1.1\r\n"), b"x")
        },
    ),
    ("upload with a policy token", |server, key, things| {
        server.base(&form(key).field("signature", &things.policy).file("file", "a", b"x"))
    }),
];

#[test]
fn names_of_another_project_are_answered_like_made_up_ones() {
    let mine = json!({"secrets": [{"name": "a", "secret": "secret of mine"}]});
    let other = json!({"secrets": [{"name": "a", "secret": "secret of another"}]});
    let server = InProcess::of(&[("mine", mine), ("other", other)]);
    let things = things(&server, "mine");
    let made_up = made_up(&things);
    for (name, attempt) in TRIES {
        let (found, expected) = (attempt(&server, "other", &things), attempt(&server, "other", &made_up));
        let shape = |answer: &Answer, of: &Things| {
            let text = answer.text();
            // The answer may repeat nothing but the name as it was sent.
            [&of.file, &of.group, &of.order, &of.open]
                .iter()
                .fold(text, |text, name| text.replace(name.as_str(), "NAME"))
        };
        assert_eq!(shape(&found, &things), shape(&expected, &made_up), "{name}");
        assert_eq!(found.status, expected.status, "{name}");
        let status = found.json()["status"].clone();
        assert!(
            code(&found) != "accepted" || status == "unknown",
            "{name} was let in: {}",
            found.text()
        );
    }
    // Each of these names works for its own project, so the table above proves something.
    for (name, expected) in [
        ("info of a file", "accepted"),
        ("group of a file", "accepted"),
        ("group info", "accepted"),
        ("complete an open upload", "MultipartUploadSizeTooSmallError"),
        ("complete a file", "MultipartFileAlreadyUploadedError"),
        ("upload with a policy token", "accepted"),
    ] {
        let (_, attempt) = TRIES.iter().find(|(other, _)| *other == name).unwrap();
        assert_eq!(code(&attempt(&server, "mine", &things)), expected, "{name}");
    }
    let status = server
        .get(&format!("/from_url/status/?pub_key=mine&token={}", things.order))
        .json();
    assert_eq!(status["status"], Value::from("waiting"));
    let part = support::send(&server.address, &format!("PUT {} HTTP/1.1\r\n", things.part), b"x");
    assert_eq!(part.status, 200, "{}", part.text());
}

/// A URL that one project has fetched is no duplicate for another project.
#[test]
fn a_fetch_of_another_project_is_no_duplicate() {
    let server = InProcess::of(&[("mine", json!({})), ("other", json!({}))]);
    let order = |key: &str| {
        server
            .post(
                "/from_url/",
                &format!("pub_key={key}&source_url=x&check_URL_duplicates=1"),
            )
            .json()
    };
    assert_eq!(order("mine")["type"], "token");
    server.block_on(server.pipeline.fetch_due()).unwrap();
    assert_eq!(order("other")["type"], "token");
    assert_eq!(order("mine")["type"], "file_info");
}

#[test]
fn a_signature_with_another_projects_secret_is_refused() {
    let signing = |secret: &str| json!({"signed_uploads": true, "secrets": [{"name": "a", "secret": secret}]});
    let server = InProcess::of(&[("mine", signing("mine")), ("other", signing("other"))]);
    let ask = |secret: &str| {
        let with = signed(secret);
        let mut form = form("other");
        for (name, value) in with[1..].split('&').map(|pair| pair.split_once('=').unwrap()) {
            form = form.field(name, value);
        }
        code(&server.base(&form.file("file", "a", b"x")))
    };
    assert_eq!(ask("mine"), "SignatureInvalidError");
    assert_eq!(ask("other"), "accepted");
}
