//! A network for tests of what connects to targets: no byte leaves the test.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fake_network;
mod hostile;
mod identity;

pub use self::fake_network::{Answer, FakeNetwork, Step, say};
pub use self::hostile::{Hostile, hostile, inside};
pub use self::identity::Identity;
