//! The core of Intake: every file that strangers send goes through one gate.
//!
//! ```text
//!                what the sender says        what the bytes say          what is known at the end
//!                     Declared       ──────►       Head       ──────►          Facts
//!                        │                           │                           │
//! Receiver ─► Incoming ─► Validator::declared ─► Validator::head ─► [pump] ─► Validator::whole ─► commit
//! (pull only)  one stream │                          │              │ │ │                         │  │
//!                         ▼                          ▼              │ │ └► Scan::feed (each)      │  └► Recorder: Ready
//!                   refused, no trace          Recorder: Staged     │ └──► SHA-256                └───► Store: durable
//!                                               (the intent)        └────► Staged::write
//! later:  sweep  ── "what is due?" ──►  lease over → erase · expired → erase · erase again · drop old notes
//! ```
//!
//! Read [`stages`] for the contract, [`record`] for the rules of change, [`Pipeline`] for what one may ask, [`plugin`] for
//! how a stage gets a name. The core knows no plugin, no HTTP, no SQL and no file format.

mod aliases;
mod around;
mod assemble;
mod background;
pub mod books;
mod catalog;
mod chunks;
pub mod codes;
mod commit;
mod config;
pub mod directory;
mod error;
mod event;
mod evidence;
mod fail_open;
mod file_name;
mod files;
pub mod group;
mod hold;
mod in_flight;
mod in_parts;
mod incoming;
mod ingest;
mod limits;
pub mod measure;
mod media_type;
pub mod memory;
pub mod notes;
mod pace;
pub mod parts;
pub mod pass;
pub mod permits;
mod pipeline;
mod places;
pub mod plugin;
pub mod project;
pub mod pull;
mod puller;
mod pulls;
mod pump;
mod rate;
mod reading;
pub mod record;
mod refusals;
mod rules;
mod ruling;
mod secret;
mod setback;
mod settings;
mod sniff;
pub mod stages;
mod sweep;
#[cfg(feature = "testkit")]
pub mod testkit;
mod upload_log;
mod verdict;
mod wording;
mod work;

pub use async_trait::async_trait;
pub use bytes::Bytes;
/// Plugins submit themselves through this; the re-export keeps them on the core's version of it.
pub use inventory;

pub use crate::assemble::Resumed;
pub use crate::background::Intervals;
pub use crate::books::Booking;
pub use crate::chunks::{Chunks, TinyChunks};
pub use crate::commit::Admitted;
pub use crate::config::{SECTIONS, settings_of};
pub use crate::directory::{Directory, ManagedProject};
pub use crate::error::{BoxError, Error, Fault, Interruption};
pub use crate::evidence::{Coverage, Declared, Digest, Facts, HEAD_BYTES, Head, NotADigest};
pub use crate::fail_open::FailOpen;
pub use crate::file_name::{FileName, NotAFileName};
pub use crate::group::{Group, Member};
pub use crate::in_parts::Opening;
pub use crate::incoming::{ByteStream, Incoming, Key, NotAnUploadId, Place, Retention, Terms, UploadId, sender_at};
pub use crate::limits::Limits;
pub use crate::media_type::{MediaRange, MediaType, NotAMediaType};
pub use crate::pace::{LeastRate, Pace};
pub use crate::parts::{Part, Parts, Slot};
pub use crate::pass::{Grant, Pass};
pub use crate::pipeline::{Builder, Pipeline};
pub use crate::plugin::{FromSettings, Plugin, Registry};
pub use crate::project::{Door, Project};
pub use crate::pull::Pull;
pub use crate::pulls::Order;
pub use crate::record::{Duty, Event, Lifetime, Record, State};
pub use crate::secret::Secret;
pub use crate::settings::{ConfigError, ConfigErrors, Settings, Step, names_of};
pub use crate::stages::{
    Backlog, Catalog, Expirer, Listing, Multipart, Receiver, Recorder, Report, Scan, Scanner, Staged, Store, Swap,
    Validator,
};
pub use crate::sweep::Swept;
pub use crate::verdict::{Code, Rejection, Verdict};
