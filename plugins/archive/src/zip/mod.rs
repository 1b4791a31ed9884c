//! ZIP (PKWARE APPNOTE 6.3.10).

mod body;
mod descriptor;
mod directory;
mod gap;
mod headers;
mod hunt;
mod office;
mod reader;

pub(crate) use reader::ZipReader;
