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
//! One pipeline serves all projects, because the key of a project may arrive after the file. Names of the Upload API are in
//! `endpoint`, `endpoints`, `key_names`, `params`, `options`, `error_table`, `wire` and `cors`.

mod api;
mod auth;
mod body;
mod body_params;
mod client_ip;
mod codes;
mod cors;
mod endpoint;
mod endpoints;
mod error;
mod error_table;
mod form;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod group_response;
mod jsonp;
mod key_names;
mod limiter;
mod metadata;
mod options;
mod params;
mod request;
mod request_log;
mod response;
mod router;
mod settings;
mod tags;
mod token_issuer;
mod wire;

/// The type of [`Settings::trusted_proxies`].
pub use ipnet::IpNet;

pub use intake_core::PeerAddress;

pub use crate::error_table::{ErrorRow, errors};
pub use crate::router::{host, router};
pub use crate::settings::Settings;
pub use crate::token_issuer::{TokenFormat, issue_token};
