//! A service whose certificate comes from an authority of one's own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use intake_core::testkit::collect;
use intake_plugin_opendal::testkit::{Bucket, S3Server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::s3::store_in;
use crate::{key, put, some_bytes};

/// Speaks TLS in front of a server, with a certificate of the authority whose own it writes to a file.
async fn tls_before(bucket: &Bucket, authority: &Path) -> SocketAddr {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(authority, issuer.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let upstream = bucket.endpoint.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
            tokio::spawn(async move {
                // A client that does not trust the certificate hangs up.
                if let Ok(mut client) = acceptor.accept(socket).await {
                    let mut server = TcpStream::connect(upstream).await.unwrap();
                    let _ended = copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_certificate_of_one_s_own_authority_is_trusted_if_the_file_of_the_authority_is_named() {
    let bucket = S3Server::shared().await.bucket().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    let endpoint = format!("https://{}", tls_before(&bucket, &file).await);

    let fault = store_in(&bucket, json!({"endpoint": endpoint}))
        .ready()
        .await
        .unwrap_err();
    assert!(fault.message.contains("`ca_file`"), "{}", fault.report());

    let store = store_in(&bucket, json!({"endpoint": endpoint, "ca_file": file, "direct": true}));
    store.ready().await.unwrap();
    let key = key();
    put(&*store, &key, &some_bytes()).await;
    assert!(collect(store.read(&key, None).await.unwrap()).await == some_bytes());
}

#[tokio::test]
async fn a_file_without_a_certificate_is_named_when_it_is_first_needed() {
    let bucket = S3Server::shared().await.bucket().await;
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").unwrap();
    for (file, why) in [
        (folder.path().join("none.pem"), "No such file"),
        (empty, "it contains no certificate"),
    ] {
        let fault = store_in(&bucket, json!({"ca_file": file})).ready().await.unwrap_err();
        let said = fault.report();
        assert!(said.starts_with("cannot use `ca_file`") && said.contains(why), "{said}");
    }
}
