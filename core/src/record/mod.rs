//! The records of uploads, projects and groups, the rules by which they change, and the accounts that count them. Pure.

pub(crate) mod apply;
pub mod books;
pub(crate) mod event;
pub mod group;
pub(crate) mod keys;
pub(crate) mod managed;
pub mod pull;
pub(crate) mod upload;

pub use self::apply::IllegalTransition;
pub use self::event::Event;
pub use self::upload::{Duty, Periods, Record, State};
pub use crate::value::lifetime::Lifetime;
