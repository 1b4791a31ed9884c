//! The state that all requests share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use intake_core::permits::{Holder, NoneFree, Permit, Permits, until};
use intake_core::{ConfigError, Pipeline};
use tracing::warn;

use crate::images::Images;
use crate::settings::Settings;

/// The state that all requests share.
pub(crate) struct Delivery {
    pub(crate) pipeline: Pipeline,
    pub(crate) settings: Settings,
    pub(crate) images: Arc<Images>,
    requests: Permits,
    /// Whether the log has a warning about requests without an address.
    said_no_address: AtomicBool,
}

impl Delivery {
    pub(crate) fn new(pipeline: Pipeline, settings: Settings) -> Result<Arc<Self>, ConfigError> {
        settings.check()?;
        Ok(Arc::new(Self {
            images: Arc::new(Images::new(pipeline.clone(), &settings)),
            pipeline,
            requests: Permits::new("deliveries", settings.max_concurrent_requests),
            settings,
            said_no_address: AtomicBool::new(false),
        }))
    }

    /// Takes the permits of a request, as soon as they are free: the share of its client first, so that a client that waits for
    /// its share holds no permit that others need.
    pub(crate) async fn acquire(&self, client: Option<&Holder>) -> Result<Vec<Permit>, NoneFree> {
        let until = until(self.settings.queue_timeout);
        let mut held = Vec::new();
        if let Some(client) = client {
            let share = self.settings.max_concurrent_requests_per_ip();
            held.push(self.requests.acquire_as(client, share, until).await?);
        }
        held.push(self.requests.acquire(until).await?);
        Ok(held)
    }

    /// Limits per address do not apply to requests without one, and an operator has to know that.
    pub(crate) fn warn_of_no_address(&self) {
        if !self.said_no_address.swap(true, Ordering::Relaxed) {
            warn!(
                "requests for files come without the address of their client, so limits per address are off: serve with \
                 intake::server, or with axum's into_make_service_with_connect_info::<SocketAddr>()"
            );
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
