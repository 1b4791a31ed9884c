//! The record of an upload, and the only rules by which one changes.
//!
//! ```text
//!   in parts      Open ──Assemble──► Assembling ──Commit──┐                       Claim
//!                   ▲                 │      │            ▼                        ┌─┐
//!                   └─────Release─────┘      │          Ready ──Delete, Claim──► Deleting ──Erased──► Gone ──► (no record)
//!                                            │            ▲
//!   in one go     Staged ────────────────────┼──Commit────┘
//!                   │                        ▼
//!                   └─────────Reject─────► Rejected ──Forget, Claim──► Gone ──► (no record)
//!
//!   pulled        Waiting ──Pull──► Pulling ──Pulled──► Pulled ──► (no record)
//!                   ▲                  │                  each try is an upload of its own, in one go
//!                   └────Postpone──────┘ ──Reject──► Rejected
//!
//!   deleted       Ready ──Trash──► Trashed ──Delete, Claim──► Deleting        where what is deleted can be brought back
//!                   ▲                 │
//!                   └─────Restore─────┘
//!
//!   not drawn: Open, Staged ── Abandon ──► Deleting, Open, Assembling ── Delete ──► Deleting, Open ── Begun ──► Open, Assembling ── Renew, Assemble ──► Assembling, Ready ── Keep, Tidied ──► Ready,
//!              Pulling ── Progress, Pull ──► Pulling, Waiting ── Reject ──► Rejected,
//!              and Open, Staged ── Claim ──► Deleting, when their time is over
//! ```
//!
//! Pure: no clock, no store, no waiting. Whoever holds a record asks [`Record::apply`] for the next one and has the
//! [`Recorder`](crate::Recorder) swap it in, which works for one of those who try at the same time.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

pub use crate::event::Event;
use crate::{Declared, Facts, Parts, Pass, Place, Pull, Rejection, Terms, UploadId};

/// Everything that is remembered of one upload.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Names the upload, and the key of its bytes.
    pub id: UploadId,
    /// Counts the changes; a change counts only against the revision it was made from.
    pub revision: u64,
    /// Where the upload stands.
    pub state: State,
    /// When the sweeper is to look at it: the end of a lease, of a lifetime, of a note. `None`: never.
    pub due: Option<SystemTime>,
    /// When its intent was recorded.
    pub created: SystemTime,
    /// Whose it is; known from its commit on, or from its start if it comes in parts.
    pub project: Option<String>,
    /// What its sender said.
    pub declared: Declared,
    /// What is known of its content; known from its commit on.
    pub facts: Option<Facts>,
    /// What its sender noted beside it; known from its commit on, or from its start if it comes in parts.
    pub metadata: BTreeMap<String, String>,
    /// Words that its sender put on it; known as early as its metadata.
    pub tags: Vec<String>,
    /// How long it stays; known from its commit on.
    pub lifetime: Option<Lifetime>,
    /// How it is cut, if it comes in parts.
    pub parts: Option<Parts>,
    /// What is to be fetched, if this is no upload but the order of one. The upload has a record of its own.
    pub pull: Option<Pull>,
    /// A name under which it can be found again: see [`Terms::known_as`].
    pub known_as: Option<String>,
    /// What has let it in, if its project asks for something.
    pub pass: Option<Pass>,
    /// Who sends it: see [`Terms::sender`]. Not known any more once it is finished.
    pub sender: Option<String>,
    /// Where its bytes are.
    pub place: Place,
    /// Where bytes of it were before, and may be left.
    pub left: Option<Place>,
}

/// Where an upload stands. Bytes are readable in [`State::Ready`] and in no other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// Parts are arriving.
    Open,
    /// Claimed by somebody who puts the parts together and has every stage judge the whole.
    Assembling,
    /// Ordered: to be fetched when it is due.
    Waiting,
    /// Claimed by somebody who fetches it.
    Pulling,
    /// Fetched; kept for a while so that one can ask what became of it.
    Pulled,
    /// Intended: bytes may be on their way to the store.
    Staged,
    /// Accepted by every stage, durable, readable.
    Ready,
    /// Refused; kept for a while so that one can ask why.
    Rejected(Rejection),
    /// Deleted by its owner, who may bring it back for a while. Readable by nobody.
    Trashed,
    /// Claimed by a sweeper or deleted by its owner: bytes may still be there, readable by nobody.
    Deleting,
    /// No bytes any more; kept for a while so that bytes which come late are removed once more.
    Gone,
}

impl State {
    /// The state's name, as in logs and databases.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Assembling => "assembling",
            Self::Waiting => "waiting",
            Self::Pulling => "pulling",
            Self::Pulled => "pulled",
            Self::Staged => "staged",
            Self::Ready => "ready",
            Self::Rejected(_) => "rejected",
            Self::Trashed => "trashed",
            Self::Deleting => "deleting",
            Self::Gone => "gone",
        }
    }
}

/// What is to be done with a record that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// Its time is over: a sweeper ends it.
    Sweep,
    /// Whoever worked on it is gone: somebody else goes on.
    Resume,
    /// It is to be fetched.
    Pull,
}

/// How long an upload stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// Whether it is there to stay ("stored"), rather than until somebody decides.
    pub kept: bool,
    /// When it leaves by itself; `None` is never.
    pub expires: Option<SystemTime>,
}

/// How long things that end by themselves last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// How long an attempt, or a sweeper's claim, may take before somebody else may have it.
    pub lease: Duration,
    /// How long somebody who puts parts together may say nothing before somebody else may go on; renewed meanwhile.
    pub claim: Duration,
    /// How long parts may take to come.
    pub open: Duration,
    /// How long it is remembered that an upload was refused or removed. At least a lease, so that late bytes are caught.
    pub note: Duration,
    /// How long what was deleted can be brought back; nothing is not at all.
    pub trash: Duration,
}

impl Record {
    /// The intent: a record of an upload of which no byte was stored yet.
    #[must_use]
    pub fn intent(id: UploadId, declared: Declared, now: SystemTime, periods: &Periods) -> Self {
        Self {
            id,
            revision: 0,
            state: State::Staged,
            due: Some(now + periods.lease),
            created: now,
            project: None,
            declared,
            facts: None,
            metadata: BTreeMap::new(),
            tags: Vec::new(),
            lifetime: None,
            parts: None,
            pull: None,
            known_as: None,
            pass: None,
            sender: None,
            place: Place::default(),
            left: None,
        }
    }

    /// The same, where it is known whose it is, what has let it in, and where its bytes are to go.
    #[must_use]
    pub fn of(mut self, project: Option<String>, pass: Option<Pass>, place: Place) -> Self {
        self.project = project;
        self.pass = pass;
        self.place = place;
        self
    }

    /// The same, with what its sender says beside it.
    #[rustfmt::skip]
    fn under(self, Terms { project, pass, sender, metadata, tags, .. }: Terms) -> Self {
        Self { project, pass, sender, metadata, tags, ..self }
    }

    /// The same, where it is known who sends it.
    #[must_use]
    pub fn sent_by(self, sender: Option<String>) -> Self {
        Self { sender, ..self }
    }

    /// An upload that comes in parts, of which no byte was stored yet. Whose it is and what is noted beside it is said now;
    /// how long it is to be kept is in its parts.
    #[must_use]
    pub fn open(
        id: UploadId,
        declared: Declared,
        parts: Parts,
        terms: Terms,
        now: SystemTime,
        periods: &Periods,
    ) -> Self {
        Self {
            state: State::Open,
            due: Some(now + periods.open),
            parts: Some(parts),
            ..Self::intent(id, declared, now, periods).under(terms)
        }
    }

    /// An order to fetch something, due at once.
    #[must_use]
    pub fn order(id: UploadId, pull: Pull, terms: Terms, now: SystemTime, periods: &Periods) -> Self {
        Self {
            state: State::Waiting,
            due: Some(now),
            pull: Some(pull),
            ..Self::intent(id, Declared::default(), now, periods).under(terms)
        }
    }

    /// What is to be done with it when it is due.
    #[must_use]
    pub fn duty(&self) -> Duty {
        match self.state {
            State::Assembling => Duty::Resume,
            State::Waiting | State::Pulling => Duty::Pull,
            _ => Duty::Sweep,
        }
    }

    /// Whether its bytes may be read: it is ready, and its time is not over.
    #[must_use]
    pub fn is_readable(&self, now: SystemTime) -> bool {
        self.state == State::Ready && !self.has_expired(now)
    }

    /// Whether its lifetime is over.
    #[must_use]
    pub fn has_expired(&self, now: SystemTime) -> bool {
        let expires = self.lifetime.and_then(|lifetime| lifetime.expires);
        expires.is_some_and(|expires| expires <= now)
    }

    /// Whether parts of it may be under keys of their own.
    #[must_use]
    pub fn is_apart(&self) -> bool {
        self.parts.as_ref().is_some_and(|parts| parts.apart)
    }

    /// Whether bytes of it may be where they do not belong any more: parts, or what was moved.
    #[must_use]
    pub fn is_untidy(&self) -> bool {
        self.is_apart() || self.left.is_some()
    }

    /// Whether somebody is to look at it.
    #[must_use]
    pub fn is_due(&self, now: SystemTime) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// What becomes of this record when the event happens: the only rules of change there are.
    ///
    /// # Errors
    ///
    /// If the event cannot happen to an upload that stands here.
    pub fn apply(&self, event: Event, now: SystemTime, periods: &Periods) -> Result<Self, IllegalTransition> {
        let mut next = Self {
            revision: self.revision + 1,
            ..self.clone()
        };
        match (&self.state, event) {
            (State::Open, Event::Begun { upload }) => {
                if let Some(parts) = &mut next.parts {
                    parts.upload = Some(upload);
                }
            }
            (State::Open, Event::Assemble) => {
                next.state = State::Assembling;
                next.due = Some(now + periods.claim);
            }
            // What is not due is somebody's work in progress, or somebody's file.
            (State::Assembling, Event::Assemble) if self.is_due(now) => next.due = Some(now + periods.claim),
            (State::Assembling, Event::Renew) => next.due = Some(now + periods.claim),
            (State::Assembling, Event::Release) => {
                next.state = State::Open;
                next.due = Some(self.created + periods.open);
            }
            (State::Staged, Event::Move { to }) if self.left.is_none() => {
                next.left = Some(std::mem::replace(&mut next.place, to));
            }
            (State::Staged | State::Assembling, Event::Commit { facts, terms, lifetime }) => {
                next.state = State::Ready;
                next.facts = Some(*facts);
                next.project = terms.project;
                next.pass = terms.pass;
                next.metadata = terms.metadata;
                next.tags = terms.tags;
                next.known_as = terms.known_as;
                // Kept only as long as it is counted, or may have to be asked after: it is somebody's address.
                next.sender = None;
                next.lifetime = Some(lifetime);
                // A part that comes late is removed once more when nobody can be sending one any longer.
                let tidy = self.is_untidy().then(|| now + periods.lease);
                next.due = earlier(tidy, lifetime.expires);
            }
            (State::Ready, Event::Tidied) => {
                next.due = self.lifetime.and_then(|lifetime| lifetime.expires);
                next.left = None;
                if let Some(parts) = &mut next.parts {
                    parts.apart = false;
                }
            }
            (State::Ready, Event::Keep(lifetime)) => {
                next.lifetime = Some(lifetime);
                next.due = earlier(self.due.filter(|_| self.is_untidy()), lifetime.expires);
            }
            (State::Waiting | State::Pulling, Event::Pull { upload }) if self.is_due(now) => {
                next.state = State::Pulling;
                next.due = Some(now + periods.claim);
                next.pull = self.pull.as_ref().map(|pull| pull.try_again(upload));
            }
            (State::Pulling, Event::Progress { done, total }) => {
                next.due = Some(now + periods.claim);
                next.pull = self.pull.as_ref().map(|pull| pull.at(done, total));
            }
            // What could not be tidied up is tried again, and does not stand before everything else meanwhile.
            (State::Ready, Event::Postpone(delay)) if self.is_untidy() => {
                next.due = earlier(Some(now + delay), self.lifetime.and_then(|lifetime| lifetime.expires));
            }
            (State::Pulling, Event::Postpone(delay)) => {
                next.state = State::Waiting;
                next.due = Some(now + delay);
            }
            (State::Pulling, Event::Pulled) => {
                next.state = State::Pulled;
                next.sender = None;
                next.forget_what_was_noted();
                next.due = Some(now + periods.note);
            }
            (State::Open | State::Staged, Event::Abandon) => {
                next.state = State::Deleting;
                next.due = Some(now + periods.lease);
            }
            (State::Staged | State::Assembling | State::Waiting | State::Pulling, Event::Reject(rejection)) => {
                next.state = State::Rejected(rejection);
                next.forget_what_was_noted();
                next.due = Some(now + periods.note);
            }
            (State::Open | State::Staged | State::Deleting, Event::Claim) if self.is_due(now) => {
                next.state = State::Deleting;
                next.due = Some(now + periods.lease);
            }
            (State::Ready, Event::Claim) if self.has_expired(now) => {
                next.state = State::Deleting;
                next.due = Some(now + periods.lease);
            }
            // An old note is claimed too before it is dropped.
            (State::Gone | State::Pulled, Event::Claim) if self.is_due(now) => next.due = Some(now + periods.lease),
            (State::Rejected(_), Event::Claim) if self.is_due(now) => next.forget(now, periods),
            (State::Rejected(_), Event::Forget) => next.forget(now, periods),
            (State::Ready, Event::Trash) if !self.has_expired(now) => {
                next.state = State::Trashed;
                // Its lifetime goes on.
                next.due = earlier(
                    Some(now + periods.trash),
                    self.lifetime.and_then(|lifetime| lifetime.expires),
                );
            }
            (State::Trashed, Event::Restore) if !self.is_due(now) && !self.has_expired(now) => {
                next.state = State::Ready;
                // Parts are looked for once more, as they would have been.
                let tidy = self.is_untidy().then(|| now + periods.lease);
                next.due = earlier(tidy, self.lifetime.and_then(|lifetime| lifetime.expires));
            }
            (State::Trashed, Event::Claim) if self.is_due(now) => {
                next.state = State::Deleting;
                next.due = Some(now + periods.lease);
            }
            (State::Ready | State::Trashed | State::Open | State::Assembling, Event::Delete) => {
                next.state = State::Deleting;
                next.due = Some(now + periods.lease);
            }
            (State::Deleting, Event::Erased) => {
                next.state = State::Gone;
                next.sender = None;
                next.due = Some(now + periods.note);
            }
            (state, event) => {
                return Err(IllegalTransition {
                    state: state.name(),
                    event: event.name(),
                });
            }
        }
        Ok(next)
    }

    /// What its sender noted beside it may be long, and nobody asks for it any more.
    fn forget_what_was_noted(&mut self) {
        self.metadata.clear();
        self.tags.clear();
    }

    /// Nobody is told any more why it was refused, and a sweeper removes what may be left of it.
    fn forget(&mut self, now: SystemTime, periods: &Periods) {
        self.state = State::Gone;
        self.sender = None;
        self.due = Some(now + periods.lease);
    }
}

/// The earlier of two times, where never is later than any.
fn earlier(one: Option<SystemTime>, other: Option<SystemTime>) -> Option<SystemTime> {
    one.into_iter().chain(other).min()
}

/// An event that cannot happen to an upload that stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an upload that is {state} takes no `{event}`")]
pub struct IllegalTransition {
    state: &'static str,
    event: &'static str,
}
