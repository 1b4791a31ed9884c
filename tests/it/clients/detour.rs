//! A detour for a client that has one fixed address: a proxy with a certificate for that address, which leads to the server under
//! test.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use crate::support::Server;
use crate::virus::runtime;

/// The address of the published Rust client, which cannot be set.
const HOST: &str = "upload.uploadcare.com";

/// The setting that tells a server that clients reach it by this address, as behind any such proxy.
pub(super) const PUBLIC_URL: (&str, &str) = ("INTAKE_UPLOAD_API__PUBLIC_URL", "https://upload.uploadcare.com");

/// The proxy, which runs until it is dropped.
pub(super) struct Detour {
    proxy: SocketAddr,
    certificate: PathBuf,
    _folder: TempDir,
    _runtime: Runtime,
}

impl Detour {
    pub(super) fn to(server: &Server) -> Self {
        let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
        let folder = TempDir::new().unwrap();
        let certificate = folder.path().join("certificate.pem");
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![made.cert.der().clone()],
                PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = runtime();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let proxy = listener.local_addr().unwrap();
        let to = server.address.clone();
        runtime.spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                // A client that hangs up ends only its own connection.
                tokio::spawn(lead(client, acceptor.clone(), to.clone()));
            }
        });
        Self {
            proxy,
            certificate,
            _folder: folder,
            _runtime: runtime,
        }
    }

    /// Sends the requests of the command through the detour, even if the machine uses another proxy.
    pub(super) fn lead(&self, command: &mut Command) {
        // By `REQUEST_METHOD` the client's HTTP library takes itself for a CGI script, which has no proxy.
        for name in ["NO_PROXY", "no_proxy", "https_proxy", "REQUEST_METHOD"] {
            command.env_remove(name);
        }
        command
            .env("HTTPS_PROXY", format!("http://{}", self.proxy))
            .env("SSL_CERT_FILE", &self.certificate);
    }
}

async fn lead(client: TcpStream, acceptor: TlsAcceptor, to: String) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let (mut asked, mut line) = (String::new(), String::new());
    client.read_line(&mut asked).await?;
    while client.read_line(&mut line).await? > "\r\n".len() {
        line.clear();
    }
    // A client that accepts another address is not the published one.
    if !asked.starts_with(&format!("CONNECT {HOST}:443 ")) {
        client.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await?;
        return Ok(());
    }
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let mut client = acceptor.accept(client).await?;
    let mut server = TcpStream::connect(to).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
