//! The state that all requests share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use intake_core::{ConfigError, Pipeline};
use tracing::warn;

use crate::limiter::Limiter;
use crate::settings::Settings;

/// The state that all requests share.
pub(crate) struct Api {
    pub(crate) pipeline: Pipeline,
    pub(crate) settings: Settings,
    pub(crate) limiter: Limiter,
    /// Whether the log has a warning about requests without an address.
    said_no_address: AtomicBool,
}

impl Api {
    pub(crate) fn new(pipeline: Pipeline, settings: Settings) -> Result<Arc<Self>, ConfigError> {
        settings.check()?;
        Ok(Arc::new(Self {
            pipeline,
            limiter: Limiter::new(&settings),
            settings,
            said_no_address: AtomicBool::new(false),
        }))
    }

    /// Limits per address do not apply to requests without one, and an operator has to know that.
    pub(crate) fn warn_of_no_address(&self) {
        if !self.said_no_address.swap(true, Ordering::Relaxed) {
            warn!(
                "requests come without the address of their client, so limits per address are off: serve with \
                 intake::server, or with axum's into_make_service_with_connect_info::<SocketAddr>()"
            );
        }
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
