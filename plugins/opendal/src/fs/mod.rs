//! The store in a folder.

mod assemble;
pub(crate) mod files;
mod list;
mod multipart;
mod part_file;
mod part_list;
#[cfg(test)]
mod power_cut;
mod read;
pub(crate) mod store;
mod sync_group;
mod write_back;
