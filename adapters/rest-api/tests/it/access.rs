//! Who is let in, and what the others are told.

use axum::body::Body;
use axum::http::Request;
use intake_core::Retention;
use intake_core::project::ProjectStatus;
use intake_rest_api::PeerAddress;

use crate::house::{House, project, settings};

const V7: &str = "application/vnd.uploadcare-v0.7+json";

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_in_the_order_of_the_service() {
    let removed = project("gone").with(|project| project.status = ProjectStatus::Removed);
    let open = intake_core::Project::new("open");
    let house = House::with(settings(), [project("demo"), removed, open]);
    let simple = "Uploadcare.Simple demo:demosecret";
    for (method, path, authorization, accept, status, detail) in [
        ("GET", "/nothing/", "", "text/html", 404, "Not found."),
        (
            "GET",
            "/files/",
            "",
            "text/html",
            406,
            "Incorrect Accept header provided. Make sure to specify API version. Refer to REST API docs for details.",
        ),
        ("GET", "/files/", "", V7, 401, "Incorrect authentication credentials."),
        (
            "GET",
            "/files/",
            "Bearer x",
            V7,
            401,
            "Incorrect authentication credentials.",
        ),
        (
            "GET",
            "/files/",
            "Uploadcare.Simple no:x",
            V7,
            401,
            "Public key no not found.",
        ),
        (
            "GET",
            "/files/",
            "Uploadcare.Simple gone:gonesecret",
            V7,
            401,
            "Public key gone not found.",
        ),
        (
            "GET",
            "/files/",
            "Uploadcare.Simple demo:x",
            V7,
            401,
            "Secret key not found.",
        ),
        (
            "GET",
            "/files/",
            "Uploadcare.Simple open:",
            V7,
            401,
            "Secret key not found.",
        ),
        (
            "GET",
            "/files/",
            "Uploadcare demo:00",
            V7,
            401,
            "The date of the request is missing, unreadable, or too far from the time of this server.",
        ),
        ("PATCH", "/files/", simple, V7, 405, "Method \"PATCH\" not allowed."),
        ("GET", "/files/nobody/", simple, V7, 404, "Not found."),
        ("GET", "/files/", simple, "*/*", 200, ""),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", authorization)
            .header("accept", accept);
        let answer = house.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{method} {path} {authorization}: {answer:?}"
        );
        if status != 200 {
            assert_eq!(answer.detail(), detail, "{method} {path} {authorization}");
        }
        let kind = if accept == V7 { V7 } else { "application/json" };
        assert_eq!(answer.headers["content-type"], kind);
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
        let allowed = answer.headers.get("allow").map(|allowed| allowed.to_str().unwrap());
        assert_eq!(allowed, (status == 405).then_some("GET, HEAD, POST"));
    }
}

#[tokio::test]
async fn a_secret_is_taken_over_tls_alone_unless_a_setting_says_otherwise() {
    let strict = settings().with(|settings| {
        settings.allow_simple_over_http = false;
        settings.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    });
    let house = House::with(strict, [project("demo")]);
    for (peer, protocol, status) in [
        ("192.0.2.1", "https", 400),
        ("10.0.0.1", "http", 400),
        ("10.0.0.1", "https", 200),
    ] {
        let mut request = Request::builder()
            .uri("/project/")
            .header("authorization", "Uploadcare.Simple demo:demosecret")
            .header("x-forwarded-proto", protocol)
            .body(Body::empty())
            .unwrap();
        request.extensions_mut().insert(PeerAddress(peer.parse().unwrap()));
        let answer = house.send(request).await;
        assert_eq!(answer.status.as_u16(), status, "{peer}, {protocol}");
        if status == 400 {
            let forbidden =
                "Simple authentication over HTTP is forbidden. Please, use HTTPS or signed requests instead.";
            assert_eq!(answer.detail(), forbidden);
        }
    }
}

#[tokio::test]
async fn files_and_groups_of_another_project_are_not_found() {
    let house = House::new();
    let id = house.take("other", "secret.txt", Retention::Keep).await;
    let member = intake_core::Member::new(id);
    let group = house.pipeline.group("other", vec![member]).await.unwrap();
    let file = format!("/files/{id}/");
    let group = format!("/groups/{}~1/", group.id);
    let batch = format!("[\"{id}\"]");
    let source = format!("{{\"source\":\"{id}\"}}");
    for (method, path, body) in [
        ("GET", file.clone(), ""),
        ("PUT", format!("{file}storage/"), ""),
        ("DELETE", format!("{file}storage/"), ""),
        ("GET", format!("{file}metadata/"), ""),
        ("PUT", format!("{file}metadata/a/"), "\"b\""),
        ("DELETE", format!("{file}metadata/a/"), ""),
        ("GET", format!("{file}tags/"), ""),
        ("PUT", format!("{file}tags/"), "{\"tags\":[]}"),
        ("POST", "/files/local_copy/".to_owned(), &*source),
        ("GET", group.clone(), ""),
        ("DELETE", group.clone(), ""),
    ] {
        let answer = house.ask(method, &path, body).await;
        assert_eq!(
            (answer.status.as_u16(), &*answer.detail()),
            (404, "Not found."),
            "{method} {path}"
        );
    }
    let answer = house.ask("DELETE", "/files/storage/", &batch).await.json();
    assert_eq!(answer["problems"][id.to_string()], "Missing in the project");
    for path in ["/files/", "/groups/"] {
        assert_eq!(house.get(path).await["results"], serde_json::json!([]), "{path}");
    }
    assert!(house.pipeline.get(id).await.is_ok());
    let theirs = house.ask_as("other", "GET", &file, "").await;
    assert_eq!(theirs.status.as_u16(), 200);
}

#[tokio::test]
async fn a_project_that_asks_too_often_is_told_when_to_come_again() {
    let busy = settings().with(|settings| settings.max_requests_per_project = Some("2/h".parse().unwrap()));
    let house = House::with(busy, [project("demo"), project("other")]);
    for _ in 0..2 {
        house.get("/project/").await;
    }
    let answer = house.ask("GET", "/project/", "").await;
    assert_eq!(answer.status.as_u16(), 429);
    let seconds: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(
        answer.detail(),
        format!("Request was throttled. Expected available in {seconds} seconds.")
    );
    let other = house.ask_as("other", "GET", "/project/", "").await;
    assert_eq!(other.status.as_u16(), 200);
}

#[tokio::test]
async fn a_request_counts_once_if_both_rates_of_a_project_are_equal() {
    let rate = Some("2/h".parse().unwrap());
    let busy = settings().with(|settings| settings.max_requests_per_project = rate);
    let house = House::with(busy, [project("demo").with(|project| project.max_requests = rate)]);
    for status in [200, 200, 429] {
        assert_eq!(house.ask("GET", "/project/", "").await.status.as_u16(), status);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read() {
    let house = House::new();
    let answer = house.ask("PUT", "/files/storage/", &" ".repeat(256 * 1024 + 1)).await;
    assert_eq!(answer.status.as_u16(), 413);
}

#[tokio::test]
async fn what_this_server_does_not_do_is_said_so() {
    let house = House::new();
    for (method, path, body, what) in [
        ("POST", "/addons/remove_bg/execute/", "{}", "An add-on"),
        ("GET", "/addons/remove_bg/execute/status/?request_id=1", "", "An add-on"),
        ("POST", "/convert/video/", "{}", "A conversion"),
        ("GET", "/convert/document/status/5/", "", "A conversion"),
        ("POST", "/files/search/", "{}", "Searching files"),
        ("POST", "/files/remote_copy/", "{}", "Copying to another storage"),
        (
            "POST",
            "/files/",
            "{\"source\":\"a\",\"target\":\"b\"}",
            "Copying to another storage",
        ),
    ] {
        let answer = house.ask(method, path, body).await;
        let detail = format!("{what} is not supported by this server.");
        assert_eq!((answer.status.as_u16(), answer.detail()), (400, detail), "{path}");
    }
}
