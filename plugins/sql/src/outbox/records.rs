//! [`Outbox`] for the recorder of any dialect.

use std::sync::atomic::Ordering;
use std::time::SystemTime;

use async_trait::async_trait;
use futures_util::future::join_all;
use intake_core::events::{
    Claim, Delivery, DeliveryBacklog, DeliveryFilter, EventPosition, KeptEvent, NewDelivery, Replay, Settled,
    Subscription, in_turn,
};
use intake_core::micros::{from_micros, to_micros};
use intake_core::{Fault, Outbox, Update};

use super::asking::{Answered, Asked};
use super::rows::{DeliveryRow, EventRow, SubscriptionRow};
use super::steps::{self, Step};
use crate::catalog::at_most;
use crate::change::Change;
use crate::dialect::Dialect;
use crate::queries::{Found, Query};
use crate::records::{Records, swap};
use crate::writer::Made;

/// Lanes that are looked at beyond those that may be taken from: some have only deliveries that wait for others.
const MORE_LANES: i64 = 64;

impl<D: Dialect> Records<D> {
    async fn ask(&self, asked: Asked<'_>) -> Result<Answered, Fault> {
        match self.read(Query::Outbox(asked)).await? {
            Found::Outbox(answered) => Ok(answered),
            _ => Ok(Answered::Events(Vec::new())),
        }
    }

    async fn run_steps(&self, steps: Vec<Step>) -> Result<Made, Fault> {
        Ok(self.change(Change::Steps(steps)).await?)
    }

    async fn ask_deliveries(&self, asked: Asked<'_>) -> Result<Vec<Delivery>, Fault> {
        match self.ask(asked).await? {
            Answered::Deliveries(rows) => Ok(readable(rows, DeliveryRow::delivery)),
            _ => Ok(Vec::new()),
        }
    }

    async fn ask_events(&self, asked: Asked<'_>) -> Result<Vec<KeptEvent>, Fault> {
        match self.ask(asked).await? {
            Answered::Events(rows) => Ok(readable(rows, EventRow::event)),
            _ => Ok(Vec::new()),
        }
    }

    async fn ask_lanes(&self, asked: Asked<'_>) -> Result<Vec<(i64, i64)>, Fault> {
        match self.ask(asked).await? {
            Answered::Lanes(lanes) => Ok(lanes),
            _ => Ok(Vec::new()),
        }
    }

    async fn ask_subscriptions(&self, asked: Asked<'_>) -> Result<Vec<Subscription>, Fault> {
        match self.ask(asked).await? {
            Answered::Subscriptions(rows) => rows.into_iter().map(SubscriptionRow::subscription).collect(),
            _ => Ok(Vec::new()),
        }
    }

    /// The deliveries that may be taken, from many lanes before many of one. Each claim goes on behind the lane at which the one
    /// before stopped: a lane with many due deliveries, or with only such as wait for others, holds up no other.
    async fn candidates(&self, claim: Claim) -> Result<Vec<Delivery>, Fault> {
        let (now, most, limit) = (
            to_micros(claim.now),
            at_most(claim.most_per_target),
            at_most(claim.limit),
        );
        let looked_at = limit.saturating_add(MORE_LANES);
        let asked = |behind| Asked::Lanes {
            behind,
            now,
            most,
            limit: looked_at,
        };
        let last = self.last_lane.load(Ordering::Relaxed);
        let mut found = self.ask_lanes(asked(last)).await?;
        if at_most(found.len()) < looked_at {
            let before = self.ask_lanes(asked(i64::MIN)).await?;
            found.extend(before.into_iter().filter(|(lane, _)| *lane <= last));
        }
        let mut lanes = Vec::new();
        for (lane, under_way) in found {
            self.last_lane.store(lane, Ordering::Relaxed);
            let limit = (most - under_way).min(limit);
            let heads = self.ask_deliveries(Asked::Heads { lane, now, limit }).await?;
            if !heads.is_empty() {
                lanes.push(heads);
            }
            if lanes.len() >= claim.limit {
                break;
            }
        }
        let mut candidates = in_turn(lanes, claim.limit);
        // Nodes that lock rows in the same order do not deadlock.
        candidates.sort_by_key(|delivery| delivery.id);
        Ok(candidates)
    }
}

#[async_trait]
impl<D: Dialect> Outbox for Records<D> {
    async fn events(&self, after: EventPosition, limit: usize) -> Result<Vec<KeptEvent>, Fault> {
        let (xact, number) = after.parts();
        let after = (at_least(xact), at_least(number));
        let limit = at_most(limit);
        self.ask_events(Asked::Events { after, limit }).await
    }

    async fn unplanned(&self, limit: usize) -> Result<Vec<KeptEvent>, Fault> {
        let limit = at_most(limit);
        self.ask_events(Asked::Unplanned { limit }).await
    }

    async fn plan(&self, plans: &[(KeptEvent, Vec<NewDelivery>)], now: SystemTime) -> Result<(), Fault> {
        if plans.is_empty() {
            return Ok(());
        }
        let plan = steps::plan(plans, to_micros(now));
        self.change(Change::Plan(Box::new(plan))).await?;
        Ok(())
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Delivery>, Fault> {
        if claim.limit == 0 || claim.most_per_target == 0 {
            return Ok(Vec::new());
        }
        let candidates = self.candidates(claim).await?;
        let (now, until) = (to_micros(claim.now), to_micros(claim.until));
        let take = candidates.iter().map(|delivery| {
            let steps = steps::take(delivery.id, delivery.attempts.into(), now, until);
            self.run_steps(steps)
        });
        let mut taken = Vec::new();
        for (made, delivery) in join_all(take).await.into_iter().zip(&candidates) {
            // Another node may have been faster.
            if matches!(made?, Made::Rows(1..)) {
                taken.push(delivery.clone().with(|delivery| {
                    delivery.attempts += 1;
                    delivery.due = Some(claim.until);
                }));
            }
        }
        Ok(taken)
    }

    async fn settle(&self, delivery: i64, attempt: u32, settled: &Settled, now: SystemTime) -> Result<Update, Fault> {
        let steps = steps::settle(delivery, attempt, settled, to_micros(now));
        Ok(swap(self.run_steps(steps).await?))
    }

    async fn replay(&self, replay: Replay, now: SystemTime) -> Result<u64, Fault> {
        let made = self.run_steps(steps::replay(replay, to_micros(now))).await?;
        Ok(rows(made))
    }

    async fn deliveries(
        &self,
        filter: DeliveryFilter,
        behind: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, Fault> {
        let asked = Asked::Deliveries {
            subscription: filter.subscription,
            failed: filter.failed,
            before: behind.unwrap_or(i64::MAX),
            limit: at_most(limit),
        };
        self.ask_deliveries(asked).await
    }

    async fn delivery_backlog(&self) -> Result<DeliveryBacklog, Fault> {
        match self.ask(Asked::Waiting).await? {
            Answered::Waiting(count, first) => {
                let count = count.try_into().unwrap_or_default();
                Ok(DeliveryBacklog::new(count, first.and_then(from_micros)))
            }
            _ => Ok(DeliveryBacklog::default()),
        }
    }

    async fn forget_events(&self, before: SystemTime, failed_before: SystemTime, limit: usize) -> Result<u64, Fault> {
        let kinds = steps::forget(to_micros(before), to_micros(failed_before), at_most(limit));
        let mut forgotten = 0;
        for made in join_all(kinds.map(|steps| self.run_steps(steps))).await {
            forgotten += rows(made?);
        }
        Ok(forgotten)
    }

    async fn add_subscription(&self, subscription: &Subscription) -> Result<Option<Subscription>, Fault> {
        let made = self.run_steps(steps::add(subscription)?).await?;
        if rows(made) == 0 {
            return Ok(None);
        }
        let same = Asked::Same {
            project: &subscription.project,
            kind: subscription.kind.name(),
            target: &subscription.target,
        };
        Ok(self.ask_subscriptions(same).await?.pop())
    }

    async fn subscription(&self, id: i64) -> Result<Option<Subscription>, Fault> {
        Ok(self.ask_subscriptions(Asked::Subscription(id)).await?.pop())
    }

    async fn subscriptions(&self, project: &str, limit: usize) -> Result<Vec<Subscription>, Fault> {
        let limit = at_most(limit);
        self.ask_subscriptions(Asked::Subscriptions { project, limit }).await
    }

    async fn change_subscription(&self, subscription: &Subscription, now: SystemTime) -> Result<Update, Fault> {
        let steps = steps::change(subscription, to_micros(now))?;
        Ok(swap(self.run_steps(steps).await?))
    }

    async fn remove_subscription(&self, id: i64, now: SystemTime) -> Result<Update, Fault> {
        let steps = steps::remove(id, to_micros(now));
        Ok(swap(self.run_steps(steps).await?))
    }
}

fn rows(made: Made) -> u64 {
    match made {
        Made::Rows(rows) => rows,
        Made::Full => 0,
    }
}

/// A number in the signed type of databases: a larger one is behind everything.
fn at_least(number: u64) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// What rows have. A row that cannot be read is skipped, so that it does not hold up all others.
fn readable<R, T>(rows: Vec<R>, read: impl Fn(R) -> Result<T, Fault>) -> Vec<T> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        match read(row) {
            Ok(row) => found.push(row),
            Err(fault) => tracing::error!(
                fault = fault.report(),
                "skipped a row of the outbox that cannot be read"
            ),
        }
    }
    found
}
