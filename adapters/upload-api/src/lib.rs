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

mod api;
mod auth;
mod base;
mod bearer;
mod body;
mod codes;
mod error;
mod error_table;
mod form;
mod from_url;
mod gate;
mod group;
mod hmac;
mod info;
mod issue;
mod jwt;
mod key_names;
mod metadata;
mod multipart;
mod options;
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

pub use crate::error_table::{ErrorRow, errors};
pub use crate::issue::{TokenFormat, issue_token};
pub use crate::settings::Settings;
pub use crate::transport::{host, router};
pub use crate::visit::PeerAddress;
