//! What users of other fetchers met and reported, each tried here: URLs, redirects, names and addresses as they are in the wild.

use intake_core::Fetcher;
use intake_plugin_http_source::Settings;

use crate::fake_network::{FakeNetwork, Fetching, say};
use crate::fetch;

#[tokio::test]
async fn a_url_is_asked_for_as_it_was_written() {
    for (path, asked, name) in [
        // Brackets, as they are and encoded.
        ("/a[1].jpg", "/a[1].jpg", "a[1].jpg"),
        ("/a%5B1%5D.jpg", "/a%5B1%5D.jpg", "a[1].jpg"),
        // What is encoded in a query is not encoded again.
        (
            "/overlay.png?src=https%3A%2F%2Fa.example%2Fb.jpg",
            "/overlay.png?src=https%3A%2F%2Fa.example%2Fb.jpg",
            "overlay.png",
        ),
        // A plus is a plus.
        ("/Red+Flash/016+a.webp", "/Red+Flash/016+a.webp", "016+a.webp"),
        // Full-width letters stay what they are.
        ("/%EF%BC%A8.jpg", "/%EF%BC%A8.jpg", "\u{ff28}.jpg"),
        ("/a b.jpg", "/a%20b.jpg", "a b.jpg"),
    ] {
        let network = FakeNetwork::default().at_home([]);
        let incoming = network.fetcher(Settings::default());
        let incoming = incoming.receive(&format!("http://home.example{path}")).await.unwrap();
        assert_eq!(incoming.declared.name.as_deref(), Some(name), "{path}");
        let request = &network.asked()[0];
        assert!(request.starts_with(&format!("GET {asked} HTTP/1.1\r\n")), "{request}");
    }
}

#[tokio::test]
async fn a_redirect_is_followed_whatever_its_bytes_are() {
    for (location, asked) in [
        (&b"/sweet-\xe7\x9f\xb3.jpg#_=_"[..], "/sweet-%E7%9F%B3.jpg"),
        (b"/a b.jpg", "/a%20b.jpg"),
        (b"/na\xefve.jpg", "/na%EFve.jpg"),
        (b"a.jpg;x", "/a.jpg;x"),
        (b"?b", "/?b"),
    ] {
        let answer = [b"HTTP/1.1 302 Found\r\nlocation: ", location, b"\r\n\r\n"].concat();
        let network = FakeNetwork::default().at_home([say(answer)]);
        let fetched = fetch(&network.fetcher(Settings::default()), "http://home.example/").await;
        assert_eq!(fetched.unwrap(), b"taken", "{asked}");
        let request = &network.asked()[1];
        assert!(request.starts_with(&format!("GET {asked} HTTP/1.1\r\n")), "{request}");
    }
}

#[tokio::test]
async fn a_disposition_is_read_as_browsers_read_it() {
    for (disposition, name) in [
        ("attachment;filename*=\"utf-8' '100MB.zip\"", "100MB.zip"),
        ("attachment; filename*=UTF-8''John's%20Resume.pdf", "John's Resume.pdf"),
        (
            "attachment; filename=\"\\\"G.I. Jive\\\".mp3\"; filename*=UTF-8''%22G.I.%20Jive%22.mp3",
            "\"G.I. Jive\".mp3",
        ),
        ("attachment;filename*=utf-8''a%2Eexe;filename=\"b.exe\"", "a.exe"),
        ("attachment; filename=\"report.pdf\"", "report.pdf"),
        ("attachment", "download"),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-disposition: {disposition}\r\n\r\n");
        let network = FakeNetwork::default()
            .at_home([])
            .origin("http://home.example/download", [say(answer)]);
        let incoming = network
            .fetcher(Settings::default())
            .receive("http://home.example/download")
            .await;
        assert_eq!(incoming.unwrap().declared.name.as_deref(), Some(name), "{disposition}");
    }
}

#[tokio::test]
async fn a_host_with_many_addresses_is_reached_by_those_of_the_kind_that_works() {
    let mut all: Vec<_> = (1..=8).map(|at| format!("2606:4700:4700::{at}")).collect();
    all.extend((1..=4).map(|at| format!("1.1.1.{at}")));
    for refused in [&all[..8], &all[8..]] {
        for reversed in [false, true] {
            let mut addresses: Vec<_> = all.iter().map(String::as_str).collect();
            if reversed {
                addresses.reverse();
            }
            let network = FakeNetwork::default().addresses("home.example", &addresses);
            let network = refused
                .iter()
                .fold(network, |network, address| network.refusing(address));
            let fetched = fetch(&network.fetcher(Settings::default()), "http://home.example/").await;
            assert_eq!(fetched.unwrap(), b"taken");
            assert!(network.dialled().len() <= 2, "{:?}", network.dialled());
        }
    }
}

#[tokio::test]
async fn a_carriage_return_among_the_headers_begins_no_header() {
    let answer = "HTTP/1.1 200 OK\r\nx: \rxTransfer-Encoding: chunked\r\ncontent-length: 5\r\n\r\nhello";
    let network = FakeNetwork::default().at_home([say(answer)]);
    let error = fetch(&network.fetcher(Settings::default()), "http://home.example/")
        .await
        .unwrap_err();
    assert_eq!(error.rejection().unwrap().subject.as_deref(), Some("invalid HTTP"));
}
