//! ICAP over TLS.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use intake_core::testkit;
use intake_plugin_icap::Settings;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use crate::fake::{FakeIcap, OFFER, Script};
use crate::{LARGE, assert_told, built, scan};

#[tokio::test]
async fn a_server_with_a_certificate_that_is_trusted_is_used_over_tls() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let tls = TlsAcceptor::from(Arc::new(config));
    let offer = format!("ICAP/1.0 200 OK\r\n{OFFER}Preview: 1024\r\n\r\n");
    let server = FakeIcap::saying(Script::clean(), offer.into(), Some(tls)).await;

    let folder = tempfile::tempdir().unwrap();
    let (trusted, empty) = (folder.path().join("ca.pem"), folder.path().join("empty.pem"));
    let text = STANDARD.encode(made.cert.der());
    std::fs::write(
        &trusted,
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"),
    )
    .unwrap();
    std::fs::write(&empty, "").unwrap();
    let at = |host: &str| Settings::at(format!("icaps://{host}:{}/scan", server.port));
    for (host, ca_file, expected) in [
        ("localhost", Some(&trusted), "clean"),
        // The certificate is for the name.
        (
            "127.0.0.1",
            Some(&trusted),
            "scanner_unavailable: cannot connect to icaps://127.0.0.1",
        ),
        (
            "localhost",
            None,
            "scanner_unavailable: cannot connect to icaps://localhost",
        ),
        (
            "localhost",
            Some(&empty),
            "scanner_unavailable: cannot connect to icaps://localhost",
        ),
    ] {
        let scanner = built(at(host).with(|settings| {
            (settings.ca_file, settings.max_scan_size) = (ca_file.cloned(), LARGE as u64);
        }));
        for length in [5, 3_000_000] {
            assert_told(
                scan(&scanner, &testkit::noise(1, length)).await,
                expected,
                &format!("{host} {ca_file:?}"),
            );
        }
    }
}
