//! Subscriptions of projects, and what became of their deliveries.

use std::time::Duration;

use crate::contract::event_format::STANDARD;
use crate::contract::notifier::{Message, Sent};
use crate::engine::named::Sender;
use crate::engine::pipeline::Pipeline;
use crate::engine::planning::MOST_SUBSCRIPTIONS;
use crate::record::delivery::{Delivery, DeliveryFilter, EventPosition, KeptEvent, Replay};
use crate::record::file_event::{FileEvent, Initiator};
use crate::record::subscription::Subscription;
use crate::record::update::Update;
use crate::record::upload::{Periods, Record, State};
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::evidence::Declared;
use crate::value::id::UploadId;
use crate::value::options::UploadOptions;
use crate::value::verdict::{PROJECT, Rejection};

/// The longest target: a database compares it whole.
const LONGEST_TARGET: usize = 2_000;
/// The most secrets of a subscription: one that is used, and those that receivers may still have.
const MOST_SECRETS: usize = 4;
/// How long a test may take.
const TEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Deliveries that are listed at a time.
const LONGEST_PAGE: usize = 1_000;

impl Pipeline {
    /// Adds a subscription to a project. Without a notifier, it gets the first one that sends to targets of subscriptions; without
    /// a format, `standard`. The id, the times and the revision are set here.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] if the target, the notifier or the format is not one ([`codes::TARGET_INVALID`], or the code of
    /// [`Notifier::check`](crate::Notifier::check)), if the project has this subscription already
    /// ([`codes::SUBSCRIPTION_EXISTS`]), or has too many ([`codes::QUOTA_EXCEEDED`]); faults of the recorder.
    pub async fn subscribe(&self, subscription: Subscription) -> Result<Subscription, Error> {
        let now = self.now();
        let subscription = self.checked(subscription)?.with(|subscription| {
            (subscription.created, subscription.updated) = (now, now);
            (subscription.id, subscription.revision) = (0, 0);
        });
        let outbox = self.inner().recorder.outbox();
        let others = outbox.subscriptions(&subscription.project, MOST_SUBSCRIPTIONS).await?;
        if others.len() >= MOST_SUBSCRIPTIONS {
            return Err(too_many());
        }
        let added = outbox.add_subscription(&subscription).await?.ok_or_else(exists)?;
        // Others may have been added meanwhile. Those that are read have the lowest ids, and any beyond them would get nothing.
        let read = outbox.subscriptions(&added.project, MOST_SUBSCRIPTIONS).await?;
        if read.iter().any(|other| other.id == added.id) {
            return Ok(added);
        }
        // It may have been removed already.
        let _removed = outbox.remove_subscription(added.id, now).await?;
        Err(too_many())
    }

    /// Replaces a subscription, which was read before, by a changed one. Its project, its id and the time when it was made stay.
    /// `None`: it was changed or removed since it was read.
    ///
    /// # Errors
    ///
    /// Those of [`subscribe`](Self::subscribe).
    pub async fn change_subscription(&self, changed: Subscription) -> Result<Option<Subscription>, Error> {
        let outbox = self.inner().recorder.outbox();
        let Some(before) = outbox.subscription(changed.id).await? else {
            return Ok(None);
        };
        if before.revision != changed.revision {
            return Ok(None);
        }
        let now = self.now();
        let next = self.checked(changed)?.with(|next| {
            next.revision += 1;
            next.updated = now;
            next.created = before.created;
            next.project.clone_from(&before.project);
            if next.is_active {
                next.ended_because = None;
            }
        });
        match outbox.change_subscription(&next, now).await? {
            Update::Applied => Ok(Some(next)),
            _ => {
                let others = outbox.subscriptions(&next.project, MOST_SUBSCRIPTIONS).await?;
                let is_taken = others.iter().any(|other| other.id != next.id && other.is_same(&next));
                if is_taken { Err(exists()) } else { Ok(None) }
            }
        }
    }

    /// The subscription with this id, if there is one.
    ///
    /// # Errors
    ///
    /// If the recorder could not look it up.
    pub async fn subscription(&self, id: i64) -> Result<Option<Subscription>, Fault> {
        self.inner().recorder.outbox().subscription(id).await
    }

    /// All subscriptions of a project, in the order of their ids.
    ///
    /// # Errors
    ///
    /// If the recorder could not look them up.
    pub async fn subscriptions(&self, project: &str) -> Result<Vec<Subscription>, Fault> {
        let outbox = self.inner().recorder.outbox();
        outbox.subscriptions(project, MOST_SUBSCRIPTIONS).await
    }

    /// Sends a made-up event to the target of a subscription, once and now, and returns what became of it. `None`: there is no such
    /// subscription.
    ///
    /// It is of the kind that the subscription asks for, signed and written as its events are, and is recorded nowhere. The id of the
    /// event begins with `test_`, and its file, `test.txt`, is not there.
    ///
    /// # Errors
    ///
    /// If the subscription could not be looked up, or the event not be written.
    pub async fn test_subscription(&self, id: i64) -> Result<Option<Sent>, Fault> {
        let Some(subscription) = self.subscription(id).await? else {
            return Ok(None);
        };
        let (now, file) = (self.now(), UploadId::random());
        let options = UploadOptions::of_project(&subscription.project);
        let declared = Declared::named("test.txt");
        let mut record = Record::intent(file, declared, options, now, &Periods::default());
        record.state = State::Ready;
        let event = FileEvent::new(subscription.kind, now, Initiator::System);
        let name = format!("test_{}", file.to_string().replace('-', ""));
        let event = KeptEvent::new(EventPosition::default(), name, event, record);
        let format = self.inner().formats.get(&subscription.format);
        let format = format.ok_or_else(|| {
            let message = format!("no format is called `{}`", subscription.format);
            Fault::new(codes::TARGET_INVALID, message)
        })?;
        let body = format.body(&event, Some(&subscription))?;
        let message = Message::new(event.id, subscription.kind.name(), file).with(|message| {
            message.project = Some(subscription.project);
            message.target = subscription.target;
            message.secrets = subscription.secrets;
            message.body = body;
        });
        Ok(Some(self.send(&subscription.notifier, &message, TEST_TIMEOUT).await))
    }

    /// Removes a subscription, and cancels what waits for it. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// If it is not known whether it was removed.
    pub async fn unsubscribe(&self, id: i64) -> Result<bool, Fault> {
        let outbox = self.inner().recorder.outbox();
        Ok(outbox.remove_subscription(id, self.now()).await? == Update::Applied)
    }

    /// Lists deliveries, the newest first, at most 1,000 at a time. `behind` is the id of the last one of the page before.
    ///
    /// # Errors
    ///
    /// If the recorder could not look them up.
    pub async fn deliveries(
        &self,
        filter: DeliveryFilter,
        behind: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, Fault> {
        let outbox = self.inner().recorder.outbox();
        outbox.deliveries(filter, behind, limit.min(LONGEST_PAGE)).await
    }

    /// Sends deliveries once more that have ended, with the same ids and bodies. Returns how many.
    ///
    /// # Errors
    ///
    /// If it is not known whether they are sent.
    pub async fn replay(&self, replay: Replay) -> Result<u64, Fault> {
        let replayed = self.inner().recorder.outbox().replay(replay, self.now()).await?;
        self.event_was_written();
        Ok(replayed)
    }

    /// The subscription with its notifier and format, if they and its target are what they have to be.
    fn checked(&self, mut subscription: Subscription) -> Result<Subscription, Error> {
        let invalid = |message: String| refused(Rejection::new(codes::TARGET_INVALID, message));
        let target = &subscription.target;
        if target.is_empty() || target.len() > LONGEST_TARGET || target.chars().any(char::is_control) {
            let message = format!("a target has 1 to {LONGEST_TARGET} bytes, and no control characters");
            return Err(invalid(message));
        }
        if subscription.secrets.len() > MOST_SECRETS {
            return Err(invalid(format!("a subscription has at most {MOST_SECRETS} secrets")));
        }
        let mut notifiers = self.inner().notifiers.iter();
        let name = &subscription.notifier;
        let is_meant = |notifier: &&Sender| match name.is_empty() {
            true => !notifier.stage.has_own_target(),
            false => notifier.name == *name,
        };
        let Some(notifier) = notifiers.find(is_meant) else {
            return Err(invalid(match name.is_empty() {
                true => "no notifier sends events to targets: [[notify]] has none".to_owned(),
                false => format!("no notifier is called `{name}`"),
            }));
        };
        if notifier.stage.has_own_target() {
            return Err(invalid(format!("the notifier `{name}` has a target of its own")));
        }
        notifier.stage.check(target).map_err(refused)?;
        subscription.notifier.clone_from(&notifier.name);
        if subscription.format.is_empty() {
            STANDARD.clone_into(&mut subscription.format);
        }
        if !self.inner().formats.contains_key(&subscription.format) {
            return Err(invalid(format!("no format is called `{}`", subscription.format)));
        }
        Ok(subscription)
    }
}

fn refused(rejection: Rejection) -> Error {
    Error::rejected(PROJECT, rejection)
}

fn too_many() -> Error {
    let message = format!("the project has {MOST_SUBSCRIPTIONS} subscriptions, and may not have more");
    refused(Rejection::new(codes::QUOTA_EXCEEDED, message))
}

fn exists() -> Error {
    let message = "the project has a subscription for this kind of event and this target";
    refused(Rejection::new(codes::SUBSCRIPTION_EXISTS, message))
}
