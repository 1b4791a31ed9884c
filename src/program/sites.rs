//! What `intake serve` serves, and where: the Upload API with the REST API beside it, and the delivery of files beside both or on a
//! listener of its own.

use std::net::SocketAddr;

use axum::Router;
use intake_core::Pipeline;
use ipnet::IpNet;
use tokio::net::TcpListener;

use crate::server::ServerSettings;
use crate::{delivery, rest_api, upload_api};

/// The services of one process.
pub(super) struct Sites {
    main: Site,
    /// The delivery of files, if it has a listener of its own.
    files: Option<Site>,
}

/// A service, and where it is reached.
pub(super) struct Site {
    pub(super) listener: TcpListener,
    pub(super) router: Router,
}

impl Sites {
    /// Makes the services, and begins to listen. Nothing is answered yet.
    pub(super) async fn open(
        pipeline: &Pipeline,
        uploads: upload_api::Settings,
        rest: Option<rest_api::Settings>,
        files: Option<delivery::Settings>,
        server: &ServerSettings,
    ) -> Result<Self, String> {
        let say = |error: intake_core::ConfigError| error.to_string();
        // One list of proxies for all services of the process.
        let trusted = uploads.trusted_proxies.clone();
        let mut apis = upload_api::host(pipeline.clone(), uploads).map_err(say)?;
        if let Some(rest) = rest {
            let rest = rest.with(|rest| {
                if rest.trusted_proxies.is_empty() {
                    rest.trusted_proxies.clone_from(&trusted);
                }
            });
            // Its paths are others.
            apis = apis.merge(rest_api::router(pipeline.clone(), rest).map_err(|errors| errors.to_string())?);
        }
        let files = files.map(|files| files.with(|files| files.trusted_proxies = trusted));
        let own = files.as_ref().and_then(|files| files.listen.clone());
        let (router, files) = match (files, own) {
            (None, _) => (apis, None),
            (Some(files), None) => (delivery::beside(apis, pipeline.clone(), files).map_err(say)?, None),
            (Some(files), Some(listen)) => {
                let router = delivery::host(pipeline.clone(), files).map_err(say)?;
                (apis, Some((router, listen)))
            }
        };
        pipeline.ready().await.map_err(|fault| fault.report())?;
        let main = Site::open(router, &server.listen, "[server], or INTAKE_SERVER__LISTEN").await?;
        let files = match files {
            Some((router, listen)) => {
                Some(Site::open(router, &listen, "[delivery], or INTAKE_DELIVERY__LISTEN").await?)
            }
            None => None,
        };
        Ok(Self { main, files })
    }

    /// The address at which uploads arrive.
    pub(super) fn uploads(&self) -> Result<SocketAddr, String> {
        self.main.address()
    }

    /// The address at which files are given out, if it is another one.
    pub(super) fn files(&self) -> Result<Option<SocketAddr>, String> {
        self.files.as_ref().map(Site::address).transpose()
    }

    /// Each service with its listener.
    pub(super) fn each(self) -> impl Iterator<Item = Site> {
        std::iter::once(self.main).chain(self.files)
    }
}

/// The proxies of all services: their connections are of many clients.
pub(super) fn proxies(uploads: &upload_api::Settings, rest: Option<&rest_api::Settings>) -> Vec<IpNet> {
    let of_rest = rest.iter().flat_map(|rest| &rest.trusted_proxies);
    uploads.trusted_proxies.iter().chain(of_rest).copied().collect()
}

impl Site {
    async fn open(router: Router, listen: &str, section: &str) -> Result<Self, String> {
        let listener = TcpListener::bind(listen).await;
        let listener =
            listener.map_err(|error| format!("cannot listen on {listen}: {error}; set `listen` in {section}"))?;
        Ok(Self { listener, router })
    }

    fn address(&self) -> Result<SocketAddr, String> {
        let address = self.listener.local_addr();
        address.map_err(|error| format!("the listener has no address: {error}"))
    }
}
