//! The traits that plugins implement, and the registry that finds plugins by name.

pub(crate) mod around;
pub(crate) mod around_recorder;
pub(crate) mod catalog;
pub(crate) mod fail_open;
pub(crate) mod listing;
pub mod measure;
pub(crate) mod on_partial;
pub mod plugin;
pub(crate) mod report;
pub mod stages;
