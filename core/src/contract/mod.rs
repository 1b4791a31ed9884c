//! The traits that plugins implement, and the registry that finds plugins by name.

pub(crate) mod around;
pub(crate) mod around_outbox;
pub(crate) mod around_recorder;
pub(crate) mod boxed;
pub(crate) mod catalog;
pub(crate) mod event_format;
pub(crate) mod key_list;
pub(crate) mod listing;
pub mod measure;
pub(crate) mod notifier;
pub(crate) mod outbox;
pub mod plugin;
pub(crate) mod recorder;
pub(crate) mod report;
pub mod stages;
pub(crate) mod workers;
