//! Fetch jobs: one node at a time tries them until they succeed or fail for good, and each makes one upload.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::testkit::collect;
use intake_core::{
    BoxError, Code, Declared, Error, Fault, FetchJob, Fetcher, FileName, Incoming, Interruption, Key, NewFetch,
    OnFault, OnInfected, Pipeline, Record, Rejection, Retention, ScanPolicy, State, Swept, UploadId, UploadOptions,
    async_trait, codes,
};
use tokio::sync::Semaphore;

use crate::moody::{Mood, Moody};
use crate::support::{AWAY, BAD, Clock, LIMITS, OVER_LEASE, OVER_NOTE, RUDE, builder};

/// The behavior of a source at each request. The last one is repeated.
#[derive(Clone)]
enum Does {
    Give(&'static [u8]),
    BreakOff,
    Refuse,
    /// Delivers some bytes, and then none until the test allows it.
    Stall(Arc<Semaphore>),
}

/// Sources with a given behavior, which count their requests.
#[derive(Clone, Default)]
struct Sources(Arc<Mutex<HashMap<String, Told>>>);

/// The behavior of a source, and the number of requests.
type Told = (Vec<Does>, usize);

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sources")
    }
}

impl Sources {
    fn with(self, name: &str, does: &[Does]) -> Self {
        self.0.lock().unwrap().insert(name.to_owned(), (does.to_vec(), 0));
        self
    }

    fn asked(&self, name: &str) -> usize {
        self.0.lock().unwrap()[name].1
    }
}

#[async_trait]
impl Fetcher for Sources {
    async fn judge(&self, _source: &str) -> Result<(), Error> {
        Ok(())
    }

    async fn receive(&self, source: &str) -> Result<Incoming, Error> {
        let does = {
            let mut sources = self.0.lock().unwrap();
            let (does, asked) = sources.get_mut(source).unwrap();
            let now = does[(*asked).min(does.len() - 1)].clone();
            *asked += 1;
            now
        };
        let declared = Declared::named("as the source calls it");
        match does {
            Does::Give(bytes) => {
                // A stream that must not be polled again after its end.
                let pieces = stream::unfold(Some(bytes), |bytes| async move {
                    Some((Ok(Bytes::from_static(bytes?)), None))
                });
                Ok(Incoming::new(declared, pieces.boxed()))
            }
            Does::BreakOff => {
                let why = Interruption::new(Rejection::new(AWAY, "the source is away").with_subject("away"));
                let pieces = [Ok(Bytes::from_static(b"half of")), Err(BoxError::from(why))];
                Ok(Incoming::new(declared, stream::iter(pieces).boxed()))
            }
            Does::Refuse => Err(Error::Rejected {
                by: "sources".to_owned(),
                rejection: Rejection::new(RUDE, "not to be fetched"),
            }),
            Does::Stall(until) => {
                let rest = async move {
                    let _closed = until.acquire().await;
                    Ok(Bytes::from_static(b" and late"))
                };
                let pieces = stream::iter([Ok(Bytes::from_static(b"slow"))]).chain(stream::once(rest));
                Ok(Incoming::new(declared.with(|it| it.size = Some(13)), pieces.boxed()))
            }
        }
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

struct House {
    store: MemoryStore,
    recorder: MemoryRecorder,
    clock: Clock,
    sources: Sources,
    pipeline: Pipeline,
}

impl House {
    fn new(sources: Sources) -> Self {
        let (store, recorder, clock) = (MemoryStore::default(), MemoryRecorder::default(), Clock::default());
        let pipeline = builder(store.clone(), recorder.clone(), &clock).fetcher("sources", sources.clone());
        Self {
            pipeline: pipeline.build().unwrap(),
            store,
            recorder,
            clock,
            sources,
        }
    }

    /// Another node over the same store and records.
    fn node(&self) -> Pipeline {
        let node = builder(self.store.clone(), self.recorder.clone(), &self.clock);
        node.fetcher("sources", self.sources.clone()).build().unwrap()
    }

    async fn job(&self, source: &str) -> UploadId {
        self.order_of("shop", source).await.unwrap().id
    }

    async fn order_of(&self, project: &str, source: &str) -> Result<Record, Error> {
        let options = UploadOptions::of_project(project).with(|options| {
            options.retention = Retention::Keep;
            options.metadata = [("pet".to_owned(), "cat".to_owned())].into();
            options.tags = vec!["cat".to_owned()];
            options.source_key = Some(format!("from {source}"));
        });
        self.pipeline
            .queue_fetch(NewFetch::new(FetchJob::new(source), options))
            .await
    }

    async fn status(&self, job: UploadId) -> Record {
        self.pipeline.status(job).await.unwrap().unwrap()
    }

    /// The upload that a fetch job made. It must be the only readable one.
    async fn result(&self, job: UploadId) -> Record {
        let pulled = self.status(job).await;
        assert_eq!(pulled.state, State::Fetched);
        let upload = pulled.fetch_job.unwrap().upload.unwrap();
        let ready = self
            .recorder
            .records()
            .into_iter()
            .filter(|record| record.state == State::Ready);
        assert_eq!(ready.map(|record| record.id).collect::<Vec<_>>(), [upload]);
        assert_eq!(self.store.keys(), [Key::whole(upload)]);
        self.pipeline.get(upload).await.unwrap()
    }

    async fn rejection(&self, job: UploadId) -> Code {
        match self.status(job).await.state {
            State::Rejected(rejection) => rejection.code,
            state => panic!("the order is {}", state.name()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_ordered_source_passes_all_stages() {
    let house = House::new(
        Sources::default()
            .with("good", &[Does::Give(b"good content")])
            .with("bad", &[Does::Give(b"so bad")]),
    );
    let (good, bad) = (house.job("good").await, house.job("bad").await);
    assert_eq!(house.status(good).await.state, State::Queued);
    house.pipeline.fetch_due().await.unwrap();
    let record = house.result(good).await;
    assert_ne!(record.id, good, "the id of an order must not be the id of its file");
    assert_eq!(
        collect(house.pipeline.read(record.id, None).await.unwrap()).await,
        &b"good content"[..]
    );
    assert_eq!(record.options.tags, ["cat"]);
    assert_eq!(
        (
            record.options.project.as_deref(),
            record.options.metadata["pet"].as_str()
        ),
        (Some("shop"), "cat")
    );
    assert_eq!(record.declared.name.as_deref(), Some("as the source calls it"));
    assert_eq!(house.rejection(bad).await, BAD);
    assert_eq!(
        house
            .pipeline
            .find_by_source_key("from good")
            .await
            .unwrap()
            .unwrap()
            .id,
        record.id
    );
    assert_eq!(house.pipeline.find_by_source_key("from bad").await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_asked_for_counts_more_than_the_sources() {
    let house = House::new(Sources::default().with("good", &[Does::Give(b"good content")]));
    let fetch_job = FetchJob::new("good").with(|job| job.name = FileName::new("as we call it"));
    let job = house
        .pipeline
        .queue_fetch(NewFetch::new(fetch_job, UploadOptions::default()))
        .await
        .unwrap();
    house.pipeline.fetch_due().await.unwrap();
    assert_eq!(
        house.result(job.id).await.declared.name.as_deref(),
        Some("as we call it")
    );
}

#[tokio::test(start_paused = true)]
async fn a_passing_error_is_tried_again_and_a_lasting_one_is_reported() {
    let sources = Sources::default()
        .with("late", &[Does::BreakOff, Does::BreakOff, Does::Give(b"at last")])
        .with("never", &[Does::BreakOff])
        .with("no", &[Does::Refuse]);
    let house = House::new(sources);
    let (late, never, no) = (house.job("late").await, house.job("never").await, house.job("no").await);
    house.pipeline.fetch_due().await.unwrap();
    assert_eq!(house.rejection(no).await, RUDE);
    assert_eq!(house.status(late).await.state, State::Queued);
    house.pipeline.fetch_due().await.unwrap();
    assert_eq!(house.sources.asked("late"), 1, "not at once");
    for (seconds, asked) in [(1, 2), (1, 2), (1, 3), (3, 3), (1, 3)] {
        house.clock.advance(Duration::from_secs(seconds));
        house.pipeline.fetch_due().await.unwrap();
        assert_eq!(house.sources.asked("late"), asked);
    }
    house.result(late).await;
    assert_eq!(house.rejection(never).await, AWAY);
    assert_eq!(house.sources.asked("never"), 4, "four tries, and no more");
    assert!(house.store.keys().len() == 1, "a try that broke off has left bytes");
}

#[tokio::test(start_paused = true)]
async fn the_progress_of_an_order_can_be_read_while_it_is_fetched() {
    let until = Arc::new(Semaphore::new(0));
    let house = House::new(Sources::default().with("slow", &[Does::Stall(until.clone())]));
    let job = house.job("slow").await;
    let mut pulling = Box::pin(house.pipeline.run_fetches(Duration::from_secs(5)));
    let _works_on = tokio::time::timeout(Duration::from_secs(3), &mut pulling)
        .await
        .unwrap_err();
    let fetch_job = house.status(job).await.fetch_job.unwrap();
    assert_eq!((fetch_job.done, fetch_job.total, fetch_job.tries), (4, Some(13), 1));
    until.close();
    let _works_on = tokio::time::timeout(Duration::from_secs(3), &mut pulling)
        .await
        .unwrap_err();
    // The validator refuses the whole by its size.
    assert_eq!(house.rejection(job).await, RUDE);
}

#[tokio::test(start_paused = true)]
async fn an_order_whose_node_crashed_is_fetched_once_by_another() {
    let until = Arc::new(Semaphore::new(0));
    let house = House::new(Sources::default().with("slow", &[Does::Stall(until), Does::Give(b"by another")]));
    let job = house.job("slow").await;
    {
        let mut dies = Box::pin(house.pipeline.fetch_due());
        let _works = tokio::time::timeout(Duration::from_secs(3), &mut dies)
            .await
            .unwrap_err();
    }
    assert_eq!(house.status(job).await.state, State::Fetching);
    let other = house.node();
    other.fetch_due().await.unwrap();
    assert_eq!(house.sources.asked("slow"), 1, "its claim holds");
    house.clock.advance(Duration::from_secs(31));
    assert!(
        house.pipeline.sweep().await.unwrap().is_empty(),
        "a sweeper leaves it alone"
    );
    other.fetch_due().await.unwrap();
    let record = house.result(job).await;
    assert_eq!(
        collect(other.read(record.id, None).await.unwrap()).await,
        &b"by another"[..]
    );
}

#[tokio::test(start_paused = true)]
async fn an_order_that_kills_every_node_is_given_up() {
    let until = Arc::new(Semaphore::new(0));
    let house = House::new(Sources::default().with("deadly", &[Does::Stall(until)]));
    let job = house.job("deadly").await;
    for _ in 0..20 {
        let node = house.node();
        let _dies = tokio::time::timeout(Duration::from_secs(3), node.fetch_due()).await;
        house.clock.advance(Duration::from_secs(31));
    }
    assert_eq!(house.rejection(job).await, codes::FAULT);
    assert!(house.store.keys().is_empty() && house.sources.asked("deadly") <= 16);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_a_crashed_node_committed_is_not_fetched_again() {
    let house = House::new(Sources::default().with("good", &[Does::Give(b"good content")]));
    let job = house.job("good").await;
    // The node crashes before the last step: the upload is ready, and the fetch job does not say so.
    let waiting = house.status(job).await;
    house.pipeline.fetch_due().await.unwrap();
    let upload = house.result(job).await.id;
    let mut forgetful = house.status(job).await;
    forgetful.revision += 1;
    forgetful.state = State::Fetching;
    forgetful.due = waiting.due;
    assert_eq!(
        intake_core::Recorder::update(&house.recorder, &forgetful, intake_core::UsageChange::none())
            .await
            .unwrap(),
        intake_core::Update::Applied
    );
    house.node().fetch_due().await.unwrap();
    assert_eq!(house.result(job).await.id, upload);
    assert_eq!(house.sources.asked("good"), 1, "fetched twice");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_lost_its_claim_gives_way() {
    let until = Arc::new(Semaphore::new(0));
    let house = House::new(Sources::default().with("slow", &[Does::Stall(until.clone()), Does::Give(b"by another")]));
    let job = house.job("slow").await;
    let mut stalled = Box::pin(house.pipeline.fetch_due());
    assert!((&mut stalled).now_or_never().is_none());
    for _ in 0..20 {
        // The task runs until it waits for bytes; no time passes.
        tokio::task::yield_now().await;
    }
    house.clock.advance(Duration::from_secs(31));
    house.node().fetch_due().await.unwrap();
    until.close();
    stalled.await.unwrap();
    let record = house.result(job).await;
    assert_eq!(
        collect(house.pipeline.read(record.id, None).await.unwrap()).await,
        &b"by another"[..]
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_order_makes_no_upload() {
    let until = Arc::new(Semaphore::new(0));
    let house = House::new(
        Sources::default()
            .with("slow", &[Does::Stall(until.clone())])
            .with("good", &[Does::Give(b"good")]),
    );
    let (slow, good) = (house.job("slow").await, house.job("good").await);
    house.pipeline.cancel(good).await.unwrap();
    let mut pulling = Box::pin(house.pipeline.fetch_due());
    let _works = tokio::time::timeout(Duration::from_secs(3), &mut pulling)
        .await
        .unwrap_err();
    house.pipeline.cancel(slow).await.unwrap();
    until.close();
    pulling.await.unwrap();
    for job in [slow, good] {
        assert_eq!(house.rejection(job).await, codes::CANCELLED);
        assert!(matches!(house.pipeline.cancel(job).await, Err(Error::NotFound(_))));
    }
    assert_eq!(house.sources.asked("good"), 0);
    assert!(house.store.keys().is_empty(), "fetched bytes are left");
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_cancelled_in_its_last_step_leaves_nothing_but_evidence() {
    for (mood, left) in [
        (Mood::Clean, "gone"),
        (Mood::Down, "gone"),
        (Mood::Infected, "quarantined"),
    ] {
        let (store, recorder, clock) = (MemoryStore::default(), MemoryRecorder::default(), Clock::default());
        let moody = Moody::default();
        moody.be(mood);
        let policy = ScanPolicy::default().with(|policy| {
            (policy.on_infected, policy.on_fault) = (OnInfected::Quarantine, OnFault::Quarantine);
        });
        let pipeline = builder(store, recorder.clone(), &clock)
            .scanner_with(policy, "moody", moody)
            .fetcher("sources", Sources::default().with("good", &[Does::Give(b"good")]))
            .build()
            .unwrap();
        let options = UploadOptions::of_project("p");
        let new_fetch = NewFetch::new(FetchJob::new("good"), options);
        let job = pipeline.queue_fetch(new_fetch).await.unwrap().id;
        pipeline.fetch_due().await.unwrap();
        // The upload has come to its end, and the fetch job does not say so.
        let mut last = pipeline.status(job).await.unwrap().unwrap();
        last.revision += 1;
        last.state = State::Fetching;
        let written = intake_core::Recorder::update(&recorder, &last, intake_core::UsageChange::none()).await;
        assert_eq!(written.unwrap(), intake_core::Update::Applied);
        pipeline.cancel(job).await.unwrap();
        let upload = last.fetch_job.unwrap().upload.unwrap();
        let state = pipeline.status(upload).await.unwrap().unwrap().state;
        assert_eq!(state.name(), left, "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_project_takes_all_permits_or_more_than_its_share_of_the_queue() {
    let until = Arc::new(Semaphore::new(0));
    let house = House::new(Sources::default().with("slow", &[Does::Stall(until.clone())]));
    for _ in 0..LIMITS.max_queued_fetches_per_project {
        house.order_of("greedy", "slow").await.unwrap();
    }
    let refused = house.order_of("greedy", "slow").await.unwrap_err();
    assert_eq!(refused.code(), codes::TOO_MANY_ORDERS);
    for _ in 0..3 {
        house.order_of("modest", "slow").await.unwrap();
    }
    let mut pulling = Box::pin(house.pipeline.run_fetches(Duration::from_secs(1)));
    let _works = tokio::time::timeout(Duration::from_secs(3), &mut pulling)
        .await
        .unwrap_err();
    let of = |project: &str| {
        let records = house.recorder.records();
        let pulling = records.iter().filter(|record| record.state == State::Fetching);
        pulling
            .filter(|record| record.options.project.as_deref() == Some(project))
            .count()
    };
    assert_eq!(
        (of("greedy"), of("modest")),
        (LIMITS.max_fetches_per_project, LIMITS.max_fetches_per_project)
    );
    until.close();
    let _works = tokio::time::timeout(Duration::from_secs(30), &mut pulling)
        .await
        .unwrap_err();
    let waiting = house
        .recorder
        .records()
        .into_iter()
        .filter(|record| record.state == State::Queued);
    assert_eq!(waiting.count(), 0, "an order was never fetched");
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_an_order_is_kept_for_a_while() {
    let house = House::new(
        Sources::default()
            .with("good", &[Does::Give(b"good content")])
            .with("no", &[Does::Refuse]),
    );
    let (good, no) = (house.job("good").await, house.job("no").await);
    house.pipeline.fetch_due().await.unwrap();
    let upload = house.result(good).await.id;
    house.clock.advance(OVER_LEASE);
    assert!(house.pipeline.sweep().await.unwrap().is_empty());
    house.clock.advance(OVER_NOTE);
    assert_eq!(
        house.pipeline.sweep().await.unwrap(),
        Swept::default().with(|swept| swept.forgotten = 2)
    );
    for job in [good, no] {
        assert_eq!(house.pipeline.status(job).await.unwrap(), None);
    }
    assert_eq!(
        house.pipeline.get(upload).await.unwrap().id,
        upload,
        "the file is another matter"
    );
}

#[tokio::test(start_paused = true)]
async fn a_source_that_takes_too_long_is_given_up() {
    let until = Arc::new(Semaphore::new(0));
    let house = House::new(Sources::default().with("slow", &[Does::Stall(until)]));
    let job = house.job("slow").await;
    house.pipeline.fetch_due().await.unwrap();
    assert_eq!(house.rejection(job).await, codes::TIMED_OUT);
    let records = house.recorder.records();
    assert!(
        records.iter().all(|record| record.state != State::Staged),
        "its upload waits for the end of a lease"
    );
    assert!(house.store.keys().is_empty());
}
