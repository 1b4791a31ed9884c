//! What projects, and the tokens that let uploads in, allow.

pub mod directory;
pub mod project;
pub(crate) mod project_settings;
pub(crate) mod rules;
pub(crate) mod upload;
