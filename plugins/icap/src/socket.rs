//! Connections to the server, with TLS or without.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use intake_core::{BoxError, Fault};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::settings::Config;
use crate::wording::unavailable;

/// Both kinds of connection.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Socket for T {}

/// Makes connections.
#[derive(Default)]
pub(crate) struct Dialer {
    /// The certificates are read once, at the first use.
    tls: OnceCell<TlsConnector>,
}

impl Dialer {
    /// # Errors
    ///
    /// [`SCANNER_UNAVAILABLE`](crate::codes::SCANNER_UNAVAILABLE) if the server cannot be reached.
    pub(crate) async fn connect(&self, config: &Config) -> Result<Box<dyn Socket>, Fault> {
        let cannot = |why: BoxError| unavailable(format!("cannot connect to {}", config.service), why);
        match timeout(config.set.connect_timeout, self.dial(config)).await {
            Ok(Ok(socket)) => Ok(socket),
            Ok(Err(error)) => Err(cannot(error.into())),
            Err(elapsed) => Err(cannot(elapsed.into())),
        }
    }

    async fn dial(&self, config: &Config) -> io::Result<Box<dyn Socket>> {
        let service = &config.service;
        let plain = TcpStream::connect((service.host.as_str(), service.port)).await?;
        plain.set_nodelay(true)?;
        if !service.is_tls {
            return Ok(Box::new(plain));
        }
        let name = ServerName::try_from(service.host.clone()).map_err(io::Error::other)?;
        let stream = self.tls(config).await?.connect(name, plain).await?;
        Ok(Box::new(stream))
    }

    async fn tls(&self, config: &Config) -> io::Result<&TlsConnector> {
        let read = || async {
            let ca_file = config.set.ca_file.clone();
            // The machine's certificates are files.
            let read = tokio::task::spawn_blocking(move || client_config(ca_file)).await;
            let config = read.map_err(io::Error::other)??;
            Ok(TlsConnector::from(Arc::new(config)))
        };
        self.tls.get_or_try_init(read).await
    }
}

fn client_config(ca_file: Option<PathBuf>) -> io::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(match ca_file {
        None => builder
            .with_platform_verifier()
            .map_err(io::Error::other)?
            .with_no_client_auth(),
        Some(path) => builder.with_root_certificates(roots(&path)?).with_no_client_auth(),
    })
}

fn roots(path: &Path) -> io::Result<RootCertStore> {
    /// No bundle of certificates is larger.
    const LARGEST: u64 = 4 << 20;
    let wrong = |why: String| io::Error::other(format!("{} (ca_file): {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if size > LARGEST {
        return Err(wrong("it has more than 4 MiB".to_owned()));
    }
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        store.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    match store.is_empty() {
        true => Err(wrong("it has no certificate".to_owned())),
        false => Ok(store),
    }
}
