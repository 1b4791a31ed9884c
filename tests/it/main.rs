//! The whole system, from outside: the program, its configuration, real clients, real scanners, and the shape of the house.
#![allow(clippy::unwrap_used, unreachable_pub, missing_docs, reason = "tests")]

mod access_tokens;
mod changes;
mod cli;
mod clients;
mod crash;
mod database;
mod docs;
mod embedding;
mod examples;
mod files_cli;
mod forms;
mod from_url;
mod golden;
mod hostile;
mod house;
mod large;
mod logs;
mod nodes;
mod operations;
mod origin;
mod parts;
mod projects;
mod projects_cli;
mod proxy;
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
mod web;
