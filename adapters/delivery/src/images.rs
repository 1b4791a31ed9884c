//! Images after operations: made once for all who ask at the same time, on a few threads, and kept in memory for a while;
//! longer in the pipeline's store of what is made of files, if it has one.
//!
//! A request that finds no result begins the work on a task of its own, which a closed connection does not end, or waits for the
//! work of another. How many may wait is bounded, and each project has a share of it, and of the threads.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Cursor;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::future::{BoxFuture, Shared};
use futures_util::{FutureExt as _, TryStreamExt as _};
use intake_core::permits::{Holder, Permit, Permits};
use intake_core::{Code, Derived, Pipeline, Record, Workers};
use intake_images::{Accept, ENCODER_VERSION, ImageError, Limits, Operations, describe, run};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use tracing::Instrument as _;

use crate::codes;
use crate::refusal::Refusal;
use crate::settings::{DECODER, Settings};

/// How long the bytes of one image may take to be read from the store.
const READING: Duration = Duration::from_secs(60);
/// What the log says of such work.
const PANICKED: &str = "the work on an image panicked";
/// What an entry of the cache takes beside its bytes, about.
const ENTRY: u64 = 512;

/// A result, or the description of an image.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) bytes: Bytes,
    pub(crate) media_type: Cow<'static, str>,
}

/// Why there is none, for all who asked.
#[derive(Clone, Debug)]
pub(crate) struct NotMade {
    status: StatusCode,
    code: Code,
    message: String,
    cause: Option<String>,
}

type Outcome = Result<Arc<Made>, NotMade>;
type UnderWay = Shared<BoxFuture<'static, Outcome>>;

/// What is asked of an image.
#[derive(Clone)]
pub(crate) struct Wish {
    pub(crate) record: Arc<Record>,
    pub(crate) operations: Arc<Operations>,
    pub(crate) accept: Accept,
}

impl Wish {
    /// One text for the same result: the content, and what is done with it.
    pub(crate) fn key(&self) -> String {
        let digest = self.record.facts.as_ref().map(|facts| facts.digest.to_string());
        format!("{} {}", digest.unwrap_or_default(), self.done())
    }

    /// What is done with the content.
    fn done(&self) -> String {
        let webp = self.operations.negotiates() && self.accept.webp;
        let json = self.operations.json();
        let steps = self.operations.canonical();
        format!("{steps} {webp} {json} {ENCODER_VERSION}")
    }

    /// The name of the result in the pipeline's store of what is made of files.
    fn name(&self) -> String {
        format!("image {}", self.done())
    }

    /// The strong entity tag of the result.
    pub(crate) fn tag(&self) -> String {
        format!("\"{}\"", hex::encode(Sha256::digest(self.key())))
    }
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<String, Arc<Made>> for ByBytes {
    fn weight(&self, key: &String, made: &Arc<Made>) -> u64 {
        ENTRY + key.len() as u64 + made.bytes.len() as u64
    }
}

/// The work on images, and its results.
pub(crate) struct Images {
    pipeline: Pipeline,
    limits: Limits,
    /// Work that is under way or waits.
    queue: Permits,
    /// Threads, each with the memory for one image.
    places: Permits,
    workers: Workers,
    under_way: Mutex<HashMap<String, UnderWay>>,
    cache: Cache<String, Arc<Made>, ByBytes>,
}

impl Images {
    pub(crate) fn new(pipeline: Pipeline, settings: &Settings) -> Self {
        let places = settings.max_concurrent_images();
        let limits = Limits::default().with(|limits| {
            limits.input_bytes = limits.input_bytes.min(settings.max_image_size);
            limits.memory = DECODER;
        });
        // Typical results have some tens of kilobytes.
        let entries = usize::try_from(settings.image_cache / (16 << 10))
            .unwrap_or(usize::MAX)
            .max(16);
        Self {
            pipeline,
            limits,
            queue: Permits::new("images", settings.max_queued_images),
            places: Permits::new("image_places", places),
            workers: Workers::new(places),
            under_way: Mutex::default(),
            cache: Cache::with_weighter(entries, settings.image_cache, ByBytes),
        }
    }

    /// The result, if it is in memory.
    pub(crate) fn at_hand(&self, wish: &Wish) -> Option<Arc<Made>> {
        self.cache.get(&wish.key())
    }

    /// The result as soon as it is made. Who waits for too long is asked to come again, and it is made all the same.
    pub(crate) async fn get(self: &Arc<Self>, wish: Wish) -> Result<Arc<Made>, Refusal> {
        /// A request that waits holds a place among all requests.
        const PATIENCE: Duration = Duration::from_secs(30);
        let work = self.join_or_begin(wish.key(), wish)?;
        let made = tokio::time::timeout(PATIENCE, work).await;
        made.map_err(|_| Refusal::throttled())?.map_err(NotMade::refusal)
    }

    /// The work of another who asks for the same, or new work if the queue has room.
    fn join_or_begin(self: &Arc<Self>, key: String, wish: Wish) -> Result<UnderWay, Refusal> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(work) = under_way.get(&key) {
            return Ok(work.clone());
        }
        // It may have ended since the cache was asked.
        if let Some(made) = self.cache.get(&key) {
            return Ok(std::future::ready(Ok(made)).boxed().shared());
        }
        let holder = Holder::Project(wish.record.options.project.clone().unwrap_or_default());
        let share = (self.queue.most() / 2).max(1);
        let of_project = self.queue.try_acquire_as(&holder, share);
        let queued = of_project.and_then(|of_project| Ok([of_project, self.queue.try_acquire()?]));
        let queued = queued.map_err(|_| Refusal::throttled())?;
        let (images, own_key) = (Arc::clone(self), key.clone());
        let work = async move {
            // Whatever happens, the entry below is removed: others would wait for it for ever.
            let making = AssertUnwindSafe(images.make(&wish, &holder, queued)).catch_unwind();
            let outcome = making.await.unwrap_or_else(|_| Err(NotMade::failure(PANICKED)));
            if let Ok(made) = &outcome {
                images.cache.insert(own_key.clone(), Arc::clone(made));
            }
            let mut under_way = images.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            under_way.remove(&own_key);
            outcome
        };
        // On a task of its own: whoever asked first may hang up, and others wait for it.
        let task = tokio::spawn(work.in_current_span());
        let work = task.map(|done| done.unwrap_or_else(|_| Err(NotMade::failure(PANICKED))));
        let work = work.boxed().shared();
        under_way.insert(key, work.clone());
        Ok(work)
    }

    /// The result from the store of what is made of files, or new work, whose result goes there.
    async fn make(&self, wish: &Wish, holder: &Holder, _queued: [Permit; 2]) -> Outcome {
        if !self.pipeline.keeps_derived() {
            return self.compute(wish, holder).await;
        }
        let name = wish.name();
        if let Some(kept) = self.pipeline.derived(&wish.record, &name).await {
            return Ok(Arc::new(Made {
                bytes: kept.bytes,
                media_type: Cow::Owned(kept.media_type),
            }));
        }
        let made = self.compute(wish, holder).await?;
        let result = Derived::new(&*made.media_type, made.bytes.clone());
        self.pipeline.keep_derived(&wish.record, &name, result);
        Ok(made)
    }

    async fn compute(&self, wish: &Wish, holder: &Holder) -> Outcome {
        // One place stays free for the others.
        let share = self.places.most().saturating_sub(1).max(1);
        let forever = tokio::time::Instant::now() + Duration::from_secs(365 * 24 * 3600);
        let of_project = self.places.acquire_as(holder, share, forever).await;
        let place = self.places.acquire(forever).await;
        let (Ok(of_project), Ok(place)) = (of_project, place) else {
            return Err(NotMade::failure("no place for an image came free"));
        };
        let source = tokio::time::timeout(READING, self.read(&wish.record)).await;
        let source = source.unwrap_or_else(|_| Err(NotMade::failure("the store took too long to read an image")))?;
        let (wish, limits) = (wish.clone(), self.limits);
        let work = move || {
            let _places = (of_project, place);
            made(&source, &wish, &limits)
        };
        let done = self.workers.run(work).await;
        done.unwrap_or_else(|| Err(NotMade::failure(PANICKED)))
    }

    /// The bytes of an image, which is no larger than the limit.
    async fn read(&self, record: &Record) -> Result<Vec<u8>, NotMade> {
        let size = record.facts.as_ref().map_or(0, |facts| facts.size);
        if size > self.limits.input_bytes {
            let (unit, found, limit) = ("bytes", size, self.limits.input_bytes);
            return Err(ImageError::TooLarge { unit, found, limit }.into());
        }
        let bytes = self.pipeline.read_of(record, None).await;
        let bytes = bytes.map_err(|error| NotMade::of(error.into()))?;
        let mut source = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        let failed = |error: intake_core::BoxError| NotMade::failure(error.to_string());
        let mut bytes = std::pin::pin!(bytes);
        while let Some(piece) = bytes.try_next().await.map_err(failed)? {
            if (source.len() + piece.len()) as u64 > size {
                return Err(NotMade::failure(
                    "the store has more bytes of an image than its record says",
                ));
            }
            source.extend_from_slice(&piece);
        }
        Ok(source)
    }
}

fn made(source: &[u8], wish: &Wish, limits: &Limits) -> Outcome {
    let mut source = Cursor::new(source);
    if wish.operations.json() {
        let description = describe(&mut source, limits)?;
        let json = serde_json::to_vec(&description);
        return Ok(Arc::new(Made {
            bytes: json.map_err(|error| NotMade::failure(error.to_string()))?.into(),
            media_type: Cow::Borrowed("application/json"),
        }));
    }
    let rendered = run(&mut source, &wish.operations, wish.accept, limits)?;
    Ok(Arc::new(Made {
        media_type: Cow::Borrowed(rendered.format.media_type()),
        bytes: rendered.bytes.into(),
    }))
}

impl NotMade {
    fn failure(cause: impl Into<String>) -> Self {
        Self::of(Refusal::failure("The image cannot be processed.", cause.into()))
    }

    fn of(refusal: Refusal) -> Self {
        Self {
            status: refusal.status,
            code: refusal.code,
            message: refusal.message.into_owned(),
            cause: refusal.cause,
        }
    }

    fn refusal(self) -> Refusal {
        let mut refusal = Refusal::new(self.status, self.code, self.message);
        refusal.cause = self.cause;
        refusal
    }
}

impl From<ImageError> for NotMade {
    fn from(error: ImageError) -> Self {
        let (status, code) = match &error {
            ImageError::NotAnImage => (StatusCode::BAD_REQUEST, codes::NOT_AN_IMAGE),
            ImageError::Undecodable { .. } => (StatusCode::UNPROCESSABLE_ENTITY, codes::IMAGE_UNDECODABLE),
            ImageError::TooLarge { .. } => (StatusCode::UNPROCESSABLE_ENTITY, codes::IMAGE_TOO_LARGE),
            ImageError::OutputTooLarge { .. } => (StatusCode::BAD_REQUEST, codes::IMAGE_RESULT_TOO_LARGE),
            ImageError::Damaged(_) => (StatusCode::UNPROCESSABLE_ENTITY, codes::IMAGE_DAMAGED),
            error => return Self::failure(error.to_string()),
        };
        let mut message = error.to_string();
        // A sentence for who asked.
        if let Some(first) = message.get(..1).map(str::to_uppercase) {
            message.replace_range(..1, &first);
        }
        Self {
            status,
            code,
            message: message + ".",
            cause: None,
        }
    }
}
