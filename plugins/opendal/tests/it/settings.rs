//! What an operator may write, and what is said to one who has mistyped it.

use intake_plugin_opendal::OpendalStore;
use opendal::layers::CapabilityOverrideLayer;
use opendal::{Operator, services};
use serde_json::{Value, json};

use crate::build;

fn s3(more: Value) -> Value {
    let mut settings = json!({
        "scheme": "s3",
        "bucket": "uploads",
        "region": "eu-central-1",
        "access_key_id": "id",
        "secret_access_key": {"env": "INTAKE_TEST_NO_SUCH_VARIABLE"},
    });
    for (key, value) in more.as_object().unwrap() {
        match value {
            Value::Null => settings.as_object_mut().unwrap().remove(key),
            value => settings.as_object_mut().unwrap().insert(key.clone(), value.clone()),
        };
    }
    settings
}

#[test]
fn what_makes_sense_is_taken() {
    for settings in [
        json!({"scheme": "memory"}),
        json!({"scheme": "fs", "root": "/no/such/folder"}),
        json!({"scheme": "fs", "root": "relative", "durable": false}),
        s3(json!({})),
        s3(json!({"region": null, "endpoint": "http://127.0.0.1:9000"})),
        s3(json!({"endpoint": "https://s3.example.com", "path_style": false})),
        s3(json!({"prefix": "intake/uploads", "part_size": "16 MiB"})),
        s3(json!({"part_size": 5_242_880})),
        s3(json!({"max_parts": 1000, "part_size": "50 MiB"})),
        s3(json!({"idle_timeout": "30s", "ca_file": "/no/such/file"})),
        s3(json!({"spool_folder": "/no/such/folder", "spool_size": 0})),
        s3(json!({"direct": true})),
        s3(json!({"direct": true, "direct_endpoint": "https://files.example.com"})),
    ] {
        let built = build(settings.clone());
        assert!(built.is_ok(), "{settings}: {}", built.unwrap_err());
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    for (settings, says) in [
        (json!({}), "`scheme` is missing, expected `fs`, `s3` or `memory`"),
        (
            json!({"scheme": "ftp"}),
            "scheme: unknown scheme `ftp`, expected `fs`, `s3` or `memory`",
        ),
        (
            json!({"scheme": 1}),
            "scheme: expected a text in quotes such as \"1\"; found 1",
        ),
        (json!({"scheme": "fs"}), "missing field `root`"),
        (json!({"scheme": "fs", "root": ""}), "root: must name a folder"),
        (
            json!({"scheme": "fs", "root": "/x", "rot": 1}),
            "rot: unknown field `rot`, expected `root` or `durable`",
        ),
        (
            json!({"scheme": "fs", "root": "/x", "bucket": "b"}),
            "bucket: unknown field `bucket`, expected `root` or `durable`",
        ),
        (
            json!({"scheme": "fs", "root": "/x", "durable": "no"}),
            "durable: expected `true` or `false`, without quotes; found \"no\"",
        ),
        (
            json!({"scheme": "memory", "root": "/x"}),
            "root: unknown field `root`, there are no fields",
        ),
        (s3(json!({"bucket": null})), "missing field `bucket`"),
        (s3(json!({"bucket": ""})), "bucket: must be the name of a bucket"),
        (s3(json!({"bucket": "a/b"})), "bucket: must be the name of a bucket"),
        (
            s3(json!({"region": null})),
            "`region` is missing; it is optional only with an `endpoint`",
        ),
        (
            s3(json!({"endpoint": "s3.example.com"})),
            "endpoint: must be a URL such as https://s3.example.com",
        ),
        (
            s3(json!({"endpoint": "ftp://s3.example.com"})),
            "endpoint: must begin with https:// or http://",
        ),
        (
            s3(json!({"endpoint": "https://id:hunter2@s3.example.com"})),
            "endpoint: must not contain a user or a password; they go into `access_key_id` and `secret_access_key`",
        ),
        (
            s3(json!({"direct": true, "direct_endpoint": "files.example.com"})),
            "direct_endpoint: must be a URL such as https://s3.example.com",
        ),
        (
            s3(json!({"direct_endpoint": "https://files.example.com"})),
            "direct_endpoint: has an effect only with `direct = true`",
        ),
        (s3(json!({"prefix": "/x"})), "prefix: must be names with / between them"),
        (
            s3(json!({"prefix": "x/../y"})),
            "prefix: must be names with / between them",
        ),
        (
            s3(json!({"part_size": "1 MiB"})),
            "part_size: must be between 5 MiB and 128 MiB",
        ),
        (
            s3(json!({"part_size": "1 GiB"})),
            "part_size: must be between 5 MiB and 128 MiB",
        ),
        (
            s3(json!({"max_parts": 10_001})),
            "max_parts: must be between 1 and 10000, such as 1000: the most parts of an upload that the service supports",
        ),
        (
            s3(json!({"max_parts": 0})),
            "max_parts: must be between 1 and 10000, such as 1000: the most parts of an upload that the service supports",
        ),
        (
            s3(json!({"secret_access_key": ["hunter2"]})),
            "secret_access_key: expected a text, `{ env = \"NAME\" }` or `{ file = \"/path\" }`",
        ),
        (
            s3(json!({"secret": "x"})),
            "secret: unknown field `secret`, expected one of `bucket`, `access_key_id`, `secret_access_key`, `region`, \
             `endpoint`, `prefix`, `path_style`, `max_parts`, `part_size`, `direct`, `direct_endpoint`, `idle_timeout`, \
             `ca_file`, `spool_folder`, `spool_size`",
        ),
    ] {
        assert_eq!(
            build(settings).err().map(|error| error.to_string()).as_deref(),
            Some(says)
        );
    }
}

#[test]
fn what_a_bucket_can_keep_follows_from_how_many_parts_the_service_takes() {
    const GIB: u64 = 1 << 30;

    for (settings, most) in [
        (json!({}), 10_000 * (5 << 20)),
        // Parts are as large as the usual `max_size` needs.
        (json!({"max_parts": 1000}), 1000 * (6 << 20)),
        (json!({"max_parts": 100}), 100 * (52 << 20)),
        (json!({"max_parts": 1000, "part_size": "50 MiB"}), 1000 * (50 << 20)),
    ] {
        let store = build(s3(settings.clone())).unwrap();
        assert_eq!(store.most_bytes(), Some(most), "{settings}");
        assert!(most >= 5 * GIB);
        let parts = settings["max_parts"].as_u64().unwrap_or(10_000);
        assert_eq!(u64::from(store.multipart().unwrap().most_parts()), parts);
    }
}

#[test]
fn a_service_that_cannot_do_what_a_store_must_is_refused_at_once() {
    let operator = Operator::new(services::Memory::default()).unwrap();
    let crippled = operator.layer(CapabilityOverrideLayer::new(|mut can| {
        (can.write, can.delete) = (false, false);
        can
    }));
    let error = OpendalStore::new(crippled).unwrap_err();
    assert_eq!(error.to_string(), "`memory` cannot write in pieces, delete");
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_missed_at_first_use() {
    let store = build(s3(json!({}))).unwrap();
    let fault = store.ready().await.unwrap_err();
    assert_eq!(fault.code.as_str(), "store_failed");
    assert_eq!(
        fault.report(),
        "cannot prepare requests to S3 (store_failed): secret_access_key.env: the environment has no variable \
         `INTAKE_TEST_NO_SUCH_VARIABLE` with text in it"
    );
}
