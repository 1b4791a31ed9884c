//! Projects and their rules, and the rules of tokens.

pub mod project;
pub(crate) mod project_settings;
pub mod provider;
pub(crate) mod rules;
pub(crate) mod upload;
