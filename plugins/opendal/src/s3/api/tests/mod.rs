//! Uploads in parts, on a real server, with a proxy before it that gets in the way.

mod putting;

use futures_util::{StreamExt, stream};
use intake_core::testkit::{collect, noise};
use intake_core::{ByteStream, Bytes, Key, UploadId};
use rusty_s3::{Credentials, UrlStyle};
use tempfile::TempDir;

use super::*;
use crate::read::read;
use crate::testkit::{Bucket, S3Proxy, S3Server, Trouble};

/// The least that S3 takes as a part which is not the last one.
const LEAST: usize = 5 << 20;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Way {
    bucket: Bucket,
    proxy: S3Proxy,
    /// Where parts are kept.
    folder: TempDir,
    multipart: MultipartApi,
}

impl Way {
    async fn new() -> Self {
        let bucket = S3Server::shared().await.bucket().await;
        let proxy = S3Proxy::before(&bucket).await;
        let through = bucket.through(&proxy);
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(folder.path().to_owned(), 1 << 30);
        let mut multipart = MultipartApi::new(http(), signer(&through), Some(signer(&bucket)), spool, "in/here");
        multipart.limits.pause = Duration::from_millis(5);
        Self {
            bucket,
            proxy,
            folder,
            multipart,
        }
    }

    /// What was asked, by method and names in the query: `PUT partNumber&uploadId: 200`.
    fn asked(&self) -> Vec<String> {
        let short = |line: String| {
            let (method, rest) = line.split_once(' ').unwrap();
            let (names, end) = rest.split_once('?').unwrap().1.split_once(' ').unwrap();
            format!("{method} {names}: {}", end.split_once(": ").unwrap().1)
        };
        self.proxy.asked().into_iter().map(short).collect()
    }

    async fn put(&self, name: &Name, upload: &str, number: u16, bytes: &Bytes) -> Result<(), Fault> {
        let length = bytes.len() as u64;
        self.multipart
            .put_part(which(name, upload, number), length, pieces(bytes))
            .await
    }

    async fn read(&self, name: &Name) -> Bytes {
        let settings = serde_json::from_value(self.bucket_settings()).unwrap();
        let operator = crate::s3::bucket::open(&settings).unwrap().operator;
        collect(read(&operator, name.as_str(), None, None).await.unwrap()).await
    }

    fn bucket_settings(&self) -> serde_json::Value {
        let mut settings = self.bucket.settings();
        let table = settings.as_object_mut().unwrap();
        table.remove("scheme");
        table.insert("prefix".to_owned(), "in/here".into());
        settings
    }
}

fn signer(bucket: &Bucket) -> Signer {
    let endpoint = bucket.endpoint.parse().unwrap();
    let credentials = Credentials::new(bucket.access_key_id.clone(), bucket.secret_access_key.clone());
    let bucket = rusty_s3::Bucket::new(endpoint, UrlStyle::Path, bucket.name.clone(), bucket.region.clone());
    Signer::new(bucket.unwrap(), credentials)
}

fn http() -> Http {
    Http::new(Duration::from_secs(60), &[]).unwrap()
}

fn which<'a>(name: &'a Name, upload: &'a str, number: u16) -> PartId<'a> {
    PartId { name, upload, number }
}

fn name() -> Name {
    Name::of(&Key::whole(UploadId::random())).unwrap()
}

/// In pieces that have nothing to do with parts.
fn pieces(bytes: &Bytes) -> ByteStream {
    let pieces: Vec<_> = bytes.chunks(300_000).map(|piece| Ok(bytes.slice_ref(piece))).collect();
    stream::iter(pieces).boxed()
}

fn numbers(parts: &[Part]) -> Vec<(u16, u64)> {
    parts.iter().map(|part| (part.number, part.size)).collect()
}

#[tokio::test]
async fn parts_sent_in_any_order_become_the_object() {
    let (way, name) = (Way::new().await, name());
    let media_type: MediaType = "video/mp4".parse().unwrap();
    let upload = way.multipart.create(&name, Some(&media_type)).await.unwrap();
    assert_eq!(way.multipart.list(&name, &upload).await.unwrap().unwrap(), []);
    let bytes = noise(1, 2 * LEAST + 1000);
    for number in [3, 1, 2] {
        let start = (number - 1) * LEAST;
        let part = bytes.slice(start..bytes.len().min(start + LEAST));
        way.put(&name, &upload, number as u16, &part).await.unwrap();
    }
    let parts = way.multipart.list(&name, &upload).await.unwrap().unwrap();
    assert_eq!(numbers(&parts), [(1, LEAST as u64), (2, LEAST as u64), (3, 1000)]);
    assert_eq!(way.bucket.objects().await, [""; 0], "nothing is there before the end");

    let shuffled = [parts[1].clone(), parts[2].clone(), parts[0].clone()];
    let completed = way.multipart.complete(&name, &upload, &shuffled).await.unwrap();
    assert_eq!(completed, Completed::Done);
    assert_eq!(way.bucket.objects().await, [format!("in/here/{name}")]);
    assert_eq!(way.bucket.unfinished().await, [""; 0]);
    assert!(way.read(&name).await == bytes);
    let settings = serde_json::from_value(way.bucket_settings()).unwrap();
    let stat = crate::s3::bucket::open(&settings)
        .unwrap()
        .operator
        .stat(name.as_str())
        .await
        .unwrap();
    assert_eq!(stat.content_type(), Some("video/mp4"));
}

#[tokio::test]
async fn a_part_that_is_sent_again_takes_the_place_of_the_first() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    let bytes = noise(1, 1000);
    way.put(&name, &upload, 1, &bytes).await.unwrap();
    way.put(&name, &upload, 1, &bytes).await.unwrap();
    let parts = way.multipart.list(&name, &upload).await.unwrap().unwrap();
    assert_eq!(numbers(&parts), [(1, 1000)]);
    assert_eq!(
        way.multipart.complete(&name, &upload, &parts).await.unwrap(),
        Completed::Done
    );
    assert!(way.read(&name).await == bytes);
}

#[tokio::test]
async fn a_list_of_parts_goes_over_pages() {
    let (mut way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    for number in [1, 2, 5, 9_998, 9_999] {
        way.put(&name, &upload, number, &noise(1, usize::from(number)))
            .await
            .unwrap();
    }
    way.multipart.limits.page = 2;
    let parts = way.multipart.list(&name, &upload).await.unwrap().unwrap();
    assert_eq!(
        numbers(&parts),
        [(1, 1), (2, 2), (5, 5), (9_998, 9_998), (9_999, 9_999)]
    );
}

#[tokio::test]
async fn a_list_without_end_is_a_fault() {
    let (way, name) = (Way::new().await, name());
    let page = "<ListPartsResult><IsTruncated>true</IsTruncated>\
        <NextPartNumberMarker>1</NextPartNumberMarker></ListPartsResult>";
    way.proxy.trouble("GET", 100, Trouble::Answer(200, page));
    assert!(!way.multipart.list(&name, "an-id").await.unwrap_err().retryable);
    way.proxy.calm();
    let page = "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated></ListMultipartUploadsResult>";
    way.proxy.trouble("GET", 100, Trouble::Answer(200, page));
    assert!(!way.multipart.abort_all(&name).await.unwrap_err().retryable);
}

#[tokio::test]
async fn a_completion_that_fails_although_it_says_200_is_tried_again_if_that_may_help() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    way.put(&name, &upload, 1, &noise(1, 10)).await.unwrap();
    let parts = way.multipart.list(&name, &upload).await.unwrap().unwrap();
    let failed =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InvalidRequest</Code><Message>m</Message></Error>";
    way.proxy.trouble("POST", 1, Trouble::Answer(200, failed));
    let fault = way.multipart.complete(&name, &upload, &parts).await.unwrap_err();
    assert!(!fault.retryable);
    assert!(fault.report().contains("InvalidRequest"), "{}", fault.report());

    let failed = "<Error><Code>InternalError</Code><Message>m</Message></Error>";
    way.proxy.trouble("POST", 1, Trouble::Answer(200, failed));
    way.proxy.trouble("POST", 1, Trouble::Answer(200, ""));
    assert_eq!(
        way.multipart.complete(&name, &upload, &parts).await.unwrap(),
        Completed::Done
    );
    assert_eq!(way.bucket.objects().await.len(), 1);
}

#[tokio::test]
async fn a_part_that_is_not_there_any_more_as_it_was_listed_is_told_from_a_fault() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    way.put(&name, &upload, 1, &noise(1, 10)).await.unwrap();
    let parts = way.multipart.list(&name, &upload).await.unwrap().unwrap();
    let invalid =
        "<Error><Code>InvalidPart</Code><Message>One or more of the parts could not be found.</Message></Error>";
    for status in [200, 400] {
        way.proxy.trouble("POST", 1, Trouble::Answer(status, invalid));
        let completed = way.multipart.complete(&name, &upload, &parts).await.unwrap();
        assert_eq!(completed, Completed::PartsChanged, "{status}");
    }
    let completed = way.multipart.complete(&name, &upload, &parts).await.unwrap();
    assert_eq!(completed, Completed::Done, "the upload is as it was");
}

#[tokio::test]
async fn a_completion_whose_answer_was_lost_has_been_done() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    way.put(&name, &upload, 1, &noise(1, 10)).await.unwrap();
    let parts = way.multipart.list(&name, &upload).await.unwrap().unwrap();
    // What the server of these tests says when it is asked again is up to it; this is what others say.
    way.proxy.trouble("POST", 1, Trouble::LostAnswer);
    way.proxy.trouble("POST", 1, Trouble::NO_SUCH_UPLOAD);
    let completed = way.multipart.complete(&name, &upload, &parts).await.unwrap();
    assert_eq!(completed, Completed::NoSuchUpload);
    assert_eq!(way.bucket.objects().await, [format!("in/here/{name}")]);
    assert_eq!(way.multipart.list(&name, &upload).await.unwrap(), None);
}

#[tokio::test]
async fn all_uploads_of_a_key_are_aborted_and_no_others() {
    let mut way = Way::new().await;
    let name = name();
    // Keys that begin like it come before and after it.
    let longer = Name::checked(&format!("{name}-1")).unwrap();
    for name in [&name, &longer, &name, &longer, &name] {
        let upload = way.multipart.create(name, None).await.unwrap();
        way.put(name, &upload, 1, &noise(1, 10)).await.unwrap();
    }
    way.multipart.limits.page = 2;
    way.multipart.abort_all(&name).await.unwrap();
    let longer = format!("in/here/{longer}");
    assert_eq!(way.bucket.unfinished().await, [longer.clone(), longer]);
    way.multipart.abort_all(&name).await.unwrap();
}

#[tokio::test]
async fn an_upload_that_is_gone_when_it_is_to_be_aborted_is_fine_and_one_that_stays_is_not() {
    let (way, name) = (Way::new().await, name());
    way.multipart.create(&name, None).await.unwrap();
    // What the server of these tests says when it is asked again is up to it; this is what others say.
    way.proxy.trouble("DELETE", 1, Trouble::LostAnswer);
    way.proxy.trouble("DELETE", 1, Trouble::NO_SUCH_UPLOAD);
    way.multipart.abort_all(&name).await.unwrap();
    assert_eq!(way.bucket.unfinished().await, [""; 0]);

    way.multipart.create(&name, None).await.unwrap();
    way.proxy.trouble("DELETE", usize::MAX, Trouble::Answer(204, ""));
    assert!(way.multipart.abort_all(&name).await.unwrap_err().retryable);
    assert_eq!(way.bucket.unfinished().await.len(), 1);
}

#[tokio::test]
async fn what_can_be_asked_twice_is_asked_again_after_trouble_that_passes() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    for trouble in [
        Trouble::SLOW_DOWN,
        Trouble::INTERNAL_ERROR,
        Trouble::Answer(429, ""),
        Trouble::HangUp,
        Trouble::LostAnswer,
    ] {
        way.proxy.trouble("GET", 2, trouble);
        assert_eq!(
            way.multipart.list(&name, &upload).await.unwrap(),
            Some(vec![]),
            "{trouble:?}"
        );
    }
    way.proxy.trouble("GET", usize::MAX, Trouble::SLOW_DOWN);
    let asked = way.asked().len();
    let fault = way.multipart.list(&name, &upload).await.unwrap_err();
    assert_eq!(way.asked().len() - asked, 1 + RETRIES);
    assert!(fault.retryable);
    assert!(fault.report().contains("503 SlowDown"), "{}", fault.report());
}

#[tokio::test]
async fn what_does_not_pass_is_asked_once() {
    let (way, name) = (Way::new().await, name());
    way.proxy.trouble("GET", usize::MAX, Trouble::Answer(501, ""));
    way.proxy.trouble("POST", usize::MAX, Trouble::Answer(403, "<html>no"));
    assert!(!way.multipart.list(&name, "an-id").await.unwrap_err().retryable);
    assert!(!way.multipart.create(&name, None).await.unwrap_err().retryable);
    assert_eq!(
        way.asked(),
        ["GET max-parts&part-number-marker&uploadId: 501", "POST uploads: 403"]
    );
}

#[tokio::test]
async fn silence_is_given_up() {
    let (mut way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    way.multipart.limits.small = Duration::from_millis(50);
    way.multipart.limits.large = Duration::from_millis(50);
    way.proxy.trouble("", usize::MAX, Trouble::Silence);
    let parts = [];
    for ended in [
        way.multipart.list(&name, &upload).await.map(drop),
        way.multipart.complete(&name, &upload, &parts).await.map(drop),
        way.put(&name, &upload, 1, &noise(1, 20 << 20)).await,
    ] {
        let fault = ended.unwrap_err();
        assert!(fault.retryable);
        assert!(fault.report().contains("did not answer in time"), "{}", fault.report());
    }
}

#[tokio::test]
async fn signed_urls_are_not_in_what_is_said() {
    let (way, name) = (Way::new().await, name());
    way.proxy.trouble("", usize::MAX, Trouble::HangUp);
    let fault = way.multipart.list(&name, "an-id").await.unwrap_err();
    assert!(fault.retryable);
    let said = format!("{} {fault:?}", fault.report());
    assert!(!said.contains("X-Amz-") && !said.contains("http://"), "{said}");
}
