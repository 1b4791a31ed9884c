//! Groups, and the project itself.

use intake_core::{Member, Retention};
use serde_json::{Value, json};

use crate::house::{House, project, settings};

#[tokio::test]
async fn groups_are_listed_described_and_deleted_and_their_files_stay() {
    let house = House::new();
    let one = house.take("demo", "one.txt", Retention::Keep).await;
    let other = house.take("demo", "other.txt", Retention::Keep).await;
    let member = Member::new(one).with(|member| member.effects = "resize/5x5/".to_owned());
    let group = house
        .pipeline
        .group("demo", vec![member, Member::new(other)])
        .await
        .unwrap();
    let id = format!("{}~2", group.id);
    house.pipeline.group("demo", vec![Member::new(other)]).await.unwrap();
    house.ask("DELETE", &format!("/files/{other}/storage/"), "").await;

    let path = format!("/groups/{id}/");
    let info = house.get(&path).await;
    let keys: Vec<_> = info.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        keys,
        [
            "id",
            "datetime_created",
            "datetime_stored",
            "files_count",
            "cdn_url",
            "url",
            "files"
        ]
    );
    assert_eq!((&info["id"], &info["files_count"]), (&json!(id), &json!(2)));
    assert_eq!(info["url"], format!("https://api.example.com/groups/{id}/"));
    assert_eq!(info["cdn_url"], format!("https://cdn.example.com/{id}/"));
    let files = info["files"].as_array().unwrap();
    assert_eq!((&files[0]["uuid"], &files[1]), (&json!(one.to_string()), &Value::Null));
    assert_eq!(files[0]["default_effects"], "resize/5x5/");

    let mut seen = Vec::new();
    for ordering in ["datetime_created", "-datetime_created"] {
        let page = house.get(&format!("/groups/?limit=1&ordering={ordering}")).await;
        assert_eq!((&page["total"], &page["per_page"]), (&json!(2), &json!(1)));
        assert_eq!(page.get("totals"), None);
        seen.push(page["results"][0]["id"].clone());
        let next = page["next"]
            .as_str()
            .unwrap()
            .strip_prefix("https://api.example.com")
            .unwrap();
        let next = house.get(next).await;
        assert_ne!(next["results"][0]["id"], page["results"][0]["id"]);
        assert_eq!(next["next"], Value::Null);
    }
    assert_ne!(seen[0], seen[1]);

    assert_eq!(house.ask("DELETE", &path, "").await.status.as_u16(), 204);
    for method in ["GET", "DELETE"] {
        let answer = house.ask(method, &path, "").await;
        assert_eq!((answer.status.as_u16(), &*answer.detail()), (404, "Not found."));
    }
    assert!(house.pipeline.get(one).await.is_ok());
}

#[tokio::test]
async fn a_project_is_described() {
    use intake_core::project::Autostore;
    let off = project("off").with(|project| project.autostore = Some(Autostore::Off));
    let house = House::with(settings(), [project("demo"), off]);
    assert_eq!(
        house.ask("GET", "/project/", "").await.text,
        r#"{"collaborators":[],"name":"demo","pub_key":"demo","autostore_enabled":true}"#
    );
    let off = house.ask_as("off", "GET", "/project/", "").await.json();
    assert_eq!(off["autostore_enabled"], false);
}

#[tokio::test]
async fn a_group_that_names_one_file_many_times_is_described_within_a_bound() {
    let house = House::new();
    let file = house.take("demo", "one.txt", Retention::Keep).await;
    let long = |description: &mut intake_core::Description| {
        description.metadata = (0..50)
            .map(|key| (format!("key{key}"), "\u{1f600}".repeat(512)))
            .collect();
        Ok(())
    };
    house.pipeline.describe(file, long).await.unwrap();
    let members = vec![Member::new(file); 200];
    let group = house.pipeline.group("demo", members).await.unwrap();
    let answer = house.ask("GET", &format!("/groups/{}~200/", group.id), "").await;
    assert!(answer.text.len() < 5 << 20, "{}", answer.text.len());
    let files = answer.json()["files"].clone();
    assert_eq!(files.as_array().unwrap().len(), 200);
    assert_eq!(files[0]["metadata"]["key0"], "\u{1f600}".repeat(512));
    assert_eq!(files[199]["metadata"], json!({}));
}
