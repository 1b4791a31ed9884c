//! The rules of every notifier, checked with targets of which its author knows the outcome.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures_util::future::join_all;

use super::broken::{Answers, broken};
use super::trial::{Checked, Patience, Trial};
use crate::contract::notifier::{Message, Notifier, Sent};
use crate::value::id::UploadId;
use crate::value::secret::Secret;

/// A target, and what becomes of a message to it. Its name is a text that the notifier understands, such as a URL; it is empty for
/// a notifier that has a target of its own.
#[derive(Clone, Debug)]
pub struct Destination {
    target: String,
    ending: Ending,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Delivered,
    Failed,
    Ended,
    /// There is no answer within the time of a suite.
    Silent,
    /// `check` refuses the target.
    Forbidden,
}

impl Destination {
    /// A target that takes messages. The suite sends it several.
    pub fn delivered(target: impl Into<String>) -> Self {
        Self::ending(target, Ending::Delivered)
    }

    /// A target that cannot take messages now.
    pub fn failed(target: impl Into<String>) -> Self {
        Self::ending(target, Ending::Failed)
    }

    /// A target that wants no more messages.
    pub fn ended(target: impl Into<String>) -> Self {
        Self::ending(target, Ending::Ended)
    }

    /// A target that does not answer: sending to it goes on until it is dropped, or fails after a time.
    pub fn silent(target: impl Into<String>) -> Self {
        Self::ending(target, Ending::Silent)
    }

    /// A target that messages must not be sent to: `check` refuses it, and sending to it fails.
    pub fn forbidden(target: impl Into<String>) -> Self {
        Self::ending(target, Ending::Forbidden)
    }

    fn ending(target: impl Into<String>, ending: Ending) -> Self {
        Self {
            target: target.into(),
            ending,
        }
    }
}

/// Checks every rule of [`Notifier`] with these targets and with texts that name no target, on a thread and a runtime of its own.
/// There should be targets of each kind.
///
/// # Panics
///
/// If a rule is broken, with the rule, what was asked, what was expected and what was seen.
pub async fn notifier(notifier: impl Notifier + 'static, targets: &[Destination]) -> Checked {
    Patience::default().notifier(notifier, targets).await
}

impl Patience {
    /// As [`notifier`](super::notifier()), with other limits.
    ///
    /// # Panics
    ///
    /// If a rule is broken.
    pub async fn notifier(self, notifier: impl Notifier + 'static, targets: &[Destination]) -> Checked {
        let targets = targets.to_vec();
        let suite = |trial: Trial| async move {
            let sender = &Sender {
                trial: trial.clone(),
                notifier: Arc::new(notifier),
            };
            let targets = &targets[..];
            rules!(
                trial,
                it_is_ready(sender),
                check_refuses_targets_that_must_not_be_sent_to(sender, targets),
                a_message_ends_as_its_author_expects(sender, targets),
                the_same_message_can_be_sent_again(sender, targets),
                a_check_changes_nothing(sender, targets),
                messages_at_the_same_time_end_as_they_do_alone(sender, targets),
            );
            // A call that hangs breaks this rule.
            let name = "a_target_that_does_not_answer_holds_up_no_other";
            let check = Box::pin(silent_targets_hold_up_no_other(sender, targets));
            trial.rule(name, true, check).await;
            rules!(
                trial,
                a_dropped_message_does_not_disturb_the_next(sender, targets),
                texts_that_are_no_target_are_answers(sender),
            );
            sender.leave_out_what_has_no_target(targets);
        };
        Trial::new(self).apart(suite).await
    }
}

/// A secret that must not be among the words of a reason.
const SECRET: &str = "whsec_c2VjcmV0LW9mLXRoZS1zdWl0ZQ==";

struct Sender {
    trial: Trial,
    notifier: Arc<dyn Notifier>,
}

impl Sender {
    fn check(&self, target: &str) -> bool {
        let checked = self
            .trial
            .call_now(format!("check {}", short(target)), || self.notifier.check(target));
        if let Err(rejection) = &checked {
            holds!(
                !rejection.message.trim().is_empty(),
                "a refusal without a reason: {rejection:?}"
            );
        }
        checked.is_ok()
    }

    async fn send(&self, message: &Message) -> Sent {
        let asked = format!("send to {}, attempt {}", short(&message.target), message.attempt);
        let sent = self.trial.call(asked, self.notifier.send(message)).await;
        if let Sent::Failed { reason, .. } | Sent::Ended { reason } = &sent {
            holds!(!reason.trim().is_empty(), "{sent:?}, without a reason");
            holds!(!reason.contains(SECRET), "a secret among the words of a reason");
        }
        sent
    }

    /// Sends a message, and checks that the outcome is the expected one.
    async fn expect(&self, target: &Destination, message: &Message) {
        let sent = self.send(message).await;
        let is_expected = match target.ending {
            Ending::Delivered => sent == Sent::Delivered,
            Ending::Ended => matches!(sent, Sent::Ended { .. }),
            Ending::Failed | Ending::Forbidden | Ending::Silent => matches!(sent, Sent::Failed { .. }),
        };
        if !is_expected {
            broken(
                format!("{:?}, of {}", target.ending, short(&target.target)),
                format!("{sent:?}"),
            );
        }
    }

    fn leave_out_what_has_no_target(&self, targets: &[Destination]) {
        for (ending, sort) in [
            (Ending::Delivered, "takes messages"),
            (Ending::Failed, "fails"),
            (Ending::Ended, "wants no more"),
            (Ending::Silent, "does not answer"),
            (Ending::Forbidden, "is forbidden"),
        ] {
            if of(targets, ending).next().is_none() {
                self.trial.leave_out(format!("endings: no target {sort}"));
            }
        }
    }
}

fn short(target: &str) -> String {
    let short: String = target.chars().take(60).collect();
    format!("{short:?}")
}

fn of(targets: &[Destination], ending: Ending) -> impl Iterator<Item = &Destination> {
    targets.iter().filter(move |target| target.ending == ending)
}

fn answering(targets: &[Destination]) -> impl Iterator<Item = &Destination> {
    targets.iter().filter(|target| target.ending != Ending::Silent)
}

/// A message to a target, with a body and a secret.
fn message(target: &str) -> Message {
    let file = UploadId::random();
    Message::new(format!("evt_{file}"), "file.uploaded", file).with(|message| {
        message.target = target.to_owned();
        message.secrets = vec![Secret::new(SECRET)];
        message.body = format!("{{\"type\":\"file.uploaded\",\"data\":{{\"uuid\":\"{file}\"}}}}").into();
    })
}

async fn it_is_ready(sender: &Sender) {
    sender.trial.call("ready", sender.notifier.ready()).await.answers();
}

async fn check_refuses_targets_that_must_not_be_sent_to(sender: &Sender, targets: &[Destination]) {
    for target in targets {
        let (expected, seen) = (target.ending != Ending::Forbidden, sender.check(&target.target));
        same!(seen, expected, "check says otherwise of {}", short(&target.target));
    }
}

async fn a_message_ends_as_its_author_expects(sender: &Sender, targets: &[Destination]) {
    for target in answering(targets) {
        sender.expect(target, &message(&target.target)).await;
    }
}

/// After a crash the pipeline does not know whether a receiver has it.
async fn the_same_message_can_be_sent_again(sender: &Sender, targets: &[Destination]) {
    for target in answering(targets) {
        let mut message = message(&target.target);
        for attempt in [1, 1, 2] {
            message.attempt = attempt;
            sender.expect(target, &message).await;
        }
    }
}

async fn a_check_changes_nothing(sender: &Sender, targets: &[Destination]) {
    for target in targets {
        let first = sender.check(&target.target);
        for _ in 0..8 {
            same!(
                sender.check(&target.target),
                first,
                "check says something else than before"
            );
        }
    }
    for target in answering(targets) {
        sender.expect(target, &message(&target.target)).await;
    }
}

async fn messages_at_the_same_time_end_as_they_do_alone(sender: &Sender, targets: &[Destination]) {
    let several = answering(targets).flat_map(|target| [target; 3]);
    let sent = several.map(|target| async move { sender.expect(target, &message(&target.target)).await });
    join_all(sent).await;
}

async fn silent_targets_hold_up_no_other(sender: &Sender, targets: &[Destination]) {
    let silent: Vec<_> = of(targets, Ending::Silent)
        .map(|target| message(&target.target))
        .collect();
    let mut waiting: Vec<Pin<Box<dyn Future<Output = Sent> + Send>>> = Vec::new();
    for message in silent.iter().flat_map(|message| [message; 16]) {
        waiting.push(Box::pin(sender.notifier.send(message)));
    }
    let mut others = Box::pin(a_message_ends_as_its_author_expects(sender, targets));
    // The silent ones are driven, and only the others are waited for.
    poll_fn(|cx| {
        waiting.retain_mut(|one| match one.as_mut().poll(cx) {
            Poll::Pending => true,
            Poll::Ready(Sent::Failed { .. }) => false,
            Poll::Ready(sent) => broken("no answer, or a failure", format!("{sent:?}")),
        });
        others.as_mut().poll(cx)
    })
    .await;
}

async fn a_dropped_message_does_not_disturb_the_next(sender: &Sender, targets: &[Destination]) {
    for target in targets {
        for _ in 0..8 {
            let message = message(&target.target);
            let mut sending = Box::pin(sender.notifier.send(&message));
            let asked = format!("begin to send to {}", short(&target.target));
            let begun = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx).is_ready()));
            let _is_ready = sender.trial.call(asked, begun).await;
        }
    }
    for target in answering(targets) {
        sender.expect(target, &message(&target.target)).await;
    }
}

async fn texts_that_are_no_target_are_answers(sender: &Sender) {
    // It ignores what it is given.
    if sender.notifier.has_own_target() {
        return sender
            .trial
            .leave_out("texts that are no target: it has a target of its own");
    }
    let long = "x".repeat(100_000);
    for text in [
        "",
        " ",
        "\0",
        "\n",
        ":",
        "//",
        "?#",
        "a\u{202e}b",
        "\u{fffd}",
        "%zz",
        "::1",
        &long,
    ] {
        let may_be_sent = sender.check(text);
        let sent = sender.send(&message(text)).await;
        if !may_be_sent && sent == Sent::Delivered {
            broken(
                format!("nothing sent to {}, which check refuses", short(text)),
                format!("{sent:?}"),
            );
        }
    }
}
