//! The pipeline: what it does with uploads, in which order, on a clock.

pub(crate) mod assemble;
pub(crate) mod background;
pub(crate) mod backlog;
pub(crate) mod commit;
pub(crate) mod config;
pub(crate) mod files;
pub(crate) mod groups;
pub(crate) mod hold;
pub(crate) mod in_flight;
pub(crate) mod in_parts;
pub(crate) mod ingest;
pub(crate) mod limits;
pub mod permits;
pub(crate) mod pipeline;
pub(crate) mod policies;
pub(crate) mod puller;
pub(crate) mod pulls;
pub(crate) mod pump;
pub(crate) mod refusals;
pub(crate) mod setback;
pub(crate) mod stores;
pub(crate) mod sweep;
pub(crate) mod upload_log;
pub(crate) mod work;
