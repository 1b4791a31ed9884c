//! What all requests share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::HeaderValue;
use intake_core::{ConfigError, Pipeline};
use tracing::warn;

use crate::error::{Refusal, codes};
use crate::gate::Gate;
use crate::settings::Settings;

/// What all requests share.
pub(crate) struct Api {
    pub(crate) pipeline: Pipeline,
    pub(crate) settings: Settings,
    pub(crate) gate: Gate,
    /// Whether the log has said that requests come without an address.
    said_no_address: AtomicBool,
}

impl Api {
    pub(crate) fn new(pipeline: Pipeline, settings: Settings) -> Result<Arc<Self>, ConfigError> {
        settings.check()?;
        Ok(Arc::new(Self {
            pipeline,
            gate: Gate::new(&settings),
            settings,
            said_no_address: AtomicBool::new(false),
        }))
    }

    /// Limits per address hold only where a request has one; an operator has to know where they do not.
    pub(crate) fn warn_of_no_address(&self) {
        if !self.said_no_address.swap(true, Ordering::Relaxed) {
            warn!(
                "requests come without the address of their client, so limits per address are off: serve with \
                 intake::server, or with axum's into_make_service_with_connect_info::<SocketAddr>()"
            );
        }
    }

    /// What addresses on this server begin with: as it is set, or as the request has it.
    pub(crate) fn origin(&self, host: Option<&HeaderValue>) -> Result<String, Refusal> {
        if let Some(url) = &self.settings.public_url {
            return Ok(url.trim_end_matches('/').to_owned());
        }
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        match host.and_then(|host| host.to_str().ok()) {
            Some(host) if !host.is_empty() && host.bytes().all(named) => Ok(format!("http://{host}")),
            _ => {
                Err(Refusal::new(&codes::FORM_MALFORMED).adding("Header Host: send it, with a host name and no more."))
            }
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
