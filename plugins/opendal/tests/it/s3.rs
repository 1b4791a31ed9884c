//! A bucket, on a real server, with a proxy before it that notes what is asked and gets in the way.

use intake_core::testkit::{collect, noise};
use intake_core::{Bytes, Fault, Key, PartPlan, Store};
use intake_plugin_opendal::testkit::{Bucket, S3Proxy, S3Server, Trouble};
use serde_json::{Value, json};

use crate::{build, is_missing, key, put, some_bytes};

/// A bucket of one's own, seen through a proxy.
pub(crate) struct Way {
    pub(crate) bucket: Bucket,
    pub(crate) proxy: S3Proxy,
}

impl Way {
    pub(crate) async fn new() -> Self {
        let bucket = S3Server::shared().await.bucket().await;
        let proxy = S3Proxy::before(&bucket).await;
        Self { bucket, proxy }
    }

    pub(crate) fn store(&self) -> Box<dyn Store> {
        self.store_with(json!({}))
    }

    pub(crate) fn store_with(&self, more: Value) -> Box<dyn Store> {
        store_in(&self.bucket.through(&self.proxy), more)
    }

    /// What was asked, without the bucket's name.
    fn asked(&self) -> Vec<String> {
        let here = format!("/{}/", self.bucket.name);
        let asked = self.proxy.asked().into_iter();
        asked.map(|line| line.replacen(&here, "/", 1)).collect()
    }

    async fn is_asked(&self, what: &str) {
        let what = what.replacen('/', &format!("/{}/", self.bucket.name), 1);
        self.proxy.is_asked(&what, 1).await;
    }

    /// Every key under which there is anything: an object, or an upload that was begun.
    pub(crate) async fn leftovers(&self) -> Vec<String> {
        [self.bucket.objects().await, self.bucket.unfinished().await].concat()
    }
}

pub(crate) fn store_in(bucket: &Bucket, more: Value) -> Box<dyn Store> {
    let mut settings = bucket.settings();
    settings
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    build(settings).unwrap()
}

/// Two parts, the first of which is the least that S3 takes as one that is not the last.
const PART: usize = 5 << 20;
const TWO_PARTS: usize = PART + 1000;

/// Sends two parts, and has them put together after this was done: how that ends.
async fn send_parts(store: &dyn Store, key: &Key, bytes: &Bytes, before_the_end: impl FnOnce()) -> Result<(), Fault> {
    let multipart = store.multipart().unwrap();
    let upload = multipart.begin(key).await.unwrap();
    let parts = PartPlan::new(bytes.len() as u64, PART as u64).unwrap();
    for (number, part) in [(1, bytes.slice(..PART)), (2, bytes.slice(PART..))] {
        let (range, size) = (parts.range(number).unwrap(), part.len() as u64);
        let mut staged = multipart.stage(key, &upload, &range, Some(size)).await.unwrap();
        staged.write(part).await.unwrap();
        staged.commit().await.unwrap();
    }
    let list = multipart.list(key, &upload).await.unwrap();
    before_the_end();
    multipart.assemble(key, &upload, &list).await
}

#[tokio::test]
async fn a_small_upload_is_one_request() {
    let way = Way::new().await;
    let (store, key) = (way.store_with(json!({"prefix": "in/here"})), key());
    put(&*store, &key, &some_bytes()).await;
    assert_eq!(way.asked(), [format!("PUT /in/here/{key}? image/png: 200")]);
    assert!(collect(store.read(&key, None).await.unwrap()).await == some_bytes());
}

#[tokio::test]
async fn a_large_upload_is_sent_in_parts() {
    let way = Way::new().await;
    let (store, key, bytes) = (way.store_with(json!({"part_size": "8 MiB"})), key(), noise(1, 20 << 20));
    put(&*store, &key, &bytes).await;
    let part = format!("PUT /{key}?partNumber&uploadId -: 200");
    assert_eq!(
        way.asked(),
        [
            format!("POST /{key}?uploads image/png: 200"),
            part.clone(),
            part.clone(),
            part,
            format!("POST /{key}?uploadId application/xml: 200"),
        ]
    );
    assert!(collect(store.read(&key, None).await.unwrap()).await == bytes);
}

#[tokio::test]
async fn a_discarded_upload_is_aborted() {
    let way = Way::new().await;
    let (store, key) = (way.store(), key());
    let mut staged = store.stage(&key, None).await.unwrap();
    staged.write(noise(1, 12 << 20)).await.unwrap();
    staged.discard().await.unwrap();
    let aborted = format!("DELETE /{key}?uploadId -: 204");
    assert_eq!(way.asked().last(), Some(&aborted));
    assert_eq!(way.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn an_upload_whose_sender_is_gone_is_aborted() {
    let way = Way::new().await;
    let (store, key) = (way.store(), key());
    let mut staged = store.stage(&key, None).await.unwrap();
    staged.write(noise(1, 12 << 20)).await.unwrap();
    drop(staged);
    way.is_asked(&format!("DELETE /{key}?uploadId -: 204")).await;
    assert_eq!(way.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn what_a_dead_process_has_begun_is_removed_with_its_key() {
    let way = Way::new().await;
    let (key, other) = (key(), key());
    for key in [&key, &key, &other] {
        let mut staged = way.store().stage(key, None).await.unwrap();
        staged.write(noise(1, 12 << 20)).await.unwrap();
        // As far as the bucket goes, this is what a killed process does: it does nothing any more.
        std::mem::forget(staged);
    }
    way.proxy.is_asked("PUT", 3).await;
    assert_eq!(way.bucket.unfinished().await.len(), 3);
    let alive = way.store();
    alive.delete(&key).await.unwrap();
    assert_eq!(way.bucket.unfinished().await, [other.to_string()]);
    alive.delete(&other).await.unwrap();
    assert_eq!(way.leftovers().await, [""; 0]);
}

#[tokio::test]
async fn a_key_whose_unfinished_uploads_cannot_be_seen_is_not_called_deleted() {
    let way = Way::new().await;
    let key = key();
    way.proxy.trouble(
        "GET",
        usize::MAX,
        Trouble::Answer(403, "<Error><Code>AccessDenied</Code></Error>"),
    );
    let fault = way.store().delete(&key).await.unwrap_err();
    assert_eq!(fault.code.as_str(), "store_failed");
    assert!(
        fault.report().contains("abort unfinished uploads"),
        "{}",
        fault.report()
    );
    assert!(fault.report().contains("AccessDenied"), "{}", fault.report());
}

#[tokio::test]
async fn a_service_that_stumbles_is_asked_again() {
    let way = Way::new().await;
    let (store, key, bytes) = (way.store(), key(), noise(1, 6 << 20));
    way.proxy.trouble("PUT", 2, Trouble::SLOW_DOWN);
    put(&*store, &key, &bytes).await;
    assert!(collect(store.read(&key, None).await.unwrap()).await == bytes);
}

#[tokio::test]
async fn connections_that_the_service_has_dropped_cost_no_upload_and_no_reader() {
    let way = Way::new().await;
    let (store, bytes) = (way.store(), noise(1, 6 << 20));
    // More connections are open than there are tries, and each is closed at its next request.
    let looking = (0..12).map(|_| async { store.size(&key()).await.unwrap() });
    futures_util::future::join_all(looking).await;
    way.proxy.close_used_connections();
    for _ in 0..3 {
        let key = key();
        put(&*store, &key, &bytes).await;
        assert!(collect(store.read(&key, None).await.unwrap()).await == bytes);
        store.delete(&key).await.unwrap();
    }
    assert!(
        way.asked().iter().any(|line| line.ends_with(": closed")),
        "{:?}",
        way.asked()
    );
}

#[tokio::test]
async fn an_upload_that_a_service_did_not_take_is_not_committed_and_can_be_discarded() {
    let way = Way::new().await;
    let store = way.store();
    for ends in ["commit", "discard"] {
        let key = key();
        let mut staged = store.stage(&key, None).await.unwrap();
        way.proxy.trouble("PUT", usize::MAX, Trouble::SLOW_DOWN);
        // The part is on its way while this goes on, so it is the next call that hears of it.
        staged.write(noise(1, 11 << 20)).await.unwrap();
        if ends == "commit" {
            let fault = staged.commit().await.unwrap_err();
            assert_eq!(fault.code.as_str(), "store_failed");
            assert!(fault.retryable);
            assert!(fault.report().contains("503"), "{}", fault.report());
        } else {
            staged.discard().await.unwrap();
        }
        assert_eq!(way.leftovers().await, [""; 0], "{ends}");
        assert!(is_missing(&*store, &key).await);
    }
}

#[tokio::test]
async fn a_service_that_fails_now_and_then_loses_nothing() {
    let way = Way::new().await;
    let troubles = [
        Trouble::INTERNAL_ERROR,
        Trouble::SLOW_DOWN,
        Trouble::HangUp,
        Trouble::LostAnswer,
    ];
    way.proxy.trouble_for_some(1, 15, &troubles);
    let (store, bytes) = (way.store(), noise(1, 12 << 20));
    for _ in 0..4 {
        let key = key();
        put(&*store, &key, &bytes).await;
        assert!(collect(store.read(&key, None).await.unwrap()).await == bytes);
        store.delete(&key).await.unwrap();
    }
    let troubled = |line: &String| line.ends_with("500") || line.ends_with("503") || !line.ends_with(char::is_numeric);
    assert!(way.asked().iter().any(troubled), "{:?}", way.asked());
    assert_eq!(way.bucket.objects().await, [""; 0]);
}

#[tokio::test]
async fn an_upload_that_is_not_known_any_more_is_complete_if_the_whole_is_there() {
    let way = Way::new().await;
    let (store, key, bytes) = (way.store(), key(), noise(1, TWO_PARTS));
    // The server of these tests would say again that it is done; S3 may have forgotten the upload by then.
    let sent = send_parts(&*store, &key, &bytes, || {
        way.proxy.trouble("POST", 1, Trouble::LostAnswer);
        way.proxy.trouble("POST", 1, Trouble::NO_SUCH_UPLOAD);
    });
    sent.await.unwrap();
    let complete = format!("POST /{key}?uploadId application/xml");
    let end = [
        format!("{complete}: LostAnswer"),
        format!("{complete}: 404"),
        format!("HEAD /{key}? -: 200"),
    ];
    assert!(way.asked().ends_with(&end), "{:?}", way.asked());
    assert!(collect(store.read(&key, None).await.unwrap()).await == bytes);
    assert_eq!(way.leftovers().await, [key.to_string()]);
}

#[tokio::test]
async fn an_upload_that_is_not_known_any_more_is_not_complete_if_nothing_is_there() {
    let way = Way::new().await;
    let (store, key, bytes) = (way.store(), key(), noise(1, TWO_PARTS));
    // It was not completed: it was aborted, or the service has lost it.
    let sent = send_parts(&*store, &key, &bytes, || {
        way.proxy.trouble("POST", 1, Trouble::NO_SUCH_UPLOAD);
    });
    assert_unknown(&sent.await.unwrap_err());
    assert!(is_missing(&*store, &key).await);
}

#[tokio::test]
async fn an_upload_that_is_not_known_any_more_is_not_complete_if_something_of_another_size_is_there() {
    let way = Way::new().await;
    let (store, bytes) = (way.store(), noise(1, TWO_PARTS));
    // A byte more or less is as wrong as none at all, and as the size of one of its parts.
    for size in [TWO_PARTS - 1, TWO_PARTS + 1, PART, 1000, 0] {
        let (key, other) = (key(), noise(2, size));
        put(&*store, &key, &other).await;
        let sent = send_parts(&*store, &key, &bytes, || {
            way.proxy.trouble("POST", 1, Trouble::NO_SUCH_UPLOAD);
        });
        assert_unknown(&sent.await.expect_err(&format!("{size} bytes are there")));
        assert!(collect(store.read(&key, None).await.unwrap()).await == other);
    }
}

/// Asking again does not help, and says so.
fn assert_unknown(fault: &Fault) {
    assert_eq!(fault.code.as_str(), "store_failed");
    assert!(!fault.retryable, "{}", fault.report());
    assert!(fault.report().contains("there is no such upload"), "{}", fault.report());
}

#[tokio::test]
async fn a_secret_is_not_in_what_is_said() {
    let bucket = S3Server::shared().await.bucket().await;
    let store = store_in(&bucket, json!({"secret_access_key": "another-secret"}));
    let fault = store.ready().await.unwrap_err();
    assert_eq!(fault.code.as_str(), "store_failed");
    assert!(!fault.retryable, "{}", fault.report());
    let said = format!("{} {fault:?} {store:?}", fault.report());
    assert!(said.contains("SignatureDoesNotMatch"), "{said}");
    assert!(!said.contains("another-secret"), "{said}");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_a_fault_that_lasts() {
    let bucket = S3Server::shared().await.bucket().await;
    let fault = store_in(&bucket, json!({"bucket": "no-such-bucket"}))
        .ready()
        .await
        .unwrap_err();
    assert_eq!(fault.code.as_str(), "store_failed");
    assert!(!fault.retryable);
    assert!(fault.report().contains("NoSuchBucket"), "{}", fault.report());
}

#[tokio::test]
async fn a_secret_may_come_from_a_file_that_is_read_at_first_use() {
    let bucket = S3Server::shared().await.bucket().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    let store = store_in(&bucket, json!({"secret_access_key": {"file": file}}));
    std::fs::write(&file, &bucket.secret_access_key).unwrap();
    store.ready().await.unwrap();
}

#[tokio::test]
async fn a_service_that_is_not_there_may_come_back() {
    let mut server = S3Server::start().await;
    let (bucket, key) = (server.bucket().await, key());
    let store = store_in(&bucket, json!({}));
    put(&*store, &key, &some_bytes()).await;
    server.kill().await;
    let fault = store.ready().await.unwrap_err();
    assert_eq!(fault.code.as_str(), "store_failed");
    assert!(fault.retryable);
    let fault = store.read(&key, None).await.err().unwrap();
    assert!(fault.retryable, "it does not say that there are no bytes");

    server.restart().await;
    store.ready().await.unwrap();
    assert!(collect(store.read(&key, None).await.unwrap()).await == some_bytes());
    server.stop();
}
