//! Notifiers that are wrong, each in one way.

use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use intake_core::testkit::Destination;
use intake_core::{Code, Fault, Message, Notifier, Rejection, Sent, async_trait};

use super::{PATIENCE, caught_by};

/// How a notifier that knows five targets is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    ChecksNothing,
    RefusesWhatMayBeSentTo,
    RefusesWithoutReason,
    SendsToWhatItRefuses,
    HidesFailures,
    EndsWhatFails,
    FailsWithoutReason,
    TellsASecret,
    SendsAMessageOnce,
    ForgetsTargetsThatAreChecked,
    SendsOneAtATime,
    LosesTheRoomOfWhatIsDropped,
    PanicsAtOddTargets,
    SendsToOddTargets,
}

#[derive(Debug)]
struct Office {
    wrong: Wrong,
    checked: AtomicUsize,
    under_way: AtomicUsize,
    sent: Mutex<BTreeSet<String>>,
    turn: tokio::sync::Mutex<()>,
}

fn failed(reason: &str) -> Sent {
    Sent::Failed {
        reason: reason.to_owned(),
        retry_after: None,
    }
}

#[async_trait]
impl Notifier for Office {
    fn check(&self, target: &str) -> Result<(), Rejection> {
        let no = |message: &str| Err(Rejection::new(Code::new("no"), message));
        if self.wrong == Wrong::PanicsAtOddTargets {
            let _first = target.as_bytes()[0];
        }
        let checks = self.checked.fetch_add(1, Ordering::SeqCst);
        match (target, self.wrong) {
            ("open", Wrong::RefusesWhatMayBeSentTo) => no("it is closed"),
            ("open", Wrong::ForgetsTargetsThatAreChecked) if checks > 10 => no("it is closed"),
            ("inside", Wrong::ChecksNothing) | ("open" | "busy" | "gone" | "silent", _) => Ok(()),
            (_, Wrong::RefusesWithoutReason) => no(""),
            _ => no("there is no such target"),
        }
    }

    async fn send(&self, message: &Message) -> Sent {
        let _turn = match self.wrong {
            Wrong::SendsOneAtATime => Some(self.turn.lock().await),
            _ => None,
        };
        if self.under_way.fetch_add(1, Ordering::SeqCst) > 20 && self.wrong == Wrong::LosesTheRoomOfWhatIsDropped {
            return failed("no room");
        }
        let is_new = self.sent.lock().unwrap().insert(message.id.clone());
        let sent = match (message.target.as_str(), self.wrong) {
            ("open", Wrong::SendsAMessageOnce) if !is_new => failed("it has it"),
            ("open", _) | ("inside", Wrong::SendsToWhatItRefuses) | ("busy", Wrong::HidesFailures) => Sent::Delivered,
            ("busy", Wrong::EndsWhatFails) | ("gone", _) => Sent::Ended {
                reason: "it is gone".to_owned(),
            },
            ("busy", Wrong::FailsWithoutReason) => failed(" "),
            ("busy", Wrong::TellsASecret) => {
                let secret = message.secrets[0].expose(str::to_owned).unwrap();
                failed(&format!("it is busy, and {secret} did not help"))
            }
            ("silent", _) => pending().await,
            ("busy" | "inside", _) => failed("it is busy"),
            (_, Wrong::SendsToOddTargets) => Sent::Delivered,
            _ => failed("there is no such target"),
        };
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        sent
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

fn office(wrong: Wrong) -> Office {
    Office {
        wrong,
        checked: AtomicUsize::default(),
        under_way: AtomicUsize::default(),
        sent: Mutex::default(),
        turn: tokio::sync::Mutex::default(),
    }
}

fn targets() -> Vec<Destination> {
    vec![
        Destination::delivered("open"),
        Destination::failed("busy"),
        Destination::ended("gone"),
        Destination::silent("silent"),
        Destination::forbidden("inside"),
    ]
}

const CHECKED: &str = "check refuses targets that must not be sent to";
const ENDS: &str = "a message ends as its author expects";

#[tokio::test]
async fn wrong_notifiers_are_caught_by_the_rule_that_they_break() {
    for (wrong, rule) in [
        (Wrong::ChecksNothing, CHECKED),
        (Wrong::RefusesWhatMayBeSentTo, CHECKED),
        (Wrong::RefusesWithoutReason, CHECKED),
        (Wrong::SendsToWhatItRefuses, ENDS),
        (Wrong::HidesFailures, ENDS),
        (Wrong::EndsWhatFails, ENDS),
        (Wrong::FailsWithoutReason, ENDS),
        (Wrong::TellsASecret, ENDS),
        (Wrong::SendsAMessageOnce, "the same message can be sent again"),
        (Wrong::ForgetsTargetsThatAreChecked, "a check changes nothing"),
        (
            Wrong::SendsOneAtATime,
            "a target that does not answer holds up no other",
        ),
        (
            Wrong::LosesTheRoomOfWhatIsDropped,
            "a dropped message does not disturb the next",
        ),
        (Wrong::PanicsAtOddTargets, "no call panics"),
        (Wrong::SendsToOddTargets, "texts that are no target are answers"),
    ] {
        let targets = targets();
        let suite = PATIENCE.notifier(office(wrong), &targets);
        caught_by(rule, &format!("{wrong:?}"), suite).await;
    }
}

#[tokio::test]
async fn a_notifier_that_keeps_the_contract_passes() {
    let checked = PATIENCE.notifier(office(Wrong::Nothing), &targets()).await;
    assert_eq!((checked.rules.len(), checked.left_out.len()), (9, 0), "{checked}");
    let checked = PATIENCE.notifier(office(Wrong::Nothing), &targets()[..4]).await;
    assert_eq!(checked.left_out, ["endings: no target is forbidden"]);
}
