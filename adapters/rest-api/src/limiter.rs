//! Limits of the requests under way, and of the rate of requests: per project, per address, and in all. Each node counts its own.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use intake_core::permits::{Holder, NoneFree, Permit, Permits, until};
use intake_core::project::Rate;
use quick_cache::sync::Cache;

use crate::error::{ApiError, RETRY_AFTER_SECS};
use crate::settings::Settings;

/// Rates that are remembered. The one that was used least recently is forgotten first, and begins anew.
const REMEMBERED: usize = 16 * 1024;

/// Counts requests under way, and the rates of requests.
pub(crate) struct Limiter {
    requests: Permits,
    requests_per_ip: usize,
    /// A changed rate begins anew.
    rates: Cache<(Holder, Rate), Arc<DefaultDirectRateLimiter>>,
}

/// The permits of a request under way.
pub(crate) type HeldPermits = Vec<Permit>;

impl Limiter {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            requests: Permits::new("rest_requests", settings.max_concurrent_requests),
            requests_per_ip: settings.max_concurrent_requests_per_ip(),
            rates: Cache::new(REMEMBERED),
        }
    }

    /// Takes the permits of a client's request, as soon as they are free. The smaller share first: a request that waits holds no
    /// permit that others need.
    pub(crate) async fn acquire(&self, client: Option<&Holder>, patience: Duration) -> Result<HeldPermits, ApiError> {
        let until = until(patience);
        let full = |NoneFree| ApiError::throttled(RETRY_AFTER_SECS);
        let mut held = HeldPermits::new();
        if let Some(client) = client {
            let share = self.requests.acquire_as(client, self.requests_per_ip, until).await;
            held.push(share.map_err(full)?);
        }
        held.push(self.requests.acquire(until).await.map_err(full)?);
        Ok(held)
    }

    /// Counts a request in a rate. One that exceeds it is refused at once, with the time after which it may come again.
    pub(crate) fn count(&self, holder: &Holder, rate: Option<Rate>) -> Result<(), ApiError> {
        let Some(rate) = rate else { return Ok(()) };
        let key = (holder.clone(), rate);
        let Ok(counted) = self
            .rates
            .get_or_insert_with(&key, || Ok::<_, Infallible>(Arc::new(RateLimiter::direct(quota(rate)))));
        counted.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            ApiError::throttled(wait.as_secs().saturating_add(1))
        })
    }
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

    #[tokio::test]
    async fn one_address_has_an_eighth_of_the_requests() {
        let limiter = Limiter::new(&Settings::default().with(|settings| settings.max_concurrent_requests = 8));
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| Holder::at(address.parse().unwrap()));
        let _held = limiter.acquire(Some(&one), Duration::ZERO).await.unwrap();
        let full = limiter.acquire(Some(&one), Duration::ZERO).await.unwrap_err();
        assert_eq!((full.status(), full.retry_after), (429, Some(RETRY_AFTER_SECS)));
        assert!(limiter.acquire(Some(&other), Duration::ZERO).await.is_ok());
    }

    #[test]
    fn a_project_that_asks_too_often_is_told_when_to_ask_again() {
        let limiter = Limiter::new(&Settings::default());
        let rate: Rate = "2/h".parse().unwrap();
        let count = |project: &str| {
            let counted = limiter.count(&Holder::Project(project.to_owned()), Some(rate));
            counted.map_err(|refusal| refusal.retry_after.unwrap())
        };
        assert_eq!([count("one"), count("one")], [Ok(()), Ok(())]);
        let wait = count("one").unwrap_err();
        assert!((1..=1801).contains(&wait), "half an hour at most, and {wait}");
        assert_eq!(count("other"), Ok(()));
    }
}
