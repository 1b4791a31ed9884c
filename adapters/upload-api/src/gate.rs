//! How much one may ask at a time, and how often: each project, each address, and all together.
//!
//! This is one node's own: with several, each lets in so many. What all nodes together may hold, such as bytes and files, is
//! booked with the records.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use intake_core::project::Rate;
use quick_cache::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{COME_AGAIN, Refusal, codes};

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// A project, by its public key.
    Project(String),
    /// An address. Of the newer kind so many belong to one sender that its network counts.
    Address(IpAddr),
}

impl Who {
    pub(crate) fn at(address: IpAddr) -> Self {
        const HOSTS: u32 = 64;
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> HOSTS << HOSTS)),
            address => address,
        })
    }
}

/// Those who are counted at a time. Who was not seen for longest is forgotten first, and may ask as if for the first time.
const KNOWN: usize = 16 * 1024;

/// Counts who is in, and how often somebody has asked.
pub(crate) struct Gate {
    all: Arc<Semaphore>,
    /// By how many there are, too: who is given others begins anew.
    places: Mutex<HashMap<(Who, usize), Arc<Semaphore>>>,
    rates: Cache<(Who, Rate), Arc<DefaultDirectRateLimiter>>,
}

/// A place that is free again when this is dropped.
pub(crate) type Place = OwnedSemaphorePermit;

impl Gate {
    pub(crate) fn new(uploads: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(uploads)),
            places: Mutex::default(),
            rates: Cache::new(KNOWN),
        }
    }

    /// A place among all, if there is one now.
    pub(crate) fn enter(&self) -> Result<Place, Refusal> {
        self.all.clone().try_acquire_owned().map_err(|_| come_again())
    }

    /// A place among all, as soon as there is one.
    pub(crate) async fn wait(&self, patience: Duration) -> Result<Place, Refusal> {
        wait(self.all.clone(), patience).await
    }

    /// A place among this one's own, if there is one now.
    pub(crate) fn enter_as(&self, who: Who, most: Option<usize>) -> Result<Option<Place>, Refusal> {
        let Some(most) = most else { return Ok(None) };
        let place = self.of(who, most).try_acquire_owned();
        place.map(Some).map_err(|_| come_again())
    }

    /// A place among this one's own, as soon as there is one.
    pub(crate) async fn wait_as(
        &self,
        who: Who,
        most: Option<usize>,
        patience: Duration,
    ) -> Result<Option<Place>, Refusal> {
        match most {
            None => Ok(None),
            Some(most) => wait(self.of(who, most), patience).await.map(Some),
        }
    }

    /// The places of somebody. Those of who has none taken are not kept, so that there are never more than there are requests.
    fn of(&self, who: Who, most: usize) -> Arc<Semaphore> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= KNOWN || places.len().is_multiple_of(64) {
            places.retain(|_, places| Arc::strong_count(places) > 1);
        }
        let most = most.min(Semaphore::MAX_PERMITS);
        places
            .entry((who, most))
            .or_insert_with(|| Arc::new(Semaphore::new(most)))
            .clone()
    }

    /// Counts a request against a rate.
    pub(crate) fn count(&self, who: &Who, rate: Option<Rate>) -> Result<(), Refusal> {
        let Some(rate) = rate else { return Ok(()) };
        // Another rate begins anew: somebody has changed it.
        let key = (who.clone(), rate);
        let begin = || Ok::<_, std::convert::Infallible>(Arc::new(RateLimiter::direct(quota(rate))));
        let Ok(limiter) = self.rates.get_or_insert_with(&key, begin);
        limiter.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            Refusal::new(&codes::THROTTLED).retry_after(wait.as_secs().saturating_add(1))
        })
    }
}

async fn wait(places: Arc<Semaphore>, patience: Duration) -> Result<Place, Refusal> {
    let waited = tokio::time::timeout(patience, places.acquire_owned()).await;
    waited.ok().and_then(Result::ok).ok_or_else(come_again)
}

fn come_again() -> Refusal {
    Refusal::new(&codes::THROTTLED).retry_after(COME_AGAIN)
}

fn quota(rate: Rate) -> Quota {
    let count = NonZeroU32::new(rate.count).unwrap_or(NonZeroU32::MIN);
    let each = (rate.per / count.get()).max(Duration::from_nanos(1));
    let quota = Quota::with_period(each).unwrap_or_else(|| Quota::per_second(count));
    quota.allow_burst(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(key: &str) -> Who {
        Who::Project(key.to_owned())
    }

    #[test]
    fn nobody_has_more_places_than_his_own() {
        let gate = Gate::new(10);
        let first = gate.enter_as(project("one"), Some(1)).unwrap();
        let full = gate.enter_as(project("one"), Some(1)).unwrap_err();
        assert_eq!((full.status(), full.retry_after), (429, Some(COME_AGAIN)));
        assert!(gate.enter_as(project("other"), Some(1)).unwrap().is_some());
        drop(first);
        assert!(gate.enter_as(project("one"), Some(1)).unwrap().is_some());
        assert!(gate.enter_as(project("one"), None).unwrap().is_none());
    }

    #[test]
    fn who_is_given_other_places_has_them_at_once() {
        let gate = Gate::new(10);
        let _first = gate.enter_as(project("one"), Some(1)).unwrap();
        assert!(gate.enter_as(project("one"), Some(1)).is_err());
        assert!(gate.enter_as(project("one"), Some(2)).unwrap().is_some());
    }

    #[test]
    fn places_of_those_who_are_gone_are_not_kept() {
        let gate = Gate::new(10);
        for number in 0..1000 {
            let _place = gate.enter_as(project(&number.to_string()), Some(1)).unwrap();
        }
        assert!(gate.places.lock().unwrap().len() < 130);
    }

    #[test]
    fn who_asks_too_often_is_told_when_to_ask_again() {
        let gate = Gate::new(10);
        let rate: Rate = "2/h".parse().unwrap();
        let count = |who| {
            gate.count(&who, Some(rate))
                .map_err(|refusal| refusal.retry_after.unwrap())
        };
        assert_eq!([count(project("one")), count(project("one"))], [Ok(()), Ok(())]);
        let wait = count(project("one")).unwrap_err();
        assert!((1..=1800).contains(&wait), "half an hour at most, and {wait}");
        assert_eq!(count(project("other")), Ok(()));
    }

    #[test]
    fn one_network_of_the_newer_kind_is_one_sender() {
        let at = |address: &str| Who::at(address.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
        assert_eq!(at("192.0.2.1"), at("::ffff:192.0.2.1"));
    }
}
