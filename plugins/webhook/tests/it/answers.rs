//! What the answers of receivers lead to, however they behave.

use std::time::Duration;

use intake_core::{Notifier, Sent};
use intake_outbound::testkit::{Answer, FakeNetwork, Step, say};
use tokio::time::Instant;

use crate::{lax, message, reason, sender};

const TARGET: &str = "http://home.example/";

async fn sent(network: &FakeNetwork) -> Sent {
    sender(network, lax()).send(&message(TARGET, &[])).await
}

async fn answered(steps: impl Into<Vec<Step>>) -> Sent {
    sent(&FakeNetwork::default().at_home(steps)).await
}

fn failed(reason: &str, seconds: Option<u64>) -> Sent {
    Sent::Failed {
        reason: reason.to_owned(),
        retry_after: seconds.map(Duration::from_secs),
    }
}

#[tokio::test]
async fn any_status_of_success_is_a_delivery() {
    for status in ["200 OK", "201 Created", "202 Accepted", "204 No Content", "299 Fine"] {
        let sent = answered([say(format!("HTTP/1.1 {status}\r\n\r\n"))]).await;
        assert_eq!(sent, Sent::Delivered, "{status}");
    }
    // What comes before the answer is none.
    let early = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(answered([say(early)]).await, Sent::Delivered);
}

#[tokio::test]
async fn a_receiver_that_is_gone_or_says_so_ends_the_target() {
    for (head, says) in [
        ("410 Gone", "the receiver answered 410: it is gone for ever"),
        (
            "500 No\r\nwebhook-delivery: disable",
            "the receiver answered 500 and `webhook-delivery: disable`",
        ),
        (
            "200 OK\r\nWebhook-Delivery: disable",
            "the receiver answered 200 and `webhook-delivery: disable`",
        ),
    ] {
        let sent = answered([say(format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n"))]).await;
        assert!(matches!(sent, Sent::Ended { .. }), "{sent:?}");
        assert_eq!(reason(sent), says);
    }
}

#[tokio::test]
async fn every_other_answer_is_a_failure_with_its_status_its_words_and_its_pause() {
    for (head, body, says, seconds) in [
        (
            "400 Bad",
            "no such event",
            "the receiver answered 400: no such event",
            None,
        ),
        ("404 Not Found", "", "the receiver answered 404", None),
        (
            "429 Slow\r\nretry-after: 2",
            "slow down\n",
            "the receiver answered 429: slow down",
            Some(2),
        ),
        (
            "503 Busy\r\nretry-after: 99999999",
            "",
            "the receiver answered 503",
            Some(86_400),
        ),
        ("500 No\r\nretry-after: soon", "", "the receiver answered 500", None),
        ("502 No\r\nretry-after: 7", "", "the receiver answered 502", Some(7)),
        (
            "304 Same",
            "",
            "the receiver answered 304, and redirects are not followed",
            None,
        ),
        (
            "500 No\r\nwebhook-delivery: abort-message",
            "",
            "the receiver answered 500",
            None,
        ),
    ] {
        let answer = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        assert_eq!(answered([say(answer)]).await, failed(says, seconds), "{head}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_misbehaves_is_cut_off() {
    let ok = "HTTP/1.1 200 OK\r\n";
    let no = "HTTP/1.1 500 No\r\n";
    let a = "a".repeat(8192);
    let thousand = format!("the receiver answered 500: {}", "a".repeat(1000));
    for (what, steps, says, most_seconds) in [
        ("no answer", vec![Step::Hang], "the receiver took longer than 15 s", 15),
        (
            "half a head",
            vec![say(ok), Step::Hang],
            "the receiver took longer than 15 s",
            15,
        ),
        (
            "a slow head",
            vec![say(ok), Step::Repeat(b"x".to_vec(), Duration::from_secs(1))],
            "the receiver took longer than 15 s",
            15,
        ),
        (
            "a huge head",
            vec![
                say(ok),
                Step::Repeat(format!("x: {a}\r\n").into_bytes(), Duration::ZERO),
            ],
            "the receiver gave no answer: headers too large",
            1,
        ),
        (
            "a thousand headers",
            vec![say(ok), say("x: y\r\n".repeat(1000)), say("\r\n")],
            "the receiver gave no answer: headers too large",
            1,
        ),
        (
            "no HTTP",
            vec![say("SSH-2.0-OpenSSH_9.9\r\n")],
            "the receiver gave no answer: invalid HTTP",
            1,
        ),
        (
            "nothing",
            vec![],
            "the receiver gave no answer: connection closed early",
            1,
        ),
        (
            "a reset",
            vec![Step::Reset],
            "the receiver gave no answer: connection reset",
            1,
        ),
        (
            "a body without end",
            vec![
                say(no),
                say("\r\n"),
                Step::Repeat(a.clone().into_bytes(), Duration::ZERO),
            ],
            &thousand,
            1,
        ),
        (
            "a body that drips",
            vec![say(no), say("\r\n"), say("abc"), Step::Hang],
            "the receiver answered 500: abc",
            1,
        ),
    ] {
        let began = Instant::now();
        let network = FakeNetwork::default().at_home(steps);
        let sent = sent(&network).await;
        assert_eq!(reason(sent), says, "{what}");
        assert!(
            began.elapsed() <= Duration::from_secs(most_seconds),
            "{what}: {:?}",
            began.elapsed()
        );
        assert!(network.sent() <= 1 << 20, "{what}: {} bytes", network.sent());
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_does_not_depend_on_the_body_of_its_answer() {
    let began = Instant::now();
    for steps in [
        vec![say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour"), Step::Reset],
        vec![say("HTTP/1.1 200 OK\r\n\r\n"), Step::Hang],
        vec![
            say("HTTP/1.1 200 OK\r\n\r\n"),
            Step::Repeat(vec![0; 4096], Duration::ZERO),
        ],
    ] {
        assert_eq!(answered(steps).await, Sent::Delivered);
    }
    assert!(began.elapsed() <= Duration::from_secs(1), "{:?}", began.elapsed());
    // The time of an attempt ends with the head.
    let late = [
        Step::Wait(Duration::from_millis(14_900)),
        say("HTTP/1.1 200 OK\r\n\r\n"),
        Step::Hang,
    ];
    assert_eq!(answered(late).await, Sent::Delivered);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_not_reached_is_a_failure_within_the_time_of_a_connection() {
    let named = || FakeNetwork::default().addresses("home.example", &["93.184.216.34"]);
    for (network, says) in [
        (
            named().refusing("93.184.216.34"),
            "no connection to the receiver: connection refused",
        ),
        (named().silent("93.184.216.34"), "the receiver took longer than 5 s"),
        (
            FakeNetwork::default().name("home.example", Answer::Never),
            "the receiver took longer than 5 s",
        ),
        (
            FakeNetwork::default().name("home.example", Answer::Unanswered),
            "no connection to the receiver: name resolution failed",
        ),
        (
            FakeNetwork::default(),
            "events are not sent to this URL: the host does not exist",
        ),
    ] {
        let began = Instant::now();
        assert_eq!(reason(sent(&network).await), says);
        assert!(began.elapsed() <= Duration::from_secs(5), "{says}");
    }
}
