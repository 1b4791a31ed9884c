//! What plugins implement, and how they are found.

pub(crate) mod around;
pub(crate) mod catalog;
pub(crate) mod fail_open;
pub mod measure;
pub mod plugin;
pub mod stages;
