//! Events, deliveries and subscriptions in memory.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::record::delivery::{Claim, Delivery, DeliveryState, EventPosition, KeptEvent, Replay, Settled, in_turn};
use crate::record::file_event::event_id;
use crate::record::subscription::Subscription;
use crate::record::update::Update;
use crate::record::upload::Record;
use crate::value::id::UploadId;

/// Events, deliveries and subscriptions.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// By their numbers, each with whether it is planned.
    pub(super) events: BTreeMap<u64, (KeptEvent, bool)>,
    last_event: u64,
    pub(super) deliveries: BTreeMap<i64, Waiting>,
    pub(super) last_delivery: i64,
    pub(super) subscriptions: BTreeMap<i64, Subscription>,
    pub(super) last_subscription: i64,
    /// The lane at which the last claim stopped: the next one begins behind it.
    last_lane: i64,
}

#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) delivery: Delivery,
    lane: i64,
    pub(super) under_way: bool,
}

impl Waiting {
    pub(super) fn new(delivery: Delivery) -> Self {
        Self {
            lane: delivery.to.lane(),
            delivery,
            under_way: false,
        }
    }

    /// Whether both are about one file and go to one target.
    fn is_beside(&self, file: UploadId, lane: i64) -> bool {
        self.delivery.file == file && self.lane == lane
    }

    fn end(&mut self, state: DeliveryState, now: SystemTime) {
        self.delivery.state = state;
        self.delivery.due = None;
        self.delivery.ended = Some(now);
        self.under_way = false;
    }
}

impl Kept {
    /// Keeps the events of a record that is written.
    pub(super) fn keep_events(&mut self, record: &Record) {
        for (number, event) in record.events.iter().enumerate() {
            self.last_event += 1;
            let position = EventPosition::new(0, self.last_event);
            let id = event_id(record.id, record.revision, number);
            let kept = KeptEvent::new(position, id, event.clone(), record.clone());
            self.events.insert(self.last_event, (kept, false));
        }
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.deliveries.values().filter(|kept| kept.delivery.due.is_some())
    }

    pub(super) fn claim(&mut self, claim: Claim) -> Vec<Delivery> {
        let is_due = |delivery: &Delivery| delivery.due.is_some_and(|due| due <= claim.now);
        let mut under_way: BTreeMap<i64, usize> = BTreeMap::new();
        for kept in self.waiting().filter(|kept| kept.under_way && !is_due(&kept.delivery)) {
            *under_way.entry(kept.lane).or_default() += 1;
        }
        let mut lanes: BTreeMap<i64, Vec<(SystemTime, i64)>> = BTreeMap::new();
        for Waiting { delivery, lane, .. } in self.waiting() {
            let Some(due) = delivery.due.filter(|_| is_due(delivery)) else {
                continue;
            };
            let is_behind = |other: &Waiting| {
                other.is_beside(delivery.file, *lane) && other.delivery.event_number < delivery.event_number
            };
            if !self.waiting().any(is_behind) {
                lanes.entry(*lane).or_default().push((due, delivery.id));
            }
        }
        for (lane, due) in &mut lanes {
            due.sort_unstable();
            due.truncate(
                claim
                    .most_per_target
                    .saturating_sub(under_way.get(lane).copied().unwrap_or_default()),
            );
        }
        lanes.retain(|_, due| !due.is_empty());
        let mut lanes: Vec<_> = lanes.into_iter().collect();
        let begin = lanes.partition_point(|(lane, _)| *lane <= self.last_lane);
        lanes.rotate_left(begin);
        lanes.truncate(claim.limit);
        if let Some((lane, _)) = lanes.last() {
            self.last_lane = *lane;
        }
        let lanes = lanes.into_iter().map(|(_, due)| due).collect();
        let mut taken = Vec::new();
        for (_, id) in in_turn(lanes, claim.limit) {
            if let Some(kept) = self.deliveries.get_mut(&id) {
                kept.under_way = true;
                kept.delivery.attempts += 1;
                kept.delivery.due = Some(claim.until);
                taken.push(kept.delivery.clone());
            }
        }
        taken
    }

    pub(super) fn settle(&mut self, id: i64, attempt: u32, settled: &Settled, now: SystemTime) -> Update {
        let is_last = |kept: &&mut Waiting| kept.delivery.attempts == attempt && kept.delivery.due.is_some();
        let Some(kept) = self.deliveries.get_mut(&id).filter(is_last) else {
            return Update::Conflict;
        };
        let (state, due, answer) = settled.parts();
        kept.end(state, now);
        kept.delivery.answer = answer.map(str::to_owned);
        if due.is_some() {
            (kept.delivery.due, kept.delivery.ended) = (due, None);
        }
        let (lane, settled) = (kept.lane, kept.delivery.clone());
        for kept in self.deliveries.values_mut() {
            let is_behind = kept.is_beside(settled.file, lane) && kept.delivery.event_number > settled.event_number;
            if is_behind && kept.delivery.due.is_some() && !kept.under_way {
                kept.delivery.due = due.or(Some(now));
            }
        }
        Update::Applied
    }

    pub(super) fn replay(&mut self, replay: Replay, now: SystemTime) -> u64 {
        let is_meant = |delivery: &Delivery| match replay {
            Replay::One(id) => delivery.id == id && delivery.due.is_none(),
            Replay::Failed { subscription, since } => {
                delivery.to.subscription == Some(subscription)
                    && delivery.state == DeliveryState::Failed
                    && delivery.created >= since
            }
        };
        let mut replayed = 0;
        for Waiting { delivery, .. } in self.deliveries.values_mut().filter(|kept| is_meant(&kept.delivery)) {
            delivery.state = DeliveryState::Waiting;
            (delivery.due, delivery.ended) = (Some(now), None);
            delivery.attempts_before = delivery.attempts;
            replayed += 1;
        }
        replayed
    }

    pub(super) fn cancel(&mut self, subscription: i64, now: SystemTime) {
        for kept in self.deliveries.values_mut() {
            if kept.delivery.to.subscription == Some(subscription) && kept.delivery.due.is_some() {
                kept.end(DeliveryState::Cancelled, now);
            }
        }
    }

    pub(super) fn forget(&mut self, before: SystemTime, failed_before: SystemTime, limit: usize) -> u64 {
        let over = |(event, planned): &(KeptEvent, bool)| *planned && event.event.at < before;
        let events = self.events.iter().filter(|(_, event)| over(event));
        let events: Vec<_> = events.map(|(number, _)| *number).take(limit).collect();
        let ended = |failed: bool, before: SystemTime| -> Vec<i64> {
            let is_over = |delivery: &Delivery| {
                delivery.ended.is_some_and(|ended| ended < before)
                    && (delivery.state == DeliveryState::Failed) == failed
            };
            let ended = self.deliveries.values().filter(|kept| is_over(&kept.delivery));
            ended.map(|kept| kept.delivery.id).take(limit).collect()
        };
        let deliveries: Vec<_> = [ended(false, before), ended(true, failed_before)].concat();
        for number in &events {
            self.events.remove(number);
        }
        for id in &deliveries {
            self.deliveries.remove(id);
        }
        (events.len() + deliveries.len()) as u64
    }
}
