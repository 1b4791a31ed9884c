//! The REST API v0.7 over a pipeline: what a project's own server asks about its files, and how it keeps and deletes them.
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
//! let api: axum::Router = intake_rest_api::router(pipeline, intake_rest_api::Settings::default())?;
//! # Ok::<(), intake_core::ConfigErrors>(())
//! ```
//!
//! `docs/rest-api.md` describes every call. Names of the REST API are in `endpoint`, `endpoints`, `error_table` and `wire`.

mod accept;
mod api;
mod auth;
mod body;
mod codes;
mod content_info;
mod cursor;
mod date;
mod endpoint;
mod endpoints;
mod error;
mod error_table;
mod event_format;
mod limiter;
mod links;
mod list_params;
mod peer;
mod request;
mod response;
mod router;
mod settings;
mod wire;

/// The type of [`Settings::trusted_proxies`].
pub use ipnet::IpNet;

pub use crate::error_table::{ErrorRow, errors};
pub use crate::event_format::UploadcareFormat;
pub use crate::router::{host, router};
pub use crate::settings::Settings;
pub use intake_core::PeerAddress;
