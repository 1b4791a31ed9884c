//! A project that is kept in a database.

use std::fmt::{self, Debug};

use serde_json::{Map, Value};

/// A project as it is kept in a database: its settings as they were written, secrets among them.
#[derive(Clone, PartialEq)]
pub struct ManagedProject {
    /// Its public key.
    pub public_key: String,
    /// Counts the changes; a change counts only against the revision it was made from.
    pub revision: u64,
    /// What [`Project::from_settings`](crate::Project::from_settings) reads; `public_key` is not among them.
    pub settings: Map<String, Value>,
}

/// There are secrets in the settings.
impl Debug for ManagedProject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedProject")
            .field("public_key", &self.public_key)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}
