//! The outbox in a database: events, deliveries and subscriptions.

pub(crate) mod asking;
mod records;
pub(crate) mod rows;
pub(crate) mod steps;
