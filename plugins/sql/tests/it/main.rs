//! What users of the recorder can rely on.
#![allow(clippy::unwrap_used, reason = "tests")]

mod crash;
mod nodes;
mod postgres;
mod records;
mod settings;
