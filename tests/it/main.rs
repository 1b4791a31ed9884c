//! The whole system, from outside: the program, its configuration, real clients, real scanners, and the shape of the house.
#![allow(clippy::unwrap_used, unreachable_pub, missing_docs, reason = "tests")]

mod changes;
mod cli;
mod clients;
mod crash;
mod database;
mod embedding;
mod examples;
mod files_cli;
mod from_url;
mod golden;
mod hostile;
mod house;
mod large;
mod messages;
mod nodes;
mod origin;
mod parts;
mod projects;
mod projects_cli;
mod quotas;
mod reference;
mod signed;
mod site;
mod strangers;
mod support;
mod tokens;
mod town;
mod usage_cli;
mod virus;
