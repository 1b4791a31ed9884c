//! What a user of this crate can rely on.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

mod descriptions;
mod hostile;
mod operations;
mod pillow;
mod scene;
mod sources;
mod table;
