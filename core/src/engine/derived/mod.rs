//! What is made of files and can be made again, such as an image of another size, kept in a store of its own.
//!
//! ```text
//! key    derived-<8 and 24 digits: project and content>-<32 digits: what is made of it>
//! bytes  a head of 128 bytes with the length, times and a seal, then what was made
//! ```
//!
//! The store is the only list of what is there: nothing has to be kept up to date beside it, whatever crashes, and several nodes
//! may share it. Entries are sealed with a digest that is checked before a byte is given out. `docs/decisions/0043` has the
//! reasons.

pub(super) mod config;
mod entry;
mod keep;
mod look;
pub(crate) mod settings;
pub(crate) mod shelf;
mod trouble;
pub(crate) mod value;
