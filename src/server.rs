//! A server loop in which no client can hold more than its share: it limits connections, in all and per address; the head of a
//! request has to arrive in time, also the next one on an open connection; and a client has to read its answer. (`axum::serve`
//! has none of these limits.)

mod paced;
mod read_size;
mod rules;

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use intake_core::permits::{Holder, NoneFree, Permit, Permits, share_of, until};
use intake_core::{ConfigError, ConfigErrors, LeastRate, PeerAddress};
/// The type of [`ServerSettings::shared_by_many`].
pub use ipnet::IpNet;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::{debug, warn};

use self::paced::{Bounds, Paced};
use self::read_size::{LARGE_READ, LARGE_READERS};

/// `[server]`: where to listen, and the limits of connections.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ServerSettings {
    /// Address and port. Port 0 lets the system choose.
    pub listen: String,
    /// Where health and metrics are served: address and port, or `off`. Requests need no password, so by default only this
    /// machine can reach it. [`serve`] ignores it; the `intake` program uses it.
    pub admin: String,
    /// The memory limit of the process. By default half of the machine's memory, or of its control group's. The program lowers
    /// the limits of connections, requests and uploads until they fit.
    #[serde(with = "intake_core::byte_count::option")]
    pub memory: Option<u64>,
    /// The most connections. Further ones wait in the system's queue.
    pub max_connections: usize,
    /// The most connections from one address; further ones are closed at once. By default an eighth of `max_connections`.
    pub max_connections_per_ip: Option<usize>,
    /// Networks whose connections carry many clients, such as those of a proxy: these connections do not count per address. The
    /// program takes the networks from `trusted_proxies` in `[upload_api]`.
    #[serde(skip)]
    pub shared_by_many: Vec<IpNet>,
    /// The longest time for the head of a request to arrive, and for an open connection without a request.
    #[serde(with = "humantime_serde")]
    pub header_timeout: Duration,
    /// How long a stopping server still accepts connections after it has reported that it is not ready: long enough for a load
    /// balancer to notice. [`serve`] ignores it.
    #[serde(with = "humantime_serde")]
    pub stop_delay: Duration,
    /// How long a client may read nothing of an answer, and how long it may read more slowly than `min_rate`.
    #[serde(with = "humantime_serde")]
    pub write_timeout: Duration,
    /// The bytes per second that a client has to read of an answer, on average over `write_timeout`. 0: no minimum.
    #[serde(with = "intake_core::byte_count")]
    pub min_rate: u64,
    /// How long the server reads and drops what a client still sends when its connection ends, so that it gets the answer.
    #[serde(with = "humantime_serde")]
    pub linger_timeout: Duration,
    /// How long requests under way may take to end when the server stops.
    #[serde(with = "humantime_serde")]
    pub shutdown_timeout: Duration,
    /// The pause between two sweeps, which end abandoned uploads and delete expired files.
    #[serde(with = "humantime_serde")]
    pub sweep_interval: Duration,
    /// The pause between two searches for work that another node left incomplete.
    #[serde(with = "humantime_serde")]
    pub recovery_interval: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            admin: "127.0.0.1:8081".to_owned(),
            memory: None,
            max_connections: 1024,
            max_connections_per_ip: None,
            shared_by_many: Vec::new(),
            header_timeout: Duration::from_secs(15),
            stop_delay: Duration::ZERO,
            write_timeout: Duration::from_secs(30),
            min_rate: LeastRate::USUAL,
            linger_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(30),
            sweep_interval: Duration::from_secs(60),
            recovery_interval: Duration::from_secs(5),
        }
    }
}

impl ServerSettings {
    /// Sets some of the settings.
    ///
    /// ```
    /// use intake::server::ServerSettings;
    ///
    /// let settings = ServerSettings::default().with(|settings| settings.max_connections = 100);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The settings whose names have changed, each with its name in earlier versions and its name now.
    pub const RENAMED: &'static [(&'static str, &'static str)] = &[
        ("max_connections_of_address", "max_connections_per_ip"),
        ("head_timeout", "header_timeout"),
        ("sweep_every", "sweep_interval"),
        ("resume_every", "recovery_interval"),
    ];

    /// The most connections of one address.
    #[must_use]
    pub fn max_connections_per_ip(&self) -> usize {
        self.max_connections_per_ip.unwrap_or(share_of(self.max_connections))
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// All errors, each with its position.
    pub fn check(&self) -> Result<(), ConfigErrors> {
        let nothing = [
            ("max_connections", self.max_connections == 0),
            ("max_connections_per_ip", self.max_connections_per_ip == Some(0)),
            ("header_timeout", self.header_timeout.is_zero()),
            ("write_timeout", self.write_timeout.is_zero()),
            ("sweep_interval", self.sweep_interval.is_zero()),
            ("recovery_interval", self.recovery_interval.is_zero()),
        ];
        let nothing = nothing.into_iter().filter(|(_, is_nothing)| *is_nothing);
        let nothing = nothing.map(|(key, _)| ConfigError::at(key, "must be greater than zero"));
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

    /// The limits of writing to a connection and of ending it.
    fn writing(&self) -> Bounds {
        Bounds {
            rate: LeastRate {
                bytes_per_second: self.min_rate,
                window: self.write_timeout,
            },
            linger: self.linger_timeout,
        }
    }
}

impl ServerSettings {
    /// The address of health and metrics, unless it is switched off.
    #[must_use]
    pub fn admin_address(&self) -> Option<&str> {
        Some(self.admin.as_str()).filter(|admin| *admin != "off")
    }
}

/// Checks that this is a host or an address, and a port.
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

/// The largest head of a request, in bytes.
const HEAD_BYTES: usize = 128 * 1024;

/// Serves until `stop` is ready, then waits for the requests under way, for as long as the settings allow.
///
/// HTTP/1.1 only: TLS and HTTP/2 are left to a proxy, and every limit here applies per request.
///
/// # Errors
///
/// None once it serves; a connection that cannot be accepted is tried again.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    settings: &ServerSettings,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let connections = Connections::of(settings);
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        // A client may close its sending side after its request and still wait for the answer.
        .half_close(true)
        .header_read_timeout(settings.header_timeout)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(LARGE_READ);
    let large_reads = Arc::new(Semaphore::new(LARGE_READERS));
    let mut stop = std::pin::pin!(stop);
    loop {
        // The permit before the connection: a client that has to wait is in the system's queue and costs nothing.
        let accepted = async {
            let permit = connections.any().await;
            (permit, accept(&listener).await)
        };
        let (permit, (stream, peer)) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let Ok(share) = connections.of_address(peer.ip()) else {
            turn_away(stream);
            continue;
        };
        let app = with_peer(app.clone(), peer);
        let service = TowerToHyperService::new(app);
        let service = service_fn(move |request| {
            let checked = rules::checked(request).map(|request| service.call(request));
            async {
                match checked {
                    Ok(answer) => answer.await,
                    Err(refusal) => Ok(*refusal),
                }
            }
        });
        let stream = TokioIo::new(Paced::new(stream, settings.writing(), large_reads.clone()));
        let connection = graceful.watch(http.serve_connection(stream, service));
        tokio::spawn(async move {
            let _held = (permit, share);
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
        warn!("connections whose requests were still under way were closed; nothing of those was acknowledged");
    }
    Ok(())
}

/// The connections of the server.
struct Connections {
    permits: Permits,
    of_address: usize,
    shared_by_many: Vec<IpNet>,
    /// How many were closed since the last log line about them, and its time.
    turned_away: Mutex<(u64, Option<Instant>)>,
}

impl Connections {
    fn of(settings: &ServerSettings) -> Self {
        Self {
            permits: Permits::new("connections", settings.max_connections.max(1)),
            of_address: settings.max_connections_per_ip(),
            shared_by_many: settings.shared_by_many.clone(),
            turned_away: Mutex::default(),
        }
    }

    /// Takes a permit of all connections as soon as one is free.
    async fn any(&self) -> Permit {
        const LONG: Duration = Duration::from_secs(3600);
        loop {
            // The wait has no end: a client that was not accepted costs nothing here.
            if let Ok(permit) = self.permits.acquire(until(LONG)).await {
                return permit;
            }
        }
    }

    /// Takes a permit of an address, if one is free. `None`: its connections do not count.
    fn of_address(&self, peer: IpAddr) -> Result<Option<Permit>, NoneFree> {
        let canonical = peer.to_canonical();
        if self.shared_by_many.iter().any(|network| network.contains(&canonical)) {
            return Ok(None);
        }
        let permit = self.permits.try_acquire_as(&Holder::at(peer), self.of_address);
        permit.map(Some).inspect_err(|NoneFree| self.say(peer))
    }

    /// Logs that connections are closed: at once, then at most every ten seconds.
    fn say(&self, peer: IpAddr) {
        const OFTEN: Duration = Duration::from_secs(10);
        let mut turned_away = self.turned_away.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, said) = &mut *turned_away;
        *count += 1;
        if said.is_none_or(|said| said.elapsed() >= OFTEN) {
            warn!(
                connections = *count,
                address = %peer,
                "turned connections away: the address has as many as `max_connections_per_ip` in [server] allows; if it is \
                 your proxy, list it in `trusted_proxies` of [upload_api]"
            );
            *turned_away = (0, Some(Instant::now()));
        }
    }
}

/// Answers a surplus connection, if that takes no time, and closes it.
fn turn_away(stream: TcpStream) {
    const ANSWER: &[u8] =
        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nConnection: close\r\nContent-Type: text/plain\r\n\
        Content-Length: 51\r\n\r\nThis address has too many connections: close some.\n";
    // An answer that does not fit into the socket's buffer, or comes too late, is not worth a wait.
    if let Err(error) = stream.try_write(ANSWER) {
        debug!(%error, "a connection was gone before it was turned away");
    }
}

/// Adds the peer's address to each request of a connection.
fn with_peer(app: Router, peer: SocketAddr) -> Router {
    app.layer(axum::Extension(PeerAddress(peer.ip())))
}

/// If the process is out of file descriptors, this waits until some are free again.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    const AGAIN: Duration = Duration::from_millis(100);
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = tune(&stream) {
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

/// Bytes of answers that the system accepts before it can send them. The server sees the progress of a client in steps of half
/// of this, which has to be less than a slow client reads within `write_timeout`.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 16 * 1024;

fn tune(stream: &TcpStream) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT)?;
    // Answers are small, and clients wait for them.
    stream.set_nodelay(true)
}
