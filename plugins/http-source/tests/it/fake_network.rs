//! A fetcher in the network of a test.

use intake_plugin_http_source::{HttpSource, Settings};

pub(crate) use intake_outbound::testkit::{Answer, FakeNetwork, Step, say};

/// What fetches in a network.
pub(crate) trait Fetching {
    /// A fetcher in this network.
    fn fetcher(&self, settings: Settings) -> HttpSource;
}

impl Fetching for FakeNetwork {
    fn fetcher(&self, settings: Settings) -> HttpSource {
        let source = HttpSource::new(settings).unwrap().on_network(self.clone());
        match self.certificate() {
            Some(certificate) => source.trusting([certificate]),
            None => source,
        }
    }
}
