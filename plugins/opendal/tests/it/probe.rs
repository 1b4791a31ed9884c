//! What is said at the start of a service, an access key or a setting with which uploads would fail.

use intake_core::Fault;
use intake_plugin_opendal::testkit::{S3Server, Trouble};
use serde_json::json;

use crate::s3::{Way, store_in};

const DENIED: Trouble = Trouble::Answer(
    403,
    "<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>",
);

/// Requests as the proxy words them; how many of them come before the one that is meant; what is missing then.
const CALLS: [(&str, usize, &str, &str); 13] = [
    ("POST *?uploads", 0, "CreateMultipartUpload", "s3:PutObject"),
    (
        "GET *?max-uploads",
        0,
        "ListMultipartUploads",
        "s3:ListBucketMultipartUploads",
    ),
    (
        "DELETE *?uploadId",
        0,
        "AbortMultipartUpload",
        "s3:AbortMultipartUpload",
    ),
    ("PUT *?partNumber", 0, "UploadPart", "s3:PutObject"),
    ("GET *?max-parts", 0, "ListParts", "s3:ListMultipartUploadParts"),
    ("HEAD", 0, "HeadObject", "s3:ListBucket"),
    ("POST *?uploadId", 0, "CompleteMultipartUpload", "s3:PutObject"),
    ("HEAD", 1, "HeadObject", "s3:GetObject"),
    ("HEAD", 2, "GetObject", "s3:GetObject"),
    ("GET *? -", 0, "GetObject", "s3:GetObject"),
    ("GET *? -", 1, "GetObject with a range", "s3:GetObject"),
    ("DELETE *? -", 0, "DeleteObject", "s3:DeleteObject"),
    ("PUT *? -", 0, "PutObject", "s3:PutObject"),
];

async fn not_ready(way: &Way) -> Fault {
    let fault = way.store().ready().await.unwrap_err();
    assert_eq!(fault.code.as_str(), "store_failed");
    fault
}

#[tokio::test]
async fn a_right_that_the_access_key_lacks_is_named_with_the_call_that_needs_it() {
    let way = Way::new().await;
    for (request, before, call, right) in CALLS {
        way.proxy.let_pass(request, before);
        way.proxy.trouble(request, usize::MAX, DENIED);
        let fault = not_ready(&way).await;
        let names = format!("({call}): give it the right {right}");
        assert!(fault.message.ends_with(&names), "{request}: {}", fault.report());
        assert!(fault.report().len() < 400 && !fault.retryable, "{}", fault.report());
        way.proxy.calm();
    }
    way.store().ready().await.unwrap();
}

#[tokio::test]
async fn a_call_that_the_service_lacks_is_named() {
    let way = Way::new().await;
    for (request, before, call, _) in CALLS {
        way.proxy.let_pass(request, before);
        way.proxy.trouble(request, usize::MAX, Trouble::Answer(501, ""));
        let fault = not_ready(&way).await;
        assert!(
            fault.message.contains(&format!("({call})")),
            "{request}: {}",
            fault.report()
        );
        assert!(fault.report().contains("answered 501"), "{request}: {}", fault.report());
        way.proxy.calm();
    }
}

#[tokio::test]
async fn a_call_that_does_something_else_than_uploads_need_is_named() {
    let way = Way::new().await;
    let nothing = [
        (
            "GET *?max-parts",
            200,
            "<ListPartsResult/>",
            "a part that was just written is not listed",
        ),
        (
            "GET *?max-uploads",
            200,
            "<ListMultipartUploadsResult/>",
            "an upload that was just begun is not listed",
        ),
        (
            "GET *? -",
            200,
            "fifteen letters",
            "the bytes that were read differ from those that were written",
        ),
        (
            "DELETE *?uploadId",
            204,
            "",
            "an upload that was aborted is still listed",
        ),
        ("DELETE *? -", 204, "", "an object that was removed is still there"),
    ];
    for (request, status, answer, what) in nothing {
        way.proxy.trouble(request, 1, Trouble::Answer(status, answer));
        let fault = not_ready(&way).await;
        assert!(fault.message.ends_with(what), "{request}: {}", fault.report());
        way.proxy.calm();
    }
}

#[tokio::test]
async fn what_was_tried_leaves_nothing_wherever_it_ended() {
    let way = Way::new().await;
    let direct = json!({"direct": true});
    way.store_with(direct.clone()).ready().await.unwrap();
    let asked = way.proxy.asked().len();
    assert_eq!(way.leftovers().await, [""; 0]);
    // Each of its requests fails in turn, but for the two that remove what is left.
    for before in 0..asked - 2 {
        way.proxy.let_pass("", before);
        way.proxy.trouble("", 1, Trouble::Answer(501, ""));
        let _ended = way.store_with(direct.clone()).ready().await;
        way.proxy.calm();
        assert_eq!(way.leftovers().await, [""; 0], "after {before} requests");
    }
}

#[tokio::test]
async fn a_service_that_fails_for_a_moment_is_ready() {
    let way = Way::new().await;
    way.proxy.trouble("", 3, Trouble::SLOW_DOWN);
    way.store().ready().await.unwrap();
    way.proxy.trouble("", usize::MAX, Trouble::SLOW_DOWN);
    let fault = not_ready(&way).await;
    assert!(fault.retryable, "{}", fault.report());
    assert_eq!(
        fault.message,
        "the service failed to begin an upload in parts (CreateMultipartUpload)"
    );
}

#[tokio::test]
async fn parts_do_not_go_straight_to_a_service_whose_addresses_let_in_more_than_they_should() {
    let way = Way::new().await;
    let direct = || way.store_with(json!({"direct": true}));
    direct().ready().await.unwrap();
    // One part is sent through here; then come one that is too long, one that is right, and one after each end.
    for (before, what) in [
        (1, "more bytes than it was signed for"),
        (3, "bytes after the parts were put together"),
        (4, "bytes after the upload was aborted"),
    ] {
        way.proxy.let_pass("PUT *?partNumber", before);
        way.proxy.trouble("PUT *?partNumber", 1, Trouble::Answer(200, ""));
        let fault = direct().ready().await.unwrap_err();
        assert!(!fault.retryable && fault.message.contains(what), "{}", fault.report());
        assert!(fault.message.ends_with("set `direct = false`"), "{}", fault.report());
        way.proxy.calm();
        // Through the server no client gets a signed URL.
        way.store().ready().await.unwrap();
        assert_eq!(way.leftovers().await, [""; 0]);
    }
}

#[tokio::test]
async fn a_wrong_setting_is_named_before_anything_else() {
    let bucket = S3Server::shared().await.bucket().await;
    for (setting, wrong) in [
        ("bucket", "no-such-bucket"),
        ("access_key_id", "nobody"),
        ("secret_access_key", "another-secret"),
        ("endpoint", "http://127.0.0.1:9"),
        ("endpoint", "http://no-such-host.invalid"),
        ("spool_folder", "/no/such/folder"),
    ] {
        let store = store_in(&bucket, json!({setting: wrong}));
        let fault = store.ready().await.unwrap_err();
        assert!(
            fault.message.contains(&format!("`{setting}`")),
            "{wrong}: {}",
            fault.report()
        );
        assert!(fault.report().len() < 400, "{}", fault.report());
    }
    // The server of these tests takes any region; these are the words of others.
    let way = Way::new().await;
    for (status, code) in [
        (400, "AuthorizationHeaderMalformed"),
        (400, "AuthorizationQueryParametersError"),
        (301, "PermanentRedirect"),
    ] {
        let answer = format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
        way.proxy
            .trouble("", usize::MAX, Trouble::Answer(status, answer.leak()));
        let fault = not_ready(&way).await;
        assert!(fault.message.contains("`region`"), "{code}: {}", fault.report());
        way.proxy.calm();
    }
}

#[tokio::test]
async fn a_prefix_may_have_any_characters() {
    let way = Way::new().await;
    for prefix in ["a=b", "c d+e", "100%", "f&g?h#i", "ümlaut/中文", "j'k(l)!~*@:$,;"] {
        let store = way.store_with(json!({"prefix": prefix, "direct": true}));
        let ready = store.ready().await;
        ready.unwrap_or_else(|fault| panic!("{prefix}: {}", fault.report()));
        let key = crate::key();
        crate::put(&*store, &key, &crate::some_bytes()).await;
        assert_eq!(way.bucket.objects().await, [format!("{prefix}/{key}")]);
        store.delete(&key).await.unwrap();
    }
}

#[tokio::test]
async fn an_endpoint_may_have_a_path_and_all_requests_go_below_it() {
    let way = Way::new().await;
    let endpoint = format!("{}/storage/v1/s3", way.proxy.endpoint());
    let store = way.store_with(json!({"endpoint": endpoint}));
    way.proxy.trouble("", usize::MAX, DENIED);
    let _denied = (store.ready().await, store.size(&crate::key()).await);
    let below = format!("/storage/v1/s3/{}/", way.bucket.name);
    let asked = way.proxy.asked();
    assert!(
        asked.len() >= 2 && asked.iter().all(|line| line.contains(&below)),
        "{asked:?}"
    );
}

#[tokio::test]
async fn what_a_service_says_later_is_short_too() {
    let way = Way::new().await;
    let (store, key) = (way.store(), crate::key());
    way.proxy.trouble("", usize::MAX, DENIED);
    for fault in [
        store.size(&key).await.unwrap_err(),
        store.read(&key, None).await.err().unwrap(),
        store.stage(&key, None).await.unwrap().commit().await.unwrap_err(),
        store.delete(&key).await.unwrap_err(),
    ] {
        assert!(fault.report().len() < 400, "{}", fault.report());
        assert!(fault.report().contains("Denied"), "{}", fault.report());
    }
}
