//! What is sent, what is taken from an answer, and which way it goes.

use intake_core::{Declared, Error, Fetcher, FileName};
use intake_plugin_http_source::Settings;

use crate::fake_network::{FakeNetwork, Fetching, say};
use crate::{ending, fetch, read};
use intake_outbound::testkit::Identity;

fn through_proxy() -> Settings {
    Settings::default().with(|settings| settings.proxy = Some("http://10.0.0.9:3128".to_owned()))
}

#[tokio::test]
async fn a_request_says_what_it_must_and_nothing_more() {
    let to = "HTTP/1.1 303 Other\r\nset-cookie: a=b\r\nlocation: http://user.example/c?d=e|f#g\r\n\r\n";
    let network = FakeNetwork::default()
        .at_home([say(to)])
        .addresses("user.example", &["1.1.1.1"]);
    let fetcher =
        network.fetcher(Settings::default().with(|settings| settings.user_agent = Some("Example/1.0".to_owned())));
    assert_eq!(fetch(&fetcher, "http://HOME.example:80").await.unwrap(), b"taken");
    let request = |path: &str, host: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: Example/1.0\r\naccept: */*\r\naccept-encoding: identity\r\n\
             connection: close\r\n\r\n"
        )
    };
    let expected = [request("/", "home.example"), request("/c?d=e|f", "user.example")];
    assert_eq!(network.asked(), expected, "no cookie, no referrer, no fragment");
    assert_eq!(
        network.lookups(),
        ["home.example", "user.example"],
        "each hop is looked up once"
    );
    let plain = FakeNetwork::default().at_home([]);
    let _ = fetch(&plain.fetcher(Settings::default()), "http://home.example/").await;
    assert!(plain.asked()[0].contains("user-agent: intake/"), "{:?}", plain.asked());
}

#[tokio::test]
async fn an_answer_declares_name_size_and_type() {
    let declare = |name: Option<&str>, size: Option<u64>, media_type: Option<&str>| {
        Declared::default().with(|declared| {
            declared.name = name.and_then(FileName::new);
            declared.size = size;
            declared.media_type = media_type.map(|text| text.parse().unwrap());
        })
    };
    for (path, head, body, declared) in [
        (
            "/a%20b.png",
            "content-length: 3\r\ncontent-type: Image/PNG; x=y\r\n",
            "abc",
            declare(Some("a b.png"), Some(3), Some("image/png")),
        ),
        (
            "/a.png",
            "content-disposition: attachment; filename=\"x.png\"; filename*=UTF-8''%C3%A9.png\r\ntransfer-encoding: chunked\r\n",
            "3\r\nabc\r\n0\r\n\r\n",
            declare(Some("é.png"), None, None),
        ),
        (
            "/a.png?b/c.png",
            "content-type: nonsense\r\n",
            "abc",
            declare(Some("a.png"), None, None),
        ),
        (
            "/",
            "content-length: 3\r\ncontent-disposition: attachment; filename=..\r\n",
            "abc",
            declare(None, Some(3), None),
        ),
        // Trailers are of no use, bytes behind the end are not read.
        (
            "/t",
            "transfer-encoding: chunked\r\n",
            "3\r\nabc\r\n0\r\nx: y\r\n\r\nmore",
            declare(Some("t"), None, None),
        ),
        (
            "/l",
            "content-length: 3\r\n",
            "abcmore",
            declare(Some("l"), Some(3), None),
        ),
        (
            "/i",
            "content-encoding: identity\r\ncontent-length: 3\r\n",
            "abc",
            declare(Some("i"), Some(3), None),
        ),
    ] {
        let url = format!("http://home.example{path}");
        let answer = say(format!("HTTP/1.1 200 OK\r\n{head}\r\n{body}"));
        let network = FakeNetwork::default().at_home([]).origin(&url, [answer]);
        let incoming = network.fetcher(Settings::default()).receive(&url).await.unwrap();
        assert_eq!(incoming.declared, declared, "{path}");
        assert_eq!(read(incoming).await.unwrap(), b"abc", "{path}");
    }
}

#[tokio::test]
async fn a_file_is_called_as_it_was_asked_for_wherever_it_lies() {
    let to = "HTTP/1.1 302 Found\r\nlocation: /stored/77/original.jpg\r\n\r\n";
    let network = FakeNetwork::default()
        .at_home([say(to)])
        .origin("http://home.example/2250", [say(to)]);
    let fetcher = network.fetcher(Settings::default());
    let name = async |source| fetcher.receive(source).await.unwrap().declared.name;
    assert_eq!(name("http://home.example/2250").await.as_deref(), Some("2250"));
    assert_eq!(name("http://home.example/").await.as_deref(), Some("original.jpg"));
}

#[tokio::test]
async fn over_tls_only_who_proves_to_be_the_host_is_read_from() {
    let identity = Identity::of(&["home.example", "93.184.216.34"]);
    let network = FakeNetwork::default()
        .secured(&identity)
        .addresses("home.example", &["93.184.216.34"])
        .addresses("other.example", &["93.184.216.34"]);
    let fetcher = network.fetcher(Settings::default());
    assert_eq!(fetch(&fetcher, "https://home.example/").await.unwrap(), b"taken");
    assert_eq!(fetch(&fetcher, "https://93.184.216.34/").await.unwrap(), b"taken");
    let (code, subject, again) = ending(fetch(&fetcher, "https://other.example/").await);
    assert_eq!(
        (code.as_str(), subject.as_str(), again),
        ("download_network_error", "certificate not valid", false)
    );
    // Its certificate is not trusted.
    let strangers = network
        .fetcher(Settings::default())
        .trusting([Identity::of(&["home.example"]).certificate]);
    let (code, subject, _) = ending(fetch(&strangers, "https://home.example/").await);
    assert_eq!(
        (code.as_str(), subject.as_str()),
        ("download_network_error", "certificate not valid")
    );
    // Speaks no TLS at that port.
    let plain = FakeNetwork::default().addresses("home.example", &["93.184.216.34"]);
    let fetcher = plain
        .fetcher(Settings::default())
        .trusting([identity.certificate.clone()]);
    assert_eq!(
        ending(fetch(&fetcher, "https://home.example/").await).0,
        "download_network_error"
    );
}

#[tokio::test]
async fn from_https_to_http_is_followed_where_that_is_allowed() {
    let identity = Identity::of(&["home.example"]);
    let to = "HTTP/1.1 301 Moved\r\nlocation: http://home.example/\r\n\r\n";
    let network = FakeNetwork::default()
        .at_home([])
        .secured(&identity)
        .origin("https://home.example/", [say(to)]);
    let network = network.origin("http://home.example/", [say("HTTP/1.1 200 OK\r\n\r\nplain")]);
    let (code, subject, _) = ending(fetch(&network.fetcher(Settings::default()), "https://home.example/").await);
    assert_eq!(
        (code.as_str(), subject.as_str()),
        ("url_invalid", "redirected from https to http")
    );
    let lax = Settings::default().with(|settings| settings.allow_downgrade = Some(true));
    assert_eq!(
        fetch(&network.fetcher(lax), "https://home.example/").await.unwrap(),
        b"plain"
    );
}

#[tokio::test]
async fn a_proxy_is_told_an_address_that_was_judged_and_never_a_name() {
    let identity = Identity::of(&["home.example"]);
    let network = FakeNetwork::default()
        .secured(&identity)
        .proxy("10.0.0.9:3128", "200 Connected")
        .addresses("home.example", &["93.184.216.34"])
        .addresses("evil.example", &["10.0.0.9"])
        .origin("http://home.example/", [say("HTTP/1.1 200 OK\r\n\r\nplain")]);
    let fetcher = network.fetcher(through_proxy());
    assert_eq!(fetch(&fetcher, "http://home.example/").await.unwrap(), b"plain");
    assert_eq!(fetch(&fetcher, "https://home.example/").await.unwrap(), b"taken");
    assert_eq!(
        ending(fetch(&fetcher, "http://evil.example/").await).0,
        "address_forbidden"
    );
    assert_eq!(
        ending(fetch(&fetcher, "http://10.0.0.9:80/").await).0,
        "address_forbidden"
    );
    let connects: Vec<_> = network
        .asked()
        .into_iter()
        .filter(|head| head.starts_with("CONNECT"))
        .collect();
    let connect = |port: u16| format!("CONNECT 93.184.216.34:{port} HTTP/1.1\r\nhost: 93.184.216.34:{port}\r\n\r\n");
    assert_eq!(connects, [connect(80), connect(443)]);
    assert!(
        network
            .dialled()
            .iter()
            .all(|address| address.to_string() == "10.0.0.9:3128"),
        "{:?}",
        network.dialled()
    );
}

#[tokio::test]
async fn a_proxy_that_fails_is_the_operators_to_mend() {
    let named = || FakeNetwork::default().addresses("home.example", &["93.184.216.34"]);
    let ends = async |network: FakeNetwork| match fetch(&network.fetcher(through_proxy()), "http://home.example/")
        .await
        .unwrap_err()
    {
        Error::Fault(fault) => format!("fault {}", fault.code),
        error => error.code().to_string(),
    };
    assert_eq!(ends(named().refusing("10.0.0.9")).await, "fault proxy_failed");
    assert_eq!(
        ends(named().proxy("10.0.0.9:3128", "407 Who Are You")).await,
        "fault proxy_failed"
    );
    assert_eq!(
        ends(named().proxy("10.0.0.9:3128", "200 OK\r\n\r\nmore")).await,
        "fault proxy_failed"
    );
    // It cannot reach the source, or must not.
    assert_eq!(
        ends(named().proxy("10.0.0.9:3128", "502 Bad Gateway")).await,
        "download_network_error"
    );
    assert_eq!(
        ends(named().proxy("10.0.0.9:3128", "403 Forbidden")).await,
        "address_forbidden"
    );
    let fetcher = named().refusing("10.0.0.9").fetcher(through_proxy()).trusting([]);
    assert_eq!(fetcher.ready().await.unwrap_err().code.as_str(), "proxy_failed");
    let fetcher = named().fetcher(through_proxy()).trusting([]);
    assert!(fetcher.ready().await.is_ok());
}
