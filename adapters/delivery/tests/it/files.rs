//! Which files can be read, under which names and headers, and by whom.

use std::time::Duration;

use axum::Router;
use intake_core::{
    Bytes, Code, Coverage, Declared, Fault, Head, Incoming, Limits, OnInfected, Rejection, Report, Retention, Scan,
    ScanPolicy, Scanner, UploadId, UploadOptions, Verdict, async_trait,
};
use intake_delivery::Settings;

use crate::support::{Host, address, sample};

const SAFE: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

#[tokio::test]
async fn a_browser_shows_only_what_runs_nothing() {
    let host = Host::new();
    for (kind, content_type, shown) in [
        ("png", "image/png", true),
        ("pdf", "application/pdf", true),
        ("mp4", "video/mp4", true),
        ("text", "text/plain", true),
        ("html", "text/html", false),
        ("svg", "image/svg+xml", false),
        ("zip", "application/zip", false),
    ] {
        // The name is the sender's word, and decides nothing.
        let record = host.upload("x.png", sample(kind)).await;
        for (wish, inline) in [
            ("", shown),
            ("-/inline/yes/", shown),
            ("-/inline/", shown),
            ("-/inline/no/", false),
        ] {
            let answer = host.get(&format!("{}{wish}", address(record.id))).await;
            let disposition = if inline { "inline" } else { "attachment" };
            let expected = format!("{disposition}; filename=\"x.png\"");
            assert_eq!(answer.header("content-disposition"), expected, "{kind} {wish}");
            assert_eq!(answer.header("content-type"), content_type);
            assert_eq!(answer.body, sample(kind));
        }
    }
}

#[tokio::test]
async fn an_operator_may_have_more_types_shown_and_they_stay_in_a_sandbox() {
    let settings = Settings::default().with(|settings| settings.inline_types = vec!["image/svg+xml".parse().unwrap()]);
    let host = Host::with(|builder| builder, settings);
    let record = host.upload("x.svg", sample("svg")).await;
    let answer = host.get(&address(record.id)).await;
    assert_eq!(answer.header("content-disposition"), "inline; filename=\"x.svg\"");
    assert_eq!(answer.header("content-security-policy"), SAFE);
}

#[tokio::test]
async fn players_and_readers_of_browsers_get_a_policy_that_they_work_with() {
    let host = Host::new();
    for (kind, policy) in [
        ("png", SAFE),
        (
            "pdf",
            "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; img-src data:",
        ),
        (
            "mp4",
            "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; img-src data:; sandbox",
        ),
    ] {
        let record = host.upload("x", sample(kind)).await;
        let answer = host.get(&address(record.id)).await;
        assert_eq!(answer.header("content-security-policy"), policy);
        let again = host.ask("GET", &address(record.id), &[("if-none-match", "*")]).await;
        assert_eq!((again.status, again.header("content-security-policy")), (304, policy));
    }
}

#[tokio::test]
async fn the_digest_of_the_whole_file_comes_with_each_part_of_it() {
    let host = Host::new();
    let record = host.upload("x", "abc").await;
    let digest = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
    for range in ["bytes=0-0", "bytes=0-0,2-2", "none"] {
        let answer = host.ask("GET", &address(record.id), &[("range", range)]).await;
        assert_eq!(answer.header("repr-digest"), digest, "{range}");
    }
    let tag = format!("\"{}\"", record.facts.unwrap().digest);
    assert_eq!(host.get(&address(record.id)).await.header("etag"), tag);
}

#[tokio::test]
async fn a_file_is_saved_under_the_name_in_its_address_or_else_under_its_own() {
    let host = Host::new();
    let record = host.upload("own größe.txt", "text").await;
    let own = "inline; filename=\"own gr__e.txt\"; filename*=UTF-8''own%20gr%C3%B6%C3%9Fe.txt";
    for (path, expected) in [
        ("", own),
        ("other.txt", "inline; filename=\"other.txt\""),
        ("-/inline/no/a%20b.txt", "attachment; filename=\"a b.txt\""),
        (
            "a%22b%0d%0aSet-Cookie:c.txt",
            "inline; filename=\"a_b__Set-Cookie_c.txt\"; filename*=UTF-8''a%22b%EF%BF%BD%EF%BF%BDSet-Cookie%3Ac.txt",
        ),
        ("%E2%80%AEtxt.exe", "inline; filename=\"txt.exe\""),
        ("%FF.txt", "inline; filename=\"_.txt\"; filename*=UTF-8''%C3%BF.txt"),
        ("..", own),
        ("%2e%2e", own),
        ("%20", own),
    ] {
        let answer = host.get(&format!("{}{path}", address(record.id))).await;
        assert_eq!(
            (answer.status, answer.header("content-disposition")),
            (200, expected),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_names_no_file_is_not_found() {
    let host = Host::new();
    let id = host.upload("x", "abc").await.id;
    let upper = id.to_string().to_uppercase();
    let other = UploadId::random();
    for path in [
        "/".to_owned(),
        "//".to_owned(),
        format!("/{other}/"),
        format!("/{upper}/"),
        format!("//{id}/"),
        format!("/{id}x/"),
        format!("/{id}//"),
        format!("/{id}/a/b"),
        format!("/{id}~/"),
        format!("/{id}~1/"),
        format!("/{id}~1/nth/0/"),
        format!("/{id}~1/archive/zip/"),
        format!("/{id}%00/"),
        format!("/x/../{id}/"),
        format!("/..%2f{id}/"),
        format!("/{id}/%2e%2e/%2e%2e/etc/passwd"),
        format!("/{id}/{}", "x".repeat(5000)),
        "/etc/passwd".to_owned(),
        "/%c0%ae%c0%ae/".to_owned(),
        "/base/".to_owned(),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = host.ask(method, &path, &[]).await;
            assert_eq!(
                (answer.status, answer.header("cache-control")),
                (404, "no-store"),
                "{path}"
            );
            assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
            assert_eq!(answer.header("content-security-policy"), SAFE);
        }
    }
    let answer = host.get(&format!("/{other}/")).await;
    assert_eq!(answer.text(), "There is no file at this address.\n");
}

#[tokio::test]
async fn a_file_that_is_deleted_trashed_or_expired_is_gone_at_once() {
    let trash = |limits: Limits| limits.with(|limits| limits.trash = Duration::from_secs(3600));
    for keeps in [false, true] {
        let host = Host::with(
            |builder| {
                builder.limits(if keeps {
                    trash(Limits::default())
                } else {
                    Limits::default()
                })
            },
            Settings::default(),
        );
        let record = host.upload("x", "abc").await;
        let tag = format!("\"{}\"", record.facts.unwrap().digest);
        assert_eq!(host.get(&address(record.id)).await.status, 200);
        host.pipeline.delete(record.id).await.unwrap();
        let asked = [&[][..], &[("if-none-match", tag.as_str())], &[("range", "bytes=0-0")]];
        for headers in asked {
            assert_eq!(
                host.ask("GET", &address(record.id), headers).await.status,
                404,
                "{headers:?}"
            );
        }
        if keeps {
            host.pipeline.restore(record.id).await.unwrap();
            assert_eq!(host.get(&address(record.id)).await.status, 200);
        }
    }
}

#[tokio::test]
async fn the_bytes_of_a_record_end_with_its_time_also_for_who_has_looked_it_up() {
    let project = intake_core::Project::new(crate::support::PROJECT)
        .with(|project| project.keep_stored = Some(Duration::from_secs(90)));
    let host = Host::of_project(project);
    let id = host.upload("x", "abc").await.id;
    let record = host.pipeline.keep(id, Retention::Keep).await.unwrap();
    let part = host.pipeline.read_of(&record, Some(1..2)).await.unwrap();
    assert_eq!(intake_core::testkit::collect(part).await, "b");
    host.clock.advance(Duration::from_secs(90));
    let late = host.pipeline.read_of(&record, None).await;
    assert!(matches!(late, Err(intake_core::Error::NotFound(_))));
}

/// Refuses everything.
#[derive(Debug)]
struct NoToAll;

#[async_trait]
impl Scanner for NoToAll {
    async fn open(&self, _head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        Ok(Box::new(Self))
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[async_trait]
impl Scan for NoToAll {
    async fn feed(&mut self, _chunk: &Bytes) -> Result<Verdict, Fault> {
        Ok(Verdict::Accept)
    }

    async fn finish(self: Box<Self>) -> Result<Report, Fault> {
        let refusal = Rejection::new(Code::new("no"), "no");
        Ok(Report::new(Verdict::Reject(refusal), Coverage::Whole))
    }
}

#[tokio::test]
async fn a_file_in_quarantine_is_not_given_out_until_it_is_released() {
    let policy = ScanPolicy::default().with(|policy| policy.on_infected = OnInfected::Quarantine);
    let host = Host::with(
        |builder| builder.scanner_with(policy, "no", NoToAll),
        Settings::default(),
    );
    let mut options = UploadOptions::default();
    options.project = Some(crate::support::PROJECT.to_owned());
    let incoming = Incoming::from_bytes(Declared::named("x.txt"), "words");
    assert!(host.pipeline.ingest(incoming, options).await.is_err());
    let kept = host.pipeline.quarantined(None, 10).await.unwrap();
    let path = address(kept.first().unwrap().id);
    assert_eq!(host.get(&path).await.status, 404);
    host.pipeline.release(kept[0].id, "a test").await.unwrap();
    assert_eq!(host.get(&path).await.text(), "words");
}

#[tokio::test]
async fn a_file_that_expires_is_in_no_cache_beyond_its_time() {
    let project = intake_core::Project::new(crate::support::PROJECT)
        .with(|project| project.keep_stored = Some(Duration::from_secs(90)));
    let host = Host::of_project(project);
    let record = host.upload("x", "abc").await;
    host.pipeline.keep(record.id, Retention::Keep).await.unwrap();
    host.clock.advance(Duration::from_secs(30));
    let answer = host.get(&address(record.id)).await;
    assert_eq!(answer.header("cache-control"), "public, max-age=60, must-revalidate");
    host.clock.advance(Duration::from_secs(60));
    assert_eq!(host.get(&address(record.id)).await.status, 404);
}

#[tokio::test]
async fn an_operation_is_refused_with_its_name() {
    let host = Host::new();
    let id = host.upload("x.png", sample("png")).await.id;
    for (path, name) in [
        ("-/smart_resize/640x480/", "smart_resize"),
        ("-/inline/no/-/resize/1x/-/eat/10/cat.png", "eat"),
        ("-/resize/wide/", "resize"),
        ("-/inline/maybe/", "inline"),
        ("gif2video/-/format/mp4/", "gif2video"),
    ] {
        let answer = host.get(&format!("/{id}/{path}")).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.text().contains(name), "{path}: {}", answer.text());
    }
    let notes = format!("/{id}/-/@clib/blinkloader/2.0/uc-img/-/inline/yes/");
    assert_eq!(host.get(&notes).await.status, 200);
    // Whether there is a file comes first.
    assert_eq!(
        host.get(&format!("/{}/-/resize/1x/", UploadId::random())).await.status,
        404
    );
}

#[tokio::test]
async fn pages_of_other_origins_may_read_files_as_far_as_an_operator_allows() {
    for (allowed, expected) in [("*", "*"), ("https://example.com", "https://example.com"), ("none", "")] {
        let settings = Settings::default().with(|settings| settings.allow_origin = allowed.to_owned());
        let host = Host::with(|builder| builder, settings);
        let id = host.upload("x", "abc").await.id;
        for (method, path) in [
            ("GET", address(id)),
            ("GET", "/x/".to_owned()),
            ("OPTIONS", address(id)),
        ] {
            let answer = host.ask(method, &path, &[("origin", "https://other.example")]).await;
            assert_eq!(
                answer.header("access-control-allow-origin"),
                expected,
                "{method} {path}"
            );
            let exposed = answer.header("access-control-expose-headers");
            assert_eq!(exposed.contains("Content-Range"), !expected.is_empty());
        }
        let preflight = host
            .ask("OPTIONS", &address(id), &[("access-control-request-headers", "range")])
            .await;
        let headers = preflight.header("access-control-allow-headers");
        assert_eq!(
            (preflight.status, headers.contains("Range")),
            (204, !expected.is_empty())
        );
    }
}

#[tokio::test]
async fn an_address_has_no_more_requests_under_way_than_its_share() {
    let settings = Settings::default().with(|settings| {
        settings.max_concurrent_requests = 2;
        settings.max_concurrent_requests_per_ip = Some(1);
        settings.queue_timeout = Duration::ZERO;
    });
    let host = Host::with(|builder| builder, settings);
    let id = host.upload("x", "abc").await.id;
    let peer = |address: &str| intake_core::PeerAddress(address.parse().unwrap());
    let router = |address: &str| host.router.clone().layer(axum::Extension(peer(address)));
    let ask = async |router: Router| {
        use tower::ServiceExt as _;
        let request = axum::http::Request::builder().uri(address(id));
        router
            .oneshot(request.body(axum::body::Body::empty()).unwrap())
            .await
            .unwrap()
    };
    let first = ask(router("192.0.2.1")).await;
    let second = ask(router("192.0.2.1")).await;
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 429));
    assert!(second.headers().contains_key("retry-after"));
    let other = ask(router("192.0.2.2")).await;
    assert_eq!(
        (
            other.status().as_u16(),
            ask(router("192.0.2.3")).await.status().as_u16()
        ),
        (200, 429)
    );
    // An answer that is not read any more gives its place away.
    drop(first);
    assert_eq!(ask(router("192.0.2.1")).await.status().as_u16(), 200);
}

#[tokio::test]
async fn other_paths_of_a_host_belong_to_the_other_service() {
    let host = Host::new();
    let id = host.upload("x", "abc").await.id;
    let other = Router::new().fallback(|| async { "other" });
    let router = intake_delivery::beside(other, host.pipeline.clone(), Settings::default()).unwrap();
    let host = Host { router, ..host };
    for (path, body) in [
        (address(id), "abc"),
        ("/base/".to_owned(), "other"),
        ("/".to_owned(), "other"),
    ] {
        assert_eq!(host.get(&path).await.text(), body, "{path}");
    }
    assert_eq!(host.get(&address(UploadId::random())).await.status, 404);
}
