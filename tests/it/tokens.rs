//! Policy tokens: the claims of a token hold, whatever else the client sends.

use serde_json::{Value, json};

use crate::in_process::{
    InProcess, code, file_first, form, jwt, seconds_from_now, signing, starting, token, token_with_head,
};
use crate::support::Form;

const TINY_PNG: &[u8] = include_bytes!("../data/3x2.png");

fn with(jwt: &str) -> Form {
    form("shop").field("signature", jwt)
}

#[test]
fn a_token_authorizes_exactly_what_it_says() {
    let cases: [(Value, &[u8], &str); 13] = [
        (json!({}), b"text", "accepted"),
        (json!({"max_size": 4}), b"text", "accepted"),
        (json!({"max_size": 3}), b"text", "FileSizeLimitExceededError"),
        (json!({"min_size": 4}), b"text", "accepted"),
        (json!({"min_size": 5}), b"text", "UploadFailedError"),
        (json!({"types": ["image/*"]}), TINY_PNG, "accepted"),
        (json!({"types": ["image/*"]}), b"text", "FileTypeForbiddenError"),
        (
            json!({"types": ["image/jpeg", "text/plain"]}),
            TINY_PNG,
            "FileTypeForbiddenError",
        ),
        (json!({"exp": 1}), b"text", "SignatureExpirationError"),
        (json!({"nbf": seconds_from_now(100)}), b"text", "UploadFailedError"),
        (json!({"sub": "shop"}), b"text", "accepted"),
        (json!({"sub": "another"}), b"text", "SignatureInvalidError"),
        (json!({"max_siez": 3}), b"text", "UploadFailedError"),
    ];
    for (number, (claims, content, expected)) in cases.into_iter().enumerate() {
        let in_process = InProcess::of(&[("shop", signing())]);
        let jwt = token("secret", &number.to_string(), json!({"uses": 2}));
        assert_eq!(code(&in_process.base(&with(&jwt).file("file", "a", b"x"))), "accepted");
        let mut claims = claims;
        claims["uses"] = json!(2);
        let jwt = token("secret", "case", claims.clone());
        let first = in_process.base(&with(&jwt).file("file", "a", content));
        let behind = in_process.base(&file_first("shop", "a", content).field("signature", &jwt));
        assert_eq!(
            [&*code(&first), &*code(&behind)],
            [expected; 2],
            "{claims}: {}",
            first.text()
        );
        let stored = if expected == "accepted" { 3 } else { 1 };
        assert_eq!(in_process.store.keys().len(), stored, "{claims}");
    }
}

#[test]
fn a_token_that_says_two_things_of_one_is_refused() {
    let in_process = InProcess::of(&[("shop", signing())]);
    let expires = seconds_from_now(3600);
    let ask = |more: &str| {
        let claims = format!("{{\"jti\": \"t\", \"exp\": {expires}, \"uses\": 9{more}}}");
        in_process.base(&with(&jwt(b"secret", json!({"alg": "HS256"}), claims)).file("file", "a", b"x"))
    };
    assert_eq!(code(&ask(r#", "metadata": {"a": "1", "b": "2"}"#)), "accepted");
    for more in [
        r#", "metadata": {"a": "1", "a": "2"}"#,
        r#", "metadata": {"a": "1", "a": "1"}"#,
        r#", "metadata": {"a": "1", "\u0061": "2"}"#,
        r#", "metadata": {"a": "1"}, "metadata": {"a": "2"}"#,
        r#", "max_size": 1, "max_size": 9"#,
        r#", "uses": 8"#,
    ] {
        let answer = ask(more);
        assert_eq!(code(&answer), "UploadFailedError", "{more}: {}", answer.text());
    }
    assert_eq!(in_process.store.keys().len(), 1, "nothing of them was kept");
}

#[test]
fn a_token_that_was_changed_or_made_with_another_secret_or_algorithm_is_refused() {
    let in_process = InProcess::of(&[("shop", signing())]);
    let good = token("secret", "t", json!({"uses": 5}));
    let (head, rest) = good.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let other = token("secret", "u", json!({"uses": 500}));
    let other_claims = other.split('.').nth(1).unwrap();
    let head_of = |alg: &str| token_with_head("secret", json!({"alg": alg}), "t", json!({}));
    for wrong in [
        token("another", "t", json!({})),
        token("", "t", json!({})),
        format!("{head}.{other_claims}.{signature}"),
        format!("{head}.{claims}."),
        format!("{head}.{claims}.{}", &signature[1..]),
        format!("{head}..{signature}"),
        format!("..{signature}"),
        "..".to_owned(),
        head_of("none"),
        head_of("HS512"),
        head_of("RS256"),
        head_of("ES256"),
        head_of("made up"),
        token_with_head("secret", json!({"alg": "HS256", "crit": ["exp"]}), "t", json!({})),
    ] {
        assert_eq!(
            code(&in_process.base(&with(&wrong).file("file", "a", b"x"))),
            "SignatureInvalidError",
            "{wrong}"
        );
    }
    assert_eq!(code(&in_process.base(&with(&good).file("file", "a", b"x"))), "accepted");
}

#[test]
fn a_malformed_token_is_refused_with_the_reason() {
    let in_process = InProcess::of(&[("shop", signing())]);
    for (claims, says) in [
        (json!({"uses": 0}), "`uses` must be greater than zero"),
        (json!({"jti": ""}), "`jti` has to have 1 to 128 characters"),
        (
            json!({"jti": "a\nb"}),
            "`jti` has to have 1 to 128 characters, none of control",
        ),
        (json!({"types": []}), "`types` has none"),
        (json!({"max_size": null}), "`max_size` is null"),
        (json!({"types": ["picture"]}), "is neither a media type"),
        (json!({"max_siez": 3}), "unknown field `max_siez`"),
        (json!({"exp": "soon"}), "invalid type"),
    ] {
        let answer = in_process.base(&with(&token("secret", "t", claims.clone())).file("file", "a", b"x"));
        assert!(answer.text().contains(says), "{claims}: {}", answer.text());
    }
    let milliseconds = token("secret", "t", json!({"exp": seconds_from_now(60) * 1000}));
    let answer = in_process.base(&with(&milliseconds).file("file", "a", b"x"));
    assert_eq!(code(&answer), "SignatureExpirationInvalidError");
    let milliseconds = token("secret", "t", json!({"complete_by": seconds_from_now(60) * 1000}));
    let answer = in_process.base(&with(&milliseconds).file("file", "a", b"x"));
    assert_eq!(code(&answer), "SignatureExpirationInvalidError");
    let long = token("secret", "t", json!({"iss": "x".repeat(8192), "max_size": 0}));
    let answers = [
        in_process.base(&with(&long).file("file", "a", b"x")),
        in_process.base(&file_first("shop", "a", b"x").field("signature", &long)),
        in_process.post("/multipart/start/", &starting("shop", &format!("&signature={long}"))),
        in_process.post("/from_url/", &format!("pub_key=shop&source_url=x&signature={long}")),
        in_process.post("/group/", &format!("pub_key=shop&files[]=x&signature={long}")),
    ];
    assert!(
        answers
            .iter()
            .all(|answer| code(answer) == "RequestSizeLimitExceededError")
    );
    let metadata = token("secret", "t", json!({"metadata": {"a b": "c"}}));
    let answer = in_process.base(&with(&metadata).file("file", "a", b"x"));
    assert_eq!(code(&answer), "FileMetadataKeyForbiddenError");
}

#[test]
fn metadata_and_retention_of_a_token_replace_those_of_the_sender() {
    let in_process = InProcess::of(&[("shop", signing())]);
    let claims = json!({"metadata": {"order": "4711"}, "store": "1", "stays": 600, "uses": 3});
    let jwt = token("secret", "t", claims);
    let said = |form: Form| {
        form.field("metadata[order]", "1")
            .field("metadata[pet]", "cat")
            .field("UPLOADCARE_STORE", "0")
    };
    let direct = said(with(&jwt)).file("file", "a", b"x");
    let direct = in_process.base(&direct).json()["file"].as_str().unwrap().to_owned();
    let in_parts = in_process.parts("shop", &format!("&signature={jwt}&metadata[order]=1&metadata[pet]=cat"));
    assert_eq!(code(&in_process.complete("shop", &in_parts)), "accepted");
    let ordered = format!("pub_key=shop&source_url=x&signature={jwt}&metadata[order]=1&metadata[pet]=cat&store=0");
    let order = in_process.post("/from_url/", &ordered).json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    in_process.block_on(in_process.pipeline.fetch_due()).unwrap();
    let fetched = in_process.record(&order).fetch_job.unwrap().upload.unwrap().to_string();
    for id in [direct, in_parts, fetched] {
        let info = in_process.get(&format!("/info/?pub_key=shop&file_id={id}")).json();
        assert_eq!(info["metadata"], json!({"order": "4711", "pet": "cat"}), "{info}");
        assert_eq!(info["is_stored"], true);
        let record = in_process.record(&id);
        let stays = record
            .lifetime
            .unwrap()
            .expires
            .unwrap()
            .duration_since(record.created)
            .unwrap()
            .as_secs();
        assert!((600..660).contains(&stays), "{stays}");
    }
}

#[test]
fn a_token_is_looked_at_again_when_an_upload_is_completed() {
    let cases = [
        (json!({"max_size": 10 << 20}), "accepted"),
        (json!({"types": ["text/plain"]}), "accepted"),
        (json!({"types": ["image/*"]}), "FileTypeForbiddenError"),
        (json!({"complete_by": seconds_from_now(1000)}), "accepted"),
        (json!({"complete_by": 1}), "SignatureExpirationError"),
    ];
    for (claims, expected) in cases {
        // It is checked at the completion, not only at the start.
        let in_process = InProcess::of(&[("shop", signing())]);
        let late = claims["complete_by"] == 1;
        let mut claims = claims;
        if late {
            claims["complete_by"] = json!(seconds_from_now(500));
        }
        let jwt = token("secret", "t", claims.clone());
        let uuid = in_process.parts("shop", &format!("&signature={jwt}"));
        if late {
            in_process.pass(std::time::Duration::from_secs(501));
        }
        assert_eq!(code(&in_process.complete("shop", &uuid)), expected, "{claims}");
    }
    let in_process = InProcess::of(&[("shop", signing())]);
    let small = token("secret", "t", json!({"max_size": 10}));
    let answer = in_process.post("/multipart/start/", &starting("shop", &format!("&signature={small}")));
    assert_eq!(code(&answer), "MultipartFileSizeLimitExceededError");
}

#[test]
fn an_upload_may_be_completed_after_its_token_has_expired() {
    let in_process = InProcess::of(&[("shop", signing())]);
    let jwt = token("secret", "t", json!({"exp": seconds_from_now(600)}));
    let uuid = in_process.parts("shop", &format!("&signature={jwt}"));
    in_process.pass(std::time::Duration::from_secs(3600));
    assert_eq!(code(&in_process.complete("shop", &uuid)), "accepted");
}

#[test]
fn a_token_counts_wherever_it_is_sent_even_where_none_is_asked_for() {
    let in_process = InProcess::of(&[("shop", json!({"secrets": [{"name": "one", "secret": "secret"}]}))]);
    let small = token("secret", "t", json!({"max_size": 3}));
    assert_eq!(
        code(&in_process.base(&with(&small).file("file", "a", b"text"))),
        "FileSizeLimitExceededError"
    );
    assert_eq!(
        code(&in_process.base(&form("shop").file("file", "a", b"text"))),
        "accepted"
    );
    let made_up = token("another", "t", json!({}));
    assert_eq!(
        code(&in_process.base(&with(&made_up).file("file", "a", b"text"))),
        "SignatureInvalidError"
    );
}

#[test]
fn a_revoked_token_and_a_token_of_a_revoked_secret_are_refused() {
    let in_process = InProcess::of(&[("shop", signing())]);
    let jwt = token("secret", "t", json!({"uses": 9}));
    let send = || code(&in_process.base(&with(&jwt).file("file", "a", b"x")));
    assert_eq!(send(), "accepted");
    let mut revoked = signing();
    revoked["revoked_tokens"] = json!(["t"]);
    in_process.set("shop", revoked);
    assert_eq!(send(), "SignatureInvalidError");
    in_process.set(
        "shop",
        json!({"signed_uploads": true, "secrets": [{"name": "two", "secret": "new"}]}),
    );
    assert_eq!(send(), "SignatureInvalidError");
}

#[test]
fn a_token_lets_in_nothing_that_its_project_would_not() {
    let mut project = signing();
    project["max_metadata_keys"] = json!(1);
    project["autostore"] = json!("forbidden");
    let in_process = InProcess::of(&[("shop", project)]);
    let send = |claims: Value| {
        let form = with(&token("secret", "t", claims)).field("metadata[a]", "1");
        code(&in_process.base(&form.file("file", "a", b"x")))
    };
    assert_eq!(
        send(json!({"metadata": {"b": "2"}})),
        "FileMetadataKeysNumberTooBigError"
    );
    assert_eq!(send(json!({"store": "auto"})), "AutostoreDisabledError");
    assert_eq!(send(json!({"metadata": {"a": "2"}, "store": "0"})), "accepted");
}

#[test]
fn a_token_that_expires_while_bytes_come_has_let_them_in() {
    use std::io::Write as _;

    let in_process = InProcess::of(&[("shop", signing())]);
    let end = seconds_from_now(2);
    let whole = with(&token("secret", "t", json!({"exp": end}))).file("file", "a", &[b'x'; 100_000]);
    let (head, body) = (whole.head("/base/?jsonerrors=1"), whole.body());
    let head = format!(
        "{head}Host: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = crate::support::connect(&in_process.address);
    stream.write_all(&[head.as_bytes(), &body[..50_000]].concat()).unwrap();
    crate::support::wait_until("it has expired", || seconds_from_now(0) > end);
    stream.write_all(&body[50_000..]).unwrap();
    assert_eq!(code(&crate::support::read_answer(&mut stream).unwrap()), "accepted");
    let late = with(&token("secret", "u", json!({"exp": end}))).file("file", "a", b"x");
    assert_eq!(code(&in_process.base(&late)), "SignatureExpirationError");
}

/// The code in the documentation that makes tokens in this language.
fn documented(language: &str) -> &'static str {
    let docs = include_str!("../../docs/policy-tokens.md");
    let code = docs.split(&format!("```{language}\n")).nth(1).unwrap();
    code.split("```").next().unwrap()
}

#[test]
fn the_code_in_the_documentation_mints_tokens_that_hold() {
    use std::process::Command;

    let dir = tempfile::tempdir().unwrap();
    let js = format!(
        "{}\nconsole.log(mint('secret', {{ max_size: 5, types: ['text/*'], uses: 2 }}))",
        documented("js")
    );
    let python = format!(
        "{}\nprint(mint('secret', max_size=5, types=['text/*'], uses=2))",
        documented("python")
    );
    let (script, module) = (dir.path().join("mint.py"), dir.path().join("mint.mjs"));
    std::fs::write(&script, python).unwrap();
    std::fs::write(&module, js).unwrap();
    let in_process = InProcess::of(&[("shop", signing())]);
    for (program, script) in [("node", &module), ("python3", &script)] {
        let output = Command::new(program).arg(script).output().unwrap();
        let jwt = String::from_utf8(output.stdout).unwrap();
        let send = |content: &[u8]| code(&in_process.base(&with(jwt.trim()).file("file", "a", content)));
        assert_eq!(
            send(b"small"),
            "accepted",
            "{program}: {jwt}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(send(b"too large"), "FileSizeLimitExceededError", "{program}");
        assert_eq!(send(TINY_PNG), "FileSizeLimitExceededError", "{program}");
        assert_eq!(send(b"once"), "accepted", "{program}");
        assert_eq!(send(b"more"), "SignatureExpirationError", "{program}");
    }
}

#[test]
fn the_official_javascript_client_carries_a_token_on_every_way_in() {
    let variables = [
        ("INTAKE_PROJECTS__3__PUBLIC_KEY", "shop"),
        ("INTAKE_PROJECTS__3__SIGNED_UPLOADS", "true"),
        ("INTAKE_PROJECTS__3__SECRETS__0__NAME", "one"),
        ("INTAKE_PROJECTS__3__SECRETS__0__SECRET", "secret"),
    ];
    let server = crate::support::Server::start_with("", &variables);
    let jwt = token(
        "secret",
        "t",
        json!({"uses": 2, "max_size": 13 << 20, "metadata": {"order": "4711"}}),
    );
    let path = crate::parts::file_of(server.dir.path(), 12 << 20);
    for scenario in ["base-and-info", "in-parts"] {
        let options = json!({"publicKey": "shop", "path": path, "secureSignature": jwt, "store": true});
        let done = crate::clients::js(scenario, &server, options);
        assert_eq!(done["info"]["metadata"]["order"], "4711", "{done}");
    }
    let options = json!({"publicKey": "shop", "path": path, "secureSignature": jwt});
    let refused = crate::clients::js("refused", &server, options);
    assert_eq!(refused["code"], "SignatureExpirationError", "{refused}");
}
