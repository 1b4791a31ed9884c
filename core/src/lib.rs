//! The core of Intake: a pipeline that receives, validates, scans, stores and records untrusted files.
//!
//! ```text
//!                what the sender says        what the bytes say          what is known at the end
//!                     Declared       ──────►       Head       ──────►          Facts
//!                        │                           │                           │
//! Fetcher ─► Incoming ─► Validator::declared ─► Validator::head ─► [pump] ─► Validator::whole ─► commit
//! (URLs only)  one stream │                          │              │ │ │                         │  │
//!                         ▼                          ▼              │ │ └► Scan::feed (each)      │  └► Recorder: Ready
//!                   refused, no trace          Recorder: Staged     │ └──► SHA-256                └───► Store: durable
//!                                               (the intent)        └────► Staged::write
//! later:  sweep  ── "what is due?" ──►  lease over → delete · expired → delete · delete again · remove old tombstones
//! ```
//!
//! [`stages`] has the contract for plugin authors, [`record`] the states of an upload, [`Pipeline`] the calls for programs, and
//! [`plugin`] the names of stages. The core knows no plugin, no HTTP and no SQL.

mod contract;
mod engine;
pub mod memory;
mod policy;
pub mod record;
#[cfg(feature = "testkit")]
pub mod testkit;
mod value;

pub use async_trait::async_trait;
pub use bytes::Bytes;
/// Plugins register themselves through this crate. The core exports it, so that plugins use the same version.
pub use inventory;

pub use crate::contract::catalog::Catalog;
pub use crate::contract::event_format::{EventFormat, StandardFormat};
pub use crate::contract::notifier::{Message, Notifier, Sent};
pub use crate::contract::outbox::Outbox;
pub use crate::contract::plugin::{FromSettings, Plugin, Registry};
pub use crate::contract::report::Report;
pub use crate::contract::stages::{
    Backlog, Expirer, Fetcher, FileFilter, FileList, FileTotals, KeyList, ListedKey, Listing, ListingOfAll, Multipart,
    Order, Recorder, Scan, Scanner, Staged, Store, Validator,
};
pub use crate::contract::workers::{NoResult, Workers};
pub use crate::contract::{measure, plugin, stages};
pub use crate::engine::admitted::Admitted;
pub use crate::engine::background::Intervals;
pub use crate::engine::builder::Builder;
pub use crate::engine::complete::Resumed;
pub use crate::engine::config::{SECTIONS, settings_of};
pub use crate::engine::derived::settings::DerivedSettings;
pub use crate::engine::derived::value::Derived;
pub use crate::engine::describe::Description;
pub use crate::engine::event_settings::EventSettings;
pub use crate::engine::explain::{Explanation, Objection, Opinion};
pub use crate::engine::fetch_queue::NewFetch;
pub use crate::engine::limits::Limits;
pub use crate::engine::multipart::NewMultipart;
pub use crate::engine::permits;
pub use crate::engine::pipeline::Pipeline;
pub use crate::engine::rescan::Rescanned;
pub use crate::engine::sweep::Swept;
pub use crate::policy::project::Project;
pub use crate::policy::provider::ProjectProvider;
pub use crate::policy::{project, provider};
pub use crate::record::accounting::UsageChange;
pub use crate::record::event::Event;
pub use crate::record::fetch_job::FetchJob;
pub use crate::record::file_times::{FileStatus, FileTimes};
pub use crate::record::group::{Group, Member};
pub use crate::record::managed::ManagedProject;
pub use crate::record::update::Update;
pub use crate::record::upload::{Record, State, Task};
pub use crate::record::{accounting, fetch_job, group, quarantine};
pub use crate::value::authorization::{Authorization, Grant};
pub use crate::value::choice::Choice;
pub use crate::value::chunks::{Chunks, TinyChunks};
pub use crate::value::config_error::{ConfigError, ConfigErrors, Step};
pub use crate::value::error::{Error, Fault, Interruption};
pub use crate::value::evidence::{Declared, Digest, Facts, HEAD_BYTES, NotADigest};
pub use crate::value::file_name::{FileName, NotAFileName};
pub use crate::value::id::{BoxError, ByteStream, Key, Location, NotAKey, NotAnUploadId, UploadId};
pub use crate::value::incoming::Incoming;
pub use crate::value::inspection::{Coverage, Inspection};
pub use crate::value::lifetime::{Lifetime, Retention, UploadMethod};
pub use crate::value::media_type::{MediaRange, MediaType, NotAMediaType};
pub use crate::value::options::{UploadOptions, sender_at};
pub use crate::value::pace::{LeastRate, Pace};
pub use crate::value::parts::{Part, PartPlan, PartRange};
pub use crate::value::peer::PeerAddress;
pub use crate::value::reading::names_of;
pub use crate::value::scan_policy::{OnFault, OnInfected, OnPartial, ScanPolicy};
pub use crate::value::secret::Secret;
pub use crate::value::settings::Settings;
pub use crate::value::sniff::root_tag::RootTag;
pub use crate::value::upload_info::{Head, UploadInfo};
pub use crate::value::verdict::{Code, Rejection, Verdict};
pub use crate::value::{authorization, byte_count, codes, inspection, metadata, micros, notes, parts, tags};

/// The events of files: what is told to others, and to whom.
pub mod events {
    pub use crate::record::delivery::{
        Claim, Delivery, DeliveryBacklog, DeliveryFilter, DeliveryState, EventPosition, KeptEvent, LONGEST_ANSWER,
        NewDelivery, NotAPosition, Replay, Settled, in_turn,
    };
    pub use crate::record::file_event::{FileEvent, FileEventKind, Initiator, event_id};
    pub use crate::record::subscription::Subscription;
}

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use crate::value::fuzz;
