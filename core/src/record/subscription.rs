//! Subscriptions: which events of a project go to which target. Pure.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::record::file_event::FileEventKind;
use crate::value::secret::Secret;

/// Asks for one kind of event of one project at one target.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Subscription {
    /// Its number, positive. The recorder gives it; zero before that.
    pub id: i64,
    /// The number of changes so far. A change is accepted only of the revision from which it was made.
    pub revision: u64,
    /// The public key of the project.
    pub project: String,
    /// The kind of event.
    pub kind: FileEventKind,
    /// Where the events go, such as a URL. A project has one subscription for a kind and a target.
    pub target: String,
    /// The name of the notifier that sends them.
    pub notifier: String,
    /// The name of the format of their bodies.
    pub format: String,
    /// The secrets of the target, the newest first.
    pub secrets: Vec<Secret>,
    /// Whether events are sent. Those that wait when it becomes inactive are cancelled.
    pub is_active: bool,
    /// Why the service made it inactive, if it did.
    pub ended_because: Option<String>,
    /// When it was made. It gets events that happened then or later.
    pub created: SystemTime,
    /// When it was changed last.
    pub updated: SystemTime,
}

impl Subscription {
    /// An active subscription that no recorder keeps yet.
    #[must_use]
    pub fn new(project: impl Into<String>, kind: FileEventKind, target: impl Into<String>) -> Self {
        Self {
            id: 0,
            revision: 0,
            project: project.into(),
            kind,
            target: target.into(),
            notifier: String::new(),
            format: String::new(),
            secrets: Vec::new(),
            is_active: true,
            ended_because: None,
            created: UNIX_EPOCH,
            updated: UNIX_EPOCH,
        }
    }

    /// Sets some of the fields.
    ///
    /// ```
    /// use intake_core::events::{FileEventKind, Subscription};
    ///
    /// let subscription = Subscription::new("demopublickey", FileEventKind::Uploaded, "https://example.com/hook")
    ///     .with(|subscription| subscription.notifier = "webhook".to_owned());
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Whether it gets an event of this project and kind that happened then.
    #[must_use]
    pub fn wants(&self, project: Option<&str>, kind: FileEventKind, at: SystemTime) -> bool {
        self.is_active && project == Some(&*self.project) && self.kind == kind && self.created <= at
    }

    /// Whether both ask for the same, so that a recorder keeps only one of them.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.project, self.kind, &self.target) == (&other.project, other.kind, &other.target)
    }
}
