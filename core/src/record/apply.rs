//! The only rules by which a record changes. The module `upload` has a drawing of them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::Value;

use crate::record::event::Event;
use crate::record::quarantine::{AuditAction, Quarantine, note};
use crate::record::telling;
use crate::record::upload::{Periods, Record, State};
use crate::value::evidence::Facts;
use crate::value::inspection::Inspection;
use crate::value::lifetime::Lifetime;
use crate::value::options::UploadOptions;

impl Record {
    /// Returns the next revision of this record, after the event. No other function changes the state of a record.
    ///
    /// # Errors
    ///
    /// If the event cannot happen in the state of this record.
    pub fn apply(&self, event: Event, now: SystemTime, periods: &Periods) -> Result<Self, IllegalTransition> {
        let initiator = telling::initiator(&event);
        let mut next = self.after(event, now, periods)?.with_times_after(self, now);
        next.events = match periods.events {
            true => telling::of_change(self, &next, initiator, now),
            false => Vec::new(),
        };
        Ok(next)
    }

    /// The same without the times of a file and its events, which follow from the record before and after.
    fn after(&self, event: Event, now: SystemTime, periods: &Periods) -> Result<Self, IllegalTransition> {
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
                next.due = Some(now + periods.lease);
            }
            // A record that is not due belongs to the node that works on it, or is a file.
            (State::Assembling, Event::Assemble) if self.is_due(now) => next.due = Some(now + periods.lease),
            (State::Assembling, Event::Renew) => next.due = Some(now + periods.lease),
            (State::Assembling, Event::Release) => {
                next.state = State::Open;
                next.due = Some(self.created + periods.open);
            }
            (State::Staged, Event::Relocate { to }) if self.previous_location.is_none() => {
                next.previous_location = Some(std::mem::replace(&mut next.location, to));
            }
            (
                State::Staged | State::Assembling,
                Event::Commit {
                    facts,
                    options,
                    lifetime,
                },
            ) => {
                next.state = State::Ready;
                next.know(*facts, *options, lifetime);
                // Late parts are deleted once more, when no sender can still be sending one.
                let tidy = self.is_untidy().then(|| now + periods.write_lease);
                next.due = earlier(tidy, lifetime.expires);
            }
            (State::Ready | State::Quarantined, Event::Tidied) => {
                if self.state == State::Ready {
                    next.due = self.lifetime.and_then(|lifetime| lifetime.expires);
                }
                next.previous_location = None;
                if let Some(parts) = &mut next.parts {
                    parts.separate_keys = false;
                }
            }
            (State::Ready, Event::Keep(lifetime)) => {
                next.lifetime = Some(lifetime);
                next.due = earlier(self.due.filter(|_| self.is_untidy()), lifetime.expires);
            }
            (State::Ready, Event::Describe { metadata, tags }) => {
                next.options.metadata = metadata;
                next.options.tags = tags;
            }
            (State::Queued | State::Fetching, Event::Fetch { upload }) if self.is_due(now) => {
                next.state = State::Fetching;
                next.due = Some(now + periods.lease);
                next.fetch_job = self.fetch_job.as_ref().map(|fetch_job| fetch_job.try_again(upload));
            }
            (State::Fetching, Event::Progress { done, total }) => {
                next.due = Some(now + periods.lease);
                next.fetch_job = self.fetch_job.as_ref().map(|fetch_job| fetch_job.at(done, total));
            }
            // The next try to delete left-over bytes waits, so that this record does not hold up the others that are due.
            (State::Ready, Event::Postpone(delay)) if self.is_untidy() => {
                next.due = earlier(Some(now + delay), self.lifetime.and_then(|lifetime| lifetime.expires));
            }
            (State::Fetching, Event::Postpone(delay)) => {
                next.state = State::Queued;
                next.due = Some(now + delay);
            }
            (State::Fetching, Event::Fetched) => {
                next.state = State::Fetched;
                next.forget_client();
                next.clear_metadata();
                next.due = Some(now + periods.tombstone);
            }
            (State::Open | State::Staged, Event::Abandon) => {
                next.state = State::Deleting;
                next.due = Some(now + periods.write_lease);
            }
            (State::Staged | State::Assembling | State::Queued | State::Fetching, Event::Reject(rejection)) => {
                next.state = State::Rejected(rejection);
                // The list of refusals shows whose they are.
                next.options.origin = None;
                next.clear_metadata();
                next.due = Some(now + periods.tombstone);
            }
            (State::Open | State::Staged | State::Deleting | State::Quarantined, Event::Claim) if self.is_due(now) => {
                next.state = State::Deleting;
                next.due = Some(now + periods.write_lease);
            }
            (State::Ready, Event::Claim) if self.has_expired(now) => {
                next.state = State::Deleting;
                next.due = Some(now + periods.write_lease);
            }
            // A sweeper takes the lease of an old tombstone too before it deletes it.
            (State::Deleted | State::Fetched, Event::Claim) if self.is_due(now) => {
                next.due = Some(now + periods.write_lease)
            }
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
                let tidy = self.is_untidy().then(|| now + periods.write_lease);
                next.due = earlier(tidy, self.lifetime.and_then(|lifetime| lifetime.expires));
            }
            (State::Trashed, Event::Claim) if self.is_due(now) => {
                next.state = State::Deleting;
                next.due = Some(now + periods.write_lease);
            }
            (State::Ready | State::Trashed | State::Open | State::Assembling | State::Quarantined, Event::Delete) => {
                next.state = State::Deleting;
                next.due = Some(now + periods.write_lease);
            }
            (State::Deleting, Event::BytesDeleted) => {
                next.state = State::Deleted;
                next.forget_client();
                next.clear_metadata();
                next.due = Some(now + periods.tombstone);
            }
            (_, event) => return self.apply_to_content(next, event, now, periods),
        }
        Ok(next)
    }

    /// The events by which an upload is put into quarantine, scanned again, and released.
    fn apply_to_content(
        &self,
        mut next: Self,
        event: Event,
        now: SystemTime,
        periods: &Periods,
    ) -> Result<Self, IllegalTransition> {
        match (&self.state, event) {
            (
                State::Staged | State::Assembling,
                Event::Quarantine {
                    facts,
                    options,
                    lifetime,
                    quarantine,
                },
            ) => {
                next.know(*facts, *options, lifetime);
                next.hold(*quarantine, AuditAction::Quarantined, now, periods);
            }
            (
                State::Ready | State::Quarantined,
                Event::Withdraw {
                    inspections,
                    quarantine,
                },
            ) if self.state == State::Ready || self.is_pending() => {
                next.inspect(inspections);
                next.hold(*quarantine, AuditAction::Withdrawn, now, periods);
            }
            (State::Ready, Event::Inspected(inspections)) => next.inspect(inspections),
            (State::Quarantined, Event::Rescan) if self.is_pending() && self.is_due(now) => {
                next.try_again();
                next.due = Some(now + periods.write_lease);
            }
            (State::Quarantined, Event::Postpone(delay)) if self.is_pending() => next.due = Some(now + delay),
            (
                State::Quarantined,
                Event::Approve {
                    by,
                    inspections,
                    notes,
                    signatures,
                    lifetime,
                },
            ) => {
                inspections
                    .into_iter()
                    .for_each(|inspections| next.inspect(inspections));
                next.released_with = signatures;
                next.add(notes);
                note(&mut next.history, (now, AuditAction::Released), &by, None);
                next.release(lifetime, now, periods);
            }
            (State::Quarantined, Event::Discard { by }) => next.discard(&by, now, periods),
            (state, event) => {
                return Err(IllegalTransition {
                    state: state.name(),
                    event: event.name(),
                });
            }
        }
        Ok(next)
    }

    /// Sets what is known of the upload at its end.
    fn know(&mut self, facts: Facts, options: UploadOptions, lifetime: Lifetime) {
        self.facts = Some(facts);
        self.options = options;
        self.forget_client();
        self.lifetime = Some(lifetime);
    }

    /// Puts the upload into quarantine.
    fn hold(&mut self, quarantine: Quarantine, action: AuditAction, now: SystemTime, periods: &Periods) {
        let (by, code) = (quarantine.reason.by.clone(), quarantine.reason.code.clone());
        note(
            &mut self.history,
            (now, action),
            by.as_deref().unwrap_or_default(),
            Some(&code),
        );
        self.state = State::Quarantined;
        self.due = match quarantine.is_pending() {
            true => Some(now + periods.rescan),
            // A lifetime that ends sooner does not end the quarantine: it would take the evidence away.
            false => Some(quarantine.until),
        };
        self.quarantine = Some(quarantine);
    }

    /// Ends an upload in quarantine: its bytes are deleted.
    fn discard(&mut self, by: &str, now: SystemTime, periods: &Periods) {
        note(&mut self.history, (now, AuditAction::Deleted), by, None);
        self.state = State::Deleting;
        self.due = Some(now + periods.write_lease);
    }

    /// Counts another scan of an upload in quarantine.
    fn try_again(&mut self) {
        if let Some(quarantine) = &mut self.quarantine {
            quarantine.tries = quarantine.tries.saturating_add(1);
        }
    }

    /// Adds what scanners found out.
    fn add(&mut self, notes: BTreeMap<String, Value>) {
        if let Some(facts) = &mut self.facts {
            facts.notes.extend(notes);
        }
    }

    /// Lets the upload out of quarantine.
    fn release(&mut self, lifetime: Lifetime, now: SystemTime, periods: &Periods) {
        self.state = State::Ready;
        self.quarantine = None;
        self.lifetime = Some(lifetime);
        // Left-over parts are deleted once more, as without the quarantine.
        let tidy = self.is_untidy().then(|| now + periods.write_lease);
        self.due = earlier(tidy, lifetime.expires);
    }

    /// Replaces what the stages said of the content.
    fn inspect(&mut self, inspections: Vec<Inspection>) {
        if let Some(facts) = &mut self.facts {
            facts.inspections = inspections;
        }
    }

    /// Removes the client's address, which is that of a person, and the page that it used: they are needed only while the upload
    /// is under way.
    fn forget_client(&mut self) {
        self.options.sender = None;
        self.options.origin = None;
    }

    /// Removes metadata and tags, which may be long: no answer shows them any more.
    fn clear_metadata(&mut self) {
        self.options.metadata.clear();
        self.options.tags.clear();
    }

    /// Ends the time in which the reason of a refusal can be asked for. A sweeper then deletes bytes that may be left.
    fn forget(&mut self, now: SystemTime, periods: &Periods) {
        self.state = State::Deleted;
        self.forget_client();
        self.due = Some(now + periods.write_lease);
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
