//! Access tokens: a JWT in the `Authorization` header authorizes what its claims say, as the vendor's clients send it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::in_process::{
    InProcess, PART, code, file_first, form, jwt, seconds_from_now, signed, signing, starting, token,
};
use crate::support::{self, Answer, Form};

/// An access token, made now and valid for ten minutes, unless the claims say otherwise.
pub fn bearer(secret: &str, claims: Value) -> String {
    with_key(&Sha256::digest(secret), claims)
}

fn with_key(key: &[u8], claims: Value) -> String {
    let now = seconds_from_now(0);
    let mut all = json!({"iat": now, "exp": now + 600});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    all.as_object_mut().unwrap().retain(|_, value| value != "left out");
    jwt(key, json!({"alg": "HS256", "typ": "JWT"}), all)
}

pub fn restricted(restrictions: Value) -> Value {
    json!({"uc": {"restrictions": restrictions}})
}

/// `POST /base/` with one file and these lines of a header.
pub fn base(server: &InProcess, form: &Form, lines: &str) -> Answer {
    let head = form.head("/base/?jsonerrors=1") + lines;
    support::send(&server.address, &head, &form.body())
}

pub fn authorization(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

pub fn upload(server: &InProcess, token: &str) -> Answer {
    base(server, &file_first("shop", "a.txt", b"x"), &authorization(token))
}

pub fn post(server: &InProcess, path: &str, token: &str, body: &str) -> Answer {
    let head = format!("POST {path}?jsonerrors=1 HTTP/1.1\r\n{}", authorization(token));
    server.send(&head, body)
}

/// The status, code and sentence of a refusal.
pub fn refused(answer: &Answer) -> (u64, String, String) {
    let error = &answer.json()["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (
        error["status_code"].as_u64().unwrap_or_default(),
        text("error_code"),
        text("content"),
    )
}

#[test]
fn a_token_lets_in_while_it_holds_and_a_refusal_says_why_it_does_not() {
    let now = seconds_from_now(0);
    let server = InProcess::of(&[("shop", signing())]);
    let invalid = |reason: &str| {
        (
            401,
            "AccessTokenInvalidError",
            format!("Invalid token. Reason: {reason}"),
        )
    };
    let expired = || (401, "AccessTokenExpiredError", "Expired token.".to_owned());
    let accepted = || (0, "", String::new());
    let scope = |items: Value| restricted(json!({"scope": items}));
    let operations = |most: Value| restricted(json!({"limits": {"operations": most}}));
    let cases = [
        (json!({}), accepted()),
        (json!({"iss": "a", "sub": "b", "jti": "c"}), accepted()),
        (json!({"iat": now - 1000, "exp": now - 10}), accepted()),
        (json!({"iat": now - 1000, "exp": now - 60}), expired()),
        (json!({"iat": now + 20}), accepted()),
        (
            json!({"iat": now + 100}),
            invalid("`iat` is in the future; it is in seconds"),
        ),
        (
            json!({"iat": now * 1000, "exp": (now + 60) * 1000}),
            invalid("`iat` is in the future; it is in seconds"),
        ),
        (json!({"exp": "left out"}), invalid("`exp` is required")),
        (json!({"iat": "left out"}), invalid("`iat` is required")),
        (json!({"exp": now - 1}), invalid("`exp` must be after `iat`")),
        (
            json!({"exp": u64::MAX}),
            invalid("`exp` can be at most 24 hours after `iat`"),
        ),
        (json!({"iat": now, "exp": now + 86400}), accepted()),
        (
            json!({"iat": now, "exp": now + 86401}),
            invalid("`exp` can be at most 24 hours after `iat`"),
        ),
        (scope(json!(["/base/"])), accepted()),
        (scope(json!(["/group/", "/*"])), accepted()),
        (
            scope(json!(["*"])),
            invalid("uc.restrictions.scope items must start with `/`"),
        ),
        (
            scope(json!(["/base/", "base"])),
            invalid("uc.restrictions.scope items must start with `/`"),
        ),
        (
            scope(json!([])),
            invalid("uc.restrictions.scope must have 1 to 16 items"),
        ),
        (
            scope(json!(vec!["/base/"; 17])),
            invalid("uc.restrictions.scope must have 1 to 16 items"),
        ),
        (
            scope(json!(["/base*"])),
            invalid("`*` may only stand at the end of a scope item, after a `/`"),
        ),
        (
            scope(json!([format!("/{}", "x".repeat(64))])),
            invalid("uc.restrictions.scope items can have at most 64 characters"),
        ),
        (operations(json!(100_000)), accepted()),
        (
            operations(json!(0)),
            invalid("uc.restrictions.limits.operations must be 1 to 100000"),
        ),
        (
            operations(json!(100_001)),
            invalid("uc.restrictions.limits.operations must be 1 to 100000"),
        ),
    ];
    for (claims, (status, code, says)) in cases {
        let answer = upload(&server, &bearer("secret", claims.clone()));
        assert_eq!(refused(&answer), (status, code.to_owned(), says), "{claims}");
    }
    let twice = format!(r#"{{"iat": {now}, "exp": {now}, "exp": {}}}"#, now + 600);
    let twice = jwt(&Sha256::digest("secret"), json!({"alg": "HS256"}), twice);
    assert_eq!(code(&upload(&server, &twice)), "AccessTokenInvalidError");
    for claims in [
        json!({"uses": 1}),
        json!({"uc": null}),
        json!({"exp": "soon"}),
        restricted(Value::Null),
        restricted(json!({"scopes": ["/group/"]})),
        scope(Value::Null),
        operations(Value::Null),
        operations(json!(1.5)),
    ] {
        let (status, code, says) = refused(&upload(&server, &bearer("secret", claims.clone())));
        assert_eq!((status, &*code), (401, "AccessTokenInvalidError"), "{claims}: {says}");
    }
}

#[test]
fn a_token_that_cannot_be_read_or_was_signed_otherwise_is_refused() {
    let server = InProcess::of(&[("shop", signing())]);
    let good = bearer("secret", json!({}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let head = |head: Value| jwt(&Sha256::digest("secret"), head, json!({}));
    let digest = Sha256::digest("secret");
    let mut other_spelling = signature.to_owned();
    // The last character encodes two more bits than the signature has.
    let last = other_spelling.pop().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    other_spelling.push(alphabet.chars().nth(alphabet.find(last).unwrap() + 1).unwrap());
    for (token, reason) in [
        (with_key(b"secret", json!({})), "signature does not match"),
        (
            with_key(hex::encode(digest).as_bytes(), json!({})),
            "signature does not match",
        ),
        (bearer("another", json!({})), "signature does not match"),
        (bearer("", json!({})), "signature does not match"),
        (token("secret", "a", json!({})), "signature does not match"),
        (format!("{signed}."), "signature does not match"),
        (format!("{signed}.{other_spelling}"), "unreadable or not a JWT"),
        (format!("{signed}.{signature}="), "unreadable or not a JWT"),
        ("not-a-jwt".to_owned(), "unreadable or not a JWT"),
        ("..".to_owned(), "unreadable or not a JWT"),
        (format!("{good}.x"), "unreadable or not a JWT"),
        (head(json!({"alg": "none"})), "`alg` must be HS256"),
        (head(json!({"alg": "HS512"})), "`alg` must be HS256"),
        (head(json!({"alg": "HS256", "crit": ["exp"]})), "`alg` must be HS256"),
        (head(json!({"typ": "JWT"})), "unreadable or not a JWT"),
        (
            bearer("secret", json!({"iss": "x".repeat(8192)})),
            "it has more than 8192 characters",
        ),
    ] {
        let says = format!("Invalid token. Reason: {reason}");
        let expected = (401, "AccessTokenInvalidError".to_owned(), says);
        assert_eq!(refused(&upload(&server, &token)), expected, "{token}");
    }
    for lines in [
        "Basic x",
        "Bearer",
        "Bearer ",
        &good,
        &format!("Token {good}"),
        "Bearer a\r\nAuthorization: Bearer b",
    ] {
        let answer = base(
            &server,
            &file_first("shop", "a", b"x"),
            &format!("Authorization: {lines}\r\n"),
        );
        let says = "Invalid Authorization header format.".to_owned();
        assert_eq!(
            refused(&answer),
            (401, "AccessTokenInvalidError".to_owned(), says),
            "{lines}"
        );
    }
    let lower = base(
        &server,
        &file_first("shop", "a", b"x"),
        &format!("authorization: bearer  {good}\r\n"),
    );
    assert_eq!(code(&lower), "accepted");
    let empty = base(&server, &file_first("shop", "a", b"x"), "Authorization:\r\n");
    assert_eq!(code(&empty), "SignatureRequiredError");
    assert_eq!(server.store.keys().len(), 1, "bytes of a refused request stay");
}

#[test]
fn a_refusal_as_text_has_the_status_and_the_challenge_that_goes_with_it() {
    let server = InProcess::of(&[("shop", signing())]);
    let form = file_first("shop", "a", b"x");
    let head = form.head("/base/") + &authorization("not-a-jwt");
    let answer = support::send(&server.address, &head, &form.body());
    assert_eq!(
        (answer.status, &*answer.text()),
        (401, "Invalid token. Reason: unreadable or not a JWT")
    );
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Bearer error=\"invalid_token\"")
    );
}

#[test]
fn a_scope_decides_for_every_endpoint_that_brings_something() {
    let server = InProcess::of(&[("shop", signing())]);
    let file = upload(&server, &bearer("secret", json!({}))).json()["file"].clone();
    let group = format!("pub_key=shop&files[]={}", file.as_str().unwrap());
    let begun = server.begin("shop", &signed("secret"));
    let complete = format!("UPLOADCARE_PUB_KEY=shop&uuid={}", begun.uuid);
    let ask = |path: &str, scope: &str| {
        let token = bearer("secret", restricted(json!({"scope": [scope]})));
        refused(&match path {
            "/base/" => upload(&server, &token),
            "/multipart/start/" => post(&server, path, &token, &starting("shop", "")),
            "/multipart/complete/" => post(&server, path, &token, &complete),
            "/from_url/" => post(&server, path, &token, "pub_key=shop&source_url=x"),
            _ => post(&server, path, &token, &group),
        })
    };
    let paths = [
        "/base/",
        "/multipart/start/",
        "/multipart/complete/",
        "/from_url/",
        "/group/",
    ];
    let forbidden = "`uc.restrictions.scope` does not allow this endpoint.";
    let forbidden = (403, "ScopeForbiddenError".to_owned(), forbidden.to_owned());
    for path in paths {
        for scope in [
            "/*",
            path,
            "/base",
            "/multipart/*",
            "/derivative/image/edit/",
            "/multipart/start/",
        ] {
            let allows = scope == "/*" || scope == path || (scope == "/multipart/*" && path.starts_with("/multipart/"));
            assert_eq!(ask(path, scope) != forbidden, allows, "{scope} at {path}");
        }
    }
}

#[test]
fn the_header_counts_only_where_uploads_have_to_be_signed_and_no_signature_comes() {
    let server = InProcess::of(&[("shop", signing()), ("open", json!({}))]);
    let wrong = authorization("not-a-jwt");
    let open = base(&server, &form("open").file("file", "a", b"x"), &wrong);
    assert_eq!(code(&open), "accepted");
    let expire = seconds_from_now(60).to_string();
    let by_signature = |signature: &str| {
        let form = file_first("shop", "a", b"x").field("signature", signature);
        code(&base(&server, &form.field("expire", &expire), &wrong))
    };
    let good = signed("secret");
    let (good, until) = good.split_once("&expire=").unwrap();
    let form = file_first("shop", "a", b"x").field("signature", good.trim_start_matches("&signature="));
    assert_eq!(code(&base(&server, &form.field("expire", until), &wrong)), "accepted");
    assert_eq!(by_signature("00"), "SignatureInvalidError");
    let policy = token("secret", "t", json!({}));
    let form = file_first("shop", "a", b"x").field("signature", &policy);
    assert_eq!(code(&base(&server, &form, &wrong)), "accepted");
    // The key may come before the file, and the token after it.
    let form = crate::in_process::form("shop")
        .file("file", "a", b"x")
        .field("signature", "00");
    let answer = base(
        &server,
        &form.field("expire", &expire),
        &authorization(&bearer("secret", json!({}))),
    );
    assert_eq!(code(&answer), "SignatureInvalidError");
    let expire_alone = file_first("shop", "a", b"x").field("expire", &expire);
    assert_eq!(
        code(&base(
            &server,
            &expire_alone,
            &authorization(&bearer("secret", json!({})))
        )),
        "accepted"
    );
    assert_eq!(code(&base(&server, &expire_alone, "")), "SignatureRequiredError");
    for path in [
        "/info/?pub_key=shop&file_id=x",
        "/from_url/status/?token=x",
        "/group/info/?pub_key=shop&group_id=x",
    ] {
        let answer = server.send(&format!("GET {path}&jsonerrors=1 HTTP/1.1\r\n{wrong}"), "");
        assert!(!code(&answer).contains("Token"), "{path}: {}", answer.text());
    }
}

#[test]
fn an_upload_in_parts_is_completed_without_the_header_and_a_header_that_comes_is_checked() {
    let server = InProcess::of(&[("shop", signing())]);
    let now = seconds_from_now(0);
    let token = bearer("secret", restricted(json!({"limits": {"operations": 1}})));
    let begun = post(&server, "/multipart/start/", &token, &starting("shop", "")).json();
    let begun = support::Begun::of(&begun);
    for part in &begun.parts {
        let head = format!("PUT {part} HTTP/1.1\r\n{}", authorization("not-a-jwt"));
        assert_eq!(
            support::send(&server.address, &head, &[b'x'; PART]).status,
            200,
            "a part's address lets it in"
        );
    }
    let body = format!("UPLOADCARE_PUB_KEY=shop&uuid={}", begun.uuid);
    let complete = |token: &str| code(&post(&server, "/multipart/complete/", token, &body));
    let late = bearer("secret", json!({"iat": now - 900, "exp": now - 300}));
    assert_eq!(complete(&late), "AccessTokenExpiredError");
    // The operation is counted at the start.
    assert_eq!(complete(&token), "accepted");
    assert_eq!(code(&server.complete("shop", &begun.uuid)), "accepted");
}

#[test]
fn a_policy_token_is_no_access_token_even_where_the_secret_makes_the_same_key() {
    // HMAC takes the digest of a key that is longer than 64 bytes, so such a secret has one key for both.
    let long = "s".repeat(65);
    let project = json!({"signed_uploads": true, "secrets": [{"name": "one", "secret": long}]});
    let server = InProcess::of(&[("shop", project)]);
    let now = seconds_from_now(0);
    let policy = token(&long, "t", json!({"iat": now, "exp": now + 600}));
    assert_eq!(code(&upload(&server, &policy)), "AccessTokenInvalidError");
    assert_eq!(code(&upload(&server, &bearer(&long, json!({})))), "accepted");
    let limited = restricted(json!({"limits": {"operations": 1}}));
    let access = bearer(&long, json!({"jti": "t", "uc": limited["uc"]}));
    assert_eq!(code(&upload(&server, &access)), "accepted");
    let as_signature =
        |token: &str| code(&server.base(&form("shop").field("signature", token).file("file", "a", b"x")));
    assert_eq!(as_signature(&access), "UploadFailedError");
    // The id of a policy token that would share the account of an access token.
    let id = format!("sha256:{}", URL_SAFE_NO_PAD.encode("x"));
    assert_eq!(as_signature(&token(&long, &id, json!({}))), "UploadFailedError");
    assert_eq!(as_signature(&policy), "accepted");
}
