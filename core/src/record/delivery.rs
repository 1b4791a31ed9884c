//! Events as a recorder keeps them, and their deliveries to targets. Pure.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::record::file_event::{FileEvent, FileEventKind};
use crate::record::upload::Record;
use crate::value::id::UploadId;

/// The place of an event among all events of a recorder. The default is the place before the first one.
///
/// It is opaque: as text it can be kept, such as `42` or `7-42`, and only the recorder that made it knows its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventPosition {
    /// What comes first in the order, such as a transaction; zero if the recorder needs only a number.
    pub(crate) major: u64,
    /// The number of the event.
    pub(crate) minor: u64,
}

impl EventPosition {
    /// A position of a recorder's own making: events are in the order of `major`, then of `minor`, which is unique.
    #[must_use]
    pub fn new(major: u64, minor: u64) -> Self {
        Self { major, minor }
    }

    /// The numbers of which the recorder made it.
    #[must_use]
    pub fn parts(self) -> (u64, u64) {
        (self.major, self.minor)
    }
}

impl fmt::Display for EventPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.major {
            0 => write!(f, "{}", self.minor),
            major => write!(f, "{major}-{}", self.minor),
        }
    }
}

/// A text is not a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the position of an event: expected a text that this program has shown before, or `0`")]
pub struct NotAPosition;

impl FromStr for EventPosition {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let (major, minor) = text.split_once('-').unwrap_or(("0", text));
        let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse().map_err(|_| NotAPosition),
            false => Err(NotAPosition),
        };
        Ok(Self::new(number(major)?, number(minor)?))
    }
}

impl Serialize for EventPosition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventPosition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An event that a recorder keeps.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct KeptEvent {
    /// Its place among all events.
    pub position: EventPosition,
    /// Its id: ASCII without `.`, at most 64 characters. See [`event_id`](crate::events::event_id).
    pub id: String,
    /// What happened.
    pub event: FileEvent,
    /// The record after the change.
    pub record: Record,
}

impl KeptEvent {
    /// An event at this position.
    #[must_use]
    pub fn new(position: EventPosition, id: impl Into<String>, event: FileEvent, record: Record) -> Self {
        Self {
            position,
            id: id.into(),
            event,
            record,
        }
    }
}

/// A delivery that is to be made: one event to one target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewDelivery {
    /// The name of the notifier that sends it.
    pub notifier: String,
    /// Where it goes; empty if the notifier has a target of its own.
    pub target: String,
    /// The subscription that asked for it; `None` if the notifier has a target of its own.
    pub subscription: Option<i64>,
    /// What is sent. It never changes.
    pub body: Bytes,
}

impl NewDelivery {
    /// A delivery of a body by a notifier to a target.
    #[must_use]
    pub fn new(
        notifier: impl Into<String>,
        target: impl Into<String>,
        subscription: Option<i64>,
        body: impl Into<Bytes>,
    ) -> Self {
        Self {
            notifier: notifier.into(),
            target: target.into(),
            subscription,
            body: body.into(),
        }
    }

    /// The lane of a notifier and a target: a number that all deliveries share that go the same way. The bounds on what is under
    /// way and the order by file are those of a lane. Two targets that share a number by chance wait for each other, and nothing
    /// else.
    #[must_use]
    pub fn lane(&self) -> i64 {
        let mut hash = Sha256::new();
        hash.update(self.notifier.as_bytes());
        hash.update([0]);
        hash.update(self.target.as_bytes());
        let mut lane = [0; 8];
        lane.copy_from_slice(&hash.finalize()[..8]);
        i64::from_be_bytes(lane)
    }
}

/// Where a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DeliveryState {
    /// It waits for its next attempt, or is under way.
    Waiting,
    /// The receiver has it.
    Delivered,
    /// Every attempt has failed. It can be replayed.
    Failed,
    /// The subscription was ended or removed before it was delivered.
    Cancelled,
}

impl DeliveryState {
    /// The state's name in commands and databases.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this name, if there is one.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// A delivery of an event to a target.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// Its number, positive. A later one was planned later.
    pub id: i64,
    /// The id of the event.
    pub event: String,
    /// The number of the event: those of one file rise with its revisions.
    pub event_number: u64,
    /// What happened.
    pub kind: FileEventKind,
    /// The file that it happened to.
    pub file: UploadId,
    /// The public key of the file's project.
    pub project: Option<String>,
    /// What is sent, by whom, and to where.
    pub to: NewDelivery,
    /// Where it is.
    pub state: DeliveryState,
    /// How many attempts have begun.
    pub attempts: u32,
    /// How many had begun when it was replayed last: the schedule counts from there.
    pub attempts_before: u32,
    /// When it is attempted next. While it is under way: when its lease ends. `None`: never.
    pub due: Option<SystemTime>,
    /// When it was planned.
    pub created: SystemTime,
    /// When it was delivered, given up or cancelled.
    pub ended: Option<SystemTime>,
    /// Why the last attempt failed: at most 1,000 bytes. It may hold words of the receiver: it is escaped where it is shown.
    pub answer: Option<String>,
}

impl Delivery {
    /// A delivery that waits for its first attempt: of an event with this id and number, of this kind and file.
    #[must_use]
    pub fn new(
        id: i64,
        (event, event_number): (String, u64),
        (kind, file): (FileEventKind, UploadId),
        to: NewDelivery,
        now: SystemTime,
    ) -> Self {
        Self {
            id,
            event,
            event_number,
            kind,
            file,
            project: None,
            to,
            state: DeliveryState::Waiting,
            attempts: 0,
            attempts_before: 0,
            due: Some(now),
            created: now,
            ended: None,
            answer: None,
        }
    }

    /// The number of the attempt that is under way, from 1 on, counted from the last replay.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempts.saturating_sub(self.attempts_before)
    }

    /// Sets some of the fields, such as when a recorder reads it.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// Which due deliveries a node takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// The time.
    pub now: SystemTime,
    /// Until when the node has them. Afterwards another node may take them.
    pub until: SystemTime,
    /// The most deliveries.
    pub limit: usize,
    /// The most deliveries of one target that are under way. Nodes that claim at the same moment may exceed it together.
    pub most_per_target: usize,
}

impl Claim {
    /// So many deliveries, until then.
    #[must_use]
    pub fn new(now: SystemTime, until: SystemTime, limit: usize, most_per_target: usize) -> Self {
        Self {
            now,
            until,
            limit,
            most_per_target,
        }
    }
}

/// Takes from several lanes in turn: one of each, then the next of each, at most `limit` in all.
#[must_use]
pub fn in_turn<T>(lanes: Vec<Vec<T>>, limit: usize) -> Vec<T> {
    let mut lanes: Vec<_> = lanes.into_iter().map(Vec::into_iter).collect();
    let mut taken = Vec::new();
    while taken.len() < limit && !lanes.is_empty() {
        lanes.retain_mut(|lane| match lane.next() {
            Some(next) => {
                taken.push(next);
                true
            }
            None => false,
        });
    }
    taken.truncate(limit);
    taken
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settled {
    /// The receiver has it.
    Delivered,
    /// It failed, and is attempted again then.
    Retry {
        /// When.
        due: SystemTime,
        /// Why it failed, at most [`LONGEST_ANSWER`] bytes.
        answer: String,
    },
    /// It failed, and is not attempted again.
    Failed {
        /// Why, at most [`LONGEST_ANSWER`] bytes.
        answer: String,
    },
    /// There is nobody any more who wants it.
    Cancelled,
}

impl Settled {
    /// The state of the delivery afterwards, when it is due, and the reason.
    #[must_use]
    pub fn parts(&self) -> (DeliveryState, Option<SystemTime>, Option<&str>) {
        match self {
            Self::Delivered => (DeliveryState::Delivered, None, None),
            Self::Retry { due, answer } => (DeliveryState::Waiting, Some(*due), Some(answer)),
            Self::Failed { answer } => (DeliveryState::Failed, None, Some(answer)),
            Self::Cancelled => (DeliveryState::Cancelled, None, None),
        }
    }
}

/// The most bytes of an answer that are kept.
pub const LONGEST_ANSWER: usize = 1_000;

/// Which deliveries are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryFilter {
    /// Those of this subscription only.
    pub subscription: Option<i64>,
    /// Those only that were given up.
    pub failed: bool,
}

impl DeliveryFilter {
    /// Those of this subscription.
    #[must_use]
    pub fn of(subscription: i64) -> Self {
        Self {
            subscription: Some(subscription),
            failed: false,
        }
    }

    /// Of these, those that were given up.
    #[must_use]
    pub fn failed(self) -> Self {
        Self { failed: true, ..self }
    }

    /// Whether the list has this delivery.
    #[must_use]
    pub fn has(&self, delivery: &Delivery) -> bool {
        let is_of = self.subscription.is_none() || delivery.to.subscription == self.subscription;
        is_of && (!self.failed || delivery.state == DeliveryState::Failed)
    }
}

/// Which deliveries are sent once more, with the same id and body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replay {
    /// This one, which was delivered, given up or cancelled.
    One(i64),
    /// All of a subscription that were given up and were planned then or later.
    Failed {
        /// The subscription.
        subscription: i64,
        /// Since when.
        since: SystemTime,
    },
}

/// How much waits for delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryBacklog {
    /// Deliveries that wait or are under way.
    pub waiting: u64,
    /// When that was due which has been due longest. `None`: nothing waits.
    pub oldest_due: Option<SystemTime>,
}

impl DeliveryBacklog {
    /// So many deliveries.
    #[must_use]
    pub fn new(waiting: u64, oldest_due: Option<SystemTime>) -> Self {
        Self { waiting, oldest_due }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_from_its_text_and_nothing_else_is_one() {
        for (position, text) in [
            (EventPosition::default(), "0"),
            (EventPosition::new(0, 42), "42"),
            (EventPosition::new(7, 42), "7-42"),
            (
                EventPosition::new(u64::MAX, u64::MAX),
                "18446744073709551615-18446744073709551615",
            ),
        ] {
            assert_eq!(position.to_string(), text);
            assert_eq!(text.parse(), Ok(position));
        }
        for wrong in [
            "",
            "-",
            "7-",
            "-7",
            "+7",
            "7-42-1",
            "18446744073709551616",
            "seven",
            " 7",
        ] {
            assert_eq!(wrong.parse::<EventPosition>(), Err(NotAPosition), "{wrong}");
        }
    }

    #[test]
    fn lanes_are_taken_from_in_turn() {
        let lanes = || vec![vec![1, 2, 3, 4], vec![], vec![10], vec![20, 21]];
        assert_eq!(in_turn(lanes(), 9), [1, 10, 20, 2, 21, 3, 4]);
        assert_eq!(in_turn(lanes(), 4), [1, 10, 20, 2]);
        assert_eq!(in_turn(lanes(), 0), [0; 0]);
    }

    #[test]
    fn deliveries_share_a_lane_if_they_share_notifier_and_target() {
        let lane = |notifier: &str, target: &str| NewDelivery::new(notifier, target, None, "").lane();
        assert_eq!(lane("a", "b"), NewDelivery::new("a", "b", Some(7), "body").lane());
        assert_ne!(lane("a", "b"), lane("ab", ""));
        assert_ne!(lane("a", "b"), lane("a", "c"));
    }
}
