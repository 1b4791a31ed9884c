//! Webhooks: subscriptions to events, and what is sent to them.

use std::pin::pin;

use axum::body::Body;
use axum::http::Request;
use futures_util::StreamExt as _;
use intake_core::events::{EventPosition, FileEventKind, KeptEvent};
use intake_core::{EventFormat as _, Retention};
use intake_rest_api::UploadcareFormat;
use serde_json::{Value, json};

use crate::house::{House, settings};

const HOOK: &str = "https://example.com/hook";

async fn made(house: &House, fields: Value) -> Value {
    let answer = house.ask("POST", "/webhooks/", &fields.to_string()).await;
    assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn a_webhook_is_made_listed_changed_and_removed() {
    let house = House::new();
    assert_eq!(house.get("/webhooks/").await, json!([]));
    let one = made(
        &house,
        json!({"target_url": HOOK, "event": "file.stored", "is_active": false, "signing_secret": "12345X"}),
    )
    .await;
    let keys: Vec<_> = one.as_object().unwrap().keys().cloned().collect();
    let recorded = [
        "id",
        "created",
        "updated",
        "event",
        "target_url",
        "project",
        "is_active",
        "signing_secret",
        "version",
    ];
    assert_eq!(keys, recorded);
    assert_eq!(
        (
            &one["event"],
            &one["target_url"],
            &one["is_active"],
            &one["signing_secret"],
            &one["version"]
        ),
        (
            &json!("file.stored"),
            &json!(HOOK),
            &json!(false),
            &json!("12345X"),
            &json!("0.7")
        )
    );
    assert!(one["project"].as_u64().is_some_and(|number| number > 0));
    // Without a word it is for uploads, and active.
    let other = made(&house, json!({"target_url": HOOK})).await;
    assert_eq!(
        (&other["event"], &other["is_active"], &other["signing_secret"]),
        (&json!("file.uploaded"), &json!(true), &Value::Null)
    );
    assert_eq!(house.get("/webhooks/").await, json!([one, other]));

    let path = format!("/webhooks/{}/", one["id"]);
    let answer = house
        .ask("PUT", &path, r#"{"is_active": true, "signing_secret": ""}"#)
        .await;
    let changed = answer.json();
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!(
        (&changed["is_active"], &changed["signing_secret"], &changed["event"]),
        (&json!(true), &Value::Null, &json!("file.stored"))
    );
    // What was read first is not what there is now, and is not taken for it.
    assert_eq!(house.ask("DELETE", &path, "").await.status.as_u16(), 204);
    assert_eq!(house.ask("DELETE", &path, "").await.status.as_u16(), 404);
    assert_eq!(house.get("/webhooks/").await, json!([other]));
}

#[tokio::test]
async fn unsubscribing_ends_all_webhooks_of_a_target_and_is_done_once_there_is_none() {
    let house = House::new();
    for event in ["file.uploaded", "file.deleted"] {
        made(&house, json!({"target_url": HOOK, "event": event})).await;
    }
    let other = made(&house, json!({"target_url": "https://example.com/other"})).await;
    for _ in 0..2 {
        let body = json!({"target_url": HOOK}).to_string();
        let answer = house.ask("DELETE", "/webhooks/unsubscribe/", &body).await;
        assert_eq!(answer.status.as_u16(), 204);
        assert_eq!(house.get("/webhooks/").await, json!([other]));
    }
    let answer = house
        .ask("DELETE", "/webhooks/unsubscribe/", r#"{"target_url": ""}"#)
        .await;
    assert_eq!(
        (answer.status.as_u16(), &*answer.detail()),
        (400, "`target_url` is missing.")
    );
}

#[tokio::test]
async fn a_form_makes_a_webhook_as_json_does() {
    let house = House::new();
    let request = Request::post("/webhooks/")
        .header("authorization", "Uploadcare.Simple demo:demosecret")
        .header("accept", "application/vnd.uploadcare-v0.7+json")
        .header("content-type", "application/x-www-form-urlencoded");
    let body = "target_url=https%3A%2F%2Fexample.com%2Fhook&event=file.deleted&is_active=True";
    let answer = house.send(request.body(Body::from(body)).unwrap()).await;
    assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
    let made = answer.json();
    assert_eq!(
        (&made["event"], &made["is_active"]),
        (&json!("file.deleted"), &json!(true))
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_webhook_is_said() {
    let house = House::new();
    made(&house, json!({"target_url": HOOK})).await;
    let again = house
        .ask("POST", "/webhooks/", &json!({"target_url": HOOK}).to_string())
        .await;
    assert_eq!(again.status.as_u16(), 400);
    assert_eq!(
        again.text,
        r#"{"non_field_errors":["This project is already subscribed on this event"]}"#
    );
    let long = format!("https://example.com/{}", "x".repeat(236));
    for (fields, said) in [
        (json!({}), "`target_url` is missing."),
        (json!({"target_url": ""}), "`target_url` is missing."),
        (
            json!({"target_url": long}),
            "`target_url` is longer than 255 characters.",
        ),
        (
            json!({"target_url": "a\nb"}),
            "`target_url` cannot be used: a target has 1 to 2000 bytes, and no control characters.",
        ),
        (
            json!({"target_url": "https://x.com", "event": "file.eaten"}),
            "`event` is no event: file.eaten.",
        ),
        (
            json!({"target_url": "https://x.com", "is_active": "maybe"}),
            "`is_active` is true or false.",
        ),
        (
            json!({"target_url": "https://x.com", "version": "0.5"}),
            "`version` 0.5 is not supported. The version is 0.7.",
        ),
        (
            json!({"target_url": "https://x.com", "signing_secret": "x".repeat(33)}),
            "`signing_secret` is a text of at most 32 characters.",
        ),
    ] {
        let answer = house.ask("POST", "/webhooks/", &fields.to_string()).await;
        assert_eq!((answer.status.as_u16(), &*answer.detail()), (400, said), "{fields}");
    }
    assert_eq!(house.get("/webhooks/").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_webhook_of_another_project_is_not_found() {
    let house = House::new();
    let id = made(&house, json!({"target_url": HOOK})).await["id"].clone();
    let path = format!("/webhooks/{id}/");
    for method in ["PUT", "DELETE"] {
        assert_eq!(house.ask_as("other", method, &path, "{}").await.status.as_u16(), 404);
    }
    let body = json!({"target_url": HOOK}).to_string();
    assert_eq!(
        house
            .ask_as("other", "DELETE", "/webhooks/unsubscribe/", &body)
            .await
            .status
            .as_u16(),
        204
    );
    assert_eq!(house.ask_as("other", "GET", "/webhooks/", "").await.json(), json!([]));
    assert_eq!(house.get("/webhooks/").await.as_array().unwrap().len(), 1);
}

/// The first events, as many as these.
async fn events(house: &House, count: usize) -> Vec<KeptEvent> {
    let events = house.pipeline.events(EventPosition::default());
    let events = pin!(events.take(count));
    events.map(Result::unwrap).collect().await
}

#[tokio::test]
async fn an_event_is_written_as_the_service_writes_it() {
    let house = House::new();
    let hook = made(&house, json!({"target_url": HOOK, "event": "file.info_updated"})).await;
    let id = house.take("demo", "cat.txt", Retention::Keep).await;
    let path = format!("/files/{id}/metadata/pet/");
    house.ask("PUT", &path, "\"cat\"").await;
    house.ask("DELETE", &format!("/files/{id}/storage/"), "").await;
    let subscription = house.pipeline.subscriptions("demo").await.unwrap().remove(0);
    let format = UploadcareFormat::new(Some(&settings()));
    let file = house.get(&format!("/files/{id}/")).await;
    let mut kinds = Vec::new();
    for event in events(&house, 4).await {
        let body = format.body(&event, Some(&subscription)).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        kinds.push(event.event.kind);
        assert_eq!(
            body["initiator"],
            json!({"type": "api", "detail": {"request_id": null, "addon_name": null}})
        );
        let (created, updated) = (&hook["created"], &hook["updated"]);
        let expected = json!({
            "id": hook["id"], "project_id": hook["project"], "project_pub_key": "demo", "created_at": created,
            "updated_at": updated, "event": "file.info_updated", "target": HOOK, "is_active": true, "version": "0.7"
        });
        assert_eq!(body["hook"], expected);
        assert_eq!(body["data"]["uuid"], id.to_string());
        assert_eq!(body["file"], format!("https://cdn.example.com/{id}/cat.txt"));
        match event.event.kind {
            FileEventKind::InfoUpdated => {
                assert_eq!(body["data"]["metadata"], json!({"pet": "cat"}));
                assert_eq!(body["previous_values"], json!({"appdata": {}, "metadata": {}}));
            }
            FileEventKind::Deleted => assert_eq!(body["data"], file, "as the API describes it"),
            _ => assert_eq!(body.get("previous_values"), None),
        }
    }
    let expected = [
        FileEventKind::Uploaded,
        FileEventKind::Stored,
        FileEventKind::InfoUpdated,
        FileEventKind::Deleted,
    ];
    assert_eq!(kinds, expected);
}
