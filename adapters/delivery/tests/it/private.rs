//! Private projects: only who shows a token sees their files, and no cache keeps them.

use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit as _, Mac as _};
use intake_core::project::{Access, ProjectSecret, ProjectStatus};
use intake_core::{Member, Project, Secret};
use sha2::Sha256;

use crate::support::{Host, PROJECT, address};

const FIRST: &str = "73636b61736f6b6f";
const SECOND: &str = "00112233445566778899aabbccddeeff";

fn private() -> Project {
    Project::new(PROJECT).with(|project| {
        project.delivery = Access::Signed;
        let secret = |value: &str| ProjectSecret::new(value, Secret::new(value));
        project.delivery_secrets = vec![secret(FIRST), secret(SECOND)];
    })
}

/// A token for these paths, as libraries make them.
fn token(secret: &str, acl: &str, end: SystemTime) -> String {
    let end = end.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let message = format!("exp={end}~acl={acl}");
    let mac = Hmac::<Sha256>::new_from_slice(&hex::decode(secret).unwrap()).unwrap();
    let mac = hex::encode(mac.chain_update(&message).finalize().into_bytes());
    format!("token={message}~hmac={mac}")
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_private_file_opens_with_a_token_of_each_secret_until_its_end() {
    let host = Host::of_project(private());
    let record = host.upload("x.txt", "private words").await;
    let (other, path) = (host.upload("y", "other").await, address(record.id));
    let end = host.clock.now() + MINUTE;
    let status = async |path: &str, token: &str| host.get(&format!("{path}?{token}")).await.status;
    for secret in [FIRST, SECOND] {
        let answer = host.get(&format!("{path}?{}", token(secret, &path, end))).await;
        assert_eq!((answer.status, answer.text()), (200, "private words"));
        assert_eq!(answer.header("cache-control"), "private, no-store");
        assert_eq!(status(&address(other.id), &token(secret, &path, end)).await, 403);
        assert_eq!(status(&path, &token(secret, &format!("{path}*"), end)).await, 200);
        assert_eq!(status(&format!("{path}x.txt"), &token(secret, &path, end)).await, 403);
    }
    assert_eq!(status(&path, &token("aabbccddeeff0011", &path, end)).await, 403);
    let held = token(FIRST, &path, end);
    host.clock.advance(2 * MINUTE);
    let late = host.get(&format!("{path}?{held}")).await;
    assert_eq!(
        (late.status, late.text()),
        (403, "The token in this address has expired.\n")
    );
    assert_eq!(late.header("cache-control"), "no-store");
}

#[tokio::test]
async fn nothing_of_a_private_file_is_said_without_a_token() {
    let host = Host::of_project(private());
    let record = host.upload("x.txt", "private words").await;
    let tag = format!("\"{}\"", record.facts.as_ref().unwrap().digest);
    let path = address(record.id);
    for headers in [
        &[][..],
        &[("if-none-match", tag.as_str())],
        &[("range", "bytes=99-")],
        &[("if-match", "\"x\"")],
    ] {
        for method in ["GET", "HEAD"] {
            let answer = host.ask(method, &path, headers).await;
            assert_eq!(answer.status, 403, "{headers:?}");
            for name in [
                "etag",
                "last-modified",
                "content-disposition",
                "content-range",
                "repr-digest",
            ] {
                assert_eq!(answer.header(name), "", "{name}");
            }
        }
    }
    // Operations are not even looked at.
    assert_eq!(host.get(&format!("{path}-/resize/1x/")).await.status, 403);
    let operation = format!("{path}-/resize/1x/");
    let token = token(FIRST, &operation, host.clock.now() + MINUTE);
    assert_eq!(host.get(&format!("{operation}?{token}")).await.status, 400);
}

#[tokio::test]
async fn a_private_answer_is_kept_by_no_cache_also_if_it_is_a_part_or_unchanged() {
    let host = Host::of_project(private());
    let path = address(host.upload("x.txt", "private words").await.id);
    let asked = format!("{path}?{}", token(FIRST, &path, host.clock.now() + MINUTE));
    for (name, value, status) in [
        ("range", "bytes=0-1", 206),
        ("if-none-match", "*", 304),
        ("range", "x", 200),
    ] {
        let answer = host.ask("GET", &asked, &[(name, value)]).await;
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (status, "private, no-store")
        );
    }
}

#[tokio::test]
async fn groups_of_a_private_project_are_private() {
    let host = Host::of_project(private());
    let record = host.upload("x.txt", "private words").await;
    let group = host
        .pipeline
        .group(PROJECT, vec![Member::new(record.id)])
        .await
        .unwrap();
    let end = host.clock.now() + MINUTE;
    let of_group = token(FIRST, &format!("/{}%7e1/*", group.id), end);
    let of_file = token(FIRST, &format!("/{}/*", record.id), end);
    for (path, status) in [
        ("", 404),
        ("nth/0/", 200),
        ("archive/zip/", 200),
        ("archive/tar/a.tar", 200),
    ] {
        let path = format!("/{}~1/{path}", group.id);
        assert_eq!(host.get(&path).await.status, 403, "{path}");
        assert_eq!(host.get(&format!("{path}?{of_file}")).await.status, 403, "{path}");
        let answer = host.get(&format!("{path}?{of_group}")).await;
        assert_eq!(answer.status, status, "{path}");
        let control = if status == 200 { "private, no-store" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), control, "{path}");
    }
}

#[tokio::test]
async fn a_public_project_needs_no_token_and_is_cached_with_one_too() {
    let host = Host::of_project(Project::new(PROJECT));
    let path = address(host.upload("x.txt", "words").await.id);
    for query in ["", "?token=x", "?v=2"] {
        let answer = host.get(&format!("{path}{query}")).await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("cache-control").starts_with("public"));
    }
}

#[tokio::test]
async fn files_of_a_project_that_was_removed_are_gone() {
    let host = Host::of_project(Project::new(PROJECT));
    let path = address(host.upload("x.txt", "words").await.id);
    for project in [
        Project::new("another"),
        Project::new(PROJECT).with(|project| project.status = ProjectStatus::Removed),
    ] {
        // The same records and files, and another configuration.
        let other = Host::sharing(&host, project);
        assert_eq!(host.get(&path).await.status, 200);
        assert_eq!(other.get(&path).await.status, 404);
    }
}

#[test]
fn a_project_cannot_be_private_without_a_secret_of_hexadecimal_digits() {
    let read = |settings: serde_json::Value| {
        let serde_json::Value::Object(table) = settings else {
            panic!()
        };
        Project::from_settings(intake_core::Settings::new(table)).map_err(|errors| errors.to_string())
    };
    let with = |secrets: serde_json::Value| {
        read(serde_json::json!({"public_key": "x", "delivery": "signed", "delivery_secrets": secrets}))
    };
    assert!(with(serde_json::json!([])).unwrap_err().contains("delivery_secrets"));
    for secret in ["", "no hex", "abc", "00112233445566", "0011223344556677z"] {
        let error = with(serde_json::json!([{"name": "a", "secret": secret}])).unwrap_err();
        assert!(
            error.contains("hexadecimal") && (secret.is_empty() || !error.contains(secret)),
            "{error}"
        );
    }
    assert!(with(serde_json::json!([{"name": "a", "secret": FIRST}])).is_ok());
    let twice = serde_json::json!([{"name": "a", "secret": FIRST}, {"name": "a", "secret": SECOND}]);
    assert!(with(twice).is_err());
}
