//! What is made of files, and kept in a store of its own: found again, bounded, never damaged, and gone with the file.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::testkit::collect;
use intake_core::{
    ByteStream, Bytes, Derived, DerivedSettings, Fault, Key, KeyList, ListedKey, MediaType, Multipart, Pipeline,
    Record, Staged, Store, UploadOptions, async_trait, codes,
};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::event_config::read;
use crate::stores::InPlace;
use crate::support::{Clock, builder, upload};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A store whose keys are as old as a test's clock says, which fails, and holds writes up, on command.
#[derive(Clone, Debug)]
struct Dated {
    store: MemoryStore,
    clock: Clock,
    written: Arc<Mutex<HashMap<Key, SystemTime>>>,
    fails: Arc<AtomicBool>,
    /// The writes that may begin.
    writes: Arc<Semaphore>,
}

impl Dated {
    fn new(clock: &Clock) -> Self {
        Self {
            store: MemoryStore::default(),
            clock: clock.clone(),
            written: Arc::default(),
            fails: Arc::default(),
            writes: Arc::new(Semaphore::new(1_000_000)),
        }
    }

    fn works(&self) -> Result<(), Fault> {
        match self.fails.load(Ordering::SeqCst) {
            true => Err(Fault::new(codes::INTERRUPTED, "the store is away")),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Store for Dated {
    async fn stage(&self, key: &Key, media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault> {
        self.works()?;
        self.writes.acquire().await.unwrap().forget();
        self.written.lock().unwrap().insert(key.clone(), self.clock.now());
        self.store.stage(key, media_type).await
    }
    async fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        self.works()?;
        self.store.read(key, range).await
    }
    async fn size(&self, key: &Key) -> Result<Option<u64>, Fault> {
        self.store.size(key).await
    }
    async fn delete(&self, key: &Key) -> Result<(), Fault> {
        self.works()?;
        self.store.delete(key).await
    }
    fn multipart(&self) -> Option<&dyn Multipart> {
        None
    }
    fn key_list(&self) -> Option<&dyn KeyList> {
        Some(self)
    }
    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

impl KeyList for Dated {
    fn list(&self, prefix: &str) -> BoxStream<'_, Result<ListedKey, Fault>> {
        if let Err(fault) = self.works() {
            return futures_util::stream::iter([Err(fault)]).boxed();
        }
        let dated = |listed: ListedKey| {
            let written = self.written.lock().unwrap().get(&listed.key).copied();
            ListedKey::new(listed.key, listed.size, written.unwrap_or(SystemTime::UNIX_EPOCH))
        };
        self.store.list(prefix).map_ok(dated).boxed()
    }
}

/// A pipeline with a store for what is made of its files, and what a second node shares with it.
struct Node {
    pipeline: Pipeline,
    clock: Clock,
    store: Dated,
    bytes: MemoryStore,
    recorder: MemoryRecorder,
}

impl Node {
    fn new(change: impl FnOnce(&mut DerivedSettings)) -> Self {
        let (clock, bytes, recorder) = (Clock::default(), MemoryStore::default(), MemoryRecorder::default());
        let store = Dated::new(&clock);
        let settings = DerivedSettings::default().with(change);
        let pipeline = pipeline(&bytes, &recorder, &clock, &store, settings);
        Self {
            pipeline,
            clock,
            store,
            bytes,
            recorder,
        }
    }

    /// The same after a restart, or another node.
    fn again(&self) -> Pipeline {
        let settings = DerivedSettings::default();
        pipeline(&self.bytes, &self.recorder, &self.clock, &self.store, settings)
    }

    async fn file(&self, content: &'static [u8], project: &str) -> Record {
        let options = UploadOptions::default().with(|options| options.project = Some(project.to_owned()));
        self.pipeline.ingest(upload(&[content]), options).await.unwrap()
    }

    async fn keep(&self, record: &Record, name: &str, size: usize) {
        self.pipeline.keep_derived(record, name, made(name, size));
        self.pipeline.finish().await;
    }

    async fn has(&self, record: &Record, name: &str) -> bool {
        let found = self.pipeline.derived(record, name).await;
        self.pipeline.finish().await;
        found.is_some()
    }

    fn kept(&self) -> Vec<Key> {
        let mut keys = self.store.store.keys();
        keys.sort();
        keys
    }
}

fn pipeline(
    bytes: &MemoryStore,
    recorder: &MemoryRecorder,
    clock: &Clock,
    store: &Dated,
    settings: DerivedSettings,
) -> Pipeline {
    let builder = builder(bytes.clone(), recorder.clone(), clock);
    builder.derived(store.clone(), settings).build().unwrap()
}

fn made(name: &str, size: usize) -> Derived {
    let bytes: Vec<u8> = name.bytes().cycle().take(size).collect();
    Derived::new("image/webp", bytes)
}

#[tokio::test]
async fn what_was_made_is_found_after_a_restart_by_content_project_and_name() {
    let node = Node::new(|_| {});
    let [file, same, other] = [&b"one"[..], b"one", b"two"].map(|content| node.file(content, "shop"));
    let (file, same, other) = (file.await, same.await, other.await);
    let elsewhere = node.file(b"one", "blog").await;
    node.keep(&file, "small", 10_000).await;
    node.keep(&file, "nothing", 0).await;
    let restarted = node.again();
    for (record, name, found) in [
        (&file, "small", Some(made("small", 10_000))),
        (&file, "nothing", Some(made("nothing", 0))),
        (&same, "small", Some(made("small", 10_000))),
        (&file, "large", None),
        (&other, "small", None),
        (&elsewhere, "small", None),
    ] {
        assert_eq!(restarted.derived(record, name).await, found, "{name}");
    }
}

#[tokio::test]
async fn an_entry_that_is_torn_changed_or_that_of_another_is_never_given_out_and_is_replaced() {
    let node = Node::new(|_| {});
    let file = node.file(b"one", "shop").await;
    node.keep(&file, "other", 1_000).await;
    let other = collect(node.store.store.read(&node.kept()[0], None).await.unwrap()).await;
    node.store.store.delete(&node.kept()[0]).await.unwrap();
    node.keep(&file, "small", 1_000).await;
    let key = node.kept()[0].clone();
    let whole = collect(node.store.store.read(&key, None).await.unwrap()).await.to_vec();

    let torn = [0, 1, 100, 127, 128, 129, whole.len() - 1].map(|at| whole[..at].to_vec());
    let changed = (0..whole.len()).map(|at| {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        changed
    });
    let longer = [[&whole[..], b"x"].concat(), [&whole[..], &whole[..]].concat()];
    for damaged in torn.into_iter().chain(changed).chain(longer).chain([other.to_vec()]) {
        let mut staged = node.store.store.stage(&key, None).await.unwrap();
        staged.write(Bytes::from(damaged)).await.unwrap();
        staged.commit().await.unwrap();
        assert_eq!(node.pipeline.derived(&file, "small").await, None);
    }
    node.keep(&file, "small", 1_000).await;
    assert_eq!(node.pipeline.derived(&file, "small").await, Some(made("small", 1_000)));
    assert_eq!(node.kept(), [key], "in its place");
}

#[tokio::test]
async fn beyond_the_bound_what_was_not_used_for_longest_is_removed() {
    for bound in [
        (|settings| settings.max_size = 1 << 20) as fn(&mut DerivedSettings),
        |settings| settings.max_count = 8,
    ] {
        let node = Node::new(bound);
        let file = node.file(b"one", "shop").await;
        // Each is an eighth of the bound, nearly.
        let size = (1 << 17) - 200;
        for name in ["0", "1", "2", "3", "4", "5", "6"] {
            node.keep(&file, name, size).await;
            node.clock.advance(2 * HOUR);
        }
        assert_eq!(node.kept().len(), 7);
        assert!(node.has(&file, "0").await, "and this use is noted");
        for name in ["7", "8", "9"] {
            node.clock.advance(2 * HOUR);
            node.keep(&file, name, size).await;
            assert!(node.kept().len() <= 8);
        }
        for (name, is_kept) in [("0", true), ("1", false), ("2", false), ("8", true), ("9", true)] {
            assert_eq!(node.has(&file, name).await, is_kept, "{name}");
        }
    }
}

#[tokio::test]
async fn nothing_is_kept_for_longer_than_the_longest_time_however_often_it_is_used() {
    let node = Node::new(|settings| settings.max_age = 10 * DAY);
    let file = node.file(b"one", "shop").await;
    for name in ["used", "unused"] {
        node.keep(&file, name, 1_000).await;
    }
    for hour in 0..300 {
        let has = node.has(&file, "used").await;
        node.pipeline.sweep_derived().await.unwrap();
        // A day of tolerance before; none behind.
        assert!(has || hour >= 9 * 24, "gone after {hour} hours");
        assert!(!has || hour < 10 * 24, "there after {hour} hours");
        assert_eq!(node.kept().len() < 2, hour >= 5 * 24, "after {hour} hours");
        assert!(node.kept().is_empty() || hour < 10 * 24, "after {hour} hours");
        node.clock.advance(HOUR);
    }
}

#[tokio::test]
async fn with_a_file_all_that_was_made_of_it_is_removed_and_nothing_comes_after_it() {
    let node = Node::new(|_| {});
    let (file, other) = (node.file(b"one", "shop").await, node.file(b"two", "shop").await);
    for name in ["small", "large"] {
        node.keep(&file, name, 1_000).await;
        node.keep(&other, name, 1_000).await;
    }
    assert_eq!(node.kept().len(), 4);
    // A node without the bytes of the answer, as a command is.
    node.again().delete(file.id).await.unwrap();
    assert_eq!(node.kept().len(), 2);
    assert!(!node.has(&file, "small").await && node.has(&other, "small").await);
    node.keep(&file, "late", 1_000).await;
    assert_eq!(
        node.kept().len(),
        2,
        "made before the file was deleted, written after it"
    );
    assert_eq!(node.store.written.lock().unwrap().len(), 4, "it was not written at all");
}

#[tokio::test]
async fn what_is_written_while_its_file_is_deleted_is_removed() {
    let node = Node::new(|_| {});
    let file = node.file(b"one", "shop").await;
    node.store.writes.forget_permits(1_000_000);
    node.pipeline.keep_derived(&file, "small", made("small", 1_000));
    while node.store.written.lock().unwrap().is_empty() && node.store.writes.available_permits() == 0 {
        // The write is under way when its file goes.
        tokio::task::yield_now().await;
        if node.again().get(file.id).await.is_ok() {
            node.again().delete(file.id).await.unwrap();
        } else {
            node.store.writes.add_permits(1);
        }
    }
    node.pipeline.finish().await;
    assert_eq!(node.kept(), []);
}

#[tokio::test]
async fn a_store_that_fails_keeps_nothing_from_being_made_or_deleted_for_good() {
    let node = Node::new(|_| {});
    let file = node.file(b"one", "shop").await;
    node.keep(&file, "small", 1_000).await;
    node.store.fails.store(true, Ordering::SeqCst);
    assert!(!node.has(&file, "small").await);
    node.keep(&file, "large", 1_000).await;
    node.pipeline.delete(file.id).await.unwrap();
    assert!(node.pipeline.get(file.id).await.is_err(), "it is gone for all who ask");
    assert_eq!(node.kept().len(), 1);
    node.store.fails.store(false, Ordering::SeqCst);
    node.clock.advance(DAY);
    // The first one leaves the store alone for a moment.
    node.again().sweep().await.unwrap();
    assert_eq!(node.kept(), [], "a later sweep removes what was made of it");
}

#[tokio::test]
async fn writes_that_wait_are_bounded_and_hold_nobody_up() {
    let node = Node::new(|_| {});
    let file = node.file(b"one", "shop").await;
    for (size, at_most) in [(10, 64), (1 << 20, 32)] {
        node.store.writes.forget_permits(1_000_000);
        for number in 0..200 {
            node.pipeline
                .keep_derived(&file, &format!("{size} {number}"), made("x", size));
        }
        node.store.writes.add_permits(1_000_000);
        node.pipeline.finish().await;
        let kept = node.kept().len();
        assert_eq!(kept, at_most, "{size} bytes each");
        for key in node.kept() {
            node.store.store.delete(&key).await.unwrap();
        }
    }
    node.keep(&file, "too large", 17 << 20).await;
    assert_eq!(node.kept(), []);
}

#[tokio::test]
async fn what_else_is_in_the_store_is_left_alone() {
    let node = Node::new(|settings| settings.max_count = 1);
    let file = node.file(b"one", "shop").await;
    // As if somebody had named the store of the files.
    let key = Key::whole(file.id).with_prefix(Some("derived"));
    for key in [Key::whole(file.id), key] {
        let staged = node.store.store.stage(&key, None).await.unwrap();
        staged.commit().await.unwrap();
    }
    node.keep(&file, "small", 1_000).await;
    node.keep(&file, "large", 1_000).await;
    node.pipeline.sweep_derived().await.unwrap();
    node.pipeline.delete(file.id).await.unwrap();
    assert_eq!(node.kept().len(), 2);
}

#[tokio::test]
async fn the_settings_name_a_store_that_lists_its_keys_and_bounds_that_make_sense() {
    let derived = |more: Value| {
        let mut table = json!({"use": "in-memory"});
        table.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read(json!({ "derived": table })).map(|pipeline| pipeline.keeps_derived())
    };
    assert_eq!(read(json!({})).map(|pipeline| pipeline.keeps_derived()), Ok(false));
    assert_eq!(
        derived(json!({"max_size": "1 GiB", "max_count": 10, "max_age": "7d"})),
        Ok(true)
    );
    for (wrong, said) in [
        (json!({"use": "nothing"}), "derived.use: no store is called `nothing`"),
        (json!({"max_size": "1 KiB"}), "derived.max_size: must be at least 1 MiB"),
        (json!({"max_count": 0}), "derived.max_count: must be greater than zero"),
        (json!({"max_age": "1min"}), "derived.max_age: must be at least an hour"),
        (
            json!({"max_age": "11years"}),
            "derived.max_age: must be at most ten years",
        ),
        (json!({"max_sise": "1 GiB"}), "derived.max_sise: unknown field"),
    ] {
        let refused = derived(wrong).unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
    let builder = builder(MemoryStore::default(), MemoryRecorder::default(), &Clock::default());
    let refused = builder.derived(InPlace::default(), DerivedSettings::default()).build();
    assert!(refused.unwrap_err().to_string().contains("cannot list its keys"));
}
