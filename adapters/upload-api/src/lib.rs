//! The Upload API over a pipeline: existing clients, SDKs and web components work against it unmodified.
//!
//! ```
//! use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
//! use intake_core::{Pipeline, Project};
//!
//! let pipeline = Pipeline::builder()
//!     .store(MemoryStore::default())
//!     .recorder(MemoryRecorder::default())
//!     .expirer(KeepAll)
//!     .project(Project::new("demopublickey"))?
//!     .build()?;
//! let api: axum::Router = intake_upload_api::host(pipeline, intake_upload_api::Settings::default())?;
//! # Ok::<(), intake_core::ConfigError>(())
//! ```
//!
//! One pipeline serves all projects, because the key of a project may come behind the file. Wire names live in `wire`,
//! `error` and `params`; everything else speaks our own language.

mod base;
mod bearer;
mod body;
mod codes;
mod error;
mod form;
mod from_url;
mod gate;
mod group;
mod info;
mod issue;
mod jwt;
mod metadata;
mod multipart;
mod params;
mod part;
mod reading;
mod request_log;
mod settings;
mod signature;
mod tags;
mod telling;
mod token;
mod transport;
mod visit;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::HeaderValue;
use axum::routing::any;
use intake_core::{ConfigError, Pipeline};
use tracing::warn;

use crate::error::Refusal;
use crate::gate::Gate;
pub use crate::issue::{TokenFormat, issue_token};
pub use crate::settings::Settings;
pub use crate::visit::PeerAddress;

/// The names by which a public key comes: that of the endpoint, and the other one, which some clients send instead.
pub(crate) type KeyNames = (&'static str, &'static str);
pub(crate) const BASE_KEY: KeyNames = ("UPLOADCARE_PUB_KEY", "pub_key");
pub(crate) const KEY: KeyNames = ("pub_key", "UPLOADCARE_PUB_KEY");

/// What all requests share.
pub(crate) struct Api {
    pipeline: Pipeline,
    settings: Settings,
    gate: Gate,
    /// Whether the log has said that requests come without an address.
    said_no_address: AtomicBool,
}

impl Api {
    fn new(pipeline: Pipeline, settings: Settings) -> Result<Arc<Self>, ConfigError> {
        settings.check()?;
        Ok(Arc::new(Self {
            pipeline,
            gate: Gate::new(&settings),
            settings,
            said_no_address: AtomicBool::new(false),
        }))
    }

    /// Limits per address hold only where a request has one; an operator has to know where they do not.
    fn warn_of_no_address(&self) {
        if !self.said_no_address.swap(true, Ordering::Relaxed) {
            warn!(
                "requests come without the address of their client, so limits per address are off: serve with \
                 intake::server, or with axum's into_make_service_with_connect_info::<SocketAddr>()"
            );
        }
    }

    /// What addresses on this server begin with: as it is set, or as the request has it.
    fn origin(&self, host: Option<&HeaderValue>) -> Result<String, Refusal> {
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

/// An error that a sender may be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorRow {
    /// What the pipeline, a plugin or this adapter calls it; see `docs/codes.md`.
    pub ours: &'static str,
    /// The HTTP status, where errors are not wrapped in a success.
    pub status: u16,
    /// What the wire calls it.
    pub theirs: &'static str,
    /// What the wire says; `%s` stands for something of the request.
    pub sentence: &'static str,
}

/// All errors that a sender may be answered with (wire facts, section 9).
pub fn errors() -> impl Iterator<Item = &'static ErrorRow> {
    error::TABLE.iter()
}

/// The Upload API as a router for an application of one's own: merged beside the application's routes, or nested under a
/// path. A request to any other path is the application's.
///
/// The server around it bounds what comes before a body: connections, and the time that a request's head may take.
/// `intake::server` of the `intake` package does; `axum::serve` bounds neither. Limits per address need the address of the
/// client: [`PeerAddress`], or axum's `ConnectInfo` (`Router::into_make_service_with_connect_info`). Where a request has
/// neither, these limits do not hold, and the log says so once.
///
/// ```
/// # use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
/// # use intake_core::{Pipeline, Project};
/// use axum::{Router, routing::get};
///
/// # let pipeline = Pipeline::builder()
/// #     .store(MemoryStore::default())
/// #     .recorder(MemoryRecorder::default())
/// #     .expirer(KeepAll)
/// #     .project(Project::new("demopublickey"))?
/// #     .build()?;
/// let uploads = intake_upload_api::router(pipeline, intake_upload_api::Settings::default())?;
/// let app: Router = Router::new()
///     .route("/", get(|| async { "the application" }))
///     .fallback(|| async { "the application's own answer to other paths" })
///     .nest("/uploads", uploads);
/// # Ok::<(), intake_core::ConfigError>(())
/// ```
///
/// # Errors
///
/// If the settings make no sense.
pub fn router(pipeline: Pipeline, settings: Settings) -> Result<Router, ConfigError> {
    let api = Api::new(pipeline, settings)?;
    let mut router = Router::new();
    for path in transport::PATHS {
        // Clients put a slash in front that is one too many, and leave out the last one.
        for spelt in [
            format!("/{path}"),
            format!("/{path}/"),
            format!("//{path}"),
            format!("//{path}/"),
        ] {
            router = router.route(&spelt, any(transport::answer));
        }
    }
    Ok(router.with_state(api))
}

/// The Upload API as the only service of a host: the same as [`router`], and it also answers every other path, with the error
/// that clients know.
///
/// # Errors
///
/// If the settings make no sense.
pub fn host(pipeline: Pipeline, settings: Settings) -> Result<Router, ConfigError> {
    let api = Api::new(pipeline, settings)?;
    Ok(Router::new().fallback(transport::answer).with_state(api))
}
