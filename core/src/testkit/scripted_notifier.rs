//! A notifier that keeps what it is given and answers as a test says.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use crate::contract::notifier::{Message, Notifier, Sent};
use crate::value::error::Fault;

type Answer = dyn Fn(&Message) -> BoxFuture<'static, Sent> + Send + Sync;

/// A notifier that keeps every message that it is asked to send, and answers as it was told to: it may fail, wait for ever, or
/// panic.
///
/// ```
/// use intake_core::Sent;
/// use intake_core::testkit::ScriptedNotifier;
///
/// let notifier = ScriptedNotifier::new(|message| {
///     let is_dead = message.target.contains("dead");
///     Box::pin(async move { if is_dead { std::future::pending().await } else { Sent::Delivered } })
/// });
/// assert!(notifier.messages().is_empty());
/// ```
#[derive(Clone)]
pub struct ScriptedNotifier {
    messages: Arc<Mutex<Vec<Message>>>,
    answer: Arc<Answer>,
    has_own_target: bool,
}

impl ScriptedNotifier {
    /// A notifier that answers like this, for targets of subscriptions.
    pub fn new(answer: impl Fn(&Message) -> BoxFuture<'static, Sent> + Send + Sync + 'static) -> Self {
        Self {
            messages: Arc::default(),
            answer: Arc::new(answer),
            has_own_target: false,
        }
    }

    /// A notifier that delivers everything.
    #[must_use]
    pub fn that_delivers() -> Self {
        Self::new(|_| Box::pin(async { Sent::Delivered }))
    }

    /// The same, with a target of its own.
    #[must_use]
    pub fn with_own_target(self) -> Self {
        Self {
            has_own_target: true,
            ..self
        }
    }

    /// The messages that it was asked to send, in their order.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for ScriptedNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedNotifier").finish_non_exhaustive()
    }
}

#[async_trait]
impl Notifier for ScriptedNotifier {
    fn has_own_target(&self) -> bool {
        self.has_own_target
    }

    async fn send(&self, message: &Message) -> Sent {
        self.messages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(message.clone());
        (self.answer)(message).await
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}
