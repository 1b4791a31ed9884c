//! Permits: how much of a bounded resource is in use at a time, by all clients and by each. Every resource that clients can
//! take, such as connections or places for uploads, is counted here, so that none gets more than its share.
//!
//! A permit is released when it is dropped. Each process counts its own permits; limits of all nodes together, such as bytes,
//! are counted with the records (see [`accounting`](crate::accounting)).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::contract::measure;
use crate::value::shares::client_of;
pub use crate::value::shares::{SHARES, share_of};

/// What a share of permits is counted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Holder {
    /// A project, by its public key.
    Project(String),
    /// A client, by its IP address.
    Address(IpAddr),
}

impl Holder {
    /// The client with this address. A client usually has a whole IPv6 network of 64 bits, so such a network is one client.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self::Address(client_of(address))
    }
}

/// No permit is free: all are in use, or the share is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no permit is free")]
pub struct NoneFree;

/// A permit, which is released when it is dropped.
#[derive(Debug)]
pub struct Permit {
    _permit: OwnedSemaphorePermit,
    /// `None` if the permit is one of a share.
    _counted: Option<Counted>,
}

/// Counts a permit in the metrics while it is held.
#[derive(Debug)]
struct Counted(&'static str);

impl Counted {
    fn new(limit: &'static str) -> Self {
        measure::permits_in_use(limit, 1.0);
        Self(limit)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        measure::permits_in_use(self.0, -1.0);
    }
}

/// The permits of one resource.
///
/// ```
/// use intake_core::permits::{Holder, Permits};
///
/// let uploads = Permits::new("uploads", 16);
/// let client = Holder::at("192.0.2.1".parse()?);
/// let share = uploads.try_acquire_as(&client, 1)?;
/// let permit = uploads.try_acquire()?;
/// assert!(uploads.try_acquire_as(&client, 1).is_err(), "this client has its share");
/// assert_eq!(uploads.in_use(), 1);
/// drop((permit, share));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Permits {
    /// The name in metrics.
    limit: &'static str,
    all: Arc<Semaphore>,
    most: usize,
    /// The size of the share is part of the key: with another size, counting begins anew.
    shares: Mutex<HashMap<(Holder, usize), Arc<Semaphore>>>,
}

impl Permits {
    /// This many permits, of a limit with this name in metrics.
    #[must_use]
    pub fn new(limit: &'static str, most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        Self {
            limit,
            all: Arc::new(Semaphore::new(most)),
            most,
            shares: Mutex::default(),
        }
    }

    /// The number of permits.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most
    }

    /// The number of permits in use.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.most - self.all.available_permits()
    }

    /// Takes one of all permits, if one is free now.
    ///
    /// # Errors
    ///
    /// If none is.
    pub fn try_acquire(&self) -> Result<Permit, NoneFree> {
        self.one_of_all(self.all.clone().try_acquire_owned().ok())
    }

    /// Takes one of all permits as soon as one is free.
    ///
    /// # Errors
    ///
    /// If none is free until then.
    pub async fn acquire(&self, until: Instant) -> Result<Permit, NoneFree> {
        self.one_of_all(wait(self.all.clone(), until).await)
    }

    /// Takes one permit of a share, if one is free now. Callers take it first, so that a client that waits for its share holds
    /// no permit that others need.
    ///
    /// # Errors
    ///
    /// If none is.
    pub fn try_acquire_as(&self, holder: &Holder, share: usize) -> Result<Permit, NoneFree> {
        self.one_of_share(self.share(holder, share).try_acquire_owned().ok())
    }

    /// Takes one permit of a share as soon as one is free.
    ///
    /// # Errors
    ///
    /// If none is free until then.
    pub async fn acquire_as(&self, holder: &Holder, share: usize, until: Instant) -> Result<Permit, NoneFree> {
        self.one_of_share(wait(self.share(holder, share), until).await)
    }

    /// The share of a holder. Unused shares are removed, so there are never many more than permits in use.
    fn share(&self, holder: &Holder, share: usize) -> Arc<Semaphore> {
        /// Shares that are added before unused ones are removed.
        const ADDED: usize = 64;
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if shares.len().is_multiple_of(ADDED) {
            shares.retain(|_, share| Arc::strong_count(share) > 1);
        }
        let share = share.min(Semaphore::MAX_PERMITS);
        shares
            .entry((holder.clone(), share))
            .or_insert_with(|| Arc::new(Semaphore::new(share)))
            .clone()
    }

    fn one_of_all(&self, permit: Option<OwnedSemaphorePermit>) -> Result<Permit, NoneFree> {
        let permit = permit.ok_or_else(|| self.refused())?;
        Ok(Permit {
            _permit: permit,
            _counted: Some(Counted::new(self.limit)),
        })
    }

    fn one_of_share(&self, permit: Option<OwnedSemaphorePermit>) -> Result<Permit, NoneFree> {
        let permit = permit.ok_or_else(|| self.refused())?;
        Ok(Permit {
            _permit: permit,
            _counted: None,
        })
    }

    fn refused(&self) -> NoneFree {
        measure::permit_refused(self.limit);
        NoneFree
    }
}

/// The end of a wait for a permit, as a point in time.
#[must_use]
pub fn until(patience: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(patience).unwrap_or(now)
}

async fn wait(permits: Arc<Semaphore>, until: Instant) -> Option<OwnedSemaphorePermit> {
    timeout_at(until, permits.acquire_owned()).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(key: &str) -> Holder {
        Holder::Project(key.to_owned())
    }

    #[test]
    fn a_holder_has_no_more_permits_than_its_share() {
        let permits = Permits::new("uploads", 10);
        let first = permits.try_acquire_as(&project("one"), 1).unwrap();
        assert_eq!(permits.try_acquire_as(&project("one"), 1).unwrap_err(), NoneFree);
        assert!(permits.try_acquire_as(&project("other"), 1).is_ok());
        drop(first);
        assert!(permits.try_acquire_as(&project("one"), 1).is_ok());
    }

    #[test]
    fn all_holders_together_have_no_more_permits_than_there_are() {
        let permits = Permits::new("uploads", 2);
        let held = [permits.try_acquire().unwrap(), permits.try_acquire().unwrap()];
        assert_eq!((permits.try_acquire().unwrap_err(), permits.in_use()), (NoneFree, 2));
        drop(held);
        assert_eq!(permits.in_use(), 0);
    }

    #[test]
    fn a_holder_that_is_given_another_share_has_it_at_once() {
        let permits = Permits::new("uploads", 10);
        let _first = permits.try_acquire_as(&project("one"), 1).unwrap();
        assert!(permits.try_acquire_as(&project("one"), 1).is_err());
        assert!(permits.try_acquire_as(&project("one"), 2).is_ok());
    }

    #[test]
    fn shares_of_holders_that_are_gone_are_not_kept() {
        let permits = Permits::new("uploads", 10);
        for number in 0..1000 {
            let _permit = permits.try_acquire_as(&project(&number.to_string()), 1).unwrap();
        }
        assert!(permits.shares.lock().unwrap().len() < 130);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_the_next_permit_or_hears_in_time_that_there_is_none() {
        let permits = Permits::new("uploads", 1);
        let first = permits.try_acquire().unwrap();
        let waits = permits.acquire(until(Duration::from_secs(5)));
        assert_eq!(waits.await.unwrap_err(), NoneFree);
        let (second, ()) = tokio::join!(permits.acquire(until(Duration::from_secs(5))), async { drop(first) });
        assert!(second.is_ok());
    }

    #[test]
    fn all_addresses_of_a_network_of_64_bits_are_one_client() {
        let at = |address: &str| Holder::at(address.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
        assert_eq!(at("192.0.2.1"), at("::ffff:192.0.2.1"));
    }
}
