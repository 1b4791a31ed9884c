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

use crate::value::lifetime::Lifetime;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::record::pull::Pull;
use crate::value::evidence::{Declared, Facts};
use crate::value::id::{Place, UploadId};
use crate::value::options::Terms;
use crate::value::parts::Parts;
use crate::value::pass::Pass;
use crate::value::verdict::Rejection;

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
}
