//! The wrapper around each call of a recorder's outbox.

use std::fmt::Debug;
use std::ops::Deref;
use std::time::SystemTime;

use async_trait::async_trait;

use crate::contract::around::{Around, Wrapped};
use crate::contract::outbox::Outbox;
use crate::contract::recorder::Recorder;
use crate::record::delivery::{
    Claim, Delivery, DeliveryBacklog, DeliveryFilter, EventPosition, KeptEvent, NewDelivery, Replay, Settled,
};
use crate::record::subscription::Subscription;
use crate::record::update::Update;
use crate::value::error::Fault;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P, A> Outbox for Wrapped<P, A>
where
    P: Deref<Target: Recorder> + Debug + Send + Sync,
    A: Around,
{
    async fn events(&self, after: EventPosition, limit: usize) -> Result<Vec<KeptEvent>, Fault> {
        let asked = || format!("events after {after}, at most {limit}");
        let call = self.inner.outbox().events(after, limit);
        self.around.run("events", asked, call).await
    }

    async fn unplanned(&self, limit: usize) -> Result<Vec<KeptEvent>, Fault> {
        let call = self.inner.outbox().unplanned(limit);
        let asked = || format!("unplanned events, at most {limit}");
        self.around.run("unplanned", asked, call).await
    }

    async fn plan(&self, plans: &[(KeptEvent, Vec<NewDelivery>)], now: SystemTime) -> Result<(), Fault> {
        let asked = || {
            let ids: Vec<_> = plans.iter().map(|(event, _)| event.id.as_str()).collect();
            format!("plan {}", ids.join(", "))
        };
        let call = self.inner.outbox().plan(plans, now);
        self.around.run("plan", asked, call).await
    }

    async fn claim(&self, claim: Claim) -> Result<Vec<Delivery>, Fault> {
        let call = self.inner.outbox().claim(claim);
        self.around.run("claim", || format!("{claim:?}"), call).await
    }

    async fn settle(&self, delivery: i64, attempt: u32, settled: &Settled, now: SystemTime) -> Result<Update, Fault> {
        let asked = || format!("settle attempt {attempt} of delivery {delivery}: {settled:?}");
        let call = self.inner.outbox().settle(delivery, attempt, settled, now);
        self.around.run("settle", asked, call).await
    }

    async fn replay(&self, replay: Replay, now: SystemTime) -> Result<u64, Fault> {
        let call = self.inner.outbox().replay(replay, now);
        self.around.run("replay", || format!("replay {replay:?}"), call).await
    }

    async fn deliveries(
        &self,
        filter: DeliveryFilter,
        behind: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, Fault> {
        let asked = || format!("deliveries {filter:?} behind {behind:?}, at most {limit}");
        let call = self.inner.outbox().deliveries(filter, behind, limit);
        self.around.run("deliveries", asked, call).await
    }

    async fn delivery_backlog(&self) -> Result<DeliveryBacklog, Fault> {
        let call = self.inner.outbox().delivery_backlog();
        self.around
            .run("delivery_backlog", || "what waits for delivery".to_owned(), call)
            .await
    }

    async fn forget_events(&self, before: SystemTime, failed_before: SystemTime, limit: usize) -> Result<u64, Fault> {
        let asked = || format!("forget events before {before:?}, at most {limit}");
        let call = self.inner.outbox().forget_events(before, failed_before, limit);
        self.around.run("forget_events", asked, call).await
    }

    async fn add_subscription(&self, subscription: &Subscription) -> Result<Option<Subscription>, Fault> {
        let asked = || format!("add a subscription of {:?}", subscription.project);
        let call = self.inner.outbox().add_subscription(subscription);
        self.around.run("add_subscription", asked, call).await
    }

    async fn subscription(&self, id: i64) -> Result<Option<Subscription>, Fault> {
        let call = self.inner.outbox().subscription(id);
        let asked = || format!("subscription {id}");
        self.around.run("subscription", asked, call).await
    }

    async fn subscriptions(&self, project: &str, limit: usize) -> Result<Vec<Subscription>, Fault> {
        let call = self.inner.outbox().subscriptions(project, limit);
        let asked = || format!("subscriptions of {project:?}, at most {limit}");
        self.around.run("subscriptions", asked, call).await
    }

    async fn change_subscription(&self, subscription: &Subscription, now: SystemTime) -> Result<Update, Fault> {
        let asked = || {
            let Subscription { id, revision, .. } = subscription;
            format!("change subscription {id} to revision {revision}")
        };
        let call = self.inner.outbox().change_subscription(subscription, now);
        self.around.run("change_subscription", asked, call).await
    }

    async fn remove_subscription(&self, id: i64, now: SystemTime) -> Result<Update, Fault> {
        let call = self.inner.outbox().remove_subscription(id, now);
        let asked = || format!("remove subscription {id}");
        self.around.run("remove_subscription", asked, call).await
    }
}
