//! Private functions that the fuzz targets call.

use intake_core::{Bytes, Code, Coverage};

use crate::budget::Budget;
use crate::note::ArchiveNote;
use crate::reader::Flow;
use crate::settings::{Choice, Settings};
use crate::walk::Walk;

/// What is known of an upload that comes in these pieces: the code of its refusal, or its note and how much was read. It must not
/// depend on the pieces.
///
/// Not by way of the scanner, which catches panics.
#[must_use]
pub fn walk(pieces: &[&[u8]]) -> (Option<Code>, Option<ArchiveNote>, Option<Coverage>) {
    // Small, so that a run takes no time; and nothing is refused that would end a walk early.
    let settings = Settings::default().with(|settings| {
        settings.max_inflated = 16 * 1024 * 1024;
        settings.encrypted = Choice::Accept;
        settings.links = Choice::Accept;
        settings.paths = Choice::Accept;
        settings.overlaps = Choice::Accept;
    });
    let mut walk = Walk::new(settings, Budget::new(settings.memory, settings.deepest()).open(), &[]);
    let go_on = |walk: &mut Walk| match walk.go_on() {
        Ok(flow) => {
            assert_eq!(flow, Flow::On, "there is enough memory for one upload");
            Ok(())
        }
        Err(rejection) => Err(rejection),
    };
    let pushed = pieces.iter().try_for_each(|piece| {
        walk.push(Bytes::copy_from_slice(piece));
        go_on(&mut walk)
    });
    let ended = pushed.and_then(|()| {
        walk.end();
        go_on(&mut walk)
    });
    if let Err(rejection) = ended {
        return (Some(rejection.code), None, None);
    }
    let tally = walk.tally();
    (None, tally.note().cloned(), Some(tally.coverage()))
}
