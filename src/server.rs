//! A server loop in which no stranger can hold more than his share: connections are counted, a request's head has to come
//! in time, and so has the next one on an open connection. (`axum::serve` has none of these bounds.)

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use intake_core::{ConfigError, ConfigErrors};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::{debug, warn};

/// `[server]`: where to listen, and what a connection may cost.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// Address and port. Port 0 lets the system choose.
    pub listen: String,
    /// Where health and metrics are told: address and port, or `off`. It asks for no password, so it is for this machine
    /// alone unless said otherwise. [`serve`] takes no notice of it; the `intake` program does.
    pub admin: String,
    /// Connections at a time. More wait in the system's queue.
    pub max_connections: usize,
    /// How long a request's head may take to come, and how long a connection may stay open without one.
    #[serde(with = "humantime_serde")]
    pub head_timeout: Duration,
    /// How long new connections are still taken when the server is asked to stop, after it has said that it is not ready any more:
    /// long enough for a load balancer to notice. [`serve`] takes no notice of it.
    #[serde(with = "humantime_serde")]
    pub stop_delay: Duration,
    /// How long requests that are under way may take to end when the server is asked to stop.
    #[serde(with = "humantime_serde")]
    pub shutdown_timeout: Duration,
    /// How often to do what is due: end what was abandoned, remove what expired.
    #[serde(with = "humantime_serde")]
    pub sweep_every: Duration,
    /// How often to look for work that somebody else has begun and did not end, such as another node that is gone.
    #[serde(with = "humantime_serde")]
    pub resume_every: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            admin: "127.0.0.1:8081".to_owned(),
            max_connections: 1024,
            head_timeout: Duration::from_secs(15),
            stop_delay: Duration::ZERO,
            shutdown_timeout: Duration::from_secs(30),
            sweep_every: Duration::from_secs(60),
            resume_every: Duration::from_secs(5),
        }
    }
}

impl ServerSettings {
    /// Whether the settings make sense.
    ///
    /// # Errors
    ///
    /// Everything that does not, each with its place.
    pub fn check(&self) -> Result<(), ConfigErrors> {
        let nothing = [
            ("max_connections", self.max_connections == 0),
            ("head_timeout", self.head_timeout.is_zero()),
            ("sweep_every", self.sweep_every.is_zero()),
            ("resume_every", self.resume_every.is_zero()),
        ];
        let nothing = nothing.into_iter().filter(|(_, is_nothing)| *is_nothing);
        let nothing = nothing.map(|(key, _)| ConfigError::at(key, "must be more than nothing"));
        let listen = check_listen("listen", &self.listen).err();
        let admin = self
            .admin_address()
            .and_then(|admin| check_listen("admin", admin).err());
        let errors: Vec<_> = listen.into_iter().chain(admin).chain(nothing).collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(ConfigErrors(errors))
        }
    }
}

impl ServerSettings {
    /// Where health and metrics are told, unless that is switched off.
    #[must_use]
    pub fn admin_address(&self) -> Option<&str> {
        Some(self.admin.as_str()).filter(|admin| *admin != "off")
    }
}

/// Whether this names a host or an address, and a port.
fn check_listen(key: &str, listen: &str) -> Result<(), ConfigError> {
    let split = listen.rsplit_once(':').filter(|(host, _)| {
        let in_brackets = host.starts_with('[') && host.ends_with(']');
        !host.is_empty() && (in_brackets || !host.contains(':'))
    });
    let message = match split {
        None => format!(
            "expected an address and a port, such as \"127.0.0.1:8080\" (this machine only), \"0.0.0.0:8080\" (all networks) or \
             \"[::]:8080\"; found {listen:?}"
        ),
        Some((_, port)) if port.parse::<u16>().is_err() => {
            format!("{port:?} is no port: expected a number from 0 to 65535, as in \"127.0.0.1:8080\"")
        }
        Some(_) => return Ok(()),
    };
    Err(ConfigError::at(key, message))
}

/// The most that is read from a connection at a time, and the most that a request's head may have.
const BUFFER_BYTES: usize = 128 * 1024;

/// Serves until `stop` is ready, then lets requests that are under way end, for as long as the settings allow.
///
/// HTTP/1.1 only: what TLS or HTTP/2 a deployment needs is its proxy's, and every bound here holds per request.
///
/// # Errors
///
/// None once it has begun; a connection that cannot be accepted is tried again.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    settings: &ServerSettings,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(
        settings.max_connections.clamp(1, Semaphore::MAX_PERMITS),
    ));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        // A client may close its sending side behind its request and still wait for the answer.
        .half_close(true)
        .header_read_timeout(settings.head_timeout)
        .max_buf_size(BUFFER_BYTES);
    let mut stop = std::pin::pin!(stop);
    loop {
        // The place before the connection: who has to wait, waits in the system's queue and costs nothing.
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (place, accept(&listener).await)
        };
        let (place, (stream, peer)) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let app = with_peer(app.clone(), peer);
        let service = TowerToHyperService::new(app);
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(settings.shutdown_timeout, graceful.shutdown())
        .await
        .is_err()
    {
        warn!("requests that were still under way were cut off; nothing of them was acknowledged");
    }
    Ok(())
}

/// Says with each request of a connection who is at its other end.
fn with_peer(app: Router, peer: SocketAddr) -> Router {
    #[cfg(feature = "upload-api")]
    return app.layer(axum::Extension(crate::upload_api::PeerAddress(peer.ip())));
    #[cfg(not(feature = "upload-api"))]
    app
}

/// Out of file descriptors is not out of business: wait for some to come back.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    const AGAIN: Duration = Duration::from_millis(100);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are small and awaited.
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%error, "a connection is gone already");
                }
                return (stream, peer);
            }
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
