//! Validators that are wrong, each in one way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use intake_core::{Code, Facts, Head, UploadInfo, Validator, Verdict};

use super::{LONG, PATIENCE, caught_by};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    RefusesWithoutReason,
    RemembersUploads,
    CutsNamesAmidACharacter,
    Blocks,
    BlocksForAWhile,
}

#[derive(Debug)]
struct Rules(Wrong, AtomicUsize);

impl Validator for Rules {
    fn declared(&self, upload: &UploadInfo<'_>) -> Verdict {
        match (self.0, upload.declared.name.as_deref()) {
            (Wrong::CutsNamesAmidACharacter, Some(name)) if name.len() > 2 => {
                assert!(name.is_char_boundary(2), "cut amid a character");
            }
            (Wrong::RefusesWithoutReason, None) => return Verdict::reject(Code::new("no"), ""),
            _ => {}
        }
        Verdict::Accept
    }

    fn head(&self, _head: &Head<'_>) -> Verdict {
        match self.0 {
            Wrong::Blocks => thread::sleep(LONG),
            Wrong::BlocksForAWhile => thread::sleep(PATIENCE.thread * 2),
            _ => {}
        }
        Verdict::Accept
    }

    fn whole(&self, _upload: &UploadInfo<'_>, _facts: &Facts) -> Verdict {
        let asked_before = self.1.fetch_add(1, Ordering::SeqCst);
        if self.0 == Wrong::RemembersUploads && asked_before > 100 {
            return Verdict::reject(Code::new("no"), "too many uploads");
        }
        Verdict::Accept
    }
}

#[tokio::test]
async fn wrong_validators_are_caught_by_the_rule_that_they_break() {
    for (wrong, rule) in [
        (Wrong::RefusesWithoutReason, "a refusal says why"),
        (
            Wrong::RemembersUploads,
            "the answer does not depend on earlier questions",
        ),
        (Wrong::CutsNamesAmidACharacter, "no call panics"),
        (Wrong::Blocks, "every call answers in time"),
        (Wrong::BlocksForAWhile, "no call blocks its thread"),
    ] {
        let validator = Rules(wrong, AtomicUsize::default());
        let suite = async { PATIENCE.validator(validator) };
        caught_by(rule, &format!("{wrong:?}"), suite).await;
    }
}
