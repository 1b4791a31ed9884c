//! The adapter over a pipeline in memory: every request here goes through the router, as those of a server do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

mod archives;
mod files;
mod groups;
mod images;
mod kept_results;
mod private;
mod support;
mod table;
