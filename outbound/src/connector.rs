//! Connections to targets: names are looked up, every address is judged, and one of the judged addresses is connected to.
//!
//! There is no pool, and no library that connects by itself: each request has a new connection, to a [`Permitted`] address.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::HOST;
use hyper::{Method, Request, StatusCode, Uri};
use intake_core::Fault;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::address::{Permitted, permit};
use crate::codes::{PROXY_FAILED, TLS_UNAVAILABLE};
use crate::dialer::{Io, LookupError, Network, System};
use crate::failure::Failure;
use crate::http1::Exchange;
use crate::proxy::Proxy;
use crate::target::{HostName, Rules, Target, not_found, not_open};

/// The most addresses of a host that are tried.
const TRIES: usize = 4;

/// Connects to targets.
pub struct Connector {
    rules: Rules,
    proxy: Option<Proxy>,
    connect_timeout: Duration,
    network: Arc<dyn Network>,
    /// Root certificates to use instead of the machine's.
    roots: Option<Vec<CertificateDer<'static>>>,
    tls: OnceCell<TlsConnector>,
}

impl Connector {
    /// Connects by these rules, and through the operator's proxy if there is one. Opens nothing. The addresses of a host, of
    /// which several may be tried, share the time.
    #[must_use]
    pub fn new(rules: Rules, proxy: Option<Proxy>, connect_timeout: Duration) -> Self {
        Self {
            rules,
            proxy,
            connect_timeout,
            network: Arc::new(System::default()),
            roots: None,
            tls: OnceCell::new(),
        }
    }

    /// Connects over another network: for tests, which answer lookups and record connections.
    #[must_use]
    pub fn on_network(mut self, network: impl Network + 'static) -> Self {
        self.network = Arc::new(network);
        self
    }

    /// Trusts these root certificates (DER) instead of the machine's: for tests.
    #[must_use]
    pub fn trusting(mut self, roots: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.roots = Some(roots.into_iter().map(Into::into).collect());
        self
    }

    /// The rules by which targets are judged.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Looks up the addresses of the target, and judges all of them.
    ///
    /// # Errors
    ///
    /// If there is none, if one of them must not be connected to, or if the lookup failed.
    pub async fn resolve(&self, target: &Target) -> Result<Vec<Permitted>, Failure> {
        let addresses = match &target.host {
            HostName::Address(address) => vec![*address],
            HostName::Name(name) => match self.network.lookup(name).await {
                Ok(addresses) => addresses,
                Err(LookupError::NotFound) => Vec::new(),
                Err(LookupError::Unanswered(error)) => return Err(Failure::Unanswered(error)),
            },
        };
        if addresses.is_empty() {
            return Err(not_found(target).into());
        }
        Ok(self.rules.permit(target, &addresses)?)
    }

    /// A connection to the target, at one of the judged addresses. The caller limits the time.
    ///
    /// # Errors
    ///
    /// If none of them can be connected to, or its certificate is not valid for the target.
    pub async fn connect(&self, target: &Target, permitted: &[Permitted]) -> Result<Box<dyn Io>, Failure> {
        let plain = match &self.proxy {
            None => self.dial(permitted).await.map_err(Failure::Unreachable)?,
            Some(proxy) => self.tunnel(proxy, target, permitted).await?,
        };
        if target.is_secure() {
            self.secure(target, plain).await
        } else {
            Ok(plain)
        }
    }

    /// Checks whether targets can be connected to: whether there are root certificates, and the proxy can be reached.
    ///
    /// # Errors
    ///
    /// What the operator has to fix.
    pub async fn ready(&self) -> Result<(), Fault> {
        self.tls().await?;
        if let Some(proxy) = &self.proxy {
            let dialled = timeout(self.connect_timeout, self.dial_proxy(proxy)).await;
            dialled.map_err(|slow| {
                Fault::new(PROXY_FAILED, "the egress proxy is too slow")
                    .retryable()
                    .with_source(slow)
            })??;
        }
        Ok(())
    }

    /// Tries one address after the other; all but the last get an equal share of the time.
    async fn dial(&self, permitted: &[Permitted]) -> io::Result<Box<dyn Io>> {
        let mut tries = permitted.iter().take(TRIES);
        let share = self.connect_timeout / u32::try_from(tries.len()).unwrap_or(1).max(1);
        let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
        while let Some(permitted) = tries.next() {
            let connecting = self.network.connect(permitted.address());
            let within = if tries.len() == 0 { Duration::MAX } else { share };
            match timeout(within, connecting).await {
                Ok(Ok(io)) => return Ok(io),
                Ok(Err(error)) => failed = error,
                Err(_) => failed = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(failed)
    }

    /// Lets the operator's proxy connect to one of the judged addresses; the proxy gets an address, never a name.
    async fn tunnel(&self, proxy: &Proxy, target: &Target, permitted: &[Permitted]) -> Result<Box<dyn Io>, Failure> {
        for permitted in permitted.iter().take(TRIES) {
            let io = self.dial_proxy(proxy).await?;
            let (exchange, answer) = Exchange::begin(io, connect_request(permitted.address())?)
                .await
                .map_err(|error| proxy_failed("does not answer").retryable().with_source(error))?;
            match answer.status {
                status if status.is_success() => {
                    let tunnel = exchange.into_tunnel();
                    return tunnel.ok_or_else(|| proxy_failed("sent bytes before it was asked").into());
                }
                // The proxy has a list of its own.
                StatusCode::FORBIDDEN => return Err(not_open(target, None).into()),
                // The proxy could not connect; it may reach another address.
                status if status.is_server_error() => {}
                status => return Err(proxy_failed(&format!("answers {}", status.as_u16())).into()),
            }
        }
        Err(Failure::Unreachable(io::Error::other("the proxy could not connect")))
    }

    /// Connects to the proxy. Its address is not judged, as the operator has chosen it.
    async fn dial_proxy(&self, proxy: &Proxy) -> Result<Box<dyn Io>, Fault> {
        let addresses = match &proxy.host {
            HostName::Address(address) => vec![*address],
            HostName::Name(name) => self.network.lookup(name).await.map_err(|error| {
                let fault = proxy_failed("cannot be found").retryable();
                match error {
                    LookupError::NotFound => fault,
                    LookupError::Unanswered(error) => fault.with_source(error),
                }
            })?,
        };
        let anywhere = |_: IpAddr| Ok::<(), Fault>(());
        self.dial(&permit(&addresses, proxy.port, anywhere)?)
            .await
            .map_err(|error| proxy_failed("cannot be reached").retryable().with_source(error))
    }

    async fn secure(&self, target: &Target, plain: Box<dyn Io>) -> Result<Box<dyn Io>, Failure> {
        let name = match &target.host {
            HostName::Name(name) => ServerName::try_from(name.clone())
                .map_err(|error| Failure::Tls(format!("no certificate can be for it: {error}")))?,
            HostName::Address(address) => ServerName::from(*address),
        };
        match self.tls().await?.connect(name, plain).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(of_tls(error)),
        }
    }

    /// The TLS connector with the root certificates, which are read once, at the first use.
    ///
    /// # Errors
    ///
    /// If there are no root certificates.
    async fn tls(&self) -> Result<&TlsConnector, Fault> {
        let read = || async {
            let roots = self.roots.clone();
            // The machine's certificates are files.
            let read = tokio::task::spawn_blocking(move || client_config(roots)).await;
            let config = match read {
                Ok(config) => config.map_err(|error| tls_unavailable().with_source(error))?,
                Err(gone) => return Err(tls_unavailable().retryable().with_source(gone)),
            };
            Ok(TlsConnector::from(Arc::new(config)))
        };
        self.tls.get_or_try_init(read).await
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("rules", &self.rules)
            .field("proxy", &self.proxy)
            .field("network", &self.network)
            .finish_non_exhaustive()
    }
}

fn client_config(roots: Option<Vec<CertificateDer<'static>>>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = match roots {
        None => builder.with_platform_verifier()?.with_no_client_auth(),
        Some(roots) => {
            let mut store = RootCertStore::empty();
            for root in roots {
                store.add(root)?;
            }
            builder.with_root_certificates(store).with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn connect_request(address: SocketAddr) -> Result<Request<Full<Bytes>>, Fault> {
    let address = address.to_string();
    let uri = Uri::builder().authority(address.as_str()).build();
    let request = uri.and_then(|uri| {
        let request = Request::builder().method(Method::CONNECT).uri(uri);
        request.header(HOST, address.as_str()).body(Full::default())
    });
    request.map_err(|error| proxy_failed("cannot be asked").with_source(error))
}

fn tls_unavailable() -> Fault {
    Fault::new(TLS_UNAVAILABLE, "there are no root certificates to verify https with")
}

fn proxy_failed(how: &str) -> Fault {
    Fault::new(PROXY_FAILED, format!("the egress proxy {how}"))
}

/// An invalid certificate is final; a broken connection may work the next time.
fn of_tls(error: io::Error) -> Failure {
    let said = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match said {
        Some(rustls::Error::InvalidCertificate(_)) => Failure::Tls("certificate not valid".to_owned()),
        Some(_) => Failure::Tls("TLS failed".to_owned()),
        None => Failure::Broken(error),
    }
}
