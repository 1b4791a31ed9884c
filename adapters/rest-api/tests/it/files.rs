//! One file, and lists of files.

use intake_core::{Retention, UploadId};
use serde_json::{Value, json};

use crate::house::House;

/// Takes files one after the other, so that each has a time of its own or the same as the one before.
async fn several(house: &House, count: usize) -> Vec<UploadId> {
    let mut ids = Vec::new();
    for at in 0..count {
        ids.push(house.take("demo", &format!("{at}.txt"), Retention::Temporary).await);
    }
    ids
}

fn ids(page: &Value) -> Vec<String> {
    let results = page["results"].as_array().unwrap();
    results
        .iter()
        .map(|file| file["uuid"].as_str().unwrap().to_owned())
        .collect()
}

fn path_of(url: &Value) -> Option<String> {
    let url = url.as_str()?;
    Some(url.strip_prefix("https://api.example.com").unwrap().to_owned())
}

#[tokio::test]
async fn a_file_is_described_with_the_recorded_keys_in_their_order() {
    let house = House::new();
    let id = house.take("demo", "Ünï cat.txt", Retention::Temporary).await;
    let path = format!("/files/{id}/");
    let answer = house.ask("GET", &path, "").await;
    let file = answer.json();
    let keys: Vec<_> = file.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        [
            "datetime_removed",
            "datetime_stored",
            "datetime_uploaded",
            "is_image",
            "is_ready",
            "mime_type",
            "original_file_url",
            "original_filename",
            "size",
            "url",
            "uuid",
            "variations",
            "content_info",
            "metadata",
            "tags"
        ]
    );
    assert_eq!(
        file["original_file_url"],
        format!("https://cdn.example.com/{id}/ncat.txt")
    );
    assert_eq!(file["url"], format!("https://api.example.com/files/{id}/"));
    assert_eq!(file["original_filename"], "Ünï cat.txt");
    assert_eq!(
        (&file["is_ready"], &file["size"]),
        (&json!(true), &json!("Ünï cat.txt".len()))
    );
    let uploaded = file["datetime_uploaded"].as_str().unwrap();
    assert!(uploaded.len() == 27 && uploaded.ends_with('Z'), "{uploaded}");
    let with_appdata = house.get(&format!("{path}?include=appdata")).await;
    assert_eq!(with_appdata["appdata"], json!({}));
}

#[tokio::test]
async fn pages_lead_through_all_files_and_back() {
    let house = House::new();
    let mut all: Vec<_> = several(&house, 7).await;
    for ordering in ["datetime_uploaded", "-datetime_uploaded"] {
        let listed = house.get(&format!("/files/?ordering={ordering}")).await;
        let whole = ids(&listed);
        assert_eq!(whole.len(), 7);
        all.sort_by_key(|id| whole.iter().position(|other| *other == id.to_string()));
        assert_eq!((&listed["next"], &listed["previous"]), (&Value::Null, &Value::Null));
        assert_eq!((&listed["total"], &listed["per_page"]), (&json!(7), &json!(100)));

        let mut path = format!("/files/?limit=3&ordering={ordering}");
        let mut pages = Vec::new();
        loop {
            let page = house.get(&path).await;
            pages.push(ids(&page));
            match path_of(&page["next"]) {
                Some(next) => path = next,
                None => {
                    path = path_of(&page["previous"]).unwrap();
                    break;
                }
            }
        }
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
        assert_eq!(pages.concat(), whole, "{ordering}");
        let before = house.get(&path).await;
        assert_eq!(ids(&before), pages[1]);
        let first = house.get(&path_of(&before["previous"]).unwrap()).await;
        assert_eq!(ids(&first), pages[0]);
        assert_eq!(first["previous"], Value::Null);
        let again = house.get(&path_of(&first["next"]).unwrap()).await;
        assert_eq!(ids(&again), pages[1]);
    }
}

#[tokio::test]
async fn a_list_has_the_files_that_are_asked_for_and_counts_all() {
    let house = House::new();
    let stored = house.take("demo", "stored.txt", Retention::Keep).await;
    let unstored = house.take("demo", "unstored.txt", Retention::Temporary).await;
    let removed = house.take("demo", "removed.txt", Retention::Keep).await;
    house.ask("DELETE", &format!("/files/{removed}/storage/"), "").await;
    for (query, total, expected) in [
        ("", 2, vec![stored, unstored]),
        ("stored=true", 1, vec![stored]),
        ("stored=False", 1, vec![unstored]),
        ("removed=1", 1, vec![removed]),
        ("removed=true&stored=true", 0, vec![]),
    ] {
        let page = house.get(&format!("/files/?{query}")).await;
        let mut expected: Vec<_> = expected.iter().map(UploadId::to_string).collect();
        let mut found = ids(&page);
        expected.sort();
        found.sort();
        assert_eq!((found, &page["total"]), (expected, &json!(total)), "{query}");
        assert_eq!(page["totals"], json!({"removed": 1, "stored": 1, "unstored": 1}));
    }
    let keys: Vec<_> = house
        .get("/files/")
        .await
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(keys, ["next", "previous", "total", "totals", "per_page", "results"]);
}

#[tokio::test]
async fn a_time_alone_begins_or_ends_a_list() {
    let house = House::new();
    several(&house, 3).await;
    for (query, count) in [
        ("from=2000-01-01T00:00:00Z", 3),
        ("from=2000-01-01T00:00:00.000000+00:00&to=2000-01-02", 0),
        ("to=2100-01-01T00:00:00Z", 3),
        ("to=2000-01-01T00:00:00Z", 0),
        ("ordering=-datetime_uploaded&from=2100-01-01T00:00:00", 3),
        ("ordering=-datetime_uploaded&to=2100-01-01T00:00:00", 0),
        ("from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z", 3),
    ] {
        let page = house.get(&format!("/files/?{query}")).await;
        assert_eq!(ids(&page).len(), count, "{query}");
    }
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let house = House::new();
    let answer = house.ask("GET", "/files/?limit=5000", "").await;
    assert_eq!(
        (answer.status.as_u16(), &*answer.detail()),
        (400, "`limit` must be a number between 1 and 1000.")
    );
}

#[tokio::test]
async fn an_end_holds_on_every_page() {
    let house = House::new();
    several(&house, 6).await;
    let listed = house.get("/files/").await;
    let times: Vec<_> = listed["results"].as_array().unwrap().iter().collect();
    let time = |at: usize| times[at]["datetime_uploaded"].as_str().unwrap().to_owned();
    let expected = times
        .iter()
        .filter(|file| file["datetime_uploaded"].as_str().unwrap() < &*time(5));
    let expected: Vec<_> = expected.map(|file| file["uuid"].as_str().unwrap().to_owned()).collect();
    let mut path = format!("/files/?limit=2&from=2000-01-01T00:00:00Z&to={}", time(5));
    let mut found = Vec::new();
    loop {
        let page = house.get(&path).await;
        found.extend(ids(&page));
        match path_of(&page["next"]) {
            Some(next) => path = next,
            None => break,
        }
    }
    assert_eq!(found, expected);
}
