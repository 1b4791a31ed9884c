//! Tests of what an operator and a receiver can rely on.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod contract;
mod guard;
mod receivers;
mod requests;
mod settings;

use intake_core::{Message, Secret, Sent, UploadId};
use intake_outbound::testkit::FakeNetwork;
use intake_plugin_webhook::{Settings, Webhook};

/// The body of the messages in these tests.
const BODY: &str = r#"{"type":"file.uploaded","timestamp":"2026-11-28T12:00:00Z","data":{"name":"naïve.png"}}"#;

/// A message to this target, signed with these secrets.
fn message(target: &str, secrets: &[&str]) -> Message {
    Message::new("evt_1", "file.uploaded", UploadId::random()).with(|message| {
        message.target = target.to_owned();
        message.secrets = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        message.body = BODY.into();
    })
}

/// A sender in this network.
fn sender(network: &FakeNetwork, settings: Settings) -> Webhook {
    let webhook = Webhook::new(settings).unwrap().on_network(network.clone());
    match network.certificate() {
        Some(certificate) => webhook.trusting([certificate]),
        None => webhook,
    }
}

/// Settings that also send over http.
fn lax() -> Settings {
    Settings::default().with(|settings| settings.allow_http = Some(true))
}

/// Why a message was not delivered.
fn reason(sent: Sent) -> String {
    match sent {
        Sent::Failed { reason, .. } | Sent::Ended { reason } => reason,
        sent => panic!("{sent:?}"),
    }
}
