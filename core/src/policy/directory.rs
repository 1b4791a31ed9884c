//! Where projects come from: a configuration, the recorder's database, or an embedder's own place. One trait behind all.

use crate::record::managed::ManagedProject;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::contract::stages::Recorder;
use crate::policy::project::Project;
use crate::value::codes;
use crate::value::config_error::{ConfigError, ConfigErrors};
use crate::value::error::Fault;
use crate::value::settings::Settings;

/// Knows projects by their public keys.
///
/// It is asked at every request, and again when an upload is committed, so that whatever changes meanwhile takes effect: what is
/// slow to ask is for the directory to keep at hand.
#[async_trait]
pub trait Directory: Debug + Send + Sync {
    /// The project of this key.
    ///
    /// # Errors
    ///
    /// If it could not be looked up.
    async fn find(&self, public_key: &str) -> Result<Option<Arc<Project>>, Fault>;
}

/// Projects that a configuration lists: they change with it.
#[derive(Clone, Debug, Default)]
pub struct Configured(HashMap<String, Arc<Project>>);

impl Configured {
    /// Adds a project.
    ///
    /// # Errors
    ///
    /// If there is one of the same key.
    pub fn add(&mut self, project: Project) -> Result<(), ConfigError> {
        match self.0.insert(project.public_key.clone(), Arc::new(project)) {
            None => Ok(()),
            Some(_) => Err(ConfigError::at("public_key", "another project has the same key")),
        }
    }

    /// The store that a project of this key names.
    pub(crate) fn store_of(&self, public_key: &str) -> Option<&str> {
        self.0.get(public_key)?.store.as_deref()
    }

    /// The keys, in the order of the alphabet.
    #[must_use]
    pub fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<_> = self.0.keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }
}

#[async_trait]
impl Directory for Configured {
    async fn find(&self, public_key: &str) -> Result<Option<Arc<Project>>, Fault> {
        Ok(self.0.get(public_key).cloned())
    }
}

impl ManagedProject {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with its settings.
    pub fn project(&self) -> Result<Project, ConfigErrors> {
        let mut settings = self.settings.clone();
        settings.insert("public_key".to_owned(), Value::String(self.public_key.clone()));
        Project::from_settings(Settings::new(settings))
    }
}

/// Projects that are managed while the program runs, in the recorder's database.
#[derive(Clone, Debug)]
pub struct Managed(Arc<dyn Recorder>);

impl Managed {
    /// The projects of this recorder.
    #[must_use]
    pub fn new(recorder: Arc<dyn Recorder>) -> Self {
        Self(recorder)
    }
}

#[async_trait]
impl Directory for Managed {
    async fn find(&self, public_key: &str) -> Result<Option<Arc<Project>>, Fault> {
        /// No key is longer, and what is none need not be looked up.
        const LONGEST: usize = 64;
        if public_key.len() > LONGEST {
            return Ok(None);
        }
        let Some(found) = self.0.catalog().project(public_key).await? else {
            return Ok(None);
        };
        let unusable = |error: ConfigErrors| {
            let message = format!("the settings of the project {public_key} cannot be used: {error}");
            Fault::new(codes::PROJECT_UNUSABLE, message)
        };
        found.project().map(|project| Some(Arc::new(project))).map_err(unusable)
    }
}
