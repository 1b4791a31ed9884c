//! The list of keys in a folder: one folder of it after the other, so that the memory is that for one.

use std::collections::BTreeMap;
use std::fs::DirEntry;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use intake_core::{Fault, Key, KeyList, ListedKey};

use crate::fs::files::{Files, if_there};
use crate::fs::store::{FsStore, blocking};

const DOING: &str = "list files";

impl KeyList for FsStore {
    fn list(&self, prefix: &str) -> BoxStream<'_, Result<ListedKey, Fault>> {
        let (files, of) = (self.files().clone(), prefix.to_owned());
        let shards = stream::once(async move {
            let shards = blocking(DOING, move || files.shards(&of)).await?;
            Ok::<_, Fault>(stream::iter(shards.into_iter().map(Ok)))
        });
        let prefix = prefix.to_owned();
        let listed = move |shard: String| {
            let (files, prefix) = (self.files().clone(), prefix.clone());
            async move {
                let listed = blocking(DOING, move || files.keys_of(&shard, &prefix)).await?;
                Ok::<_, Fault>(stream::iter(listed.into_iter().map(Ok)))
            }
        };
        shards.try_flatten().and_then(listed).try_flatten().boxed()
    }
}

/// The folder of all keys that begin so, if there is only one: see [`Name::shard`](crate::name::Name::shard).
fn only_shard(prefix: &str) -> Option<&str> {
    let (first, _) = prefix.split_once('-')?.1.split_once('-')?;
    first.get(..2).filter(|_| first.len() == 8)
}

impl Files {
    /// The folders that may have keys that begin so.
    fn shards(&self, prefix: &str) -> io::Result<Vec<String>> {
        if let Some(only) = only_shard(prefix) {
            return Ok(vec![only.to_owned()]);
        }
        let Some(entries) = if_there(self.root().read_dir())? else {
            return Ok(Vec::new());
        };
        let name_of = |entry: io::Result<DirEntry>| entry.map(|entry| entry.file_name().into_string().ok());
        let names = entries.map(name_of).filter_map(Result::transpose);
        names
            .filter(|name| name.as_ref().map_or(true, |name| name.len() == 2))
            .collect()
    }

    /// The keys of one folder that begin so, each with all files that belong to it.
    fn keys_of(&self, shard: &str, prefix: &str) -> io::Result<Vec<ListedKey>> {
        let Some(entries) = if_there(self.root().join(shard).read_dir())? else {
            return Ok(Vec::new());
        };
        let mut found: BTreeMap<Key, (u64, SystemTime)> = BTreeMap::new();
        for entry in entries {
            let entry = entry?;
            let Some(key) = key_of(&entry).filter(|key| key.as_str().starts_with(prefix)) else {
                continue;
            };
            // It may have been removed since.
            let Some(metadata) = if_there(entry.metadata())? else {
                continue;
            };
            let of_key = found.entry(key).or_insert((0, UNIX_EPOCH));
            of_key.0 += metadata.len();
            of_key.1 = of_key.1.max(metadata.modified()?);
        }
        let listed = found.into_iter();
        Ok(listed
            .map(|(key, (size, written))| ListedKey::new(key, size, written))
            .collect())
    }
}

/// The key of a file, whose name may have an ending that says that it is a part.
fn key_of(entry: &DirEntry) -> Option<Key> {
    let name = entry.file_name();
    name.to_str()?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_of_keys_that_begin_alike_is_known_if_there_is_one() {
        for (prefix, only) in [
            ("", None),
            ("derived-", None),
            ("derived-c0ffee00", None),
            ("derived-c0ffee00-", Some("c0")),
            ("derived-c0ffee00-0000", Some("c0")),
            ("c0ffee00-0000-4000-", None),
        ] {
            assert_eq!(only_shard(prefix), only, "{prefix}");
        }
    }
}
