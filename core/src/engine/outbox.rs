//! The worker that delivers events: it plans them, takes what is due, sends it, and writes what became of it.
//!
//! Any number of nodes run one. What a node has taken when it dies is taken by another once its lease has ended, so an event may
//! arrive twice, with the same id. A slow target has its own places only, and no target waits for another.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use crate::contract::measure;
use crate::contract::notifier::{Message, Sent};
use crate::engine::background::guarded;
use crate::engine::event_settings::EventSettings;
use crate::engine::pipeline::Pipeline;
use crate::record::delivery::{Claim, Delivery, LONGEST_ANSWER, Settled};
use crate::record::subscription::Subscription;
use crate::record::update::Update;
use crate::value::error::Fault;

/// How long to wait for events of other nodes, and for deliveries that become due.
const POLL: Duration = Duration::from_millis(500);
/// How long a lease outlasts the attempt, so that its outcome can be written.
const MARGIN: Duration = Duration::from_secs(15);
/// How long attempts that are under way may take when the program stops.
const GRACE: Duration = Duration::from_secs(5);
/// How often the end of a subscription is tried while others change it.
const TRIES: usize = 5;

impl Pipeline {
    /// Delivers events until it is told to stop, and then waits a moment for what is under way.
    pub(super) async fn run_outbox(&self, settings: EventSettings, mut stop: watch::Receiver<bool>) {
        let mut under_way = JoinSet::new();
        let mut written = self.inner().event_written.subscribe();
        while !*stop.borrow() {
            let pipeline = self.clone();
            if let Some(Err(fault)) = guarded(async move { pipeline.plan_events().await }).await {
                error!(
                    fault = fault.report(),
                    "could not plan deliveries of events; tried again soon"
                );
            }
            // A panic ends this round alone.
            let round = AssertUnwindSafe(self.send_due(&settings, &mut under_way)).catch_unwind();
            if round.await.is_err() {
                error!("looking up due deliveries panicked; tried again soon");
            }
            tokio::select! {
                _ = stop.changed() => break,
                Some(_) = under_way.join_next(), if !under_way.is_empty() => {}
                changed = written.changed() => if changed.is_err() { break },
                () = sleep(POLL) => {}
            }
            while under_way.try_join_next().is_some() {}
        }
        // Whoever is cut off here is tried again by a node once the lease has ended.
        let _cut_off = timeout(GRACE, async { while under_way.join_next().await.is_some() {} }).await;
        under_way.shutdown().await;
    }

    /// Takes what is due, as far as there are places, and begins to send it.
    async fn send_due(&self, settings: &EventSettings, under_way: &mut JoinSet<()>) {
        loop {
            let free = settings.at_once.saturating_sub(under_way.len());
            if free == 0 {
                return;
            }
            let now = self.now();
            let until = now + settings.attempt_timeout + MARGIN;
            let claim = Claim::new(now, until, free, settings.per_target);
            let taken = match self.inner().recorder.outbox().claim(claim).await {
                Ok(taken) => taken,
                Err(fault) => {
                    error!(
                        fault = fault.report(),
                        "could not look up due deliveries; tried again soon"
                    );
                    return;
                }
            };
            if taken.is_empty() {
                return;
            }
            for delivery in taken {
                let (pipeline, settings) = (self.clone(), settings.clone());
                under_way.spawn(async move { pipeline.deliver(&delivery, &settings).await });
            }
        }
    }

    /// One attempt, and what becomes of it.
    async fn deliver(&self, delivery: &Delivery, settings: &EventSettings) {
        let ended = match self.attempt(delivery, settings).await {
            Ok(ended) => ended,
            // The lease ends by itself.
            Err(fault) => {
                error!(
                    delivery = delivery.id,
                    fault = fault.report(),
                    "could not prepare a delivery; tried again later"
                );
                return;
            }
        };
        let settled = self.settled(delivery, settings, &ended);
        log(delivery, &settled);
        let outbox = self.inner().recorder.outbox();
        let written = outbox
            .settle(delivery.id, delivery.attempts, &settled, self.now())
            .await;
        match written {
            Ok(Update::Applied) => {}
            // Its lease has ended, or its subscription has.
            Ok(_) => return,
            Err(fault) => {
                let fault = fault.report();
                error!(
                    delivery = delivery.id,
                    fault, "could not record a delivery; it may be made once more"
                );
                return;
            }
        }
        if let (Ended::Sent(Sent::Ended { reason }), Some(subscription)) = (&ended, delivery.to.subscription)
            && let Err(fault) = self.end_subscription(subscription, delivery, reason).await
        {
            error!(
                subscription,
                fault = fault.report(),
                "could not end a subscription whose target wants no more"
            );
        }
    }

    async fn attempt(&self, delivery: &Delivery, settings: &EventSettings) -> Result<Ended, Fault> {
        let outbox = self.inner().recorder.outbox();
        let mut secrets = Vec::new();
        if let Some(id) = delivery.to.subscription {
            // Now, and not when it was planned: a secret that leaked can be replaced while deliveries wait.
            match outbox.subscription(id).await? {
                Some(Subscription {
                    is_active: true,
                    secrets: current,
                    ..
                }) => secrets = current,
                _ => return Ok(Ended::Unwanted),
            }
        }
        let message = Message::new(&delivery.event, delivery.kind.name(), delivery.file).with(|message| {
            message.project.clone_from(&delivery.project);
            message.target.clone_from(&delivery.to.target);
            message.secrets = secrets;
            message.body = delivery.to.body.clone();
            message.attempt = delivery.attempt();
        });
        let (notifier, limit) = (&delivery.to.notifier, settings.attempt_timeout);
        Ok(Ended::Sent(self.send(notifier, &message, limit).await))
    }

    /// Has a notifier send a message once, within this time.
    pub(super) async fn send(&self, notifier: &str, message: &Message, limit: Duration) -> Sent {
        let Some(notifier) = self.inner().notifier(notifier) else {
            return failed(format!("no notifier is called `{notifier}`"));
        };
        let sending = AssertUnwindSafe(notifier.stage.send(message)).catch_unwind();
        match timeout(limit, sending).await {
            Ok(Ok(sent)) => sent,
            Ok(Err(_panic)) => failed("the notifier panicked"),
            Err(_) => failed(format!("no answer within {} s", limit.as_secs_f64())),
        }
    }

    /// What becomes of a delivery after an attempt that ended like this.
    fn settled(&self, delivery: &Delivery, settings: &EventSettings, ended: &Ended) -> Settled {
        let (reason, wish) = match ended {
            Ended::Unwanted => return Settled::Cancelled,
            Ended::Sent(Sent::Delivered) => return Settled::Delivered,
            Ended::Sent(Sent::Ended { reason }) => {
                let answer = cut(reason);
                return Settled::Failed { answer };
            }
            Ended::Sent(Sent::Failed { reason, retry_after }) => (reason, *retry_after),
        };
        let answer = cut(reason);
        match settings.pause(delivery.attempt(), wish, chance()) {
            Some(pause) => Settled::Retry {
                due: self.now() + pause,
                answer,
            },
            None => Settled::Failed { answer },
        }
    }

    /// Makes a subscription inactive whose target wants no more, which cancels what waits for it.
    async fn end_subscription(&self, id: i64, delivery: &Delivery, reason: &str) -> Result<(), Fault> {
        let outbox = self.inner().recorder.outbox();
        for _ in 0..TRIES {
            // It may ask for another target by now.
            let is_meant = |found: &Subscription| found.is_active && found.target == delivery.to.target;
            let Some(subscription) = outbox.subscription(id).await?.filter(is_meant) else {
                return Ok(());
            };
            let now = self.now();
            let ended = subscription.with(|subscription| {
                subscription.revision += 1;
                subscription.is_active = false;
                subscription.ended_because = Some(cut(reason));
                subscription.updated = now;
            });
            if outbox.change_subscription(&ended, now).await? == Update::Applied {
                warn!(
                    subscription = id,
                    target = shown(&ended.target),
                    "ended a subscription: its target wants no more"
                );
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Counts an attempt and logs how it failed.
fn log(delivery: &Delivery, settled: &Settled) {
    let (result, answer) = match settled {
        Settled::Delivered => ("delivered", None),
        Settled::Retry { answer, .. } => ("retried", Some(answer)),
        Settled::Failed { answer } => ("given_up", Some(answer)),
        Settled::Cancelled => ("cancelled", None),
    };
    measure::event_attempted(&delivery.to.notifier, result);
    let Some(answer) = answer else { return };
    let (notifier, target) = (&delivery.to.notifier, shown(&delivery.to.target));
    let (event, kind, attempt) = (&delivery.event, delivery.kind.name(), delivery.attempt());
    match result {
        "retried" => info!(
            event,
            kind, notifier, target, attempt, answer, "could not deliver an event; it is tried again"
        ),
        _ => warn!(
            event,
            kind, notifier, target, attempt, answer, "gave up the delivery of an event; it can be replayed"
        ),
    }
}

/// How an attempt ended.
enum Ended {
    Sent(Sent),
    /// Nobody subscribes for it any more.
    Unwanted,
}

fn failed(reason: impl Into<String>) -> Sent {
    Sent::Failed {
        reason: reason.into(),
        retry_after: None,
    }
}

/// A number from 0 to 1.
fn chance() -> f64 {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    // The first 32 bits are random in this version of ids.
    f64::from(u32::try_from(high >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

/// The beginning of a reason, of which not more is kept.
fn cut(reason: &str) -> String {
    let mut end = reason.len().min(LONGEST_ANSWER);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason[..end].to_owned()
}

/// A target without what may be secret in it: all but scheme and host of a URL, as many services have a token in the path.
fn shown(target: &str) -> String {
    let end = target.find(['?', '#']).unwrap_or(target.len());
    let (scheme, rest) = target[..end].split_once("://").unwrap_or(("", &target[..end]));
    let host = rest.split('/').next().unwrap_or_default();
    let begins = host.rfind('@').map_or(0, |at| at + 1);
    match scheme {
        "" => rest[begins..].to_owned(),
        scheme => format!("{scheme}://{}", &host[begins..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_shown_without_what_may_be_secret_in_it() {
        for (target, text) in [
            ("https://example.com/hook?key=1#2", "https://example.com"),
            ("https://user:pass@example.com:8443/a@b", "https://example.com:8443"),
            ("https://example.com#key", "https://example.com"),
            ("queue", "queue"),
            ("user@queue?key", "queue"),
            ("", ""),
        ] {
            assert_eq!(shown(target), text);
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_two_characters() {
        assert_eq!(cut("short"), "short");
        let long = "ü".repeat(LONGEST_ANSWER);
        assert_eq!(cut(&format!("a{long}")).len(), LONGEST_ANSWER - 1);
    }

    #[test]
    fn chances_are_spread() {
        let sum: f64 = (0..1_000).map(|_| chance()).sum();
        assert!((400.0..600.0).contains(&sum), "{sum}");
    }
}
