//! The records of uploads, projects and groups, the rules by which they change, and the accounts that count them. Pure.

pub(crate) mod account;
pub mod accounting;
pub(crate) mod apply;
pub(crate) mod delivery;
pub(crate) mod event;
pub mod fetch_job;
pub(crate) mod file_event;
pub(crate) mod file_times;
pub mod group;
pub(crate) mod keys;
pub(crate) mod listed;
pub(crate) mod managed;
pub mod quarantine;
pub(crate) mod subscription;
pub(crate) mod telling;
pub(crate) mod update;
pub(crate) mod upload;

pub use self::apply::IllegalTransition;
pub use self::event::Event;
pub use self::file_times::{FileStatus, FileTimes};
pub use self::upload::{Periods, Record, State, Task};
pub use crate::value::lifetime::Lifetime;
