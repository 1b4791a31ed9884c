//! Real receivers, with the published libraries that verify webhooks: `standardwebhooks` for Python and for Node.js.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::spawn;
use std::time::{Duration, SystemTime};

use intake_core::{Message, Notifier, Sent};
use intake_plugin_webhook::Webhook;
use intake_plugin_webhook::testkit::{Library, Receiver};
use serde_json::Value;

use crate::{BODY, lax, message, reason};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_c2VjcmV0LW9mLWFub3RoZXItcmVjZWl2ZXI=";

/// Sends a message from this machine to this machine.
async fn sent(receiver: &Receiver, message: &Message) -> Sent {
    sender(receiver.port(), None).send(message).await
}

/// Sends these bytes to a receiver, and reads the status of the answer.
fn replayed(receiver: &Receiver, request: &[u8]) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, receiver.port())).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// A sender that may reach this machine, at this time instead of now.
fn sender(port: u16, time: Option<SystemTime>) -> Webhook {
    let webhook = Webhook::new(lax().with(|settings| {
        settings.ports = Some(vec![port]);
        settings.open = vec!["127.0.0.1".to_owned()];
    }));
    match time {
        Some(time) => webhook.unwrap().at(time),
        None => webhook.unwrap(),
    }
}

/// The bytes of a delivery as they are on the wire.
async fn recorded(secrets: &[&str]) -> Vec<u8> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let recorder = spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(BODY.as_bytes()) {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        request
    });
    let target = format!("http://127.0.0.1:{port}/hook");
    assert_eq!(
        sender(port, None).send(&message(&target, secrets)).await,
        Sent::Delivered
    );
    recorder.join().unwrap()
}

/// The same bytes with one place changed.
fn with(request: &[u8], place: &str, other: &str) -> Vec<u8> {
    assert_eq!(place.len(), other.len());
    let text = str::from_utf8(request).unwrap();
    assert_eq!(text.matches(place).count(), 1, "{place} in {text}");
    text.replace(place, other).into_bytes()
}

#[tokio::test]
async fn a_delivery_is_verified_by_the_published_libraries_and_as_uploadcare_documents() {
    for library in Library::ALL {
        let receiver = Receiver::start(library, &[SECRET, SECRET]);
        let message = message(&receiver.url(), &[SECRET]);
        for deliveries in 1..=2 {
            assert_eq!(sent(&receiver, &message).await, Sent::Delivered, "{library:?}");
            let last = receiver.deliveries(deliveries).pop().unwrap();
            let saw: Value = serde_json::from_str(&last).unwrap();
            // A receiver recognises what it has had by the id.
            assert_eq!((&saw["id"], &saw["body"]), (&"evt_1".into(), &BODY.into()));
            assert_eq!(saw["error"], Value::Null);
        }
    }
}

#[tokio::test]
async fn while_secrets_are_replaced_a_receiver_verifies_with_either() {
    for library in Library::ALL {
        for known in [SECRET, OTHER] {
            let receiver = Receiver::start(library, &[known]);
            let answer = sent(&receiver, &message(&receiver.url(), &[OTHER, SECRET])).await;
            assert_eq!(answer, Sent::Delivered, "{library:?} with {known}");
        }
        // Uploadcare's signature has room for the newest only.
        let receiver = Receiver::start(library, &[SECRET, OTHER]);
        let answer = sent(&receiver, &message(&receiver.url(), &[OTHER, SECRET])).await;
        assert_eq!(answer, Sent::Delivered, "{library:?}");
    }
}

#[tokio::test]
async fn what_is_changed_on_its_way_is_not_verified() {
    let request = recorded(&[SECRET]).await;
    let id = with(&request, "webhook-id: evt_1", "webhook-id: evt_2");
    let body = with(&request, "file.uploaded", "file.uploadeD");
    for library in Library::ALL {
        let receiver = Receiver::start(library, &[SECRET, SECRET]);
        assert_eq!(replayed(&receiver, &request), "204", "{library:?}");
        assert_eq!(replayed(&receiver, &id), "401", "{library:?}");
        assert_eq!(replayed(&receiver, &body), "401", "{library:?}");
    }
}

#[tokio::test]
async fn an_old_delivery_another_secret_and_none_are_not_verified() {
    let now = SystemTime::now();
    let minutes = Duration::from_secs(301);
    for library in Library::ALL {
        let receiver = Receiver::start(library, &[SECRET]);
        let message = |secrets: &[&str]| message(&receiver.url(), secrets);
        let at = |time| sender(receiver.port(), Some(time));
        for (why, answer) in [
            (
                "Message timestamp too old",
                at(now - minutes).send(&message(&[SECRET])).await,
            ),
            (
                "Message timestamp too new",
                at(now + minutes * 2).send(&message(&[SECRET])).await,
            ),
            ("No matching signature found", sent(&receiver, &message(&[OTHER])).await),
            ("Missing required headers", sent(&receiver, &message(&[])).await),
        ] {
            assert_eq!(
                reason(answer),
                format!("the receiver answered 401: {why}"),
                "{library:?}"
            );
        }
    }
}
