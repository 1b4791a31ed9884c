//! A detour for a client that knows one address only: a proxy that shows a certificate for that address, and leads to the server under test.

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

/// What the published Rust client connects to, without a way to say otherwise.
const HOST: &str = "upload.uploadcare.com";

/// Says to a server that the world reaches it by the client's address: as any server behind such a proxy has to know it.
pub(super) const PUBLIC_URL: (&str, &str) = ("INTAKE_UPLOAD_API__PUBLIC_URL", "https://upload.uploadcare.com");

/// Leads as long as it lives.
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
                // Whoever hangs up ends only its own connection, and knows best why.
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

    /// Sends what the command asks for over the detour, whatever proxy the machine uses for others.
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
    // A client that is answered at another address is not the one that is published.
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
