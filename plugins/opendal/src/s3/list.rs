//! The list of objects, page by page as the service gives it.

use std::time::SystemTime;

use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use intake_core::{Fault, KeyList, ListedKey};
use opendal::Entry;

use crate::fault;
use crate::s3::store::ObjectStore;

impl KeyList for ObjectStore {
    fn list(&self, prefix: &str) -> BoxStream<'_, Result<ListedKey, Fault>> {
        let prefix = prefix.to_owned();
        let failed = |error| fault::of_opendal("list objects", error);
        let lister = async move {
            let lister = self.operator().await?.lister(&prefix).await.map_err(failed)?;
            Ok::<_, Fault>(lister.map_err(failed))
        };
        let entries = lister.into_stream().boxed().try_flatten();
        entries
            .try_filter_map(|entry| std::future::ready(Ok(listed(&entry))))
            .boxed()
    }
}

/// `None`: it is no object of a key.
fn listed(entry: &Entry) -> Option<ListedKey> {
    let key = entry.name().parse().ok()?;
    let metadata = entry.metadata();
    let written = metadata.last_modified().map_or_else(SystemTime::now, SystemTime::from);
    Some(ListedKey::new(key, metadata.content_length(), written))
}
