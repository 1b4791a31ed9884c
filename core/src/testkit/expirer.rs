//! The rules of every expirer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::broken::{broken, shown};
use super::trial::{Checked, Patience, Trial};
use super::validator::odd_facts;
use crate::contract::stages::Expirer;
use crate::value::evidence::Facts;
use crate::value::lifetime::{Lifetime, Retention};

/// Checks every rule of [`Expirer`], at instants between 1970 and the year 9999.
///
/// ```
/// let checked = intake_core::testkit::expirer(intake_core::memory::KeepAll);
/// println!("{checked}");
/// ```
///
/// # Panics
///
/// If a rule is broken, with the rule, what was asked, what was expected and what was seen.
pub fn expirer(expirer: impl Expirer + 'static) -> Checked {
    Patience::default().expirer(expirer)
}

impl Patience {
    /// As [`expirer`](super::expirer()), with other limits.
    ///
    /// # Panics
    ///
    /// If a rule is broken.
    pub fn expirer(self, expirer: impl Expirer + 'static) -> Checked {
        Trial::new(self).apart_now(|trial| async move {
            let expirer = &expirer as &dyn Expirer;
            rules!(
                trial,
                an_upload_expires_later_than_now(&trial, expirer),
                a_lifetime_depends_on_the_given_time_only(&trial, expirer),
                the_answer_does_not_depend_on_earlier_questions(&trial, expirer),
            );
        })
    }
}

const DAY: u64 = 24 * 60 * 60;
/// Midnight of the first day of 1970, 2000, 2026, 2100 and of the last day of 9999, in seconds.
const INSTANTS: [u64; 5] = [0, 946_684_800, 1_767_225_600, 4_102_444_800, 253_402_214_400];

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn questions() -> Vec<(Facts, Retention)> {
    let png = "image/png".parse().ok();
    let facts = [(0, None), (1, png.clone()), (u64::MAX, png)].map(|(size, media_type)| odd_facts(size, media_type));
    let wishes = [Retention::Default, Retention::Temporary, Retention::Keep];
    facts
        .iter()
        .flat_map(|facts| wishes.map(|wish| (facts.clone(), wish)))
        .collect()
}

fn ask(trial: &Trial, expirer: &dyn Expirer, (facts, wish): &(Facts, Retention), now: u64) -> Lifetime {
    let asked = format!(
        "the lifetime of {} bytes, media type {:?}, wish {wish:?}, {now} seconds after the first of 1970",
        facts.size, facts.media_type
    );
    trial.call_now(asked, || expirer.lifetime(facts, *wish, at(now)))
}

async fn an_upload_expires_later_than_now(trial: &Trial, expirer: &dyn Expirer) {
    for question in questions() {
        for now in INSTANTS {
            let lifetime = ask(trial, expirer, &question, now);
            // If an upload expired at once, not even its sender could read it.
            if lifetime.expires.is_some_and(|expires| expires <= at(now)) {
                broken(
                    format!("an end behind {:?}, or none", at(now)),
                    shown(&lifetime.expires),
                );
            }
        }
    }
}

async fn a_lifetime_depends_on_the_given_time_only(trial: &Trial, expirer: &dyn Expirer) {
    for question in questions() {
        for now in INSTANTS {
            let earlier = ask(trial, expirer, &question, now).expires;
            let later = ask(trial, expirer, &question, now + 400 * DAY).expires;
            // An end may be rounded to a day, a month or a year. But if all ends stay the same, they come from another clock.
            let (Some(earlier), Some(later)) = (earlier, later) else {
                continue;
            };
            if later <= earlier {
                broken(
                    format!("asked 400 days later, a later end than {earlier:?}"),
                    shown(&later),
                );
            }
        }
    }
}

async fn the_answer_does_not_depend_on_earlier_questions(trial: &Trial, expirer: &dyn Expirer) {
    let all: Vec<_> = questions()
        .into_iter()
        .flat_map(|question| INSTANTS.map(|now| (question.clone(), now)))
        .collect();
    let first: Vec<_> = all
        .iter()
        .map(|(question, now)| ask(trial, expirer, question, *now))
        .collect();
    for ((question, now), lifetime) in all.iter().zip(first).rev() {
        let again = ask(trial, expirer, question, *now);
        same!(again, lifetime, "another answer than before");
    }
}
