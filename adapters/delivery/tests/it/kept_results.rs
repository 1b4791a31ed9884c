//! Results of operations that are kept in a store, beyond the memory of one process.

use image::ImageFormat;
use intake_core::memory::MemoryStore;
use intake_core::{Bytes, DerivedSettings, Store as _};
use intake_delivery::Settings;

use crate::images::photo;
use crate::support::Host;

const OPERATIONS: [(&str, &[(&str, &str)]); 4] = [
    ("-/resize/60x/", &[]),
    ("-/resize/60x/-/format/auto/", &[("accept", "image/webp")]),
    ("-/resize/60x/-/format/png/", &[]),
    ("-/json/", &[]),
];

fn hosts() -> (Host, Host, MemoryStore) {
    let kept = MemoryStore::default();
    let first = Host::with(
        |builder| builder.derived(kept.clone(), DerivedSettings::default()),
        Settings::default(),
    );
    let again = first.again(|builder| builder.derived(kept.clone(), DerivedSettings::default()));
    (first, again, kept)
}

#[tokio::test]
async fn another_process_answers_what_one_has_made_without_the_file() {
    let (first, again, kept) = hosts();
    let file = first.upload("cat.jpg", photo(ImageFormat::Jpeg, 300, 200)).await;
    let mut answers = Vec::new();
    for (operations, headers) in OPERATIONS {
        let answer = first.ask("GET", &format!("/{}/{operations}", file.id), headers).await;
        assert_eq!(answer.status, 200, "{operations}: {}", answer.text());
        answers.push(answer);
    }
    first.pipeline.finish().await;
    assert_eq!(kept.keys().len(), OPERATIONS.len());

    for key in first.store.keys() {
        first.store.delete(&key).await.unwrap();
    }
    for ((operations, headers), before) in OPERATIONS.into_iter().zip(&answers) {
        let answer = again.ask("GET", &format!("/{}/{operations}", file.id), headers).await;
        assert_eq!((answer.status, &answer.body), (200, &before.body), "{operations}");
        for header in ["etag", "content-type", "content-disposition", "cache-control"] {
            assert_eq!(answer.header(header), before.header(header), "{operations}");
        }
    }
    again.pipeline.delete(file.id).await.unwrap();
    for (operations, headers) in OPERATIONS {
        for host in [&first, &again] {
            let answer = host.ask("GET", &format!("/{}/{operations}", file.id), headers).await;
            assert_eq!(answer.status, 404, "{operations}");
        }
    }
    assert_eq!(kept.keys(), []);
}

#[tokio::test]
async fn a_damaged_result_is_made_again() {
    let (first, again, kept) = hosts();
    let file = first.upload("cat.jpg", photo(ImageFormat::Jpeg, 300, 200)).await;
    let path = format!("/{}/-/resize/60x/", file.id);
    let answer = first.get(&path).await;
    first.pipeline.finish().await;
    let key = kept.keys().remove(0);
    let mut staged = kept.stage(&key, None).await.unwrap();
    staged.write(Bytes::from_static(b"torn")).await.unwrap();
    staged.commit().await.unwrap();

    assert_eq!(again.get(&path).await.body, answer.body);
    again.pipeline.finish().await;
    assert!(
        kept.size(&key).await.unwrap().unwrap() > answer.body.len() as u64,
        "replaced"
    );
}
