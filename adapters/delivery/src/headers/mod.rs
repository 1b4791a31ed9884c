//! The headers of requests and answers: pure functions, after RFC 9110 and others that each module names.

pub(crate) mod caching;
pub(crate) mod common;
pub(crate) mod conditions;
pub(crate) mod disposition;
pub(crate) mod media;
pub(crate) mod ranges;
