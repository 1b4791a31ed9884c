//! The contract of notifiers, which tell others what happened to files.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::value::error::Fault;
use crate::value::id::UploadId;
use crate::value::secret::Secret;
use crate::value::verdict::Rejection;

/// One event for one target, as a notifier sends it.
///
/// The pipeline has fixed the id and the body before the first attempt. Every attempt sends the same bytes, so that a receiver can
/// recognise an event that it has had already.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Message {
    /// The id of the event: ASCII without `.`, at most 64 characters, the same in every attempt and for every target.
    pub id: String,
    /// What happened, such as `file.uploaded`.
    pub kind: &'static str,
    /// The public key of the project.
    pub project: Option<String>,
    /// The file that it happened to.
    pub file: UploadId,
    /// Where it goes, such as a URL. Empty for a notifier that has one target of its own: see [`Notifier::has_own_target`].
    pub target: String,
    /// The secrets of the target, the newest first. A notifier that signs does it with each of them, so that they can be
    /// replaced while receivers still have the older one.
    pub secrets: Vec<Secret>,
    /// The media type of the body.
    pub content_type: &'static str,
    /// What is sent.
    pub body: Bytes,
    /// The number of this attempt, from 1 on.
    pub attempt: u32,
}

impl Message {
    /// An event with this id and kind, for this file, with an empty body: the first attempt.
    #[must_use]
    pub fn new(id: impl Into<String>, kind: &'static str, file: UploadId) -> Self {
        Self {
            id: id.into(),
            kind,
            project: None,
            file,
            target: String::new(),
            secrets: Vec::new(),
            content_type: "application/json",
            body: Bytes::new(),
            attempt: 1,
        }
    }

    /// Sets some of what is known of the message.
    ///
    /// ```
    /// use intake_core::{Message, UploadId};
    ///
    /// let message = Message::new("evt_1", "file.uploaded", UploadId::random())
    ///     .with(|message| message.target = "https://example.com/hook".to_owned());
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// What became of an attempt to send a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sent {
    /// The receiver has it.
    Delivered,
    /// The receiver may not have it. The pipeline tries again, and later each time.
    Failed {
        /// Why, in one sentence for the operator. It may hold words of the receiver: it is escaped where it is shown.
        reason: String,
        /// How long the receiver asks to wait.
        retry_after: Option<Duration>,
    },
    /// The receiver wants no more: the target is ended, and nothing that waits for it is sent.
    Ended {
        /// Why, in one sentence for the operator.
        reason: String,
    },
}

/// Tells others what happened to files, such as by a webhook or through a message broker.
///
/// The pipeline keeps what is to be sent, in the transaction of the change itself; it decides who gets it, when, in which order,
/// and how often it is tried. A notifier sends one message, once.
///
/// - The pipeline may send one message more than once: after a crash it does not know whether a receiver has it.
/// - It sends many messages at the same time, but never two of one file to one target.
/// - It drops the future of a call after a time limit, and counts that as a failure.
#[async_trait]
pub trait Notifier: Debug + Send + Sync {
    /// Whether this notifier has one target of its own, such as a topic in its settings, which gets every event of every project.
    /// Otherwise events go to the targets for which projects subscribe. `false` by default.
    fn has_own_target(&self) -> bool {
        false
    }

    /// Checks whether this is a target that messages may be sent to, when somebody subscribes for it. Opens no connection. It
    /// accepts everything by default.
    ///
    /// # Errors
    ///
    /// Why it is not.
    fn check(&self, _target: &str) -> Result<(), Rejection> {
        Ok(())
    }

    /// Sends one message, once. A failure is an answer too: [`Sent::Failed`].
    async fn send(&self, message: &Message) -> Sent;

    /// Checks whether the notifier can work now. A program calls it at its start. Targets are not asked.
    ///
    /// # Errors
    ///
    /// The reason why it cannot.
    async fn ready(&self) -> Result<(), Fault>;
}
