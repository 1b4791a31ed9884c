//! A look through the store: how full it is; and the removal of what is too old, or was not used for longest if it is too full.
//!
//! A look reads the list once, or twice if it has to remove for want of room, and keeps numbers by age, not keys: its memory does
//! not depend on how many there are. Several nodes may look at the same time; they remove the same entries.

use std::time::{Duration, Instant, SystemTime};

use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::time::timeout;

use crate::contract::measure;
use crate::contract::stages::ListedKey;
use crate::engine::derived::shelf::{CALL, Room, Shelf};
use crate::value::codes;
use crate::value::error::Fault;
use crate::value::id::{DerivedGroup, Key};

/// Deletions at the same time.
const AT_A_TIME: usize = 16;
/// Groups of ages by which each doubling of the age is divided.
const STEPS: f64 = 16.0;
/// The most groups: ages of up to 2^32 seconds.
const GROUPS: usize = 16 * 32;

/// How many entries have about the same age.
#[derive(Clone, Copy, Default)]
struct Group {
    bytes: u64,
    count: u64,
}

/// The group of an age. A younger one is never in a higher group.
fn group_of(age: Duration) -> usize {
    // Ages are small and positive: the conversion cuts off the fraction.
    let group = (age.as_secs_f64() + 1.0).log2() * STEPS;
    (group as usize).min(GROUPS - 1)
}

impl Shelf {
    /// Looks through the store, and makes room for this many bytes.
    pub(super) async fn look(&self, now: SystemTime, needed: u64) -> Result<Room, Fault> {
        let began = Instant::now();
        let age_of = |listed: &ListedKey| now.duration_since(listed.written).unwrap_or_default();
        let mut ages = vec![Group::default(); GROUPS];
        let mut all = Group::default();
        let mut keys = self.key_list()?.list("");
        let mut old = Vec::with_capacity(AT_A_TIME);
        while let Some(listed) = next(&mut keys).await? {
            if !listed.key.is_derived() {
                continue;
            }
            if age_of(&listed) >= self.settings.idle() {
                old.push(listed.key);
                if old.len() == AT_A_TIME {
                    self.delete_all(old.drain(..), "age").await?;
                }
                continue;
            }
            for group in [&mut ages[group_of(age_of(&listed))], &mut all] {
                group.bytes += listed.size;
                group.count += 1;
            }
        }
        self.delete_all(old.drain(..), "age").await?;
        let bounds = &self.settings;
        if all.bytes.saturating_add(needed) > bounds.max_size || all.count >= bounds.max_count {
            // Some room at once, so that not every write looks for it.
            let keep = Group {
                bytes: (bounds.max_size - bounds.max_size / 8).min(bounds.max_size.saturating_sub(needed)),
                count: bounds.max_count - bounds.max_count.div_ceil(8),
            };
            let oldest = oldest(&ages, all, keep);
            all = self.remove_from(oldest, all, keep, age_of).await?;
        }
        measure::derived_fill(all.bytes, all.count);
        Ok(Room {
            bytes: all.bytes,
            count: all.count,
            new_bytes: 0,
            new_count: 0,
            looked: Instant::now(),
            took: began.elapsed(),
        })
    }

    /// Removes entries of this group of ages and of older ones until no more are left than to keep, and returns how many are left.
    async fn remove_from(
        &self,
        oldest: usize,
        mut all: Group,
        keep: Group,
        age_of: impl Fn(&ListedKey) -> Duration,
    ) -> Result<Group, Fault> {
        let mut keys = self.key_list()?.list("");
        let mut surplus = Vec::with_capacity(AT_A_TIME);
        while all.bytes > keep.bytes || all.count > keep.count {
            let Some(listed) = next(&mut keys).await? else { break };
            if !listed.key.is_derived() || group_of(age_of(&listed)) < oldest {
                continue;
            }
            all.bytes = all.bytes.saturating_sub(listed.size);
            all.count = all.count.saturating_sub(1);
            surplus.push(listed.key);
            if surplus.len() == AT_A_TIME {
                self.delete_all(surplus.drain(..), "room").await?;
            }
        }
        self.delete_all(surplus.drain(..), "room").await?;
        Ok(all)
    }

    /// Removes all that was made of one content.
    pub(super) async fn remove_group(&self, group: DerivedGroup) -> Result<(), Fault> {
        let prefix = group.prefix();
        let mut keys = self.key_list()?.list(&prefix);
        let mut found = Vec::with_capacity(AT_A_TIME);
        loop {
            let listed = next(&mut keys).await?;
            let is_end = listed.is_none();
            found.extend(listed.map(|listed| listed.key).filter(Key::is_derived));
            if is_end || found.len() == AT_A_TIME {
                self.delete_all(found.drain(..), "file").await?;
            }
            if is_end {
                return Ok(());
            }
        }
    }

    async fn delete_all(&self, keys: impl Iterator<Item = Key> + Send, cause: &'static str) -> Result<(), Fault> {
        let keys: Vec<_> = keys.collect();
        let deletions = keys.into_iter().map(|key| async move {
            let deleted = timeout(CALL, self.store.delete(&key)).await;
            deleted.unwrap_or_else(|_| Err(Fault::new(codes::TIMED_OUT, "an entry was not removed in time")))?;
            measure::derived_removed(cause);
            Ok(())
        });
        futures_util::stream::iter(deletions)
            .buffer_unordered(AT_A_TIME)
            .try_collect()
            .await
    }
}

/// The first group of ages that is not kept whole.
fn oldest(ages: &[Group], all: Group, keep: Group) -> usize {
    let mut younger = Group::default();
    let is_too_much = |group: &Group| {
        younger.bytes += group.bytes;
        younger.count += group.count;
        younger.bytes > keep.bytes || younger.count > keep.count
    };
    let found = ages.iter().position(is_too_much);
    debug_assert!(found.is_some() || all.bytes <= keep.bytes && all.count <= keep.count);
    found.unwrap_or(GROUPS)
}

async fn next(
    keys: &mut (impl futures_util::Stream<Item = Result<ListedKey, Fault>> + Unpin + Send),
) -> Result<Option<ListedKey>, Fault> {
    match timeout(CALL, keys.next()).await {
        Ok(listed) => listed.transpose(),
        Err(_) => Err(Fault::new(
            codes::TIMED_OUT,
            "the store did not go on with its list in time",
        )),
    }
}
