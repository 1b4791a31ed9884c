//! The number of uses of an access token and its time: uses are counted exactly and given back, and its maker can revoke it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use intake::core::Catalog as _;
use intake::core::accounting::Account;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::access_tokens::{authorization, base, bearer, post, refused, restricted, upload};
use crate::in_process::{InProcess, PART, code, file_first, form, signing, starting};
use crate::parts::file_of;
use crate::support::{self, in_parallel};

#[test]
fn one_operation_is_one_file_and_is_given_back_if_no_file_comes_of_it() {
    let in_process = InProcess::of(&[("shop", signing())]);
    let limited = |most: u64, jti: &str| {
        let mut claims = restricted(json!({"limits": {"operations": most}}));
        claims["jti"] = json!(jti);
        bearer("secret", claims)
    };
    let token = limited(2, "files");
    let two = form("shop").file("file", "a", b"x").file("file", "b", b"x");
    let three = two.clone().file("file", "c", b"x");
    let used_up = (
        403,
        "OperationsLimitExceededError".to_owned(),
        "The operation limit of the token is exhausted.".to_owned(),
    );
    assert_eq!(refused(&base(&in_process, &three, &authorization(&token))), used_up);
    assert_eq!(code(&base(&in_process, &two, &authorization(&token))), "accepted");
    assert_eq!(refused(&upload(&in_process, &token)), used_up);
    // A multipart upload: one operation from its start, given back when the upload is abandoned.
    let token = limited(1, "parts");
    let start = || refused(&post(&in_process, "/multipart/start/", &token, &starting("shop", "")));
    assert_eq!(start().0, 0);
    assert_eq!(start(), used_up);
    in_process.pass(Duration::from_secs(25 * 3600));
    in_process.block_on(in_process.pipeline.sweep()).unwrap();
    assert_eq!(start().0, 0);
    // A fetch job: one operation, and none for its upload.
    let token = limited(1, "order");
    let order = || post(&in_process, "/from_url/", &token, "pub_key=shop&source_url=x");
    let first = order().json()["token"].as_str().unwrap().to_owned();
    assert_eq!(refused(&order()), used_up);
    in_process.block_on(in_process.pipeline.fetch_due()).unwrap();
    let fetched = in_process.get(&format!("/from_url/status/?token={first}")).json();
    assert_eq!(fetched["status"], "success", "{fetched}");
    // A token without a limit has no account.
    let unlimited = bearer("secret", json!({}));
    assert_eq!(code(&upload(&in_process, &unlimited)), "accepted");
    let id = format!("sha256:{}", hex::encode(Sha256::digest(&unlimited)));
    let account = Account::token("shop", &id);
    assert_eq!(
        in_process.block_on(in_process.recorder.usage(&account)).unwrap().files,
        0
    );
}

#[test]
fn of_100_senders_at_once_so_many_get_in_as_the_token_has_operations() {
    let in_process = InProcess::of(&[("shop", signing())]);
    let token = bearer("secret", restricted(json!({"limits": {"operations": 30}})));
    let accepted = AtomicUsize::new(0);
    in_parallel(100, 32, |_| match &*code(&upload(&in_process, &token)) {
        "accepted" => drop(accepted.fetch_add(1, Ordering::SeqCst)),
        "OperationsLimitExceededError" => {}
        other => panic!("{other}"),
    });
    assert_eq!(accepted.into_inner(), 30);
    assert_eq!(in_process.store.keys().len(), 30);
}

#[test]
fn a_secret_can_be_replaced_while_tokens_of_the_old_one_are_about() {
    let in_process = InProcess::of(&[("shop", signing())]);
    let secret = |name: &str| json!({"name": name, "secret": format!("{name} secret")});
    let secrets = |all: &[&str]| {
        let all: Vec<_> = all.iter().map(|name| secret(name)).collect();
        in_process.set("shop", json!({"signed_uploads": true, "secrets": all}));
    };
    secrets(&["old", "new"]);
    let (old, new) = (bearer("old secret", json!({})), bearer("new secret", json!({})));
    assert_eq!(
        [code(&upload(&in_process, &old)), code(&upload(&in_process, &new))],
        ["accepted", "accepted"]
    );
    let begun = post(&in_process, "/multipart/start/", &old, &starting("shop", "")).json();
    let begun = support::Begun::of(&begun);
    secrets(&["new"]);
    let says = "Invalid token. Reason: signature does not match".to_owned();
    let invalid = (401, "AccessTokenInvalidError".to_owned(), says);
    assert_eq!(refused(&upload(&in_process, &old)), invalid);
    assert_eq!(code(&upload(&in_process, &new)), "accepted");
    let put = support::send(
        &in_process.address,
        &format!("PUT {}&jsonerrors=1 HTTP/1.1\r\n", begun.parts[0]),
        &[b'x'; PART],
    );
    assert_eq!(refused(&put), invalid);
    assert_eq!(refused(&in_process.complete("shop", &begun.uuid)), invalid);
}

#[test]
fn a_token_is_revoked_by_its_digest_or_by_its_jti_and_completes_nothing_then() {
    let in_process = InProcess::of(&[("shop", signing())]);
    let named = bearer("secret", json!({"jti": "mine"}));
    let nameless = bearer("secret", json!({}));
    let digest = format!("sha256:{}", hex::encode(Sha256::digest(&nameless)));
    let uuid = support::Begun::of(&post(&in_process, "/multipart/start/", &named, &starting("shop", "")).json()).uuid;
    let mut project = signing();
    project["revoked_tokens"] = json!(["mine", digest]);
    in_process.set("shop", project);
    let revoked = (
        401,
        "AccessTokenInvalidError".to_owned(),
        "Invalid token. Reason: it was revoked".to_owned(),
    );
    for answer in [
        upload(&in_process, &named),
        upload(&in_process, &nameless),
        in_process.complete("shop", &uuid),
    ] {
        assert_eq!(refused(&answer), revoked);
    }
    assert_eq!(
        code(&upload(&in_process, &bearer("secret", json!({"jti": "other"})))),
        "accepted"
    );
}

#[test]
fn of_100_senders_on_two_nodes_so_many_get_in_as_the_token_has_operations() {
    let variables = [
        ("INTAKE_PROJECTS__1__PUBLIC_KEY", "shop"),
        ("INTAKE_PROJECTS__1__SIGNED_UPLOADS", "true"),
        ("INTAKE_PROJECTS__1__SECRETS__0__NAME", "one"),
        ("INTAKE_PROJECTS__1__SECRETS__0__SECRET", "secret"),
    ];
    let cluster = crate::cluster::Cluster::new(crate::cluster::Parts::ThroughTheServer);
    let nodes = [cluster.node("", &variables), cluster.node("", &variables)];
    let token = bearer("secret", restricted(json!({"limits": {"operations": 30}})));
    let form = file_first("shop", "a.txt", b"x");
    let head = form.head("/base/?jsonerrors=1") + &authorization(&token);
    let accepted = AtomicUsize::new(0);
    in_parallel(100, 32, |number| {
        match &*code(&nodes[number % 2].send(&head, &form.body())) {
            "accepted" => drop(accepted.fetch_add(1, Ordering::SeqCst)),
            "OperationsLimitExceededError" => {}
            other => panic!("{other}"),
        }
    });
    assert_eq!(accepted.into_inner(), 30);
}

#[test]
fn the_code_in_the_documentation_makes_tokens_that_hold() {
    let docs = include_str!("../../docs/policy-tokens.md");
    let minting = docs
        .split("```javascript\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("mint.mjs");
    let call = "console.log(mint('secret', { scope: ['/base/'], limits: { operations: 1 } }))";
    std::fs::write(&script, format!("{minting}\n{call}")).unwrap();
    let output = std::process::Command::new("node").arg(&script).output().unwrap();
    let token = String::from_utf8(output.stdout).unwrap();
    let in_process = InProcess::of(&[("shop", signing())]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code(&upload(&in_process, token.trim())), "accepted", "{token}{said}");
    assert_eq!(code(&upload(&in_process, token.trim())), "OperationsLimitExceededError");
    let start = post(&in_process, "/multipart/start/", token.trim(), &starting("shop", ""));
    assert_eq!(code(&start), "ScopeForbiddenError");
}

#[test]
fn the_program_prints_tokens_of_both_formats_and_none_that_would_be_refused() {
    use crate::projects_cli::{intake, is_refused, stderr, stdout, works};

    let server = support::Server::start();
    works(&server, &["projects", "create", "shop", "--with-key", "one"]);
    works(&server, &["projects", "add-key", "shop", "two"]);
    let before = intake(&server, &["tokens", "issue", "shop"]);
    assert!(stderr(&before).contains("shop ignores it"), "{}", stderr(&before));
    works(&server, &["projects", "set", "shop", "signed_uploads=true"]);
    let form = file_first("shop", "a.txt", b"text");
    let send = |token: &str| {
        let head = form.head("/base/?jsonerrors=1") + &authorization(token);
        code(&server.send(&head, &form.body()))
    };
    assert_eq!(send(stdout(&before).trim()), "accepted");
    let once = works(
        &server,
        &[
            "tokens",
            "issue",
            "shop",
            "operations=1",
            "scope=[\"/base/\"]",
            "--secret",
            "two",
        ],
    );
    assert_eq!(
        [send(once.trim()), send(once.trim())],
        ["accepted", "OperationsLimitExceededError"]
    );
    let policy = works(
        &server,
        &["tokens", "issue", "shop", "--format", "policy", "max_size=3"],
    );
    let with_policy = server.post("/base/?jsonerrors=1", &form.clone().field("signature", policy.trim()));
    assert_eq!(code(&with_policy), "FileSizeLimitExceededError");
    for (arguments, says) in [
        (&["no-such"][..], "no project has the key no-such"),
        (&["shop", "--secret", "three"], "shop has no secret key named three"),
        (&["other"], "other has no secret key"),
        (
            &["shop", "--seconds", "86401"],
            "`exp` can be at most 24 hours after `iat`",
        ),
        (&["shop", "operations=0"], "operations must be 1 to 100000"),
        (&["shop", "max_size=3"], "unknown field `max_size`"),
        (&["shop", "--format", "policy", "scope=[]"], "unknown field `scope`"),
    ] {
        let said = is_refused(&server, &[&["tokens", "issue"], arguments].concat());
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}

#[test]
fn the_official_javascript_client_gets_in_with_an_access_token_on_every_way_in() {
    use crate::clients::js;

    let origin = crate::origin::Origin::start();
    let server = crate::signed::server(&origin, &[]);
    let (small, large) = (file_of(server.dir.path(), 1000), file_of(server.dir.path(), 12 << 20));
    let token = bearer("new secret", restricted(json!({"limits": {"operations": 5}})));
    let with = |more: serde_json::Value| {
        let mut options = json!({"publicKey": "signed", "authToken": token, "store": true, "tags": ["Cat", "a.b"]});
        options
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        options
    };
    let url = origin.url("/noise/1/1000/a.bin");
    for (scenario, more) in [
        ("base-and-info", json!({"path": small})),
        ("in-parts", json!({"path": large})),
        ("from-url", json!({"url": url})),
    ] {
        let done = js(scenario, &server, with(more));
        assert_eq!(done["info"]["tags"], json!(["cat", "a.b"]), "{done}");
    }
    // Two files, and a group of them that counts no operation.
    let group = js("upload-group", &server, with(json!({"paths": [small, small]})));
    assert_eq!(group["info"]["filesCount"], 2, "{group}");
    let refused = js("refused", &server, with(json!({"path": small})));
    assert_eq!(refused["code"], "OperationsLimitExceededError", "{refused}");
    let old = bearer("another", json!({}));
    let refused = js(
        "refused-in-parts",
        &server,
        json!({"publicKey": "signed", "authToken": old, "path": large}),
    );
    assert_eq!(refused["code"], "AccessTokenInvalidError", "{refused}");
}
