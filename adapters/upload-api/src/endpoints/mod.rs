//! The endpoints, each a function of one [request](crate::request::Request).

pub(crate) mod base;
pub(crate) mod from_url;
pub(crate) mod group;
pub(crate) mod info;
pub(crate) mod multipart;
pub(crate) mod part;
