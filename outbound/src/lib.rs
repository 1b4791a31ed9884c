//! Connections to targets that strangers name: to public addresses only, unless the operator says otherwise.
//!
//! ```
//! use intake_outbound::{Refused, Rules};
//!
//! let rules = Rules::default();
//! assert!(rules.target("https://example.com/hook").is_ok());
//! assert!(matches!(rules.target("http://[::ffff:7f00:1]/"), Err(Refused::NotPublic { .. })));
//! ```
//!
//! A URL is parsed once, by the URL standard, and judged by [`Rules`] without a lookup. A [`Connector`] looks its host up once,
//! judges every address of the answer, and connects to one of these addresses: it can connect to a [`Permitted`] one only, and
//! only the judging module makes one. So a second lookup with another answer cannot happen. [`Exchange`] is one request and its
//! answer on such a connection, without a pool. Following a redirect is for the caller to do, by judging it like any URL.
//!
//! What is refused and why it is: the README of `http-source`, and `src/ranges.rs`.

mod address;
pub mod codes;
mod connector;
mod dialer;
mod failure;
mod hosts;
mod http1;
mod proxy;
mod ranges;
pub mod setting;
mod target;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use crate::address::Permitted;
pub use crate::connector::Connector;
pub use crate::dialer::{Io, LookupError, Network};
pub use crate::failure::{Failure, Refused, reason, said};
pub use crate::hosts::Hosts;
pub use crate::http1::Exchange;
pub use crate::proxy::Proxy;
pub use crate::target::{HostName, Rules, Target};
