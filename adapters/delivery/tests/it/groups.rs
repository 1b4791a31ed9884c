//! Files of groups.

use intake_core::{Group, Member, Record};

use crate::images::{drawing, size};
use crate::support::{Host, PROJECT};

async fn group(host: &Host, records: &[&Record]) -> Group {
    let members = records.iter().map(|record| Member::new(record.id)).collect();
    host.pipeline.group(PROJECT, members).await.unwrap()
}

#[tokio::test]
async fn each_file_of_a_group_has_an_address_by_its_place() {
    let host = Host::new();
    let (one, two) = (host.upload("one.txt", "one").await, host.upload("two.txt", "two").await);
    let group = group(&host, &[&one, &two, &one]).await;
    let id = group.id;
    for (path, status, body) in [
        ("~3/nth/0/", 200, "one"),
        ("~3/nth/1/", 200, "two"),
        ("~3/nth/2/other.txt", 200, "one"),
        ("~3/nth/1/-/inline/no/", 200, "two"),
        ("~3/nth/3/", 404, "There is no file at this address.\n"),
        (
            "~3/nth/18446744073709551615/",
            404,
            "There is no file at this address.\n",
        ),
        ("~2/nth/0/", 404, "There is no file at this address.\n"),
        ("~4/nth/0/", 404, "There is no file at this address.\n"),
        ("/nth/0/", 404, "There is no file at this address.\n"),
        ("/", 404, "There is no file at this address.\n"),
    ] {
        let answer = host.get(&format!("/{id}{path}")).await;
        assert_eq!((answer.status, answer.text()), (status, body), "{path}");
    }
    let itself = host.get(&format!("/{id}~3/")).await;
    assert_eq!(itself.status, 404);
    assert!(itself.text().contains("nth/0/"), "{}", itself.text());
    let part = host
        .ask("GET", &format!("/{id}~3/nth/0/"), &[("range", "bytes=-1")])
        .await;
    assert_eq!((part.status, part.text()), (206, "e"));
}

#[tokio::test]
async fn a_file_that_was_removed_leaves_its_place_in_a_group_empty() {
    let host = Host::new();
    let (one, two) = (host.upload("one.txt", "one").await, host.upload("two.txt", "two").await);
    let group = group(&host, &[&one, &two]).await;
    host.pipeline.delete(one.id).await.unwrap();
    let status = async |path: &str| host.get(&format!("/{}~2/{path}", group.id)).await.status;
    assert_eq!(status("nth/0/").await, 404);
    assert_eq!(status("nth/1/").await, 200);
    assert_eq!(status("archive/zip/").await, 404);
    assert_eq!(status("archive/tar/").await, 404);
    host.pipeline.delete_group(group.id).await.unwrap();
    assert_eq!(status("nth/1/").await, 404);
}

#[tokio::test]
async fn a_group_gives_out_no_file_of_another_project() {
    let host = Host::new();
    let one = host.upload("one.txt", "one").await;
    let members = vec![Member::new(one.id)];
    let group = host.pipeline.group("another", members).await.unwrap();
    assert_eq!(host.get(&format!("/{}~1/nth/0/", group.id)).await.status, 404);
    assert_eq!(host.get(&format!("/{}~1/archive/zip/", group.id)).await.status, 404);
}

#[tokio::test]
async fn operations_that_the_maker_of_a_group_asks_for_come_first() {
    let host = Host::new();
    let one = host.upload("one.png", drawing(30, 20)).await;
    let member = Member::new(one.id).with(|member| member.effects = "preview/-/rotate/90/".to_owned());
    let group = host.pipeline.group(PROJECT, vec![member]).await.unwrap();
    // Turned first, the sides are cut to other sizes.
    for (path, expected) in [("", (20, 30)), ("-/resize/10x/", (10, 15))] {
        let answer = host.get(&format!("/{}~1/nth/0/{path}", group.id)).await;
        assert_eq!((answer.status, size(&answer)), (200, expected), "{path}");
    }
}
