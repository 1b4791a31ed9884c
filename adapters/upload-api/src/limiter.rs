//! Limits of the requests and uploads under way, and of the rate of requests: per project, per address, and in all.
//!
//! Each node has its own limiter: several nodes admit as many each. Limits of all nodes together, such as bytes and files, are
//! counted with the records.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use intake_core::permits::{Holder, NoneFree, Permit, Permits, until};
use intake_core::project::Rate;
use quick_cache::sync::Cache;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use crate::codes;
use crate::error::{ApiError, RETRY_AFTER_SECS};
use crate::settings::Settings;

/// Rates that are remembered. The one that was used least recently is forgotten first, and begins anew.
const REMEMBERED: usize = 16 * 1024;

/// Counts requests and uploads under way, and the rates of requests.
pub(crate) struct Limiter {
    requests: Permits,
    requests_per_ip: usize,
    uploads: Permits,
    uploads_per_ip: usize,
    rates: Cache<(Holder, Rate), Arc<Counted>>,
}

/// The rate of one limit key.
struct Counted {
    limiter: DefaultDirectRateLimiter,
    /// Locked by the next request in line, so that requests with one limit key wait in the order of their arrival, and only the
    /// first of them waits for the clock.
    turn: Mutex<()>,
}

/// The permits of a request or upload under way.
pub(crate) type HeldPermits = Vec<Permit>;

impl Limiter {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            requests: Permits::new("requests", settings.max_concurrent_requests),
            requests_per_ip: settings.max_concurrent_requests_per_ip(),
            uploads: Permits::new("uploads", settings.max_uploads),
            uploads_per_ip: settings.max_uploads_per_ip(),
            rates: Cache::new(REMEMBERED),
        }
    }

    /// Takes the permits of a client's request, as soon as they are free. A request holds memory for its parameters, and
    /// continues if its connection ends.
    pub(crate) async fn acquire_request(
        &self,
        client: Option<&Holder>,
        patience: Duration,
    ) -> Result<HeldPermits, ApiError> {
        let share = client.map(|client| (client.clone(), self.requests_per_ip));
        acquire(&self.requests, share, patience).await
    }

    /// Takes the permits of a client's upload, as soon as they are free.
    pub(crate) async fn acquire_upload(
        &self,
        client: Option<&Holder>,
        patience: Duration,
    ) -> Result<HeldPermits, ApiError> {
        self.acquire_part(client, None, patience).await
    }

    /// Takes the permits of one more upload of a request, if they are free now: two requests that each wait for permits of the
    /// other would wait until both are refused.
    pub(crate) fn try_acquire_upload(&self, client: Option<&Holder>) -> Result<HeldPermits, ApiError> {
        let mut held = HeldPermits::new();
        if let Some(client) = client {
            let share = self.uploads.try_acquire_as(client, self.uploads_per_ip);
            held.push(share.map_err(throttled)?);
        }
        held.push(self.uploads.try_acquire().map_err(throttled)?);
        Ok(held)
    }

    /// Takes the permits of a part, of its client, its project and this node, as soon as they are free. The smaller share first:
    /// a request that waits holds no permit that others need.
    pub(crate) async fn acquire_part(
        &self,
        client: Option<&Holder>,
        of_project: Option<(&str, usize)>,
        patience: Duration,
    ) -> Result<HeldPermits, ApiError> {
        let of_client = client.map(|client| (client.clone(), self.uploads_per_ip));
        let of_project = of_project.map(|(project, most)| (Holder::Project(project.to_owned()), most));
        acquire(&self.uploads, of_client.into_iter().chain(of_project), patience).await
    }

    /// Takes a project's permit for an upload, if one is free now.
    pub(crate) fn try_acquire_of_project(&self, project: &str, most: Option<usize>) -> Result<HeldPermits, ApiError> {
        let Some(most) = most else {
            return Ok(HeldPermits::new());
        };
        let project = Holder::Project(project.to_owned());
        let permit = self.uploads.try_acquire_as(&project, most);
        Ok(vec![permit.map_err(throttled)?])
    }

    /// Counts a request in a rate. Requests with one limit key wait in the order of their arrival; the first one is refused at
    /// once if it would have to wait for too long. A request without patience does not wait for the others either.
    pub(crate) async fn count(&self, holder: &Holder, rate: Option<Rate>, patience: Duration) -> Result<(), ApiError> {
        let Some(rate) = rate else { return Ok(()) };
        let until = until(patience);
        // A changed rate begins anew.
        let key = (holder.clone(), rate);
        let Ok(counted) = self
            .rates
            .get_or_insert_with(&key, || Ok::<_, Infallible>(Arc::new(Counted::new(rate))));
        let turn = match patience.is_zero() {
            true => None,
            false => Some(timeout_at(until, counted.turn.lock()).await),
        };
        let _turn = turn.transpose().map_err(|_| throttled(NoneFree))?;
        while let Err(not_until) = counted.limiter.check() {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            if Instant::now() + wait > until {
                let seconds = wait.as_secs().saturating_add(1);
                return Err(ApiError::new(&codes::THROTTLED).retry_after(seconds));
            }
            sleep(wait).await;
        }
        Ok(())
    }
}

impl Counted {
    fn new(rate: Rate) -> Self {
        Self {
            limiter: RateLimiter::direct(quota(rate)),
            turn: Mutex::default(),
        }
    }
}

/// Takes a permit of each share, in turn, and then one of all, as soon as they are free.
async fn acquire(
    permits: &Permits,
    shares: impl IntoIterator<Item = (Holder, usize)>,
    patience: Duration,
) -> Result<HeldPermits, ApiError> {
    let until = until(patience);
    let mut held = HeldPermits::new();
    for (holder, share) in shares {
        held.push(permits.acquire_as(&holder, share, until).await.map_err(throttled)?);
    }
    held.push(permits.acquire(until).await.map_err(throttled)?);
    Ok(held)
}

fn throttled(NoneFree: NoneFree) -> ApiError {
    ApiError::new(&codes::THROTTLED).retry_after(RETRY_AFTER_SECS)
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

    fn project(key: &str) -> Holder {
        Holder::Project(key.to_owned())
    }

    fn limiter(settings: Settings) -> Limiter {
        Limiter::new(&settings)
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_has_an_eighth_of_the_requests_and_uploads_unless_a_setting_says_otherwise() {
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| Holder::at(address.parse().unwrap()));
        let limiter = limiter(Settings::default().with(|settings| {
            settings.max_concurrent_requests = 16;
            settings.max_uploads = 16;
            settings.max_uploads_per_ip = Some(3);
        }));
        let now = Duration::ZERO;
        let held = [
            limiter.acquire_request(Some(&one), now).await.unwrap(),
            limiter.acquire_request(Some(&one), now).await.unwrap(),
        ];
        let full = limiter.acquire_request(Some(&one), now).await.unwrap_err();
        assert_eq!((full.status(), full.retry_after), (429, Some(RETRY_AFTER_SECS)));
        assert!(limiter.acquire_request(Some(&other), now).await.is_ok());
        let waits = limiter.acquire_request(Some(&one), Duration::from_secs(30));
        let (waited, ()) = tokio::join!(waits, async { drop(held) });
        assert!(waited.is_ok());

        let _first = limiter.acquire_upload(Some(&one), now).await.unwrap();
        let _more = [
            limiter.try_acquire_upload(Some(&one)).unwrap(),
            limiter.try_acquire_upload(Some(&one)).unwrap(),
        ];
        assert!(limiter.try_acquire_upload(Some(&one)).is_err());
        assert!(limiter.acquire_upload(Some(&one), now).await.is_err());
        assert!(limiter.acquire_upload(Some(&other), now).await.is_ok());
    }

    #[test]
    fn a_project_has_as_many_uploads_under_way_as_it_may() {
        let limiter = limiter(Settings::default());
        let first = limiter.try_acquire_of_project("one", Some(1)).unwrap();
        assert!(limiter.try_acquire_of_project("one", Some(1)).is_err());
        assert!(limiter.try_acquire_of_project("other", Some(1)).is_ok());
        assert!(limiter.try_acquire_of_project("one", None).unwrap().is_empty());
        drop(first);
        assert!(limiter.try_acquire_of_project("one", Some(1)).is_ok());
    }

    #[tokio::test]
    async fn who_asks_too_often_is_told_when_to_ask_again() {
        let limiter = limiter(Settings::default());
        let rate: Rate = "2/h".parse().unwrap();
        let count = async |who| {
            let counted = limiter.count(&who, Some(rate), Duration::from_secs(5)).await;
            counted.map_err(|refusal| refusal.retry_after.unwrap())
        };
        assert_eq!(
            [count(project("one")).await, count(project("one")).await],
            [Ok(()), Ok(())]
        );
        let wait = count(project("one")).await.unwrap_err();
        assert!((1..=1800).contains(&wait), "half an hour at most, and {wait}");
        assert_eq!(count(project("other")).await, Ok(()));
    }

    #[tokio::test]
    async fn who_asks_a_little_too_often_waits_for_its_turn() {
        let limiter = limiter(Settings::default());
        let rate: Rate = "100/s".parse().unwrap();
        for _ in 0..110 {
            limiter
                .count(&project("one"), Some(rate), Duration::from_secs(5))
                .await
                .unwrap();
        }
    }
}
