//! What every fetcher keeps to.

use intake_core::testkit::{self, Source, noise};
use intake_plugin_http_source::{Settings, codes};

use crate::fake_network::{FakeNetwork, Fetching, Step, say};

fn answer(head: &str, body: &[u8]) -> Step {
    say([format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").as_bytes(), body].concat())
}

#[tokio::test]
async fn it_keeps_to_what_every_receiver_keeps_to() {
    let long = noise(1, 300_000);
    let network = FakeNetwork::default()
        .at_home([])
        .origin("http://home.example/short", [answer("content-length: 5", b"hello")])
        .origin("http://home.example/long", [answer("content-length: 300000", &long)])
        .origin("http://home.example/empty", [answer("content-length: 0", b"")])
        .origin(
            "http://home.example/chunked",
            [answer("transfer-encoding: chunked", b"3\r\nabc\r\n0\r\n\r\n")],
        )
        .origin(
            "http://home.example/absent",
            [say("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")],
        )
        .origin(
            "http://home.example/busy",
            [say("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")],
        )
        .origin(
            "http://home.example/torn",
            [answer("content-length: 9", b"abc"), Step::Reset],
        );
    let sources = [
        Source::fetched("http://home.example/short", "hello"),
        Source::fetched("http://home.example/long", long),
        Source::fetched("http://home.example/empty", ""),
        Source::fetched("http://home.example/chunked", "abc"),
        Source::forbidden("http://127.0.0.1/", codes::ADDRESS_FORBIDDEN),
        Source::forbidden("ftp://home.example/", codes::URL_SCHEME_FORBIDDEN),
        Source::refused("http://home.example/absent", codes::DOWNLOAD_CLIENT_ERROR),
        Source::interrupted("http://home.example/busy", codes::DOWNLOAD_SERVER_ERROR),
        Source::interrupted("http://home.example/torn", codes::DOWNLOAD_NETWORK_ERROR),
    ];
    let checked = testkit::fetcher(network.fetcher(Settings::default()), &sources).await;
    assert!(checked.left_out.is_empty(), "{checked}");
}
