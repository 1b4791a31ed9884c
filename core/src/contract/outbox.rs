//! The events of files that a recorder keeps beside the records, their deliveries, and who subscribes.

use std::fmt::Debug;
use std::time::SystemTime;

use async_trait::async_trait;

use crate::record::delivery::{
    Claim, Delivery, DeliveryBacklog, DeliveryFilter, EventPosition, KeptEvent, NewDelivery, Replay, Settled,
};
use crate::record::subscription::Subscription;
use crate::record::update::Update;
use crate::value::error::Fault;

/// The events of files, as the changes of records leave them, and their deliveries.
///
/// - Whoever writes a record whose [`events`](crate::Record::events) are not empty writes these events in the same transaction.
///   So an event exists exactly if its change does.
/// - An event is *planned* once: then its deliveries exist, with their bodies.
/// - Deliveries to one target ([`lane`](NewDelivery::lane)) about one file are made in the order of the events: a later one is not
///   taken while an earlier one waits.
/// - The rules of [`Recorder`](crate::Recorder) hold here too: a change is durable when its call returns.
#[async_trait]
pub trait Outbox: Debug + Send + Sync {
    /// Lists events behind a position, in an order in which none is ever inserted before one that was listed. Returns at most
    /// `limit` events.
    ///
    /// # Errors
    ///
    /// If the recorder could not look them up.
    async fn events(&self, after: EventPosition, limit: usize) -> Result<Vec<KeptEvent>, Fault>;

    /// Lists events whose deliveries are not planned, those of one file in their order. Returns at most `limit` events.
    ///
    /// # Errors
    ///
    /// If the recorder could not look them up.
    async fn unplanned(&self, limit: usize) -> Result<Vec<KeptEvent>, Fault>;

    /// Inserts the deliveries of events, due now, and marks the events as planned, in one transaction. Leaves events that are
    /// planned already, or are no longer there.
    ///
    /// A caller plans the events of one file in their order.
    ///
    /// # Errors
    ///
    /// If it is not known whether they were planned.
    async fn plan(&self, plans: &[(KeptEvent, Vec<NewDelivery>)], now: SystemTime) -> Result<(), Fault>;

    /// Takes due deliveries for a node, until a time. Each of them counts as another attempt.
    ///
    /// It takes none of a target that has as many under way as the claim allows, and none of a file for whose target an earlier
    /// one waits. It takes from many targets before it takes many of one, and one claim goes on behind the targets of the one before: a target
    /// with many due deliveries, or with only such as wait for others, holds up no other.
    ///
    /// # Errors
    ///
    /// If it is not known which were taken: their lease ends by itself.
    async fn claim(&self, claim: Claim) -> Result<Vec<Delivery>, Fault>;

    /// Writes what became of an attempt, if it is the last one and the delivery waits. Otherwise it returns [`Update::Conflict`].
    ///
    /// While a delivery waits for another attempt, the later ones about its file for its target wait with it; they are due once
    /// it has ended.
    ///
    /// # Errors
    ///
    /// If it is not known whether it was written.
    async fn settle(&self, delivery: i64, attempt: u32, settled: &Settled, now: SystemTime) -> Result<Update, Fault>;

    /// Makes deliveries due once more that have ended. Returns how many.
    ///
    /// # Errors
    ///
    /// If it is not known whether they are due.
    async fn replay(&self, replay: Replay, now: SystemTime) -> Result<u64, Fault>;

    /// Lists deliveries, the newest first. Returns at most `limit`. `behind` is the id of the last one of the page before.
    ///
    /// # Errors
    ///
    /// If the recorder could not look them up.
    async fn deliveries(
        &self,
        filter: DeliveryFilter,
        behind: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, Fault>;

    /// Counts what waits for delivery, of all targets.
    ///
    /// # Errors
    ///
    /// If the recorder could not count it.
    async fn delivery_backlog(&self) -> Result<DeliveryBacklog, Fault>;

    /// Deletes at most `limit` planned events that happened before `before`, as many deliveries that were delivered or cancelled
    /// before that time, and as many that were given up before `failed_before`. Returns how many of all these it deleted.
    ///
    /// # Errors
    ///
    /// If it is not known whether they were deleted.
    async fn forget_events(&self, before: SystemTime, failed_before: SystemTime, limit: usize) -> Result<u64, Fault>;

    /// Inserts a subscription and returns it with its id. `None`: the project has another one for this kind and target.
    ///
    /// # Errors
    ///
    /// If it is not known whether it was inserted.
    async fn add_subscription(&self, subscription: &Subscription) -> Result<Option<Subscription>, Fault>;

    /// Returns the subscription with this id, if there is one.
    ///
    /// # Errors
    ///
    /// If the recorder could not look it up.
    async fn subscription(&self, id: i64) -> Result<Option<Subscription>, Fault>;

    /// Lists the subscriptions of a project in the order of their ids. Returns at most `limit`.
    ///
    /// # Errors
    ///
    /// If the recorder could not look them up.
    async fn subscriptions(&self, project: &str, limit: usize) -> Result<Vec<Subscription>, Fault>;

    /// Replaces a subscription by its next revision. If that is inactive, cancels its waiting deliveries. Returns
    /// [`Update::Conflict`] if it was changed or removed, or if its project has another one for this kind and target.
    ///
    /// # Errors
    ///
    /// If it is not known whether it was replaced.
    async fn change_subscription(&self, subscription: &Subscription, now: SystemTime) -> Result<Update, Fault>;

    /// Deletes a subscription and cancels its waiting deliveries. Returns [`Update::Conflict`] if there is none.
    ///
    /// # Errors
    ///
    /// If it is not known whether it was deleted.
    async fn remove_subscription(&self, id: i64, now: SystemTime) -> Result<Update, Fault>;
}
