//! What a receiver is sent.

use std::time::{Duration, UNIX_EPOCH};

use intake_core::{Notifier, Sent};
use intake_outbound::testkit::{FakeNetwork, Identity, say};
use intake_plugin_webhook::Settings;

use crate::{BODY, lax, message, sender};

const TARGET: &str = "http://home.example/hook?a=b%20c";

fn network() -> FakeNetwork {
    FakeNetwork::default()
        .at_home([])
        .origin(TARGET, [say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")])
}

/// The headers of a request, but for the first line.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let start = format!("{name}: ");
    head.lines().find_map(|line| line.strip_prefix(start.as_str()))
}

#[tokio::test]
async fn a_message_is_sent_with_its_bytes_and_both_signatures() {
    let network = network();
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let webhook = sender(&network, lax()).at(UNIX_EPOCH + Duration::from_millis(1_764_331_200_900));
    let message = message(TARGET, &[secret, "older"]);
    assert_eq!(webhook.send(&message).await, Sent::Delivered);
    let (asked, bodies) = (network.asked(), network.bodies());
    let head = &asked[0];
    assert_eq!(bodies, [BODY.as_bytes()]);
    assert!(head.starts_with("POST /hook?a=b%20c HTTP/1.1\r\n"), "{head}");
    let version = env!("CARGO_PKG_VERSION");
    for (name, value) in [
        ("host", "home.example"),
        ("user-agent", &format!("intake/{version}")),
        ("content-type", "application/json"),
        ("content-length", &BODY.len().to_string()),
        ("connection", "close"),
        ("accept-encoding", "identity"),
        ("webhook-id", "evt_1"),
        ("webhook-timestamp", "1764331200"),
    ] {
        assert_eq!(header(head, name), Some(value), "{head}");
    }
    assert!(header(head, "x-uc-signature").unwrap().starts_with("v1="), "{head}");
    let tokens: Vec<_> = header(head, "webhook-signature").unwrap().split(' ').collect();
    assert!(
        tokens.len() == 2 && tokens.iter().all(|token| token.starts_with("v1,")),
        "{head}"
    );
    for absent in ["cookie", "authorization", "referer", "transfer-encoding"] {
        assert_eq!(header(head, absent), None, "{head}");
    }
}

#[tokio::test]
async fn every_attempt_has_the_same_id_and_bytes_and_a_signature_of_its_own_time() {
    let network = network();
    let mut message = message(TARGET, &["a secret"]);
    for (attempt, seconds) in [(1, 1_764_331_200), (2, 1_764_331_205)] {
        message.attempt = attempt;
        let webhook = sender(&network, lax()).at(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(webhook.send(&message).await, Sent::Delivered);
    }
    let (asked, bodies) = (network.asked(), network.bodies());
    assert_eq!(bodies[0], bodies[1]);
    for (name, is_same) in [
        ("webhook-id", true),
        ("x-uc-signature", true),
        ("webhook-timestamp", false),
        ("webhook-signature", false),
    ] {
        let (first, second) = (header(&asked[0], name).unwrap(), header(&asked[1], name).unwrap());
        assert_eq!(first == second, is_same, "{name}: {first}, {second}");
    }
}

#[tokio::test]
async fn a_target_without_a_secret_gets_an_id_and_no_signature() {
    let network = network();
    let webhook = sender(&network, lax());
    for secrets in [&[][..], &[""]] {
        assert_eq!(webhook.send(&message(TARGET, secrets)).await, Sent::Delivered);
    }
    for head in network.asked() {
        assert!(header(&head, "webhook-id").is_some() && header(&head, "webhook-timestamp").is_some());
        assert!(header(&head, "webhook-signature").is_none() && header(&head, "x-uc-signature").is_none());
    }
}

#[tokio::test]
async fn an_id_that_is_no_header_is_a_failure() {
    let network = network();
    let message = message(TARGET, &[]).with(|message| message.id = "a\r\nb: c".to_owned());
    let sent = sender(&network, lax()).send(&message).await;
    assert!(matches!(sent, Sent::Failed { .. }), "{sent:?}");
    assert_eq!(network.dialled(), []);
}

#[tokio::test]
async fn events_go_over_tls_and_to_the_host_that_the_certificate_is_for() {
    for (identity, is_valid) in [("home.example", true), ("other.example", false)] {
        let network = network().secured(&Identity::of(&[identity]));
        let sent = sender(&network, Settings::default())
            .send(&message("https://home.example/", &[]))
            .await;
        if is_valid {
            assert_eq!(sent, Sent::Delivered);
        } else {
            assert_eq!(
                crate::reason(sent),
                "no connection to the receiver: certificate not valid"
            );
        }
        assert_eq!(network.bodies().len(), usize::from(is_valid));
    }
}

#[tokio::test]
async fn a_proxy_gets_a_judged_address() {
    let settings = || lax().with(|settings| settings.proxy = Some("http://10.0.0.9:3128".to_owned()));
    let proxied = || network().proxy("10.0.0.9:3128", "200 OK");
    let network = proxied();
    assert_eq!(
        sender(&network, settings()).send(&message(TARGET, &[])).await,
        Sent::Delivered
    );
    assert!(
        network.asked()[0].starts_with("CONNECT 93.184.216.34:80 "),
        "{:?}",
        network.asked()
    );
    let inside = proxied().addresses("inside.example", &["10.0.0.1"]);
    let sent = sender(&inside, settings())
        .send(&message("http://inside.example/", &[]))
        .await;
    assert_eq!(crate::reason(sent), "events are sent to public addresses only");
    assert_eq!(inside.dialled(), []);
}
