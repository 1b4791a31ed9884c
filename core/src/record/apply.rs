//! The only rules by which a record changes. The module `upload` has a drawing of them.

use std::time::SystemTime;

use crate::record::event::Event;
use crate::record::upload::{Periods, Record, State};

impl Record {
    /// Returns the next revision of this record, after the event. No other function changes the state of a record.
    ///
    /// # Errors
    ///
    /// If the event cannot happen in the state of this record.
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
            // A record that is not due belongs to the node that works on it, or is a file.
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
                // The sender is the address of a person: it is kept only while unfinished uploads are counted by it.
                next.sender = None;
                next.lifetime = Some(lifetime);
                // Late parts are deleted once more, when no sender can still be sending one.
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
            // The next try to delete left-over bytes waits, so that this record does not hold up the others that are due.
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
            // A sweeper claims an old note too before it deletes it.
            (State::Gone | State::Pulled, Event::Claim) if self.is_due(now) => next.due = Some(now + periods.lease),
            (State::Rejected(_), Event::Claim) if self.is_due(now) => next.forget(now, periods),
            (State::Rejected(_), Event::Forget) => next.forget(now, periods),
            (State::Ready, Event::Trash) if !self.has_expired(now) => {
                next.state = State::Trashed;
                // The lifetime runs on while the upload is in the trash.
                next.due = earlier(
                    Some(now + periods.trash),
                    self.lifetime.and_then(|lifetime| lifetime.expires),
                );
            }
            (State::Trashed, Event::Restore) if !self.is_due(now) && !self.has_expired(now) => {
                next.state = State::Ready;
                // Left-over parts are deleted once more, as without the deletion.
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

    /// Removes metadata and tags, which may be long: no answer shows them any more.
    fn forget_what_was_noted(&mut self) {
        self.metadata.clear();
        self.tags.clear();
    }

    /// Ends the time in which the reason of a refusal can be asked for. A sweeper then deletes bytes that may be left.
    fn forget(&mut self, now: SystemTime, periods: &Periods) {
        self.state = State::Gone;
        self.sender = None;
        self.due = Some(now + periods.lease);
    }
}

/// The earlier of two times, where `None` means never.
fn earlier(one: Option<SystemTime>, other: Option<SystemTime>) -> Option<SystemTime> {
    one.into_iter().chain(other).min()
}

/// An event that cannot happen in the state of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event `{event}` cannot happen to an upload in the state `{state}`")]
pub struct IllegalTransition {
    state: &'static str,
    event: &'static str,
}
