//! The connections to the server, and what it offers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use intake_core::{Fault, UploadId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tracing::debug;

use crate::codes::SCANNER_UNAVAILABLE;
use crate::connection::Connection;
use crate::judge::Asked;
use crate::message::{options, target};
use crate::offer::{Offer, tag};
use crate::settings::Config;
use crate::socket::Dialer;

/// How long a connection without a request is kept. Servers close those that are silent for longer, mostly after a minute.
const IDLE: Duration = Duration::from_secs(15);

pub(crate) struct Client {
    pub(crate) config: Config,
    dialer: Dialer,
    places: Arc<Semaphore>,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Connections without a request, no more than there are places.
    idle: Vec<(Instant, Connection)>,
    /// Places that are not used, because the server takes fewer connections.
    withheld: usize,
    offer: Option<(Instant, Arc<Offer>)>,
}

impl Client {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            places: Arc::new(Semaphore::new(config.set.connections)),
            config,
            dialer: Dialer::default(),
            shared: Mutex::default(),
        }
    }

    /// Waits until a further upload may be scanned.
    ///
    /// # Errors
    ///
    /// [`SCANNER_UNAVAILABLE`] if all places stay in use.
    pub(crate) async fn place(&self) -> Result<OwnedSemaphorePermit, Fault> {
        match timeout(self.config.set.wait, self.places.clone().acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => {
                let message = "all connections to the ICAP server stayed in use (connections, wait, Max-Connections)";
                Err(Fault::new(SCANNER_UNAVAILABLE, message).retryable())
            }
        }
    }

    /// A connection that is ready for a request, and what the server offers.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached, or does not offer what is needed.
    pub(crate) async fn open(&self) -> Result<(Connection, Arc<Offer>), Fault> {
        if let Some(offer) = self.known_offer() {
            return Ok((self.connection().await?, offer));
        }
        let mut connection = self.connection().await?;
        let offer = match self.ask(&mut connection).await {
            Err(_) if connection.was_stale() => {
                connection = self.connect().await?;
                self.ask(&mut connection).await?
            }
            asked => asked?,
        };
        let connection = match connection.reuse().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok((connection, offer))
    }

    /// Checks on a connection of its own that the server is there and offers what is needed.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub(crate) async fn open_apart(&self) -> Result<(Connection, Arc<Offer>), Fault> {
        let mut connection = self.connect().await?;
        let offer = self.ask(&mut connection).await?;
        let connection = match connection.reuse().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok((connection, offer))
    }

    /// A new connection.
    ///
    /// # Errors
    ///
    /// [`SCANNER_UNAVAILABLE`] if the server cannot be reached.
    pub(crate) async fn connect(&self) -> Result<Connection, Fault> {
        let socket = self.dialer.connect(&self.config).await?;
        Ok(Connection::new(socket, self.config.set.io_timeout))
    }

    /// What the server is to be asked about an upload.
    pub(crate) fn asked(&self, id: UploadId) -> Asked {
        Asked {
            method: self.config.set.method,
            target: target(id),
        }
    }

    /// Keeps a connection for the next upload, if it can serve one, and notes by which rules the server answered.
    pub(crate) async fn give_back(&self, connection: Connection) {
        let said = connection.head().and_then(tag);
        let connection = connection.reuse().await;
        let mut shared = self.shared();
        shared.idle.retain(|(since, _)| since.elapsed() < IDLE);
        // Other rules, other offers.
        shared.offer.take_if(|(_, offer)| said.is_some() && offer.tag != said);
        if let Some(connection) = connection
            && shared.idle.len() < self.config.set.connections
        {
            shared.idle.push((Instant::now(), connection));
        }
    }

    /// A connection that is kept, or else a new one.
    async fn connection(&self) -> Result<Connection, Fault> {
        loop {
            let kept = self.shared().idle.pop();
            match kept {
                None => return self.connect().await,
                Some((since, mut connection)) => {
                    if since.elapsed() < IDLE && connection.is_quiet().await {
                        return Ok(connection);
                    }
                }
            }
        }
    }

    fn known_offer(&self) -> Option<Arc<Offer>> {
        let shared = self.shared();
        let (asked, offer) = shared.offer.as_ref()?;
        (asked.elapsed() < offer.fresh).then(|| Arc::clone(offer))
    }

    async fn ask(&self, connection: &mut Connection) -> Result<Arc<Offer>, Fault> {
        let head = connection.ask(&options(&self.config.service)).await?;
        let offer = Arc::new(Offer::read(head, self.config.set.method)?);
        debug!(service = %self.config.service, ?offer, "the ICAP service said what it offers");
        let mut shared = self.shared();
        self.limit(&mut shared, offer.max_connections);
        shared.offer = Some((Instant::now(), Arc::clone(&offer)));
        Ok(offer)
    }

    /// Scans no more uploads at a time than the server takes connections.
    fn limit(&self, shared: &mut Shared, most: Option<usize>) {
        let set = self.config.set.connections;
        let withhold = set - most.unwrap_or(set).clamp(1, set);
        if withhold > shared.withheld {
            // Those in use are withheld later, when the server is asked again.
            shared.withheld += self.places.forget_permits(withhold - shared.withheld);
        } else {
            self.places.add_permits(shared.withheld - withhold);
            shared.withheld = withhold;
        }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
