//! A project that is kept in a database.

use std::fmt::{self, Debug};

use serde_json::{Map, Value};

/// A project as a database keeps it: its settings as the operator wrote them, including secrets.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct ManagedProject {
    /// The public key.
    pub public_key: String,
    /// The number of changes so far. A change is accepted only of the revision from which it was made.
    pub revision: u64,
    /// The settings that [`Project::from_settings`](crate::Project::from_settings) reads, without `public_key`.
    pub settings: Map<String, Value>,
}

impl ManagedProject {
    /// The settings of a project whose names have changed, each with its name in earlier versions and its name now. An operator
    /// has to write the new names; databases keep the old ones until the project is changed.
    pub const RENAMED: &'static [(&'static str, &'static str)] = &[
        ("standing", "status"),
        ("forbid_types", "deny_types"),
        ("forbid_extensions", "deny_extensions"),
        ("keep_groups", "group_ttl"),
    ];

    /// A project at this revision.
    pub fn new(public_key: impl Into<String>, revision: u64, settings: Map<String, Value>) -> Self {
        Self {
            public_key: public_key.into(),
            revision,
            settings,
        }
    }

    /// The same project, whose settings have the names of this version.
    #[must_use]
    pub fn with_new_names(mut self) -> Self {
        for &(old, new) in Self::RENAMED {
            if let Some(value) = self.settings.remove(old) {
                self.settings.entry(new).or_insert(value);
            }
        }
        self
    }
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
