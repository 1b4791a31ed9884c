//! TAR: the forms of POSIX (ustar, pax), of GNU, and the old one.

mod header;
mod pax;
mod reader;

pub(crate) use header::is_tar;
pub(crate) use reader::TarReader;
