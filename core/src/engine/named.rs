//! A stage under its name in the pipeline, and the plugin that it was built from.

use crate::contract::notifier::Notifier;
use crate::value::inspection::Maker;

/// A notifier of a pipeline.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) name: String,
    /// The name of the format of its events, if it has a target of its own.
    pub(crate) format: String,
    pub(crate) stage: Box<dyn Notifier>,
}

/// A validator or a scanner of a pipeline.
#[derive(Debug)]
pub(crate) struct Named<S: ?Sized> {
    pub(crate) name: String,
    pub(crate) maker: Maker,
    pub(crate) stage: Box<S>,
}

impl<S: ?Sized> Named<S> {
    /// A stage that was built in code.
    pub(crate) fn new(name: impl Into<String>, stage: Box<S>) -> Self {
        Self {
            name: name.into(),
            maker: Maker::default(),
            stage,
        }
    }
}
