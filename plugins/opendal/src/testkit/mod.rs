//! A real S3 server for tests, and a proxy that injects failures: feature `testkit`.
//!
//! ```no_run
//! # async fn example() {
//! use intake_plugin_opendal::testkit::{S3Proxy, S3Server, Trouble};
//!
//! let bucket = S3Server::shared().await.bucket().await;
//! let proxy = S3Proxy::before(&bucket).await;
//! proxy.trouble("PUT", 2, Trouble::SLOW_DOWN); // the next two of them
//! let settings = bucket.through(&proxy).settings();
//! # }
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod bucket;
mod proxy;
mod server;

pub use self::bucket::Bucket;
pub use self::proxy::{S3Proxy, Trouble};
pub use self::server::S3Server;
