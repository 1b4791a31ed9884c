//! Uploads in parts, on a real server, with a proxy before it that gets in the way.

use futures_util::{FutureExt, StreamExt, stream};
use intake_core::testkit::{collect, noise};
use intake_core::{Bytes, Key, UploadId};
use rusty_s3::{Credentials, UrlStyle};

use super::*;
use crate::read::read;
use crate::s3::client;
use crate::testkit::{Bucket, S3Proxy, S3Server, Trouble};

/// The least that S3 takes as a part which is not the last one.
const LEAST: usize = 5 << 20;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Way {
    bucket: Bucket,
    proxy: S3Proxy,
    multipart: Multipart,
}

impl Way {
    async fn new() -> Self {
        let bucket = S3Server::shared().await.bucket().await;
        let proxy = S3Proxy::before(&bucket).await;
        let through = bucket.through(&proxy);
        let mut multipart = Multipart::new(client().unwrap(), signer(&through), Some(signer(&bucket)), "in/here");
        multipart.limits.pause = Duration::from_millis(5);
        Self {
            bucket,
            proxy,
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
            .put_part(name, upload, number, length, pieces(bytes))
            .await
    }

    async fn read(&self, name: &Name) -> Bytes {
        let settings = serde_json::from_value(self.bucket_settings()).unwrap();
        let operator = crate::s3::open(&settings).unwrap().operator;
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
    let stat = crate::s3::open(&settings)
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
async fn whoever_has_a_part_s_url_can_send_that_part_and_nothing_else() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    let url = |number, length| way.multipart.part_url(&name, &upload, number, length, DAY).unwrap();
    let put = |url: &str, body: &'static str| client().unwrap().put(url).body(body).send();
    let first = url(1, None);
    assert!(first.as_str().starts_with(&way.bucket.endpoint), "{first}");
    assert_eq!(put(first.as_str(), "of any length").await.unwrap().status(), 200);
    assert_eq!(put(url(2, Some(5)).as_str(), "bytes").await.unwrap().status(), 200);

    assert_eq!(put(url(3, Some(4)).as_str(), "bytes").await.unwrap().status(), 403);
    let other = first.as_str().replace("partNumber=1", "partNumber=4");
    assert_eq!(put(&other, "bytes").await.unwrap().status(), 403);
    let parts = way.multipart.list(&name, &upload).await.unwrap().unwrap();
    assert_eq!(numbers(&parts), [(1, 13), (2, 5)]);
}

#[test]
fn there_are_no_urls_for_parts_unless_they_are_allowed() {
    let bucket = Bucket {
        endpoint: "http://127.0.0.1:9".to_owned(),
        region: "r".to_owned(),
        name: "b".to_owned(),
        access_key_id: "an-id-of-a-key".to_owned(),
        secret_access_key: "not-to-be-seen".to_owned(),
    };
    let multipart = Multipart::new(client().unwrap(), signer(&bucket), None, "");
    assert_eq!(multipart.part_url(&name(), "an-id", 1, None, DAY), None);
    let seen = format!("{multipart:?}");
    assert!(
        !seen.contains("not-to-be-seen") && !seen.contains("an-id-of-a-key"),
        "{seen}"
    );
}

#[tokio::test]
async fn a_completion_that_fails_although_it_says_200_is_tried_again_if_that_may_help() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    way.put(&name, &upload, 1, &noise(1, 10)).await.unwrap();
    let parts = way.multipart.list(&name, &upload).await.unwrap().unwrap();
    let failed =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InvalidPart</Code><Message>m</Message></Error>";
    way.proxy.trouble("POST", 1, Trouble::Answer(200, failed));
    let fault = way.multipart.complete(&name, &upload, &parts).await.unwrap_err();
    assert!(!fault.retryable);
    assert!(fault.chain().contains("InvalidPart"), "{}", fault.chain());

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
    assert!(fault.chain().contains("503 SlowDown"), "{}", fault.chain());
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
        assert!(fault.chain().contains("did not answer in time"), "{}", fault.chain());
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_who_is_slow_is_waited_for() {
    let (go_on, gone_on) = tokio::sync::oneshot::channel::<()>();
    let slow = stream::once(async move {
        gone_on.await.unwrap();
        Ok(Bytes::from_static(b"bytes"))
    });
    let feed = Feed::new(slow.boxed(), 5);
    let mut lent = feed.lend();
    assert!(lent.next().now_or_never().is_none(), "nothing has come yet");
    // Nothing else happens here, so that time leaps to whatever is waited for.
    let watch = || feed.watch(Duration::from_secs(1), std::future::pending::<Result<(), Failure>>());
    let long = tokio::time::timeout(Duration::from_secs(60), watch()).await;
    assert!(long.is_err(), "the sender's silence is not the service's");
    go_on.send(()).unwrap();
    assert_eq!(lent.next().await.unwrap().unwrap(), "bytes");
    assert!(
        watch().await.unwrap_err().passes,
        "now it is the service that is silent"
    );
}

#[tokio::test]
async fn the_bytes_of_a_part_are_those_of_one_try() {
    let feed = Feed::new(pieces(&noise(1, 1000)), 1000);
    let (mut given_up, mut now) = (feed.lend(), feed.lend());
    assert!(given_up.next().await.unwrap().is_err());
    assert!(feed.is_untouched());
    assert_eq!(now.next().await.unwrap().unwrap().len(), 1000);
    assert!(!feed.is_untouched());
    assert!(now.next().await.is_none());
}

#[tokio::test]
async fn a_part_is_tried_again_until_bytes_were_taken() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    way.proxy.trouble("PUT", 2, Trouble::SLOW_DOWN);
    way.put(&name, &upload, 1, &Bytes::new()).await.unwrap();
    way.proxy.trouble("PUT", 1, Trouble::SLOW_DOWN);
    let fault = way.put(&name, &upload, 2, &noise(1, LEAST)).await.unwrap_err();
    assert!(fault.retryable);
    assert!(fault.chain().contains("503 SlowDown"), "{}", fault.chain());
    let puts: Vec<_> = way.asked().into_iter().filter(|line| line.starts_with("PUT")).collect();
    let [put, slow] = ["PUT partNumber&uploadId: 200", "PUT partNumber&uploadId: 503"];
    assert_eq!(puts, [slow, slow, put, slow]);
}

#[tokio::test]
async fn a_part_that_is_not_what_was_said_is_not_there() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    let bytes = noise(1, 1_000_000);
    let gone = stream::iter([Ok(bytes.slice(..500_000)), Err("the client is gone".into())]);
    for (length, body, why) in [
        (999_999, pieces(&bytes), "more than was said"),
        (1_000_001, pieces(&bytes), "less than was said"),
        (1_000_000, gone.boxed(), "the client is gone"),
    ] {
        let fault = way
            .multipart
            .put_part(&name, &upload, 1, length, body)
            .await
            .unwrap_err();
        assert!(!fault.retryable);
        assert!(fault.chain().contains(why), "{}", fault.chain());
        assert_eq!(way.multipart.list(&name, &upload).await.unwrap().unwrap(), [], "{why}");
    }
}

#[tokio::test]
async fn signed_urls_are_not_in_what_is_said() {
    let (way, name) = (Way::new().await, name());
    way.proxy.trouble("", usize::MAX, Trouble::HangUp);
    let fault = way.multipart.list(&name, "an-id").await.unwrap_err();
    assert!(fault.retryable);
    let said = format!("{} {fault:?}", fault.chain());
    assert!(!said.contains("X-Amz-") && !said.contains("http://"), "{said}");
}
