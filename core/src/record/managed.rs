//! A project that is kept in a database.

use std::fmt::{self, Debug};

use serde_json::{Map, Value};

/// A project as a database keeps it: its settings as the operator wrote them, including secrets.
#[derive(Clone, PartialEq)]
pub struct ManagedProject {
    /// The public key.
    pub public_key: String,
    /// The number of changes so far. A change is accepted only of the revision from which it was made.
    pub revision: u64,
    /// The settings that [`Project::from_settings`](crate::Project::from_settings) reads, without `public_key`.
    pub settings: Map<String, Value>,
}

/// Hides the settings, because they contain secrets.
impl Debug for ManagedProject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedProject")
            .field("public_key", &self.public_key)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}
