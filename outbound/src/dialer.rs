//! The network: looks up names and opens connections. Nothing else in this crate does either.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use dns_lookup::LookupErrorKind;
use intake_core::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// A connection.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Looks up names and opens connections. It decides nothing: the addresses that it gets were judged before.
#[async_trait]
pub trait Network: Debug + Send + Sync {
    /// The addresses that a name has now.
    ///
    /// # Errors
    ///
    /// If it has none, or the lookup failed.
    async fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, LookupError>;

    /// Connects to an address.
    ///
    /// # Errors
    ///
    /// The system's.
    async fn connect(&self, address: SocketAddr) -> io::Result<Box<dyn Io>>;
}

/// Why a name has no address.
#[derive(Debug)]
#[non_exhaustive]
pub enum LookupError {
    /// There is no such name, or no address of it.
    NotFound,
    /// The lookup failed for now.
    Unanswered(io::Error),
}

/// The machine's own resolver and TCP.
#[derive(Debug)]
pub(crate) struct System {
    lookups: Arc<Semaphore>,
}

/// How many names are looked up at a time. The system's resolver blocks a thread for each, for as long as the name's servers
/// delay the answer; files are written by threads of the same pool.
const LOOKUPS: usize = 64;

impl Default for System {
    fn default() -> Self {
        Self {
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }
}

#[async_trait]
impl Network for System {
    async fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, LookupError> {
        let permit = Arc::clone(&self.lookups).acquire_owned().await;
        let name = name.to_owned();
        let looked_up = tokio::task::spawn_blocking(move || {
            // The permit is released when the thread ends, and not when the caller is cancelled.
            let _permit = permit;
            dns_lookup::lookup_host(&name).map(Iterator::collect)
        });
        match looked_up.await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(error)) => Err(match error.kind() {
                LookupErrorKind::NoName | LookupErrorKind::NoData => LookupError::NotFound,
                _ => LookupError::Unanswered(error.into()),
            }),
            Err(gone) => Err(LookupError::Unanswered(gone.into())),
        }
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<Box<dyn Io>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_systems_resolver_finds_a_name_and_reports_a_missing_one() {
        let system = System::default();
        let found = system.lookup("localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
        // No resolver asks for a name with nothing between two dots, so this needs no network.
        let missing = system.lookup("a..b").await;
        assert!(matches!(missing, Err(LookupError::NotFound)), "{missing:?}");
        // All permits are free again.
        assert_eq!(system.lookups.available_permits(), LOOKUPS);
    }
}
