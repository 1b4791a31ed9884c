//! Events, deliveries and subscriptions as rows, and back.

use intake_core::events::{
    Delivery, DeliveryState, EventPosition, FileEvent, FileEventKind, KeptEvent, NewDelivery, Subscription, event_id,
};
use intake_core::micros::{from_micros, to_micros};
use intake_core::{Fault, Record, Secret};
use serde::{Deserialize, Serialize};

use crate::codes::{RECORD_FAILED, RECORD_UNREADABLE};

/// An event of a record that is written. The record is that of the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewEvent {
    pub(crate) id: String,
    pub(crate) at: i64,
    pub(crate) event: String,
}

impl NewEvent {
    /// The events of a record.
    ///
    /// # Errors
    ///
    /// If one cannot be serialised.
    pub(crate) fn of(record: &Record) -> Result<Vec<Self>, Fault> {
        let event = |(number, event): (usize, &FileEvent)| {
            let json = serde_json::to_string(event).map_err(|error| {
                let message = format!("an event of {} cannot be serialised", record.id);
                Fault::new(RECORD_FAILED, message).with_source(error)
            })?;
            Ok(Self {
                id: event_id(record.id, record.revision, number),
                at: to_micros(event.at),
                event: json,
            })
        };
        record.events.iter().enumerate().map(event).collect()
    }
}

/// An event as it is read.
#[derive(Clone, Debug)]
pub(crate) struct EventRow {
    pub(crate) xact: i64,
    pub(crate) number: i64,
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) record: String,
}

impl EventRow {
    /// The event of a row.
    ///
    /// # Errors
    ///
    /// [`RECORD_UNREADABLE`] if this version has not written it.
    pub(crate) fn event(self) -> Result<KeptEvent, Fault> {
        let wrong = |error| unreadable("event", &self.id).with_source(error);
        let event: FileEvent = serde_json::from_str(&self.event).map_err(wrong)?;
        let record: Record = serde_json::from_str(&self.record).map_err(wrong)?;
        let position = EventPosition::new(self.xact.cast_unsigned(), self.number.cast_unsigned());
        Ok(KeptEvent::new(position, self.id, event, record))
    }
}

/// A delivery as it is read.
#[derive(Clone, Debug)]
pub(crate) struct DeliveryRow {
    pub(crate) number: i64,
    pub(crate) event: i64,
    pub(crate) event_id: String,
    pub(crate) kind: String,
    pub(crate) upload: String,
    pub(crate) project: Option<String>,
    pub(crate) notifier: String,
    pub(crate) target: String,
    pub(crate) subscription: Option<i64>,
    pub(crate) state: String,
    pub(crate) attempts: i64,
    pub(crate) attempts_before: i64,
    pub(crate) due: Option<i64>,
    pub(crate) created: i64,
    pub(crate) ended: Option<i64>,
    pub(crate) answer: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl DeliveryRow {
    /// The delivery of a row.
    ///
    /// # Errors
    ///
    /// [`RECORD_UNREADABLE`] if this version has not written it.
    pub(crate) fn delivery(self) -> Result<Delivery, Fault> {
        let number = self.number.to_string();
        let wrong = || unreadable("delivery", &number);
        let time = |micros| from_micros(micros).ok_or_else(wrong);
        let kind = FileEventKind::of_name(&self.kind).ok_or_else(wrong)?;
        let file = self.upload.parse().map_err(|error| wrong().with_source(error))?;
        let state = DeliveryState::of_name(&self.state).ok_or_else(wrong)?;
        let (due, ended) = (self.due.map(time).transpose()?, self.ended.map(time).transpose()?);
        let to = NewDelivery::new(self.notifier, self.target, self.subscription, self.body);
        let created = time(self.created)?;
        let (event, number) = ((self.event_id, self.event.cast_unsigned()), self.number);
        Ok(
            Delivery::new(number, event, (kind, file), to, created).with(|delivery| {
                delivery.project = self.project;
                delivery.state = state;
                delivery.attempts = self.attempts.try_into().unwrap_or(u32::MAX);
                delivery.attempts_before = self.attempts_before.try_into().unwrap_or(u32::MAX);
                delivery.due = due;
                delivery.ended = ended;
                delivery.answer = self.answer;
            }),
        )
    }
}

/// A subscription as it is read.
#[derive(Clone, Debug)]
pub(crate) struct SubscriptionRow {
    pub(crate) number: i64,
    pub(crate) project: String,
    pub(crate) kind: String,
    pub(crate) target: String,
    pub(crate) revision: i64,
    pub(crate) subscription: String,
}

/// What a row has of a subscription beside its columns.
#[derive(Serialize, Deserialize)]
struct Rest {
    notifier: String,
    format: String,
    secrets: Vec<String>,
    is_active: bool,
    ended_because: Option<String>,
    created: i64,
    updated: i64,
}

/// The JSON of a row: what is no column of its own.
///
/// # Errors
///
/// If a secret cannot be read, or it cannot be serialised.
pub(crate) fn json_of(subscription: &Subscription) -> Result<String, Fault> {
    let unwritable = || Fault::new(RECORD_FAILED, "the subscription cannot be serialised");
    let secrets = subscription.secrets.iter();
    let secrets = secrets.map(|secret| secret.expose(str::to_owned));
    let rest = Rest {
        notifier: subscription.notifier.clone(),
        format: subscription.format.clone(),
        secrets: secrets
            .collect::<Result<_, _>>()
            .map_err(|error| unwritable().with_source(error))?,
        is_active: subscription.is_active,
        ended_because: subscription.ended_because.clone(),
        created: to_micros(subscription.created),
        updated: to_micros(subscription.updated),
    };
    serde_json::to_string(&rest).map_err(|error| unwritable().with_source(error))
}

impl SubscriptionRow {
    /// The subscription of a row.
    ///
    /// # Errors
    ///
    /// [`RECORD_UNREADABLE`] if this version has not written it. The text shows none of its secrets.
    pub(crate) fn subscription(self) -> Result<Subscription, Fault> {
        let wrong = || unreadable("subscription", &self.number.to_string());
        let kind = FileEventKind::of_name(&self.kind).ok_or_else(wrong)?;
        let rest: Rest = serde_json::from_str(&self.subscription).map_err(|_| wrong())?;
        let created = from_micros(rest.created).ok_or_else(wrong)?;
        let updated = from_micros(rest.updated).ok_or_else(wrong)?;
        Ok(Subscription::new(self.project, kind, self.target).with(|subscription| {
            subscription.id = self.number;
            subscription.revision = self.revision.cast_unsigned();
            subscription.notifier = rest.notifier;
            subscription.format = rest.format;
            subscription.secrets = rest.secrets.into_iter().map(Secret::new).collect();
            subscription.is_active = rest.is_active;
            subscription.ended_because = rest.ended_because;
            (subscription.created, subscription.updated) = (created, updated);
        }))
    }
}

fn unreadable(what: &str, id: &str) -> Fault {
    Fault::new(RECORD_UNREADABLE, format!("the {what} {id} cannot be read"))
}
