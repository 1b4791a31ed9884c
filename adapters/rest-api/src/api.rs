//! The state that all requests share.

use std::fmt;
use std::sync::Arc;

use intake_core::{ConfigErrors, Pipeline};

use crate::limiter::Limiter;
use crate::settings::Settings;

/// The state that all requests share.
pub(crate) struct Api {
    pub(crate) pipeline: Pipeline,
    pub(crate) settings: Settings,
    pub(crate) limiter: Limiter,
}

impl Api {
    pub(crate) fn new(pipeline: Pipeline, settings: Settings) -> Result<Arc<Self>, ConfigErrors> {
        settings.check()?;
        Ok(Arc::new(Self {
            pipeline,
            limiter: Limiter::new(&settings),
            settings,
        }))
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
