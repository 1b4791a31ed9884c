//! Real receivers, with the published libraries that verify webhooks: `standardwebhooks` for Python and for Node.js.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::spawn;
use std::time::{Duration, SystemTime};

use intake_core::{Message, Notifier, Sent};
use intake_plugin_webhook::Webhook;
use serde_json::Value;

use crate::{BODY, lax, message, reason};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_c2VjcmV0LW9mLWFub3RoZXItcmVjZWl2ZXI=";

/// The libraries, each with how its receiver is started.
#[derive(Clone, Copy, Debug)]
enum Library {
    Python,
    Node,
}

const LIBRARIES: [Library; 2] = [Library::Python, Library::Node];

/// Where `./check setup` puts what the tests need.
fn tools() -> PathBuf {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = || {
        set("XDG_CACHE_HOME")
            .or_else(|| Some(set("HOME")?.join(".cache")))
            .expect("a home")
    };
    set("INTAKE_TEST_TOOLS").unwrap_or_else(|| cache().join("intake/test-tools"))
}

/// A receiver that runs. It ends when its input does.
struct Receiver {
    process: Child,
    input: Option<ChildStdin>,
    said: BufReader<ChildStdout>,
    port: u16,
}

impl Receiver {
    fn start(library: Library, secrets: &[&str]) -> Self {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/webhooks");
        let (program, script) = match library {
            Library::Python => (tools().join("webhooks-python/bin/python"), "receive.py"),
            Library::Node => ("node".into(), "receive.mjs"),
        };
        let mut process = Command::new(&program)
            .arg(scripts.join(script))
            .args(secrets)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run `./check setup` first", program.display()));
        let mut receiver = Self {
            input: process.stdin.take(),
            said: BufReader::new(process.stdout.take().unwrap()),
            process,
            port: 0,
        };
        receiver.port = receiver
            .line()
            .trim()
            .parse()
            .expect("a port; run `./check setup` first");
        receiver
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Sends a message from this machine to this machine.
    async fn gets(&self, message: &Message) -> Sent {
        sender(self.port, None).send(message).await
    }

    /// The last delivery, as the receiver saw it.
    fn saw(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Sends these bytes, and reads the status of the answer.
    fn replayed(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ended = self.process.wait();
    }
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
    for library in LIBRARIES {
        let mut receiver = Receiver::start(library, &[SECRET, SECRET]);
        let message = message(&receiver.url(), &[SECRET]);
        for _ in 0..2 {
            assert_eq!(receiver.gets(&message).await, Sent::Delivered, "{library:?}");
            let saw = receiver.saw();
            // A receiver recognises what it has had by the id.
            assert_eq!((&saw["id"], &saw["body"]), (&"evt_1".into(), &BODY.into()));
            assert_eq!(saw["error"], Value::Null);
        }
    }
}

#[tokio::test]
async fn while_secrets_are_replaced_a_receiver_verifies_with_either() {
    for library in LIBRARIES {
        for known in [SECRET, OTHER] {
            let receiver = Receiver::start(library, &[known]);
            let sent = receiver.gets(&message(&receiver.url(), &[OTHER, SECRET])).await;
            assert_eq!(sent, Sent::Delivered, "{library:?} with {known}");
        }
        // Uploadcare's signature has room for the newest only.
        let receiver = Receiver::start(library, &[SECRET, OTHER]);
        let sent = receiver.gets(&message(&receiver.url(), &[OTHER, SECRET])).await;
        assert_eq!(sent, Sent::Delivered, "{library:?}");
    }
}

#[tokio::test]
async fn what_is_changed_on_its_way_is_not_verified() {
    let request = recorded(&[SECRET]).await;
    let id = with(&request, "webhook-id: evt_1", "webhook-id: evt_2");
    let body = with(&request, "file.uploaded", "file.uploadeD");
    for library in LIBRARIES {
        let receiver = Receiver::start(library, &[SECRET, SECRET]);
        assert_eq!(receiver.replayed(&request), "204", "{library:?}");
        assert_eq!(receiver.replayed(&id), "401", "{library:?}");
        assert_eq!(receiver.replayed(&body), "401", "{library:?}");
    }
}

#[tokio::test]
async fn an_old_delivery_another_secret_and_none_are_not_verified() {
    let now = SystemTime::now();
    let minutes = Duration::from_secs(301);
    for library in LIBRARIES {
        let receiver = Receiver::start(library, &[SECRET]);
        let message = |secrets: &[&str]| message(&receiver.url(), secrets);
        let at = |time| sender(receiver.port, Some(time));
        for (what, sent) in [
            ("too old", at(now - minutes).send(&message(&[SECRET])).await),
            ("of the future", at(now + minutes * 2).send(&message(&[SECRET])).await),
            ("another secret", receiver.gets(&message(&[OTHER])).await),
            ("no secret", receiver.gets(&message(&[])).await),
        ] {
            let why = reason(sent);
            assert!(
                why.starts_with("the receiver answered 401: "),
                "{library:?}, {what}: {why}"
            );
        }
    }
}
