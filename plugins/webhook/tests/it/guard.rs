//! No event is ever sent to an address that is not public, whatever a target is called.

use intake_core::{Notifier, Sent};
use intake_outbound::testkit::{FakeNetwork, hostile, inside, say};
use intake_plugin_webhook::Settings;

use crate::{lax, message, reason, sender};

#[tokio::test]
async fn no_target_ever_opens_a_connection_to_an_address_that_is_not_public() {
    let mut wrong = Vec::new();
    for row in hostile() {
        let network = row.network();
        let webhook = sender(&network, lax());
        let checked = webhook.check(&row.source).map_err(|why| why.code.to_string());
        let asked = (network.lookups().len(), network.dialled().len());
        let sent = webhook.send(&message(&row.source, &[])).await;
        let opened = inside(&network.dialled());
        // Redirects are not followed, so what they lead to is not met.
        let expected = match row.world.contains("=>") {
            true => sent == Sent::Delivered || reason(sent.clone()).contains("302") || network.dialled().is_empty(),
            false => (sent == Sent::Delivered) == (row.ending == "taken"),
        };
        // What is refused without a lookup has the code of the table. Targets are shorter than sources.
        let is_known = checked
            .as_ref()
            .err()
            .is_none_or(|code| code == row.ending || row.world.contains("=>") || row.source.len() > 2048);
        if !expected || !is_known || !opened.is_empty() || asked != (0, 0) {
            wrong.push(format!(
                "line {}: {:?} was {checked:?}, then {sent:?}, and opened {opened:?}",
                row.line, row.source
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_name_that_changes_after_it_was_checked_is_judged_at_each_attempt() {
    let network = FakeNetwork::default()
        .addresses("evil.example", &["93.184.216.34"])
        .addresses("evil.example", &["127.0.0.1"])
        .addresses("evil.example", &["93.184.216.34", "10.0.0.1"])
        .addresses("evil.example", &["::ffff:169.254.169.254"]);
    let webhook = sender(&network, lax());
    let target = "http://evil.example/";
    assert!(webhook.check(target).is_ok());
    assert_eq!(webhook.send(&message(target, &[])).await, Sent::Delivered);
    for _ in 0..3 {
        let why = reason(webhook.send(&message(target, &[])).await);
        assert_eq!(why, "events are sent to public addresses only");
    }
    assert_eq!(network.lookups().len(), 4);
    assert_eq!(network.dialled(), ["93.184.216.34:80".parse().unwrap()]);
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_leads_nowhere() {
    for status in ["301", "302", "303", "307", "308"] {
        let answer =
            format!("HTTP/1.1 {status} Moved\r\nlocation: http://home.example/there\r\ncontent-length: 0\r\n\r\n");
        let network = FakeNetwork::default().at_home([say(answer)]);
        let sent = sender(&network, lax())
            .send(&message("http://home.example/", &[]))
            .await;
        assert_eq!(
            reason(sent),
            format!("the receiver answered {status}, and redirects are not followed")
        );
        assert_eq!(network.dialled().len(), 1);
    }
}

#[test]
fn a_target_is_refused_with_the_reason_when_somebody_subscribes() {
    let network = FakeNetwork::default();
    let long = format!("https://home.example/{}", "x".repeat(2048));
    for (target, code, subject, says) in [
        (
            "http://home.example/",
            "url_scheme_forbidden",
            "http",
            "events are sent to https only",
        ),
        (
            "ftp://home.example/",
            "url_scheme_forbidden",
            "ftp",
            "events are sent to https URLs only",
        ),
        (
            "home.example",
            "url_scheme_missing",
            "",
            "events are not sent to this URL",
        ),
        ("https://", "url_host_missing", "", "events are not sent to this URL"),
        (
            "https://user@home.example/",
            "url_invalid",
            "user info",
            "events are not sent to this URL",
        ),
        (
            "https://user:pw@home.example/",
            "url_invalid",
            "user info",
            "events are not sent to this URL",
        ),
        (
            "https://home.example:25/",
            "url_invalid",
            "port 25",
            "events are not sent to this URL",
        ),
        (&long, "url_invalid", "too long", "events are not sent to this URL"),
        (
            "https://2130706433/",
            "address_forbidden",
            "127.0.0.1",
            "events are sent to public",
        ),
        (
            "https://0x7f000001/",
            "address_forbidden",
            "127.0.0.1",
            "events are sent to public",
        ),
        (
            "https://[::ffff:127.0.0.1]/",
            "address_forbidden",
            "::ffff:127.0.0.1",
            "events are sent to public",
        ),
        (
            "https://localhost./",
            "address_forbidden",
            "localhost",
            "events are sent to public",
        ),
        (
            "https://bad.example/",
            "host_forbidden",
            "bad.example",
            "events are not sent to this host",
        ),
    ] {
        let settings = Settings::default().with(|settings| settings.deny_hosts = vec!["bad.example".to_owned()]);
        let why = sender(&network, settings).check(target).unwrap_err();
        assert_eq!(
            (
                why.code.to_string().as_str(),
                why.subject.as_deref().unwrap_or_default()
            ),
            (code, subject),
            "{target}"
        );
        assert!(why.message.starts_with(says), "{target}: {why}");
    }
    assert!(network.lookups().is_empty() && network.dialled().is_empty());
}

#[tokio::test]
async fn what_is_opened_may_be_inside() {
    let network = FakeNetwork::default().addresses("intranet.example", &["10.1.2.3"]);
    let settings = lax().with(|settings| settings.open = vec!["intranet.example".to_owned()]);
    let sent = sender(&network, settings)
        .send(&message("http://intranet.example/", &[]))
        .await;
    assert_eq!(sent, Sent::Delivered);
    let closed = sender(&network, lax())
        .send(&message("http://intranet.example/", &[]))
        .await;
    assert_eq!(reason(closed), "events are sent to public addresses only");
}
