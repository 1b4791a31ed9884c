//! The outbox of the recorder that keeps everything in memory.

use std::time::SystemTime;

use async_trait::async_trait;

use super::kept_events::Waiting;
use super::lock;
use super::recorder::MemoryRecorder;
use crate::contract::outbox::Outbox;
use crate::record::delivery::{
    Claim, Delivery, DeliveryBacklog, DeliveryFilter, EventPosition, KeptEvent, NewDelivery, Replay, Settled,
};
use crate::record::subscription::Subscription;
use crate::record::update::Update;
use crate::value::error::Fault;

#[async_trait]
impl Outbox for MemoryRecorder {
    async fn events(&self, after: EventPosition, limit: usize) -> Result<Vec<KeptEvent>, Fault> {
        let inner = lock(&self.0);
        let behind = inner.outbox.events.range(after.minor.saturating_add(1)..);
        Ok(behind.map(|(_, (event, _))| event.clone()).take(limit).collect())
    }

    async fn unplanned(&self, limit: usize) -> Result<Vec<KeptEvent>, Fault> {
        let inner = lock(&self.0);
        let unplanned = inner.outbox.events.values().filter(|(_, planned)| !planned);
        Ok(unplanned.map(|(event, _)| event.clone()).take(limit).collect())
    }

    async fn plan(&self, plans: &[(KeptEvent, Vec<NewDelivery>)], now: SystemTime) -> Result<(), Fault> {
        let kept = &mut lock(&self.0).outbox;
        for (event, deliveries) in plans {
            match kept.events.get_mut(&event.position.minor) {
                Some((_, planned)) if !*planned => *planned = true,
                _ => continue,
            }
            for to in deliveries {
                kept.last_delivery += 1;
                let id = (event.id.clone(), event.position.minor);
                let what = (event.event.kind, event.record.id);
                let delivery = Delivery::new(kept.last_delivery, id, what, to.clone(), now)
                    .with(|delivery| delivery.project.clone_from(&event.record.options.project));
                kept.deliveries.insert(kept.last_delivery, Waiting::new(delivery));
            }
        }
        Ok(())
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Delivery>, Fault> {
        Ok(lock(&self.0).outbox.claim(claim))
    }

    async fn settle(&self, delivery: i64, attempt: u32, settled: &Settled, now: SystemTime) -> Result<Update, Fault> {
        Ok(lock(&self.0).outbox.settle(delivery, attempt, settled, now))
    }

    async fn replay(&self, replay: Replay, now: SystemTime) -> Result<u64, Fault> {
        Ok(lock(&self.0).outbox.replay(replay, now))
    }

    async fn deliveries(
        &self,
        filter: DeliveryFilter,
        behind: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, Fault> {
        let inner = lock(&self.0);
        let before = inner.outbox.deliveries.range(..behind.unwrap_or(i64::MAX)).rev();
        let listed = before.map(|(_, kept)| &kept.delivery);
        Ok(listed
            .filter(|delivery| filter.has(delivery))
            .take(limit)
            .cloned()
            .collect())
    }

    async fn delivery_backlog(&self) -> Result<DeliveryBacklog, Fault> {
        let inner = lock(&self.0);
        let oldest_due = inner.outbox.waiting().filter_map(|kept| kept.delivery.due).min();
        Ok(DeliveryBacklog::new(inner.outbox.waiting().count() as u64, oldest_due))
    }

    async fn forget_events(&self, before: SystemTime, failed_before: SystemTime, limit: usize) -> Result<u64, Fault> {
        Ok(lock(&self.0).outbox.forget(before, failed_before, limit))
    }

    async fn add_subscription(&self, subscription: &Subscription) -> Result<Option<Subscription>, Fault> {
        let kept = &mut lock(&self.0).outbox;
        if kept.subscriptions.values().any(|other| other.is_same(subscription)) {
            return Ok(None);
        }
        kept.last_subscription += 1;
        let id = kept.last_subscription;
        let added = subscription.clone().with(|subscription| subscription.id = id);
        kept.subscriptions.insert(id, added.clone());
        Ok(Some(added))
    }

    async fn subscription(&self, id: i64) -> Result<Option<Subscription>, Fault> {
        Ok(lock(&self.0).outbox.subscriptions.get(&id).cloned())
    }

    async fn subscriptions(&self, project: &str, limit: usize) -> Result<Vec<Subscription>, Fault> {
        let inner = lock(&self.0);
        let subscriptions = inner.outbox.subscriptions.values();
        let of_project = subscriptions.filter(|subscription| subscription.project == project);
        Ok(of_project.take(limit).cloned().collect())
    }

    async fn change_subscription(&self, subscription: &Subscription, now: SystemTime) -> Result<Update, Fault> {
        let kept = &mut lock(&self.0).outbox;
        let mut others = kept.subscriptions.values().filter(|other| other.id != subscription.id);
        if others.any(|other| other.is_same(subscription)) {
            return Ok(Update::Conflict);
        }
        match kept.subscriptions.get_mut(&subscription.id) {
            Some(before) if before.revision + 1 == subscription.revision => before.clone_from(subscription),
            _ => return Ok(Update::Conflict),
        }
        if !subscription.is_active {
            kept.cancel(subscription.id, now);
        }
        Ok(Update::Applied)
    }

    async fn remove_subscription(&self, id: i64, now: SystemTime) -> Result<Update, Fault> {
        let kept = &mut lock(&self.0).outbox;
        if kept.subscriptions.remove(&id).is_none() {
            return Ok(Update::Conflict);
        }
        kept.cancel(id, now);
        Ok(Update::Applied)
    }
}
