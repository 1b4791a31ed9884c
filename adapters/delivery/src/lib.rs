//! The way out: files of a pipeline under addresses that official clients know, as they were sent. See `docs/delivery.md`.
//!
//! ```
//! use intake_core::Pipeline;
//! use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
//!
//! let pipeline = Pipeline::builder()
//!     .store(MemoryStore::default())
//!     .recorder(MemoryRecorder::default())
//!     .expirer(KeepAll)
//!     .build()?;
//! let files: axum::Router = intake_delivery::host(pipeline, intake_delivery::Settings::default())?;
//! # Ok::<(), intake_core::ConfigError>(())
//! ```
//!
//! Nothing can be read here but what [`Pipeline::get`](intake_core::Pipeline::get) returns: no file before every stage has
//! accepted it, and none that was deleted, quarantined, or has expired. `path` knows the addresses, `headers` the rules of
//! RFC 9110, `operations` is where a file is changed before it is sent.

mod access;
mod archive;
mod client_ip;
mod codes;
mod delivery;
mod group;
mod headers;
mod images;
mod operations;
mod original;
mod path;
mod refusal;
mod request_log;
mod router;
mod settings;
mod streams;
mod token;

/// The type of [`Settings::trusted_proxies`].
pub use ipnet::IpNet;

pub use crate::path::is_address;
pub use crate::router::{beside, host};
pub use crate::settings::Settings;
