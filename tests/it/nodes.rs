//! Several nodes over one PostgreSQL and one bucket are one service, even if one of them is killed or the store or the database
//! fails.

use std::io::Write;

use futures_util::future::join_all;
use intake::core::testkit::noise;
use intake::core::{Pipeline, codes};
use intake_plugin_clamav::testkit::Clamd;
use intake_plugin_opendal::testkit::Trouble;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::clients::{js, python};
use crate::cluster::{A_DAY, Cluster, Parts, QUICK};
use crate::parts::{digest, file_of};
use crate::support::{Begun, COMPLETE, PART, Server, completing, send, wait_until};
use crate::virus::scanned_by;

const MIB: u64 = 1 << 20;
const SIZE: usize = 2 * PART + 100_000;

fn hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Sends these parts of the whole, counted from zero, each to another node than the one before.
fn put(nodes: &[&Server], begun: &Begun, whole: &[u8], parts: impl IntoIterator<Item = usize>) {
    for (part, node) in parts.into_iter().zip(nodes.iter().cycle()) {
        let bytes = whole.chunks(PART).nth(part).unwrap();
        let answer = node.put_part(&begun.parts[part], bytes);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// Asks for an upload to be completed, and does not wait for the answer.
fn ask_to_complete(node: &Server, uuid: &str) -> std::net::TcpStream {
    let (mut stream, body) = (node.connect(), completing(uuid));
    let head = format!("{COMPLETE}Host: x\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).unwrap();
    stream
}

#[test]
fn the_javascript_client_uploads_through_the_server_into_a_bucket() {
    let cluster = Cluster::new(Parts::ThroughTheServer);
    the_javascript_client_uploads(&cluster);
}

#[test]
fn the_javascript_client_uploads_straight_into_a_bucket() {
    let cluster = Cluster::new(Parts::StraightIntoTheBucket);
    the_javascript_client_uploads(&cluster);
}

fn the_javascript_client_uploads(cluster: &Cluster) {
    let node = cluster.node("", &[]);
    let mut kept = Vec::new();
    for size in [12 * MIB, 100 * MIB, 1024 * MIB + 4711] {
        let sent = file_of(node.dir.path(), size);
        let options = json!({"publicKey": "demopublickey", "path": sent, "fileName": "large.bin", "store": true});
        let done = js("in-parts", &node, options);
        let id = done["info"]["uuid"].as_str().unwrap().to_owned();
        assert_eq!(done["info"]["size"], size);
        assert!(
            cluster.digest(&id).as_ref() == Ok(&digest(&sent)),
            "{size} bytes came out other than they went in"
        );
        std::fs::remove_file(sent).unwrap();
        kept.push(id);
    }
    cluster.is_left_with(&kept.iter().map(|id| &**id).collect::<Vec<_>>());
}

#[test]
fn the_python_client_uploads_in_both_ways() {
    for parts in [Parts::ThroughTheServer, Parts::StraightIntoTheBucket] {
        let cluster = Cluster::new(parts);
        let node = cluster.node("", &[]);
        for size in [12 * MIB, 100 * MIB, 1024 * MIB] {
            let sent = file_of(node.dir.path(), size);
            let done = python(
                "upload",
                &node,
                json!({"publicKey": "demopublickey", "path": sent, "store": true}),
            );
            let id = done["file"].as_str().unwrap();
            assert!(
                cluster.digest(id).as_ref() == Ok(&digest(&sent)),
                "{parts:?}: {size} bytes came out other than they went in"
            );
            std::fs::remove_file(sent).unwrap();
        }
    }
}

#[test]
fn parts_may_go_to_any_node_and_all_completions_get_one_answer() {
    let cluster = Cluster::new(Parts::ThroughTheServer);
    let (one, other) = (cluster.node("", QUICK), cluster.node("", QUICK));
    let whole = noise(1, SIZE);
    let begun = one.begin_parts(SIZE);
    put(&[&one, &other], &begun, &whole, [2, 0, 1]);
    let answers = std::thread::scope(|scope| {
        let asked: Vec<_> = [&one, &other, &one, &other]
            .map(|node| scope.spawn(|| node.complete(&begun.uuid).json()))
            .into();
        asked
            .into_iter()
            .map(|answer| answer.join().unwrap())
            .collect::<Vec<_>>()
    });
    for answer in &answers {
        assert_eq!(answer["size"], SIZE, "{answer}");
        assert_eq!(answer, &answers[0]);
    }
    assert_eq!(other.complete(&begun.uuid).json(), answers[0]);
    assert_eq!(cluster.digest(&begun.uuid), Ok(hash(&whole)));
    cluster.is_left_with(&[&begun.uuid]);
}

#[test]
fn a_node_that_is_killed_between_parts_costs_none_that_was_acknowledged() {
    let cluster = Cluster::new(Parts::ThroughTheServer);
    let (mut one, other) = (cluster.node("", QUICK), cluster.node("", QUICK));
    let whole = noise(2, SIZE);
    let begun = one.begin_parts(SIZE);
    put(&[&one], &begun, &whole, [0]);
    let mut sending = one.connect();
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: x\r\nContent-Length: {PART}\r\n\r\n",
        begun.parts[1]
    );
    sending.write_all(head.as_bytes()).unwrap();
    sending.write_all(&whole[PART..PART + PART / 2]).unwrap();
    one.kill();
    let missing = other.complete(&begun.uuid).json();
    assert_eq!(
        missing["error"]["error_code"], "MultipartUploadSizeTooSmallError",
        "{missing}"
    );
    put(&[&other], &begun, &whole, [1, 2]);
    assert_eq!(other.complete(&begun.uuid).json()["size"], SIZE);
    assert_eq!(cluster.digest(&begun.uuid), Ok(hash(&whole)));
    cluster.is_left_with(&[&begun.uuid]);
}

#[test]
fn an_upload_that_a_killed_node_was_completing_is_resumed_by_another() {
    // The store has assembled the parts, and no record says that they are readable.
    let cluster = Cluster::new(Parts::ThroughTheServer);
    let mut clamd = cluster.runtime.block_on(Clamd::start());
    let (mut one, other) = (
        cluster.node(&scanned_by(&clamd), QUICK),
        cluster.node(&scanned_by(&clamd), QUICK),
    );
    let whole = noise(3, SIZE);
    let begun = one.begin_parts(SIZE);
    put(&[&one, &other], &begun, &whole, 0..3);
    clamd.pause();
    let _asked = ask_to_complete(&one, &begun.uuid);
    let in_bucket = || cluster.runtime.block_on(cluster.bucket.objects()) == [begun.uuid.clone()];
    wait_until("the store has put the parts together", in_bucket);
    assert_eq!(
        cluster.digest(&begun.uuid),
        Err(codes::NOT_FOUND),
        "it can be read before a scanner has said yes"
    );
    one.kill();
    clamd.go_on();
    let info = other.complete(&begun.uuid).json();
    assert_eq!(info["size"], SIZE, "{info}");
    assert_eq!(cluster.digest(&begun.uuid), Ok(hash(&whole)));
    cluster.is_left_with(&[&begun.uuid]);
    cluster.runtime.block_on(clamd.kill());
}

#[test]
fn a_node_that_is_killed_while_the_store_puts_parts_together_costs_nothing() {
    // In the first case the store never gets the node's request; in the second it has assembled the parts, and its answer is lost.
    for troubles in [&[Trouble::Silence][..], &[Trouble::LostAnswer, Trouble::Silence]] {
        let cluster = Cluster::with_proxy(Parts::ThroughTheServer);
        let (mut one, other) = (cluster.node("", QUICK), cluster.node("", QUICK));
        let proxy = cluster.proxy.as_ref().unwrap();
        let whole = noise(8, SIZE);
        let begun = one.begin_parts(SIZE);
        put(&[&one, &other], &begun, &whole, 0..3);
        for trouble in troubles {
            proxy.trouble("POST", 1, *trouble);
        }
        let _asked = ask_to_complete(&one, &begun.uuid);
        let at_the_store = || proxy.asked().iter().any(|line| line.ends_with(": Silence"));
        wait_until("the store was asked to put the parts together", at_the_store);
        one.kill();
        assert_eq!(cluster.digest(&begun.uuid), Err(codes::NOT_FOUND), "{troubles:?}");
        let info = other.complete(&begun.uuid).json();
        assert_eq!(info["size"], SIZE, "{troubles:?}: {info}");
        assert_eq!(cluster.digest(&begun.uuid), Ok(hash(&whole)));
        cluster.is_left_with(&[&begun.uuid]);
    }
}

#[test]
fn an_upload_is_resumed_even_if_no_client_asks_again() {
    let cluster = Cluster::new(Parts::ThroughTheServer);
    let mut clamd = cluster.runtime.block_on(Clamd::start());
    let (mut one, other) = (
        cluster.node(&scanned_by(&clamd), QUICK),
        cluster.node(&scanned_by(&clamd), QUICK),
    );
    let whole = noise(4, SIZE);
    let begun = one.begin_parts(SIZE);
    put(&[&one], &begun, &whole, 0..3);
    clamd.pause();
    let _asked = ask_to_complete(&one, &begun.uuid);
    let in_bucket = || !cluster.runtime.block_on(cluster.bucket.objects()).is_empty();
    wait_until("the store has put the parts together", in_bucket);
    one.kill();
    clamd.go_on();
    let info = format!("/info/?pub_key=demopublickey&file_id={}", begun.uuid);
    wait_until("the other node has gone on with it", || other.get(&info).status == 200);
    assert_eq!(cluster.digest(&begun.uuid), Ok(hash(&whole)));
    cluster.runtime.block_on(clamd.kill());
}

#[test]
fn a_refused_upload_in_the_bucket_is_not_readable_and_deleted() {
    let cluster = Cluster::new(Parts::StraightIntoTheBucket);
    let mut clamd = cluster.runtime.block_on(Clamd::start());
    let node = cluster.node(&scanned_by(&clamd), QUICK);
    let mut whole = noise(5, SIZE).to_vec();
    whole[PART..PART + intake_plugin_clamav::testkit::MARKER.len()]
        .copy_from_slice(intake_plugin_clamav::testkit::MARKER);
    let sent = node.dir.path().join("infected.bin");
    std::fs::write(&sent, &whole).unwrap();
    let error = js(
        "refused-in-parts",
        &node,
        json!({"publicKey": "demopublickey", "path": sent}),
    );
    assert_eq!(error["code"], "FileInfectedError", "{error}");
    assert_eq!(cluster.runtime.block_on(cluster.bucket.objects()), [""; 0]);
    cluster.is_left_with(&[]);
    cluster.runtime.block_on(clamd.kill());
}

#[test]
fn a_store_that_fails_now_and_then_costs_no_part_that_was_acknowledged() {
    let cluster = Cluster::with_proxy(Parts::ThroughTheServer);
    let (one, other) = (cluster.node("", QUICK), cluster.node("", QUICK));
    let proxy = cluster.proxy.as_ref().unwrap();
    let troubles = [
        Trouble::INTERNAL_ERROR,
        Trouble::SLOW_DOWN,
        Trouble::HangUp,
        Trouble::LostAnswer,
    ];
    proxy.trouble_for_some(7, 20, &troubles);
    let mut kept = Vec::new();
    for number in 0..8 {
        let whole = noise(100 + number, SIZE);
        let again = |what: &str, ask: &mut dyn FnMut() -> bool| {
            assert!((0..40).any(|_| ask()), "{what}: forty tries were not enough");
        };
        let mut begun = None;
        again("begin", &mut || {
            let body = format!(
                "UPLOADCARE_PUB_KEY=demopublickey&UPLOADCARE_STORE=1&filename=a.bin&size={SIZE}&content_type=a%2Fb"
            );
            let answer = one.send("POST /multipart/start/ HTTP/1.1\r\n", body.as_bytes());
            begun = (answer.status == 200).then(|| Begun::of(&answer.json()));
            begun.is_some()
        });
        let begun = begun.unwrap();
        for (path, part) in begun.parts.iter().zip(whole.chunks(PART)) {
            again("put", &mut || other.put_part(path, part).status == 200);
        }
        again("complete", &mut || one.complete(&begun.uuid).json()["size"] == SIZE);
        proxy.calm();
        assert_eq!(cluster.digest(&begun.uuid), Ok(hash(&whole)));
        proxy.trouble_for_some(8 + number, 20, &troubles);
        kept.push(begun.uuid);
    }
    proxy.calm();
    cluster.is_left_with(&kept.iter().map(|id| &**id).collect::<Vec<_>>());
}

#[test]
fn a_store_that_says_nothing_ends_a_request_and_not_the_upload() {
    let cluster = Cluster::with_proxy(Parts::ThroughTheServer);
    let node = cluster.node("", &[("INTAKE_RECEIVE__TIMEOUT", "2s")]);
    let proxy = cluster.proxy.as_ref().unwrap();
    let whole = noise(6, SIZE);
    let begun = node.begin_parts(SIZE);
    put(&[&node], &begun, &whole, [0, 1]);
    proxy.trouble("PUT", 1, Trouble::Silence);
    let timed_out = node.put_part(&begun.parts[2], &whole[2 * PART..]);
    assert_eq!(timed_out.status, 408, "{}", timed_out.text());
    put(&[&node], &begun, &whole, [2]);
    proxy.trouble("POST", 1, Trouble::Silence);
    let timed_out = node.complete(&begun.uuid).json();
    assert_eq!(timed_out["error"]["status_code"], 408, "{timed_out}");
    assert_eq!(node.complete(&begun.uuid).json()["size"], SIZE);
    assert_eq!(cluster.digest(&begun.uuid), Ok(hash(&whole)));
    cluster.is_left_with(&[&begun.uuid]);
}

#[test]
fn a_part_that_the_store_does_not_take_at_once_is_acknowledged_when_it_has_it() {
    let cluster = Cluster::with_proxy(Parts::ThroughTheServer);
    let node = cluster.node("", QUICK);
    let whole = noise(9, SIZE);
    let begun = node.begin_parts(SIZE);
    for (part, trouble) in [Trouble::SLOW_DOWN, Trouble::INTERNAL_ERROR, Trouble::HangUp]
        .into_iter()
        .enumerate()
    {
        cluster.proxy.as_ref().unwrap().trouble("PUT", 2, trouble);
        put(&[&node], &begun, &whole, [part]);
    }
    assert_eq!(node.complete(&begun.uuid).json()["size"], SIZE);
    assert_eq!(cluster.digest(&begun.uuid), Ok(hash(&whole)));
    cluster.is_left_with(&[&begun.uuid]);
}

#[test]
fn a_part_that_the_store_did_not_take_straight_is_named_and_can_be_sent_again() {
    let cluster = Cluster::with_proxy(Parts::StraightIntoTheBucket);
    let node = cluster.node("", QUICK);
    let whole = noise(10, SIZE);
    let started = node.start_parts(SIZE, PART);
    let put = |part: usize| {
        let url = started["parts"][part].as_str().unwrap();
        let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let bytes = whole.chunks(PART).nth(part).unwrap();
        send(host, &format!("PUT /{path} HTTP/1.1\r\n"), bytes).status
    };
    let id = started["uuid"].as_str().unwrap();
    cluster.proxy.as_ref().unwrap().let_pass("PUT", 1);
    cluster.proxy.as_ref().unwrap().trouble("PUT", 1, Trouble::SLOW_DOWN);
    assert_eq!([0, 1, 2].map(put), [200, 503, 200]);
    let missing = node.complete(id).json();
    assert_eq!(missing["error"]["status_code"], 400, "{missing}");
    assert_eq!(
        missing["error"]["content"],
        "File size mismatch. Not all parts uploaded? Missing parts: 2."
    );
    assert_eq!(put(1), 200);
    assert_eq!(node.complete(id).json()["size"], SIZE);
    assert_eq!(cluster.digest(id), Ok(hash(&whole)));
}

#[test]
fn a_part_that_is_sent_again_while_its_upload_is_completed_leaves_it_open() {
    let cluster = Cluster::with_proxy(Parts::ThroughTheServer);
    let node = cluster.node("", QUICK);
    let whole = noise(11, SIZE);
    let begun = node.begin_parts(SIZE);
    put(&[&node], &begun, &whole, 0..3);
    let invalid = "<Error><Code>InvalidPart</Code><Message>m</Message></Error>";
    cluster
        .proxy
        .as_ref()
        .unwrap()
        .trouble("POST", 1, Trouble::Answer(400, invalid));
    let not_whole = node.complete(&begun.uuid).json();
    assert_eq!(not_whole["error"]["status_code"], 400, "{not_whole}");
    assert_eq!(
        not_whole["error"]["error_code"], "MultipartUploadSizeTooSmallError",
        "{not_whole}"
    );
    assert_eq!(node.complete(&begun.uuid).json()["size"], SIZE);
    assert_eq!(cluster.digest(&begun.uuid), Ok(hash(&whole)));
}

#[test]
fn the_address_of_a_part_in_a_bucket_lets_in_just_as_many_bytes_as_it_has() {
    let cluster = Cluster::new(Parts::StraightIntoTheBucket);
    let node = cluster.node("", QUICK);
    let started = node.start_parts(3 * PART, PART);
    let url = started["parts"][0].as_str().unwrap();
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let put = |size: usize| send(host, &format!("PUT /{path} HTTP/1.1\r\n"), &vec![0; size]).status;
    assert_eq!((put(PART + 1), put(PART - 1), put(PART)), (403, 403, 200));
}

#[test]
fn a_bucket_wants_to_know_how_long_a_part_is() {
    let cluster = Cluster::new(Parts::ThroughTheServer);
    let node = cluster.node("", QUICK);
    let begun = node.begin_parts(SIZE);
    let head = format!("PUT {} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", begun.parts[0]);
    let answer = node.send(&head, b"5\r\nbytes\r\n0\r\n\r\n");
    assert_eq!(answer.status, 411, "{}", answer.text());
}

#[test]
fn a_database_that_is_started_anew_in_the_middle_costs_nothing() {
    let mut cluster = Cluster::new(Parts::ThroughTheServer);
    let mut postgres = cluster.runtime.block_on(intake_plugin_sql::testkit::Postgres::start());
    cluster.database = cluster.runtime.block_on(postgres.database());
    let (one, other) = (cluster.node("", QUICK), cluster.node("", QUICK));
    let whole = noise(7, SIZE);
    let begun = one.begin_parts(SIZE);
    put(&[&one], &begun, &whole, [0]);
    cluster.runtime.block_on(postgres.kill());
    cluster.runtime.block_on(postgres.restart());
    put(&[&one, &other], &begun, &whole, [1, 2]);
    cluster.runtime.block_on(async {
        postgres.stop().await;
        postgres.restart().await;
    });
    assert_eq!(other.complete(&begun.uuid).json()["size"], SIZE);
    assert_eq!(cluster.digest(&begun.uuid), Ok(hash(&whole)));
    cluster.is_left_with(&[&begun.uuid]);
}

#[test]
fn sweepers_that_race_end_each_abandoned_upload_once() {
    const ABANDONED: u64 = 20;

    let cluster = Cluster::new(Parts::ThroughTheServer);
    let node = cluster.node("", QUICK);
    let whole = noise(8, SIZE);
    for _ in 0..ABANDONED {
        let begun = node.begin_parts(SIZE);
        put(&[&node], &begun, &whole, [2]);
    }
    let begun = node.begin_parts(SIZE);
    put(&[&node], &begun, &whole, 0..3);
    assert_eq!(node.complete(&begun.uuid).json()["size"], SIZE);
    let sweepers: Vec<_> = (0..4).map(|_| cluster.later(A_DAY)).collect();
    let swept = cluster.runtime.block_on(join_all(sweepers.iter().map(Pipeline::sweep)));
    let abandoned: u64 = swept.into_iter().map(|swept| swept.unwrap().abandoned).sum();
    assert_eq!(abandoned, ABANDONED);
    cluster.is_left_with(&[&begun.uuid]);
}
