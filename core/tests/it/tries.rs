//! How often a fetch job is tried, when, and which errors end it for good.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::{
    BoxError, Code, Declared, Error, Fault, FetchJob, Fetcher, Incoming, Interruption, Limits, NewFetch, Pipeline,
    Rejection, State, UploadId, UploadOptions, async_trait,
};
use tokio::time::Instant;

use crate::support::{AWAY, Clock, LIMITS, RUDE, builder};

/// A source that always fails, and counts its requests.
#[derive(Clone, Debug)]
struct Away {
    asked: Arc<AtomicUsize>,
    fails: Fails,
}

#[derive(Clone, Copy, Debug)]
enum Fails {
    /// Before the first byte, with this `most_tries`.
    AtOnce(Option<u32>),
    /// Amid the bytes, with this `most_tries`.
    HalfWay(Option<u32>),
    /// Amid the bytes, for good.
    ForGood,
}

impl Away {
    fn that(fails: Fails) -> Self {
        Self {
            asked: Arc::default(),
            fails,
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn away(most_tries: Option<u32>) -> Interruption {
    let away = Interruption::new(Rejection::new(AWAY, "the source is away"));
    most_tries.into_iter().fold(away, Interruption::most_tries)
}

#[async_trait]
impl Fetcher for Away {
    async fn judge(&self, _source: &str) -> Result<(), Error> {
        Ok(())
    }

    async fn receive(&self, _source: &str) -> Result<Incoming, Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let error = match self.fails {
            Fails::AtOnce(most_tries) => return Err(away(most_tries).into()),
            Fails::HalfWay(most_tries) => BoxError::from(away(most_tries)),
            Fails::ForGood => BoxError::from(Error::Rejected {
                by: "away".to_owned(),
                rejection: Rejection::new(RUDE, "never to be fetched"),
            }),
        };
        let pieces = [Ok(Bytes::from_static(b"half of")), Err(error)];
        Ok(Incoming::new(Declared::default(), stream::iter(pieces).boxed()))
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

async fn job(pipeline: &Pipeline) -> UploadId {
    let job = NewFetch::new(FetchJob::new("away"), UploadOptions::default());
    pipeline.queue_fetch(job).await.unwrap().id
}

/// The reason for which a fetch job was given up, if it was.
async fn given_up(pipeline: &Pipeline, job: UploadId) -> Option<Code> {
    match pipeline.status(job).await.unwrap().unwrap().state {
        State::Rejected(rejection) => Some(rejection.code),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_is_tried_as_often_and_with_the_pauses_that_are_set() {
    let usual = (Limits::default().fetch_tries, Limits::default().fetch_backoff);
    let (never, seconds) = (Duration::ZERO, Duration::from_secs);
    for ((fetch_tries, fetch_backoff), fails, tried_at, ends) in [
        // A source that answers "not now" is given up within ten seconds, one that accepts no connection within three.
        (usual, Fails::AtOnce(None), vec![0, 1, 3, 7], AWAY),
        (usual, Fails::HalfWay(None), vec![0, 1, 3, 7], AWAY),
        (usual, Fails::AtOnce(Some(3)), vec![0, 1, 3], AWAY),
        (usual, Fails::HalfWay(Some(1)), vec![0], AWAY),
        (usual, Fails::ForGood, vec![0], RUDE),
        // These follow the settings.
        ((1, seconds(9)), Fails::AtOnce(None), vec![0], AWAY),
        ((2, seconds(9)), Fails::AtOnce(None), vec![0, 9], AWAY),
        ((5, seconds(2)), Fails::AtOnce(None), vec![0, 2, 6, 14, 30], AWAY),
        ((2, seconds(2)), Fails::AtOnce(Some(3)), vec![0, 2], AWAY),
        ((3, never), Fails::AtOnce(None), vec![0, 0, 0], AWAY),
    ] {
        let (source, clock, store) = (Away::that(fails), Clock::default(), MemoryStore::default());
        let limits = LIMITS.with(|limits| {
            limits.fetch_tries = fetch_tries;
            limits.fetch_backoff = fetch_backoff;
        });
        let pipeline = builder(store.clone(), MemoryRecorder::default(), &clock)
            .fetcher("away", source.clone())
            .limits(limits)
            .build()
            .unwrap();
        let job = job(&pipeline).await;
        let mut tried = Vec::new();
        for second in 0..40 {
            pipeline.fetch_due().await.unwrap();
            tried.resize(source.asked(), second);
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(tried, tried_at, "{fetch_tries} tries, {fetch_backoff:?}, {fails:?}");
        assert_eq!(given_up(&pipeline, job).await, Some(ends), "{fails:?}");
        assert!(store.keys().is_empty(), "{fails:?} has left bytes");
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_try_does_not_wait_for_the_next_query_of_the_queue() {
    let begun = Instant::now();
    let source = Away::that(Fails::AtOnce(None));
    let pipeline = builder(MemoryStore::default(), MemoryRecorder::default(), &Clock::default())
        .fetcher("away", source.clone())
        .clock(move || UNIX_EPOCH + Duration::from_secs(1_000_000) + begun.elapsed())
        .build()
        .unwrap();
    let job = job(&pipeline).await;
    let pulling = pipeline.run_fetches(Duration::from_secs(60));
    let _works_on = tokio::time::timeout(Duration::from_secs(8), pulling).await.unwrap_err();
    assert_eq!(source.asked(), 4);
    assert_eq!(given_up(&pipeline, job).await, Some(AWAY));
}
