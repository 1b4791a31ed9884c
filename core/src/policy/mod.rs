//! Projects and their rules, and the rules of tokens.

pub mod directory;
pub mod project;
pub(crate) mod project_settings;
pub(crate) mod rules;
pub(crate) mod upload;
