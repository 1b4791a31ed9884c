//! `kill -9` in the middle of many uploads, again and again, on the same folder: every acknowledged upload is there and whole, and
//! every byte on the disk has a record.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, SystemTime};

use intake::core::testkit::{collect, noise};
use intake::core::{Key, Pipeline, State, UploadId};
use intake::plugins::{OpendalStore, Retain, SqlRecorder};

use crate::support::{Form, Server, connect, files_below, read_answer};

const ROUNDS: usize = 20;
const UPLOADS: usize = 200;

/// The pipeline of the same folder, at a time when every lease is over.
pub fn later(server: &Server) -> Pipeline {
    Pipeline::builder()
        .store(OpendalStore::fs(server.dir.path().join("files")))
        .recorder(SqlRecorder::sqlite(server.dir.path().join("records.db")))
        .expirer(Retain::default())
        .clock(|| SystemTime::now() + Duration::from_secs(3 * 3600))
        .build()
        .unwrap()
}

/// The server takes as many uploads at a time as there are senders.
const ALL_AT_ONCE: &[(&str, &str)] = &[
    ("INTAKE_SERVER__MAX_CONNECTIONS_PER_IP", "256"),
    ("INTAKE_UPLOAD_API__MAX_CONCURRENT_REQUESTS_PER_IP", "256"),
    ("INTAKE_UPLOAD_API__MAX_UPLOADS_PER_IP", "256"),
];

/// Two hundred senders send half of their files before any of them goes on. The process is killed once this number of them has
/// an answer. Uploads that were answered with an id are acknowledged.
fn round(server: &mut Server, round: usize) -> BTreeMap<UploadId, (u64, usize)> {
    let address = server.address.clone();
    let (acknowledged, answered) = (Arc::new(Mutex::new(BTreeMap::new())), Arc::new(AtomicUsize::new(0)));
    let half_way = Arc::new(Barrier::new(UPLOADS + 1));
    let senders: Vec<_> = (0..UPLOADS)
        .map(|number| {
            let (address, acknowledged, answered) = (address.clone(), acknowledged.clone(), answered.clone());
            let half_way = half_way.clone();
            std::thread::spawn(move || {
                let seed = (round * UPLOADS + number) as u64;
                let size = 1 + (seed as usize * 7919) % 200_000;
                let form =
                    Form::default()
                        .key()
                        .field("UPLOADCARE_STORE", "1")
                        .file("file", "x.bin", &noise(seed, size));
                let (head, body) = (form.head("/base/"), form.body());
                let mut stream = connect(&address);
                let head = format!("{head}Host: x\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(&body[..body.len() / 2]).unwrap();
                half_way.wait();
                // From here on the server may be killed at any moment.
                if stream.write_all(&body[body.len() / 2..]).is_err() {
                    return;
                }
                let Ok(answer) = read_answer(&mut stream) else { return };
                if answer.status == 200
                    && let Some(id) = serde_json::from_slice::<serde_json::Value>(&answer.body)
                        .ok()
                        .and_then(|json| json["file"].as_str()?.parse().ok())
                {
                    acknowledged.lock().unwrap().insert(id, (seed, size));
                }
                answered.fetch_add(1, Ordering::SeqCst);
            })
        })
        .collect();
    half_way.wait();
    let enough = round * (UPLOADS - 10) / ROUNDS;
    while answered.load(Ordering::SeqCst) < enough {
        std::thread::yield_now();
    }
    server.kill();
    for sender in senders {
        sender.join().unwrap();
    }
    Arc::into_inner(acknowledged).unwrap().into_inner().unwrap()
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_unknown_is_left_however_often_the_process_is_killed() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // All senders have one address here.
    let mut server = Server::start_with("", ALL_AT_ONCE);
    let (mut acknowledged, mut cut_off) = (BTreeMap::new(), 0);
    for number in 0..ROUNDS {
        let told = round(&mut server, number);
        cut_off += UPLOADS - told.len();
        acknowledged.extend(told);
        server = server.restart_after_kill(ALL_AT_ONCE);
        runtime.block_on(async {
            let pipeline = later(&server);
            let swept = pipeline.sweep().await.unwrap();
            assert_eq!(swept.failed, 0, "round {number}: {swept:?}");
            for (id, (seed, size)) in &acknowledged {
                let bytes = pipeline
                    .read(*id, None)
                    .await
                    .unwrap_or_else(|error| panic!("round {number}: {id}: {error}"));
                assert!(
                    collect(bytes).await == noise(*seed, *size),
                    "round {number}: {id} has other bytes"
                );
            }
            for path in files_below(&server.dir.path().join("files")) {
                let name = path.file_name().unwrap().to_str().unwrap();
                let id: UploadId = name
                    .parse()
                    .unwrap_or_else(|_| panic!("round {number}: {name} has no record"));
                let record = pipeline.status(id).await.unwrap();
                assert!(
                    record.is_some_and(|record| record.state == State::Ready),
                    "round {number}: no record knows {}",
                    Key::whole(id)
                );
            }
        });
    }
    assert!(
        cut_off > UPLOADS && acknowledged.len() > UPLOADS,
        "{cut_off} cut off, {} acknowledged",
        acknowledged.len()
    );
}
