//! Numbers of bytes as settings write them: `"10 MiB"`, `"5 GB"` or `1024`. For plugins and adapters whose settings have one:
//!
//! ```
//! #[derive(serde::Deserialize)]
//! struct Settings {
//!     #[serde(with = "intake_core::byte_count")]
//!     max_size: u64,
//!     #[serde(default, with = "intake_core::byte_count::option")]
//!     max_header: Option<u64>,
//! }
//!
//! let settings: Settings = serde_json::from_str(r#"{"max_size": "10 MiB"}"#)?;
//! assert_eq!((settings.max_size, settings.max_header), (10 << 20, None));
//! # Ok::<(), serde_json::Error>(())
//! ```

use bytesize::ByteSize;
use serde::{Deserialize, Deserializer};

/// Reads a number of bytes.
///
/// # Errors
///
/// If it is no number of bytes.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    ByteSize::deserialize(deserializer).map(|size| size.as_u64())
}

/// The same for a number that may be missing.
pub mod option {
    use bytesize::ByteSize;
    use serde::{Deserialize, Deserializer};

    /// Reads a number of bytes, if there is one.
    ///
    /// # Errors
    ///
    /// If it is no number of bytes.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        let size = Option::<ByteSize>::deserialize(deserializer)?;
        Ok(size.map(|size| size.as_u64()))
    }
}
