//! The REST API as its clients see it, over stages in memory.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod access;
mod files;
mod groups;
mod house;
mod owners;
mod webhooks;
