//! Files of every format and attack, and what the validators and scanners are expected to say of each.
//!
//! The files are in `files`, written by `make`; what is expected of them is in `expected`, a table for each folder; the pipeline
//! that judges them is `settings.toml`.

mod count;
mod judge;
mod table;

pub use crate::count::{Count, Counts};
pub use crate::judge::{Judgement, Said, judge, pipeline};
pub use crate::table::{Case, Exception, Expected, cases, folder};
