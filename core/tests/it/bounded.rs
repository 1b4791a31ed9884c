//! A store with bounds: few parts of an upload, no large files, and no part that is sent again while parts are joined.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use intake_core::memory::MemoryRecorder;
use intake_core::testkit::collect;
use intake_core::{
    ByteStream, Error, Fault, Key, MediaType, Multipart, Part, PartRange, Staged, State, Store, async_trait, codes,
};

use crate::stores::{InPlace, Seen};
use crate::support::{Clock, LIMITS, builder, new_multipart, part_of};

const MOST_PARTS: u16 = 2;
const MOST_BYTES: u64 = 1_000_000;

#[derive(Clone, Debug, Default)]
struct Bounded {
    store: InPlace,
    /// Whether a part is sent again during the next call of `assemble`.
    changing: Arc<AtomicBool>,
}

impl Bounded {
    fn inner(&self) -> &dyn Multipart {
        self.store.multipart().unwrap()
    }
}

#[async_trait]
impl Store for Bounded {
    async fn stage(&self, key: &Key, media_type: Option<&MediaType>) -> Result<Box<dyn Staged>, Fault> {
        Store::stage(&self.store, key, media_type).await
    }
    async fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<ByteStream, Fault> {
        self.store.read(key, range).await
    }
    async fn size(&self, key: &Key) -> Result<Option<u64>, Fault> {
        self.store.size(key).await
    }
    async fn delete(&self, key: &Key) -> Result<(), Fault> {
        self.store.delete(key).await
    }
    fn multipart(&self) -> Option<&dyn Multipart> {
        Some(self)
    }
    fn most_bytes(&self) -> Option<u64> {
        Some(MOST_BYTES)
    }
    async fn ready(&self) -> Result<(), Fault> {
        self.store.ready().await
    }
}

#[async_trait]
impl Multipart for Bounded {
    fn most_parts(&self) -> u16 {
        MOST_PARTS
    }
    async fn begin(&self, key: &Key) -> Result<String, Fault> {
        self.inner().begin(key).await
    }
    async fn stage(
        &self,
        key: &Key,
        upload: &str,
        range: &PartRange,
        size: Option<u64>,
    ) -> Result<Box<dyn Staged>, Fault> {
        assert!(
            range.number <= MOST_PARTS,
            "part {} is more than it takes",
            range.number
        );
        self.inner().stage(key, upload, range, size).await
    }
    async fn list(&self, key: &Key, upload: &str) -> Result<Vec<Part>, Fault> {
        self.inner().list(key, upload).await
    }
    async fn assemble(&self, key: &Key, upload: &str, parts: &[Part]) -> Result<(), Fault> {
        if self.changing.swap(false, Ordering::SeqCst) {
            return Err(Fault::new(codes::PARTS_MISSING, "a part was sent again"));
        }
        self.inner().assemble(key, upload, parts).await
    }
    async fn url(
        &self,
        _key: &Key,
        _upload: &str,
        range: &PartRange,
        _size: Option<u64>,
        _: Duration,
    ) -> Result<Option<String>, Fault> {
        Ok(Some(format!("https://store.example.com/{}", range.number)))
    }
}

#[tokio::test]
async fn an_upload_of_more_parts_than_the_store_takes_is_joined_by_the_pipeline() {
    for (size, straight) in [(10, true), (11, false), (50, false)] {
        let store = Bounded::default();
        let pipeline = builder(store.clone(), MemoryRecorder::default(), &Clock::default());
        let pipeline = pipeline.build().unwrap();
        let opened = pipeline.start_multipart(new_multipart(size, 5)).await.unwrap();
        let url = pipeline.part_url(&opened, 1, Duration::from_secs(60)).await.unwrap();
        assert_eq!(url.is_some(), straight, "{size} bytes");
        let bytes: Vec<u8> = (0..size).map(|at| b'a' + at as u8 % 26).collect();
        for (number, part) in (1..).zip(bytes.chunks(5)) {
            pipeline.put_part(&opened, number, None, part_of(part)).await.unwrap();
        }
        let record = pipeline.complete(opened.id).await.unwrap();
        let read = collect(pipeline.read(record.id, None).await.unwrap()).await;
        assert!(read == bytes, "{size} bytes");
        assert_eq!(store.store.seen(), [Key::whole(record.id)], "only the whole is left");
    }
}

#[tokio::test]
async fn a_part_sent_again_while_parts_are_joined_is_an_error_of_the_sender() {
    let store = Bounded::default();
    let pipeline = builder(store.clone(), MemoryRecorder::default(), &Clock::default());
    let pipeline = pipeline.build().unwrap();
    let opened = pipeline.start_multipart(new_multipart(8, 5)).await.unwrap();
    for (number, part) in [(1, b"first"), (2, b"...??")] {
        let part = &part[..if number == 1 { 5 } else { 3 }];
        pipeline.put_part(&opened, number, None, part_of(part)).await.unwrap();
    }
    store.changing.store(true, Ordering::SeqCst);
    let error = pipeline.complete(opened.id).await.unwrap_err();
    assert!(matches!(error, Error::Rejected { .. }), "{error}");
    assert_eq!(error.code(), codes::PARTS_MISSING);
    assert_eq!(pipeline.status(opened.id).await.unwrap().unwrap().state, State::Open);
    assert_eq!(pipeline.complete(opened.id).await.unwrap().state, State::Ready);
}

#[test]
fn a_pipeline_with_a_larger_limit_than_its_store_is_not_built() {
    let limits = |max_size| LIMITS.with(|limits| limits.max_size = max_size);
    let built = |max_size, beside: bool| {
        let (recorder, clock) = (MemoryRecorder::default(), Clock::default());
        let builder = if beside {
            builder(InPlace::default(), recorder, &clock).another_store("there", Bounded::default())
        } else {
            builder(Bounded::default(), recorder, &clock)
        };
        builder.limits(limits(max_size)).build().map(drop)
    };
    for beside in [false, true] {
        built(MOST_BYTES, beside).unwrap();
        let error = built(2 * MOST_BYTES, beside).unwrap_err();
        assert_eq!(
            error.to_string(),
            "receive.max_size: 1.9 MiB is more than a store can keep in one file, which is 976.6 KiB"
        );
    }
}
