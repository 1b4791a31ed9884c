//! The store in a folder.

mod assemble;
pub(crate) mod files;
mod multipart;
mod part_file;
mod part_list;
pub(crate) mod store;
mod write_back;
