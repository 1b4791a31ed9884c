//! Sources of projects, behind one trait: a configuration, the recorder's database, or a source of the embedding program.

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

/// Looks projects up by their public keys.
///
/// It is asked at every request, and once more when an upload is committed, so that changes take effect at once. If a look-up is
/// slow, cache its result inside the implementation.
#[async_trait]
pub trait ProjectProvider: Debug + Send + Sync {
    /// Returns the project with this public key, if there is one.
    ///
    /// # Errors
    ///
    /// If the project could not be looked up.
    async fn find(&self, public_key: &str) -> Result<Option<Arc<Project>>, Fault>;
}

/// The projects of a configuration. They change only with the configuration.
#[derive(Clone, Debug, Default)]
pub struct ConfigProjects(HashMap<String, Arc<Project>>);

impl ConfigProjects {
    /// Adds a project.
    ///
    /// # Errors
    ///
    /// If there is a project with the same key.
    pub fn add(&mut self, project: Project) -> Result<(), ConfigError> {
        match self.0.insert(project.public_key.clone(), Arc::new(project)) {
            None => Ok(()),
            Some(_) => Err(ConfigError::at("public_key", "another project has the same key")),
        }
    }

    /// The store that the project with this key names.
    pub(crate) fn store_of(&self, public_key: &str) -> Option<&str> {
        self.0.get(public_key)?.store.as_deref()
    }

    /// The public keys, in alphabetical order.
    #[must_use]
    pub fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<_> = self.0.keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }
}

#[async_trait]
impl ProjectProvider for ConfigProjects {
    async fn find(&self, public_key: &str) -> Result<Option<Arc<Project>>, Fault> {
        Ok(self.0.get(public_key).cloned())
    }
}

impl ManagedProject {
    /// Reads the project from its settings, which may have names of earlier versions.
    ///
    /// # Errors
    ///
    /// All errors in its settings.
    pub fn project(&self) -> Result<Project, ConfigErrors> {
        let mut settings = self.clone().with_new_names().settings;
        settings.insert("public_key".to_owned(), Value::String(self.public_key.clone()));
        Project::from_settings(Settings::new(settings))
    }
}

/// Projects in the recorder's database, which operators change while the program runs.
#[derive(Clone, Debug)]
pub struct DbProjects(Arc<dyn Recorder>);

impl DbProjects {
    /// The projects of this recorder.
    #[must_use]
    pub fn new(recorder: Arc<dyn Recorder>) -> Self {
        Self(recorder)
    }
}

#[async_trait]
impl ProjectProvider for DbProjects {
    async fn find(&self, public_key: &str) -> Result<Option<Arc<Project>>, Fault> {
        /// No key is longer, so a longer text is not looked up.
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
