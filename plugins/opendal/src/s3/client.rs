//! HTTP clients for the service.
//!
//! A service closes idle connections. A request that is sent at that moment is lost with its connection, so connections are
//! kept for a shorter time than most services keep them, and a request without an answer is sent again on a new connection.

use std::time::Duration;

use http::{Request, Response};
use opendal::{Buffer, HttpBody, HttpTransport};
use opendal_http_transport_reqwest::ReqwestTransport;
use reqwest::{Certificate, Client};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Two clients with the same settings. The caller sets a timeout for the answer.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    /// Keeps connections for the next request.
    pub(crate) pooled: Client,
    /// Opens a connection for each request.
    pub(crate) fresh: Client,
}

impl Http {
    /// Clients that keep a connection for `idle` after its last request, and trust these certificates in addition to those of
    /// the system. They connect at the first request.
    pub(crate) fn new(idle: Duration, trusted: &[Certificate]) -> Result<Self, reqwest::Error> {
        // The whole program shares one provider, which may have been installed before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = || {
            let builder = Client::builder().connect_timeout(CONNECT);
            builder.tls_certs_merge(trusted.iter().cloned())
        };
        Ok(Self {
            pooled: client().pool_idle_timeout(idle).build()?,
            fresh: client().pool_max_idle_per_host(0).build()?,
        })
    }
}

/// OpenDAL's requests.
impl HttpTransport for Http {
    async fn fetch(&self, request: Request<Buffer>) -> opendal::Result<Response<HttpBody>> {
        // The bytes of the body are shared, not copied.
        match ReqwestTransport::new(self.pooled.clone()).fetch(request.clone()).await {
            Err(error) if is_broken_connection(&error) => {
                ReqwestTransport::new(self.fresh.clone()).fetch(request).await
            }
            fetched => fetched,
        }
    }
}

/// Whether an existing connection broke before there was an answer.
fn is_broken_connection(error: &opendal::Error) -> bool {
    let below = std::error::Error::source(error).and_then(|source| source.downcast_ref::<reqwest::Error>());
    below.is_some_and(|error| error.is_request() && !error.is_connect() && !error.is_timeout())
}
