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
    /// Connections at a time. More wait in the system's queue.
    pub max_connections: usize,
    /// How long a request's head may take to come, and how long a connection may stay open without one.
    #[serde(with = "humantime_serde")]
    pub head_timeout: Duration,
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
            max_connections: 1024,
            head_timeout: Duration::from_secs(15),
            shutdown_timeout: Duration::from_secs(30),
            sweep_every: Duration::from_secs(60),
            resume_every: Duration::from_secs(5),
        }
    }
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
