//! The store of objects: in S3, in memory, or in another service of OpenDAL.

pub(crate) mod api;
mod bucket;
mod cause;
pub(crate) mod client;
mod list;
mod multipart;
pub(crate) mod presign;
pub(crate) mod probe;
mod retry;
mod spool;
pub(crate) mod store;
mod writer;
