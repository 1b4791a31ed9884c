//! Expirers that are wrong, each in one way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use intake_core::{Expirer, Facts, Lifetime, Retention};

use super::{LONG, PATIENCE, caught_by};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    ExpiresAtOnce,
    ReadsTheClockItself,
    CountsFromAFixedDay,
    MultipliesSizes,
    Remembers,
    Blocks,
}

#[derive(Debug)]
struct Days(Wrong, AtomicU64);

impl Expirer for Days {
    fn lifetime(&self, facts: &Facts, retention: Retention, now: SystemTime) -> Lifetime {
        let day = Duration::from_secs(24 * 60 * 60);
        let expires = match self.0 {
            Wrong::ExpiresAtOnce => now,
            Wrong::ReadsTheClockItself => SystemTime::now() + day,
            Wrong::CountsFromAFixedDay => UNIX_EPOCH + day * 10_000_000,
            Wrong::MultipliesSizes => now + Duration::from_secs(facts.size.checked_mul(60).unwrap() + 1),
            Wrong::Remembers => now + day + Duration::from_secs(self.1.fetch_add(1, Ordering::SeqCst)),
            Wrong::Blocks => {
                thread::sleep(LONG);
                now + day
            }
        };
        Lifetime {
            kept: retention == Retention::Keep,
            expires: Some(expires),
        }
    }
}

#[tokio::test]
async fn wrong_expirers_are_caught_by_the_rule_that_they_break() {
    for (wrong, rule) in [
        (Wrong::ExpiresAtOnce, "an upload expires later than now"),
        (Wrong::ReadsTheClockItself, "an upload expires later than now"),
        (Wrong::CountsFromAFixedDay, "a lifetime depends on the given time only"),
        (Wrong::MultipliesSizes, "no call panics"),
        (Wrong::Remembers, "the answer does not depend on earlier questions"),
        (Wrong::Blocks, "every call answers in time"),
    ] {
        let expirer = Days(wrong, AtomicU64::default());
        let suite = async { PATIENCE.expirer(expirer) };
        caught_by(rule, &format!("{wrong:?}"), suite).await;
    }
}
