//! Basic values: ids, names, media types, settings, secrets, errors. It uses none of the other floors.

pub(crate) mod aliases;
pub mod authorization;
pub(crate) mod chunks;
pub mod codes;
pub(crate) mod config_error;
pub(crate) mod error;
pub(crate) mod evidence;
pub(crate) mod file_name;
#[cfg(feature = "fuzzing")]
pub mod fuzz;
pub(crate) mod id;
pub(crate) mod incoming;
pub(crate) mod lifetime;
pub(crate) mod media_type;
pub mod notes;
pub(crate) mod options;
pub(crate) mod pace;
pub mod parts;
pub(crate) mod rate;
pub(crate) mod reading;
pub(crate) mod secret;
pub(crate) mod settings;
pub(crate) mod shares;
pub(crate) mod sniff;
pub(crate) mod verdict;
pub(crate) mod wording;
