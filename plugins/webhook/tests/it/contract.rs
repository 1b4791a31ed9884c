//! What every notifier keeps to.

use intake_core::testkit::{self, Destination};
use intake_outbound::testkit::{FakeNetwork, Step, say};

use crate::{lax, sender};

#[tokio::test]
async fn it_keeps_to_what_every_notifier_keeps_to() {
    let network = FakeNetwork::default()
        .at_home([say("HTTP/1.1 204 No Content\r\n\r\n")])
        .origin(
            "http://home.example/away",
            [say("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")],
        )
        .origin(
            "http://home.example/moved",
            [say("HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n")],
        )
        .origin("http://home.example/torn", [say("HTTP/1.1 2"), Step::Reset])
        .origin(
            "http://home.example/gone",
            [say("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n")],
        )
        .origin("http://home.example/silent", [Step::Hang]);
    let at = |path: &str| format!("http://home.example/{path}");
    let targets = [
        Destination::delivered(at("")),
        Destination::failed(at("away")),
        Destination::failed(at("moved")),
        Destination::failed(at("torn")),
        Destination::failed("http://nobody.example/"),
        Destination::ended(at("gone")),
        Destination::silent(at("silent")),
        Destination::forbidden("http://127.0.0.1/"),
        Destination::forbidden("ftp://home.example/"),
    ];
    let checked = testkit::notifier(sender(&network, lax()), &targets).await;
    assert!(checked.left_out.is_empty(), "{checked}");
}
