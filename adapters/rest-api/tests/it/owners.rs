//! What owners do with files: store, delete, describe, copy.

use intake_core::{Retention, UploadId};
use serde_json::{Value, json};

use crate::house::House;

#[tokio::test]
async fn a_file_is_stored_deleted_and_stored_again() {
    let house = House::new();
    let id = house.take("demo", "cat.txt", Retention::Temporary).await;
    let (file, storage) = (format!("/files/{id}/"), format!("/files/{id}/storage/"));
    assert_eq!(house.get(&file).await["datetime_stored"], Value::Null);
    let stored = house.ask("PUT", &storage, "").await.json();
    assert!(stored["datetime_stored"].is_string());
    let again = house.ask("PUT", &storage, "").await.json();
    assert_eq!(again, stored, "the time stays");
    for _ in 0..2 {
        let removed = house.ask("DELETE", &storage, "").await;
        assert_eq!(removed.status.as_u16(), 200);
        let removed = removed.json();
        assert!(removed["datetime_removed"].is_string());
        for null in ["datetime_stored", "original_file_url"] {
            assert_eq!(removed[null], Value::Null, "{null}");
        }
        assert_eq!(house.get(&file).await, removed);
    }
    assert!(house.pipeline.get(id).await.is_err(), "it can be read");
    let back = house.ask("PUT", &storage, "").await.json();
    assert_eq!(back["datetime_removed"], Value::Null);
    assert!(back["datetime_stored"].is_string());
    assert!(house.pipeline.get(id).await.is_ok());
}

#[tokio::test]
async fn several_files_are_stored_and_deleted_and_problems_are_named() {
    let house = House::new();
    let one = house.take("demo", "one.txt", Retention::Temporary).await;
    let other = house.take("demo", "other.txt", Retention::Temporary).await;
    let missing = UploadId::random();
    let body = json!([
        one.to_string(),
        "invalid",
        other.to_string(),
        missing.to_string(),
        one.to_string()
    ]);
    for (method, time) in [("PUT", "datetime_stored"), ("DELETE", "datetime_removed")] {
        let answer = house.ask(method, "/files/storage/", &body.to_string()).await.json();
        assert_eq!(answer["status"], "ok");
        let result = answer["result"].as_array().unwrap();
        assert_eq!(result.len(), 2);
        assert!(result.iter().all(|file| file[time].is_string()), "{method}");
        let problems = json!({"invalid": "Invalid", missing.to_string(): "Missing in the project"});
        assert_eq!(answer["problems"], problems);
    }
    let many = json!(vec![one.to_string(); 101]).to_string();
    for (body, detail) in [
        ("[]", "List of UUIDs can not be empty"),
        ("{}", "Expected list of UUIDs"),
        ("[1]", "Expected list of UUIDs"),
        (&*many, "Maximum UUIDs per request is exceeded. The limit is 100"),
        ("[", "JSON parse error at line 1, column 1."),
    ] {
        let answer = house.ask("PUT", "/files/storage/", body).await;
        assert_eq!((answer.status.as_u16(), &*answer.detail()), (400, detail), "{body}");
    }
}

#[tokio::test]
async fn metadata_is_set_read_and_removed_key_by_key() {
    let house = House::new();
    let id = house.take("demo", "cat.txt", Retention::Temporary).await;
    let all = format!("/files/{id}/metadata/");
    let key = format!("{all}-:45az_/");
    assert_eq!(house.get(&all).await, json!({}));
    assert_eq!(house.ask("GET", &key, "").await.status.as_u16(), 404);
    let made = house.ask("PUT", &key, "\"cat\"").await;
    assert_eq!((made.status.as_u16(), made.json()), (201, json!("cat")));
    let changed = house.ask("PUT", &key, "\"dog\"").await;
    assert_eq!((changed.status.as_u16(), changed.json()), (200, json!("dog")));
    assert_eq!(house.get(&key).await, "dog");
    assert_eq!(house.get(&all).await, json!({"-:45az_": "dog"}));
    assert_eq!(house.get(&format!("/files/{id}/")).await["metadata"]["-:45az_"], "dog");
    let removed = house.ask("DELETE", &key, "").await;
    assert_eq!((removed.status.as_u16(), &*removed.text), (204, ""));
    assert!(!removed.headers.contains_key("content-type"));
    assert_eq!(house.ask("DELETE", &key, "").await.status.as_u16(), 404);

    let long = json!("x".repeat(513)).to_string();
    for (key, body, says) in [
        (
            "a%20b",
            "\"v\"",
            "contains symbols not allowed by the metadata key format",
        ),
        ("a", &*long, "can not be more than 512 symbols in length"),
        ("a", "\"\"", "can not be empty"),
        ("a", "5", "Expected a JSON string."),
        ("a", "", "JSON parse error"),
    ] {
        let answer = house.ask("PUT", &format!("{all}{key}/"), body).await;
        assert_eq!(answer.status.as_u16(), 400, "{key}, {body}");
        assert!(answer.detail().contains(says), "{}", answer.detail());
    }
    for at in 0..50 {
        house.ask("PUT", &format!("{all}{at}/"), "\"v\"").await;
    }
    let full = house.ask("PUT", &key, "\"v\"").await;
    assert_eq!(full.detail(), "A file can not have more than 50 metadata keys.");
}

#[tokio::test]
async fn tags_are_replaced_added_and_deleted() {
    let house = House::new();
    let id = house.take("demo", "cat.txt", Retention::Temporary).await;
    let path = format!("/files/{id}/tags/");
    assert_eq!(house.get(&path).await, json!({"tags": []}));
    for (method, body, expected) in [
        (
            "PUT",
            json!({"tags": [" Cat", "dog", "CAT", ""]}),
            json!({"tags": ["cat", "dog"], "added": ["cat", "dog"], "deleted": []}),
        ),
        (
            "PUT",
            json!({"tags": ["DOG", "cat"]}),
            json!({"tags": ["cat", "dog"], "added": [], "deleted": []}),
        ),
        (
            "PATCH",
            json!({"add": ["ant", "dog"], "delete": ["cat", "nobody"]}),
            json!({"tags": ["dog", "ant"], "added": ["ant"], "deleted": ["cat"]}),
        ),
        (
            "PATCH",
            json!({}),
            json!({"tags": ["dog", "ant"], "added": [], "deleted": []}),
        ),
        (
            "PUT",
            json!({"tags": []}),
            json!({"tags": [], "added": [], "deleted": ["ant", "dog"]}),
        ),
    ] {
        let answer = house.ask(method, &path, &body.to_string()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()),
            (200, expected),
            "{method} {body}"
        );
    }
    for body in [
        json!({}),
        json!({"tags": "cat"}),
        json!({"tags": [1]}),
        json!({"tags": ["a b"]}),
        json!([]),
    ] {
        let answer = house.ask("PUT", &path, &body.to_string()).await;
        assert_eq!(answer.status.as_u16(), 400, "{body}");
    }
    let many: Vec<_> = (0..51).map(|number| number.to_string()).collect();
    let answer = house.ask("PATCH", &path, &json!({"add": many}).to_string()).await;
    assert_eq!(answer.detail(), "Tags are invalid: a file has at most 50.");
    house.ask("DELETE", &format!("/files/{id}/storage/"), "").await;
    assert_eq!(house.ask("GET", &path, "").await.status.as_u16(), 404, "it is deleted");
}

#[tokio::test]
async fn a_copy_is_a_file_of_its_own() {
    let house = House::new();
    let id = house.take("demo", "cat.txt", Retention::Keep).await;
    for (path, body, stored) in [
        ("/files/local_copy/", json!({"source": id.to_string()}), false),
        (
            "/files/",
            json!({"source": format!("https://cdn.example.com/{id}/"), "store": "true", "metadata": {"pet": "cat"}}),
            true,
        ),
    ] {
        let answer = house.ask("POST", path, &body.to_string()).await;
        assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
        let copy = answer.json();
        assert_eq!(copy["type"], "file");
        let file = &copy["result"];
        assert_eq!(answer.headers["location"].to_str().unwrap(), file["url"]);
        assert_eq!(
            (&file["size"], &file["original_filename"]),
            (&json!(7), &json!("cat.txt"))
        );
        assert_eq!(file["datetime_stored"].is_string(), stored);
        assert_eq!(file["metadata"].as_object().unwrap().is_empty(), !stored);
        let copied = file["uuid"].as_str().unwrap();
        assert_ne!(copied, id.to_string());
        assert_eq!(house.get(&format!("/files/{copied}/")).await, *file);
    }
    let answer = house.ask("POST", "/files/local_copy/", "{}").await;
    assert_eq!(answer.detail(), "`source` parameter is required.");
}
