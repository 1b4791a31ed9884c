//! Plans deliveries: which targets get an event, and what is sent to them, fixed from then on.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tracing::error;

use crate::engine::pipeline::Pipeline;
use crate::record::delivery::{KeptEvent, NewDelivery};
use crate::record::subscription::Subscription;
use crate::value::error::Fault;

/// Events that are planned at a time.
const BATCH: usize = 64;

/// Bytes of bodies that are planned at a time, and those of one event: one may have 10 MiB, if its project has a hundred subscriptions
/// and the file a lot of metadata.
const MOST_BYTES: usize = 8 << 20;

/// The most subscriptions of one project: each event may be a delivery for each of them.
pub(crate) const MOST_SUBSCRIPTIONS: usize = 100;

impl Pipeline {
    /// Plans events that are not planned, in batches and up to a thousand. Returns how many there were.
    ///
    /// Any number of nodes may do so at the same time: each event is planned by one of them.
    ///
    /// # Errors
    ///
    /// Those of the recorder. What is not planned is planned by a later call.
    pub(crate) async fn plan_events(&self) -> Result<usize, Fault> {
        let outbox = self.inner().recorder.outbox();
        /// Batches of one call, so that what is planned is sent meanwhile, and the program can stop.
        const BATCHES: usize = 16;
        let mut planned = 0;
        for _ in 0..BATCHES {
            let events = outbox.unplanned(BATCH).await?;
            if events.is_empty() {
                return Ok(planned);
            }
            let (count, mut subscriptions) = (events.len(), HashMap::new());
            let (mut plans, mut bytes) = (Vec::with_capacity(count), 0);
            for event in events {
                let deliveries = self.deliveries_of(&event, &mut subscriptions).await?;
                bytes += deliveries.iter().map(|delivery| delivery.body.len()).sum::<usize>();
                plans.push((event, deliveries));
                if bytes >= MOST_BYTES {
                    outbox.plan(&std::mem::take(&mut plans), self.now()).await?;
                    bytes = 0;
                }
            }
            if !plans.is_empty() {
                outbox.plan(&plans, self.now()).await?;
            }
            planned += count;
            if count < BATCH {
                break;
            }
        }
        Ok(planned)
    }

    /// The deliveries of an event: to notifiers with a target of their own, and to those who subscribed before it happened.
    async fn deliveries_of(
        &self,
        event: &KeptEvent,
        known: &mut HashMap<String, Vec<Subscription>>,
    ) -> Result<Vec<NewDelivery>, Fault> {
        let mut deliveries = Vec::new();
        for notifier in &self.inner().notifiers {
            if notifier.stage.has_own_target() {
                let body = self.body_of(event, &notifier.format, None);
                deliveries.extend(body.map(|body| NewDelivery::new(&notifier.name, "", None, body)));
            }
        }
        let Some(project) = event.record.options.project.as_deref() else {
            return Ok(deliveries);
        };
        let subscriptions = match known.entry(project.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let outbox = self.inner().recorder.outbox();
                unknown.insert(outbox.subscriptions(project, MOST_SUBSCRIPTIONS).await?)
            }
        };
        for subscription in subscriptions {
            if subscription.wants(Some(project), event.event.kind, event.event.at) {
                let body = self.body_of(event, &subscription.format, Some(subscription));
                deliveries.extend(body.map(|body| {
                    let (notifier, target) = (&subscription.notifier, &subscription.target);
                    NewDelivery::new(notifier, target, Some(subscription.id), body)
                }));
            }
        }
        Ok(deliveries)
    }

    /// The body of an event in a format. Without one there is nothing to send, and the event must not hold up the others.
    fn body_of(&self, event: &KeptEvent, format: &str, subscription: Option<&Subscription>) -> Option<bytes::Bytes> {
        let Some(writer) = self.inner().formats.get(format) else {
            error!(
                event = event.id,
                format, "no format of this name is built in; the event is not delivered"
            );
            return None;
        };
        match writer.body(event, subscription) {
            Ok(body) => Some(body),
            Err(fault) => {
                let fault = fault.report();
                error!(
                    event = event.id,
                    format, fault, "cannot write the event; it is not delivered"
                );
                None
            }
        }
    }
}
