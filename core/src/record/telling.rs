//! What a change of a record means to others. Pure.
//!
//! [`Record::apply`] asks [`of_change`] at each revision, so that an event exists exactly if its change does. Of each file,
//! `file.uploaded` comes before all but `file.infected`, and `file.deleted` is told only of files of which `file.uploaded` was
//! told.

use std::time::SystemTime;

use crate::record::event::Event;
use crate::record::file_event::{FileEvent, FileEventKind, Initiator};
use crate::record::quarantine::{AuditAction, QuarantineCause};
use crate::record::upload::{Record, State};

/// Who causes what an event of the record means to others.
pub(crate) fn initiator(event: &Event) -> Initiator {
    match event {
        Event::Claim
        | Event::Quarantine { .. }
        | Event::Withdraw { .. }
        | Event::Inspected(_)
        | Event::Approve {
            inspections: Some(_), ..
        } => Initiator::System,
        _ => Initiator::Api,
    }
}

/// The events of the change of a record from `before` to `next`.
pub(crate) fn of_change(before: &Record, next: &Record, initiator: Initiator, now: SystemTime) -> Vec<FileEvent> {
    use FileEventKind::{Deleted, Infected, InfoUpdated, Stored, Uploaded};

    let event = |kind| FileEvent::new(kind, now, initiator);
    let kinds = match (&before.state, &next.state) {
        (State::Ready, State::Ready) => return of_file(before, next, event),
        (State::Trashed, State::Ready) => vec![Stored],
        // It was told when the file became readable for the first time.
        (State::Quarantined, State::Ready) if was_readable(before) => vec![InfoUpdated],
        (_, State::Ready) if is_kept(next) => vec![Uploaded, Stored],
        (_, State::Ready) => vec![Uploaded],
        (State::Ready, State::Trashed | State::Deleting) => vec![Deleted],
        (State::Quarantined, State::Deleting) if was_readable(before) => vec![Deleted],
        (State::Ready, State::Quarantined) if cause(next) == Some(QuarantineCause::Infected) => vec![Infected],
        // It cannot be read now: a scanner could not look at it again, or not at all of it.
        (State::Ready, State::Quarantined) => vec![InfoUpdated],
        (State::Quarantined, State::Quarantined) if cause(before) == cause(next) => Vec::new(),
        (_, State::Quarantined) if cause(next) == Some(QuarantineCause::Infected) => vec![Infected],
        _ => Vec::new(),
    };
    kinds.into_iter().map(event).collect()
}

/// The events of a change of a file that can be read before and after it.
fn of_file(before: &Record, next: &Record, event: impl Fn(FileEventKind) -> FileEvent) -> Vec<FileEvent> {
    let mut events = Vec::new();
    if is_kept(next) && !is_kept(before) {
        events.push(event(FileEventKind::Stored));
    }
    if before.options.metadata != next.options.metadata {
        events.push(FileEvent {
            previous_metadata: Some(before.options.metadata.clone()),
            ..event(FileEventKind::InfoUpdated)
        });
    }
    events
}

/// Whether the file stays until somebody deletes it.
fn is_kept(record: &Record) -> bool {
    record.lifetime.is_some_and(|lifetime| lifetime.expires.is_none())
}

fn cause(record: &Record) -> Option<QuarantineCause> {
    record.quarantine.as_ref().map(|quarantine| quarantine.cause)
}

/// Whether an upload in quarantine could be read before.
fn was_readable(record: &Record) -> bool {
    let has = |action| record.history.iter().any(|entry| entry.action == action);
    has(AuditAction::Released) || !has(AuditAction::Quarantined)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::record::upload::Periods;
    use crate::value::evidence::Declared;
    use crate::value::id::UploadId;
    use crate::value::options::UploadOptions;

    #[test]
    fn a_change_of_the_metadata_is_told_with_what_they_were() {
        let intent = Record::intent(
            UploadId::random(),
            Declared::default(),
            UploadOptions::default(),
            UNIX_EPOCH,
            &Periods::default(),
        );
        let with = |value: &str| {
            let mut record = intent.clone();
            record.state = State::Ready;
            record.options.metadata = BTreeMap::from([("key".to_owned(), value.to_owned())]);
            record
        };
        let told = of_change(&with("before"), &with("after"), Initiator::Api, UNIX_EPOCH);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].kind, FileEventKind::InfoUpdated);
        assert_eq!(told[0].previous_metadata, Some(with("before").options.metadata));
        assert_eq!(of_change(&with("same"), &with("same"), Initiator::Api, UNIX_EPOCH), []);
    }
}
