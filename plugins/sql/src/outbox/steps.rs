//! What is written to the outbox beside the events of records, as steps that are the same for every database.
//!
//! The parameters of a statement are numbered in the order in which they appear, because a driver of SQLite numbers them so.

use intake_core::Fault;
use intake_core::events::{DeliveryState, KeptEvent, NewDelivery, Replay, Settled, Subscription};
use intake_core::micros::to_micros;

use super::rows::json_of;

/// A value of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

/// A statement with its values.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) statement: &'static str,
    pub(crate) values: Vec<Value>,
}

fn step<const N: usize>(statement: &'static str, values: [Value; N]) -> Step {
    Step {
        statement,
        values: values.into(),
    }
}

/// Takes a due delivery, if no other node has.
pub(crate) const TAKE: &str = "UPDATE deliveries SET attempts = attempts + 1, under_way = 1, due = $1 \
    WHERE number = $2 AND attempts = $3 AND due <= $4";

pub(crate) const SETTLE: &str = "UPDATE deliveries SET state = $1, due = $2, ended = $3, answer = $4, under_way = 0 \
    WHERE number = $5 AND attempts = $6 AND due IS NOT NULL";

/// Those about the same file for the same target that are behind it.
pub(crate) const SETTLE_BEHIND: &str = "UPDATE deliveries SET due = $1 WHERE due IS NOT NULL AND under_way = 0 \
    AND lane = (SELECT lane FROM deliveries WHERE number = $2) \
    AND upload = (SELECT upload FROM deliveries WHERE number = $2) \
    AND event > (SELECT event FROM deliveries WHERE number = $2)";

pub(crate) const REPLAY: &str = "UPDATE deliveries SET state = 'waiting', attempts_before = attempts, under_way = 0, \
    due = $1, ended = NULL WHERE number = $2 AND due IS NULL";

pub(crate) const REPLAY_FAILED: &str = "UPDATE deliveries SET state = 'waiting', attempts_before = attempts, \
    under_way = 0, due = $1, ended = NULL WHERE subscription = $2 AND state = 'failed' AND created >= $3";

pub(crate) const FORGET_EVENTS: &str = "DELETE FROM events WHERE number IN \
    (SELECT number FROM events WHERE planned = 1 AND at < $1 ORDER BY at LIMIT $2)";

pub(crate) const FORGET_ENDED: &str = "DELETE FROM deliveries WHERE number IN (SELECT number FROM deliveries \
    WHERE state IN ('delivered', 'cancelled') AND ended < $1 ORDER BY ended LIMIT $2)";

pub(crate) const FORGET_FAILED: &str = "DELETE FROM deliveries WHERE number IN (SELECT number FROM deliveries \
    WHERE state = 'failed' AND ended < $1 ORDER BY ended LIMIT $2)";

pub(crate) const ADD: &str = "INSERT INTO subscriptions (project, kind, target, revision, subscription) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (project, kind, target) DO NOTHING";

pub(crate) const CHANGE: &str = "UPDATE subscriptions SET kind = $1, target = $2, revision = $3, subscription = $4 \
    WHERE number = $5 AND revision = $6 AND NOT EXISTS (SELECT 1 FROM subscriptions AS other \
    WHERE other.project = subscriptions.project AND other.kind = $1 AND other.target = $2 \
    AND other.number <> subscriptions.number)";

pub(crate) const REMOVE: &str = "DELETE FROM subscriptions WHERE number = $1";

pub(crate) const CANCEL: &str = "UPDATE deliveries SET state = 'cancelled', due = NULL, ended = $1, under_way = 0 \
    WHERE subscription = $2 AND due IS NOT NULL";

/// Takes a delivery until then.
pub(crate) fn take(number: i64, attempts: i64, now: i64, until: i64) -> Vec<Step> {
    vec![step(TAKE, [until.into(), number.into(), attempts.into(), now.into()])]
}

/// Writes what became of an attempt.
pub(crate) fn settle(number: i64, attempt: u32, settled: &Settled, now: i64) -> Vec<Step> {
    let (state, due, answer) = settled.parts();
    let due = due.map(to_micros);
    let ended = (state != DeliveryState::Waiting).then_some(now);
    // Databases have no null characters in texts.
    let answer = answer.map(|answer| answer.replace('\0', "\u{fffd}"));
    let values = [
        state.name().into(),
        due.into(),
        ended.into(),
        answer.as_deref().into(),
        number.into(),
        i64::from(attempt).into(),
    ];
    let behind = step(SETTLE_BEHIND, [due.unwrap_or(now).into(), number.into()]);
    vec![step(SETTLE, values), behind]
}

pub(crate) fn replay(replay: Replay, now: i64) -> Vec<Step> {
    match replay {
        Replay::Failed { subscription, since } => {
            let values = [now.into(), subscription.into(), to_micros(since).into()];
            vec![step(REPLAY_FAILED, values)]
        }
        Replay::One(number) => vec![step(REPLAY, [now.into(), number.into()])],
        _ => Vec::new(),
    }
}

/// One list of steps for each kind of rows, as the steps behind one that changes nothing are not made.
pub(crate) fn forget(before: i64, failed_before: i64, limit: i64) -> [Vec<Step>; 3] {
    [
        (FORGET_EVENTS, before),
        (FORGET_ENDED, before),
        (FORGET_FAILED, failed_before),
    ]
    .map(|(statement, before)| vec![step(statement, [before.into(), limit.into()])])
}

pub(crate) fn add(subscription: &Subscription) -> Result<Vec<Step>, Fault> {
    let values = [
        subscription.project.as_str().into(),
        subscription.kind.name().into(),
        subscription.target.as_str().into(),
        subscription.revision.cast_signed().into(),
        json_of(subscription)?.as_str().into(),
    ];
    Ok(vec![step(ADD, values)])
}

pub(crate) fn change(subscription: &Subscription, now: i64) -> Result<Vec<Step>, Fault> {
    let revision = subscription.revision.cast_signed();
    let values = [
        subscription.kind.name().into(),
        subscription.target.as_str().into(),
        revision.into(),
        json_of(subscription)?.as_str().into(),
        subscription.id.into(),
        revision.wrapping_sub(1).into(),
    ];
    let mut steps = vec![step(CHANGE, values)];
    if !subscription.is_active {
        steps.push(cancel(subscription.id, now));
    }
    Ok(steps)
}

pub(crate) fn remove(number: i64, now: i64) -> Vec<Step> {
    vec![step(REMOVE, [number.into()]), cancel(number, now)]
}

fn cancel(subscription: i64, now: i64) -> Step {
    step(CANCEL, [now.into(), subscription.into()])
}

/// Events that are planned, and their deliveries.
#[derive(Debug)]
pub(crate) struct PlanRows {
    pub(crate) events: Vec<i64>,
    /// In the order of the events.
    pub(crate) deliveries: Vec<PlannedRow>,
    pub(crate) now: i64,
}

/// A delivery that is planned.
#[derive(Debug)]
pub(crate) struct PlannedRow {
    pub(crate) event: i64,
    pub(crate) event_id: String,
    pub(crate) kind: &'static str,
    pub(crate) upload: String,
    pub(crate) project: Option<String>,
    pub(crate) lane: i64,
    pub(crate) to: NewDelivery,
}

/// Events with their deliveries as rows.
pub(crate) fn plan(plans: &[(KeptEvent, Vec<NewDelivery>)], now: i64) -> PlanRows {
    let number = |event: &KeptEvent| event.position.parts().1.cast_signed();
    let deliveries = plans.iter().flat_map(|(event, deliveries)| {
        deliveries.iter().map(move |to| PlannedRow {
            event: number(event),
            event_id: event.id.clone(),
            kind: event.event.kind.name(),
            upload: event.record.id.to_string(),
            project: event.record.options.project.clone(),
            lane: to.lane(),
            to: to.clone(),
        })
    });
    PlanRows {
        events: plans.iter().map(|(event, _)| number(event)).collect(),
        deliveries: deliveries.collect(),
        now,
    }
}
