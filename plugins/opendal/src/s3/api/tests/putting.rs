//! Parts: sent through here, and by those who have a signed URL.

use futures_util::FutureExt;

use super::super::feed::Feed;
use super::*;

#[tokio::test]
async fn a_part_s_url_permits_sending_that_part_and_nothing_else() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    let url = |number, length| {
        way.multipart
            .part_url(which(&name, &upload, number), length, DAY)
            .unwrap()
    };
    let put = |url: &str, body: &'static str| http().fresh.put(url).body(body).send();
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
    let multipart = MultipartApi::new(http(), signer(&bucket), None, None, "");
    assert_eq!(multipart.part_url(which(&name(), "an-id", 1), None, DAY), None);
    let seen = format!("{multipart:?}");
    assert!(
        !seen.contains("not-to-be-seen") && !seen.contains("an-id-of-a-key"),
        "{seen}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_sender_who_is_slow_is_waited_for() {
    let (go_on, gone_on) = tokio::sync::oneshot::channel::<()>();
    let slow = stream::once(async move {
        gone_on.await.unwrap();
        Ok(Bytes::from_static(b"bytes"))
    });
    let feed = Feed::new(slow.boxed(), 5, None);
    let mut lent = feed.lend().boxed();
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
    let feed = Feed::new(pieces(&noise(1, 1000)), 1000, None);
    let (mut given_up, mut now) = (feed.lend().boxed(), feed.lend().boxed());
    assert!(given_up.next().await.unwrap().is_err());
    assert!(feed.can_be_lent_again());
    assert_eq!(now.next().await.unwrap().unwrap().len(), 1000);
    assert!(!feed.can_be_lent_again());
    assert!(now.next().await.is_none());
}

#[tokio::test]
async fn the_bytes_of_a_part_that_is_kept_are_given_to_each_try_from_the_first_one_on() {
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(folder.path().to_owned(), 1 << 20).unwrap();
    let bytes = noise(1, 900_000);
    let feed = Feed::new(pieces(&bytes), 900_000, Some(spool.begin()));
    // Each gets further than the one before.
    for pieces in 0..=3 {
        let lent = feed.lend().boxed();
        let came: Vec<_> = lent.take(pieces).map(Result::unwrap).collect().await;
        assert!(bytes.starts_with(&came.concat()));
        assert!(feed.can_be_lent_again());
    }
    let came: Vec<_> = feed.lend().map(Result::unwrap).collect().await;
    assert!(came.concat() == bytes);
}

const PUT: &str = "PUT partNumber&uploadId: ";

fn puts(way: &Way) -> Vec<String> {
    let asked = way.asked().into_iter();
    asked
        .filter_map(|line| Some(line.strip_prefix(PUT)?.to_owned()))
        .collect()
}

#[tokio::test]
async fn a_part_is_kept_until_the_service_has_it() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    let troubles = [
        Trouble::SLOW_DOWN,
        Trouble::INTERNAL_ERROR,
        Trouble::Answer(429, ""),
        Trouble::AnswerAtOnce(503, "<Error><Code>SlowDown</Code><Message>m</Message></Error>"),
        Trouble::HangUp,
        Trouble::LostAnswer,
    ];
    let bytes = noise(1, troubles.len() * LEAST);
    for (number, (trouble, part)) in (1..).zip(troubles.iter().zip(bytes.chunks(LEAST))) {
        way.proxy.trouble("PUT", 2, *trouble);
        let put = way.put(&name, &upload, number, &bytes.slice_ref(part)).await;
        put.unwrap_or_else(|fault| panic!("{trouble:?}: {}", fault.report()));
    }
    assert_eq!(puts(&way).len(), 3 * troubles.len());
    let parts = way.multipart.list(&name, &upload).await.unwrap().unwrap();
    let completed = way.multipart.complete(&name, &upload, &parts).await.unwrap();
    assert_eq!(completed, Completed::Done);
    assert!(way.read(&name).await == bytes);
    assert_eq!(std::fs::read_dir(way.folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_part_that_the_service_never_takes_is_given_up_after_some_tries() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    way.proxy.trouble("PUT", usize::MAX, Trouble::SLOW_DOWN);
    let fault = way.put(&name, &upload, 1, &noise(1, LEAST)).await.unwrap_err();
    assert!(fault.retryable);
    assert!(fault.report().contains("503 SlowDown"), "{}", fault.report());
    assert_eq!(puts(&way), ["503"; 1 + super::super::put::RETRIES]);
    // What does not pass is not tried again.
    way.proxy.calm();
    way.proxy.trouble("PUT", usize::MAX, Trouble::Answer(403, ""));
    assert!(
        !way.put(&name, &upload, 1, &noise(1, LEAST))
            .await
            .unwrap_err()
            .retryable
    );
    assert_eq!(puts(&way).last_chunk(), Some(&["503".to_owned(), "403".to_owned()]));
}

#[tokio::test]
async fn a_part_that_is_not_kept_is_tried_again_until_bytes_were_taken() {
    let (mut way, name) = (Way::new().await, name());
    // One that keeps nothing, and one that has no room for the whole part.
    for spool in [None, Spool::new(way.folder.path().to_owned(), 1_000_000)] {
        way.multipart.spool = spool;
        let upload = way.multipart.create(&name, None).await.unwrap();
        let before = puts(&way).len();
        way.proxy.trouble("PUT", 2, Trouble::SLOW_DOWN);
        way.put(&name, &upload, 1, &Bytes::new()).await.unwrap();
        way.proxy.trouble("PUT", 1, Trouble::SLOW_DOWN);
        let fault = way.put(&name, &upload, 2, &noise(1, LEAST)).await.unwrap_err();
        assert!(fault.retryable);
        assert!(fault.report().contains("503 SlowDown"), "{}", fault.report());
        assert_eq!(puts(&way)[before..], ["503", "503", "200", "503"]);
        way.put(&name, &upload, 2, &noise(1, LEAST)).await.unwrap();
    }
}

#[tokio::test]
async fn a_sender_slower_than_the_service_waits_costs_the_service_another_request_and_the_sender_nothing() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    let timeout = "<Error><Code>RequestTimeout</Code><Message>m</Message></Error>";
    way.proxy.trouble("PUT", 1, Trouble::AnswerAtOnce(400, timeout));
    let bytes = noise(1, 2_000_000);
    let (first, rest) = (bytes.slice(..700_000), bytes.slice(700_000..));
    let (go_on, gone_on) = tokio::sync::oneshot::channel::<()>();
    let slow = stream::iter([Ok(first)]).chain(stream::once(async move {
        gone_on.await.unwrap();
        Ok(rest)
    }));
    let put = way
        .multipart
        .put_part(which(&name, &upload, 1), bytes.len() as u64, slow.boxed());
    let after_it_was_given_up = async {
        way.proxy.is_asked("PUT", 1).await;
        go_on.send(()).unwrap();
    };
    let (put, ()) = tokio::join!(put, after_it_was_given_up);
    put.unwrap();
    assert_eq!(puts(&way), ["400", "200"]);
    let parts = way.multipart.list(&name, &upload).await.unwrap().unwrap();
    let completed = way.multipart.complete(&name, &upload, &parts).await.unwrap();
    assert_eq!(completed, Completed::Done);
    assert!(way.read(&name).await == bytes);
}

#[tokio::test]
async fn connections_that_the_service_has_dropped_cost_nothing() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    // More connections are open than there are tries, and each is closed at its next request.
    let looking = (0..12).map(|_| async { way.multipart.list(&name, &upload).await.unwrap() });
    futures_util::future::join_all(looking).await;
    way.proxy.close_used_connections();
    for number in 1..=4 {
        way.put(&name, &upload, number, &noise(1, LEAST)).await.unwrap();
    }
    let parts = way.multipart.list(&name, &upload).await.unwrap().unwrap();
    assert_eq!(parts.len(), 4);
    assert!(
        way.asked().iter().any(|line| line.ends_with(": closed")),
        "{:?}",
        way.asked()
    );
    for line in way.asked().iter().filter(|line| line.contains("uploads")) {
        assert!(line.ends_with("200"), "{line}");
    }
}

#[tokio::test]
async fn a_part_that_is_not_what_was_said_is_not_there() {
    let (way, name) = (Way::new().await, name());
    let upload = way.multipart.create(&name, None).await.unwrap();
    let bytes = noise(1, 1_000_000);
    let gone = stream::iter([Ok(bytes.slice(..500_000)), Err("the client is gone".into())]);
    for (length, body, why) in [
        (999_999, pieces(&bytes), "more than announced"),
        (1_000_001, pieces(&bytes), "fewer than announced"),
        (1_000_000, gone.boxed(), "the client is gone"),
    ] {
        let fault = way
            .multipart
            .put_part(which(&name, &upload, 1), length, body)
            .await
            .unwrap_err();
        assert!(!fault.retryable);
        assert!(fault.report().contains(why), "{}", fault.report());
        assert_eq!(way.multipart.list(&name, &upload).await.unwrap().unwrap(), [], "{why}");
    }
}
