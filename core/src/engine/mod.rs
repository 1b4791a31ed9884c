//! The pipeline: what it does with uploads, in which order, on a clock.

pub(crate) mod background;
pub(crate) mod backlog;
pub(crate) mod commit;
pub(crate) mod complete;
pub(crate) mod complete_failure;
pub(crate) mod config;
pub(crate) mod fetch_queue;
pub(crate) mod fetch_worker;
pub(crate) mod files;
pub(crate) mod groups;
pub(crate) mod in_flight;
pub(crate) mod ingest;
pub(crate) mod lease;
pub(crate) mod limits;
pub(crate) mod multipart;
pub mod permits;
pub(crate) mod pipeline;
pub(crate) mod policy;
pub(crate) mod pump;
pub(crate) mod stores;
pub(crate) mod sweep;
pub(crate) mod tasks;
pub(crate) mod tombstones;
pub(crate) mod upload_log;
