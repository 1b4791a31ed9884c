//! The guarantees of the core for every upload, with any plugins: tested with stages that are made for these tests.
#![allow(clippy::unwrap_used, unreachable_pub, missing_docs, reason = "tests")]

mod bounded;
mod config;
mod corpus;
mod crash;
mod deliveries;
mod derived;
mod event_config;
mod events;
mod fetches;
mod front;
mod interleavings;
mod kept;
mod late_parts;
mod lost_events;
mod moody;
mod owned_files;
mod partly_covered;
mod parts;
mod projects;
mod quarantine;
mod record;
mod rescan;
mod stores;
mod support;
mod tries;
mod upload_info;
mod uploads;
mod wrong_plugins;
