//! Real receivers, with the published libraries that verify webhooks: `standardwebhooks` for Python and for Node.js, and `svix`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use intake_core::events::{DeliveryFilter, FileEventKind, Replay, Subscription};
use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::{
    Declared, Fault, Incoming, Intervals, Message, Notifier, Pipeline, Rejection, Secret, Sent, UploadOptions,
    async_trait,
};
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

/// Sends these bytes to a receiver, and reads its answer.
fn answer_to(receiver: &Receiver, request: &[u8]) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, receiver.port())).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Sends these bytes to a receiver, and reads the status of the answer.
fn replayed(receiver: &Receiver, request: &[u8]) -> String {
    let answer = answer_to(receiver, request);
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

/// Somebody on the way, who answers each delivery and keeps its bytes.
struct Listener(TcpListener);

impl Listener {
    fn start() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port())
    }

    /// The bytes of the next delivery as they are on the wire.
    async fn heard(&self) -> Vec<u8> {
        let listener = self.0.try_clone().unwrap();
        let heard = tokio::task::spawn_blocking(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(&stream);
            let (mut request, mut length) = (Vec::new(), 0);
            while !request.ends_with(b"\r\n\r\n") {
                let begins = request.len();
                reader.read_until(b'\n', &mut request).unwrap();
                let line = str::from_utf8(&request[begins..]).unwrap();
                if let Some(given) = line.strip_prefix("content-length: ") {
                    length = given.trim_end().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
            [request, body].concat()
        });
        heard.await.unwrap()
    }
}

/// The bytes of a delivery as they are on the wire.
async fn recorded(secrets: &[&str]) -> Vec<u8> {
    let listener = Listener::start();
    let (sender, message) = (sender(listener.port(), None), message(&listener.url(), secrets));
    let (heard, sent) = tokio::join!(listener.heard(), sender.send(&message));
    assert_eq!(sent, Sent::Delivered);
    heard
}

/// The value of a header of a request.
fn header<'a>(request: &'a [u8], name: &str) -> &'a str {
    let text = str::from_utf8(request).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|value| value.strip_prefix(": ")).expect(name)
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

/// The webhooks of a program whose clock is behind by so many seconds.
#[derive(Debug)]
struct Behind {
    seconds: Arc<AtomicU64>,
    port: u16,
}

impl Behind {
    fn now(&self) -> Webhook {
        let seconds = Duration::from_secs(self.seconds.load(Ordering::SeqCst));
        sender(self.port, Some(SystemTime::now() - seconds))
    }
}

#[async_trait]
impl Notifier for Behind {
    fn check(&self, target: &str) -> Result<(), Rejection> {
        self.now().check(target)
    }

    async fn send(&self, message: &Message) -> Sent {
        self.now().send(message).await
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[tokio::test]
async fn a_replay_of_the_program_is_verified_under_the_same_id_and_a_copy_of_the_old_request_is_too_old() {
    let (listener, seconds) = (Listener::start(), Arc::new(AtomicU64::new(3600)));
    let hooks = Behind {
        seconds: Arc::clone(&seconds),
        port: listener.port(),
    };
    let pipeline = Pipeline::builder()
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default())
        .expirer(KeepAll)
        .notifier("hooks", hooks)
        .build()
        .unwrap();
    let hook = Subscription::new("demo", FileEventKind::Uploaded, listener.url());
    let secrets = vec![Secret::new(SECRET)];
    pipeline
        .subscribe(hook.with(|hook| hook.secrets = secrets))
        .await
        .unwrap();
    let incoming = Incoming::from_bytes(Declared::named("a.txt"), "content");
    let file = pipeline.ingest(incoming, UploadOptions::of_project("demo")).await;
    let deliver = async || {
        let (told, heard) = tokio::sync::oneshot::channel();
        let until_heard = async {
            let _pipeline = told.send(listener.heard().await);
        };
        pipeline.run_background(Intervals::default(), until_heard).await;
        heard.await.unwrap()
    };
    let old = deliver().await;
    let made = pipeline.deliveries(DeliveryFilter::default(), None, 10).await.unwrap();
    seconds.store(0, Ordering::SeqCst);
    assert_eq!(pipeline.replay(Replay::One(made[0].id)).await.unwrap(), 1);
    let fresh = deliver().await;
    assert_eq!(header(&old, "webhook-id"), header(&fresh, "webhook-id"));
    assert!(header(&old, "webhook-id").starts_with(&file.unwrap().id.to_string().replace('-', "")));
    for library in Library::ALL {
        let receiver = Receiver::start(library, &[SECRET]);
        let refused = answer_to(&receiver, &old);
        assert!(refused.contains("Message timestamp too old"), "{library:?}: {refused}");
        // Whoever copies it cannot make it look new.
        let (before, now) = (header(&old, "webhook-timestamp"), header(&fresh, "webhook-timestamp"));
        assert_eq!(replayed(&receiver, &with(&old, before, now)), "401", "{library:?}");
        assert_eq!(replayed(&receiver, &fresh), "204", "{library:?}");
    }
}
