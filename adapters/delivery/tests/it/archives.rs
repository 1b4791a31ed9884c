//! All files of a group in one archive, read back with other readers than the writer's.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use bytes::Bytes;
use intake_core::testkit::noise;
use intake_core::{Group, Member};

use crate::support::{Answer, Host, MADE, PROJECT};

/// A group of files with these names and contents.
async fn group(host: &Host, files: &[(&str, Bytes)]) -> Group {
    let mut members = Vec::new();
    for (name, content) in files {
        members.push(Member::new(host.upload(name, content.clone()).await.id));
    }
    host.pipeline.group(PROJECT, members).await.unwrap()
}

fn files() -> Vec<(&'static str, Bytes)> {
    vec![
        ("one.txt", Bytes::from_static(b"one")),
        ("empty", Bytes::new()),
        ("ü 文件.bin", noise(1, 100_000)),
        ("one.txt", Bytes::from_static(b"another")),
        ("block", noise(2, 512)),
    ]
}

const NAMES: [&str; 5] = ["one.txt", "empty", "ü 文件.bin", "one (2).txt", "block"];

fn expected() -> BTreeMap<String, Bytes> {
    let contents = files().into_iter().map(|(_, content)| content);
    NAMES.iter().map(|name| (*name).to_owned()).zip(contents).collect()
}

fn unzipped(answer: &Answer) -> BTreeMap<String, Bytes> {
    let mut archive = zip::ZipArchive::new(Cursor::new(&answer.body)).unwrap();
    let mut read = BTreeMap::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        assert_eq!(file.compression(), zip::CompressionMethod::Stored);
        let mut content = Vec::new();
        // It checks the checksum too.
        file.read_to_end(&mut content).unwrap();
        read.insert(file.name().unwrap().into_owned(), content.into());
    }
    read
}

fn untarred(answer: &Answer) -> BTreeMap<String, Bytes> {
    let mut archive = tar::Archive::new(Cursor::new(&answer.body));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let made = httpdate::parse_http_date(MADE)
            .unwrap()
            .duration_since(std::time::UNIX_EPOCH);
        assert_eq!(entry.header().mtime().unwrap(), made.unwrap().as_secs());
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), content.into())
    });
    entries.collect()
}

#[tokio::test]
async fn an_archive_has_all_files_of_a_group_and_its_length_is_said_before() {
    let host = Host::new();
    let group = group(&host, &files()).await;
    for (format, content_type) in [("zip", "application/zip"), ("tar", "application/x-tar")] {
        for (name, saved) in [("", format!("{}.{format}", group.id)), ("all.x", "all.x".to_owned())] {
            let path = format!("/{}~5/archive/{format}/{name}", group.id);
            let answer = host.get(&path).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.header("content-type"), content_type);
            assert_eq!(
                answer.header("content-disposition"),
                format!("attachment; filename=\"{saved}\"")
            );
            assert_eq!(
                answer.header("content-length"),
                answer.body.len().to_string(),
                "{format}"
            );
            assert_eq!(answer.header("accept-ranges"), "none");
            let read = if format == "zip" {
                unzipped(&answer)
            } else {
                untarred(&answer)
            };
            assert_eq!(read, expected(), "{format}");
            let head = host.ask("HEAD", &path, &[]).await;
            assert_eq!((head.body.len(), head.headers), (0, answer.headers));
        }
    }
}

#[tokio::test]
async fn long_names_are_kept_in_archives() {
    let host = Host::new();
    let long = format!("{}.bin", "ü".repeat(120));
    let group = group(&host, &[(&long, Bytes::from_static(b"x"))]).await;
    for format in ["zip", "tar"] {
        let answer = host.get(&format!("/{}~1/archive/{format}/", group.id)).await;
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        let read = if format == "zip" {
            unzipped(&answer)
        } else {
            untarred(&answer)
        };
        assert!(
            read.len() == 1 && read.contains_key(&long),
            "{format}: {:?}",
            read.keys()
        );
    }
}

#[tokio::test]
async fn an_archive_of_more_than_a_thousand_files_is_refused() {
    let host = Host::new();
    let one = host.upload("one.txt", "one").await;
    let group = host
        .pipeline
        .group(PROJECT, vec![Member::new(one.id); 1001])
        .await
        .unwrap();
    let answer = host.get(&format!("/{}~1001/archive/zip/", group.id)).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    let group = host
        .pipeline
        .group(PROJECT, vec![Member::new(one.id); 1000])
        .await
        .unwrap();
    let answer = host.get(&format!("/{}~1000/archive/zip/", group.id)).await;
    assert_eq!((answer.status, unzipped(&answer).len()), (200, 1000));
}
