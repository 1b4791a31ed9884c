//! Several nodes with one PostgreSQL: they start at the same time, each has the uploads of the others, and the database may stop at
//! any moment.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use intake::core::testkit::{collect, noise};
use intake::core::{Pipeline, State, UploadId};
use intake::plugins::{OpendalStore, Retain, SqlRecorder};
use intake_plugin_sql::testkit::Postgres;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::{Answer, Form, Server, files_below, read_answer, wait_until};

/// A database, a folder, and the nodes that run on them.
struct Cluster {
    runtime: Runtime,
    postgres: Postgres,
    url: String,
    files: TempDir,
}

impl Cluster {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let postgres = runtime.block_on(Postgres::start());
        let url = runtime.block_on(postgres.database());
        Self {
            runtime,
            postgres,
            url,
            files: tempfile::tempdir().unwrap(),
        }
    }

    /// Nodes with one folder.
    fn nodes(&self) -> [Server; 2] {
        let files = self.files.path().to_str().unwrap();
        [(); 2].map(|()| Server::start_with("", &[("INTAKE_RECORD__URL", &self.url), ("INTAKE_STORE__ROOT", files)]))
    }

    /// How many uploads have begun and not ended, by the database.
    fn staged(&self) -> i64 {
        let (_, database) = self.url.rsplit_once('/').unwrap();
        let staged = "SELECT count(*) FROM uploads WHERE state = 'staged'";
        self.runtime.block_on(self.postgres.count(database, staged))
    }

    /// The pipeline of the same database and folder, at a time when every lease is over.
    fn later(&self) -> Pipeline {
        Pipeline::builder()
            .store(OpendalStore::fs(self.files.path()))
            .recorder(SqlRecorder::postgres(&self.url).unwrap())
            .expirer(Retain::default())
            .clock(|| SystemTime::now() + Duration::from_secs(3 * 3600))
            .build()
            .unwrap()
    }

    /// Checks that all acknowledged uploads are there and whole, and that the folder has nothing else.
    fn check(&self, acknowledged: &BTreeMap<UploadId, u64>) {
        self.runtime.block_on(async {
            let pipeline = self.later();
            let swept = pipeline.sweep().await.unwrap();
            assert_eq!(swept.failed, 0, "{swept:?}");
            for (id, seed) in acknowledged {
                let bytes = pipeline
                    .read(*id, None)
                    .await
                    .unwrap_or_else(|error| panic!("{id}: {error}"));
                assert!(collect(bytes).await == noise(*seed, SIZE), "{id} has other bytes");
            }
            for path in files_below(self.files.path()) {
                let id: UploadId = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
                let record = pipeline.status(id).await.unwrap();
                assert!(
                    record.is_some_and(|record| record.state == State::Ready),
                    "{id} has no readable record"
                );
            }
        });
    }
}

const SIZE: usize = 100_000;

fn form(seed: u64) -> Form {
    let form = Form::default().key().field("UPLOADCARE_STORE", "1");
    form.file("file", "x.bin", &noise(seed, SIZE))
}

/// An upload of which half has been sent.
fn half(node: &Server, seed: u64) -> TcpStream {
    let form = form(seed);
    node.begin("/base/", &form, form.body().len() / 2)
}

/// Sends the other half.
fn finish(mut stream: TcpStream, seed: u64) -> Answer {
    let body = form(seed).body();
    stream.write_all(&body[body.len() / 2..]).unwrap();
    read_answer(&mut stream).unwrap()
}

fn id(answer: &Answer) -> UploadId {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["file"].as_str().unwrap().parse().unwrap()
}

#[test]
fn nodes_that_start_at_once_share_their_uploads() {
    let cluster = Cluster::new();
    let node = || Server::start_with("", &[("INTAKE_RECORD__URL", &cluster.url)]);
    let nodes: Vec<_> = std::thread::scope(|scope| {
        let starting = [(); 4].map(|()| scope.spawn(node));
        starting.into_iter().map(|node| node.join().unwrap()).collect()
    });
    for (at, node) in nodes.iter().enumerate() {
        let id = node.upload("x.txt", b"of one node");
        for other in &nodes {
            let info = other.get(&format!("/info/?pub_key=demopublickey&file_id={id}"));
            assert_eq!(info.status, 200, "of node {at}: {}", info.text());
            assert_eq!(info.json()["size"], 11);
        }
    }
}

#[test]
fn uploads_outlive_a_restart_of_the_database_in_their_middle() {
    let mut cluster = Cluster::new();
    let nodes = cluster.nodes();
    let mut acknowledged = BTreeMap::new();
    for crash in [false, true] {
        let seeds = u64::from(crash) * 100..u64::from(crash) * 100 + 20;
        let begun: Vec<_> = seeds
            .map(|seed| (seed, half(&nodes[seed as usize % 2], seed)))
            .collect();
        // No change may be in progress when the database stops, so this waits until all have begun.
        wait_until("all have begun", || cluster.staged() == begun.len() as i64);
        let Cluster { runtime, postgres, .. } = &mut cluster;
        runtime.block_on(async {
            match crash {
                true => postgres.kill().await,
                false => postgres.stop().await,
            }
        });
        // They send their last bytes while there is no database.
        let ends: Vec<_> = begun
            .into_iter()
            .map(|(seed, stream)| (seed, std::thread::spawn(move || finish(stream, seed))))
            .collect();
        runtime.block_on(postgres.restart());
        for (seed, end) in ends {
            acknowledged.insert(id(&end.join().unwrap()), seed);
        }
    }
    assert_eq!(acknowledged.len(), 40);
    cluster.check(&acknowledged);
}

#[test]
fn nothing_acknowledged_is_lost_however_often_the_database_ends_in_the_middle() {
    const ROUNDS: u64 = 8;
    const UPLOADS: u64 = 50;
    let mut cluster = Cluster::new();
    let nodes = cluster.nodes();
    let mut acknowledged = BTreeMap::new();
    for round in 0..ROUNDS {
        let begun = (0..UPLOADS).map(|number| {
            let seed = round * UPLOADS + number;
            (seed, half(&nodes[seed as usize % 2], seed))
        });
        let begun: Vec<_> = begun.collect();
        let (told, answers) = std::sync::mpsc::channel();
        for (seed, stream) in begun {
            let told = told.clone();
            std::thread::spawn(move || told.send((seed, finish(stream, seed))).unwrap());
        }
        drop(told);
        // It is killed once this number was answered, in the middle of the commits of the others.
        let mut answers: Vec<_> = answers
            .into_iter()
            .enumerate()
            .map(|(answered, answer)| {
                if answered as u64 == round * UPLOADS / ROUNDS {
                    let Cluster { runtime, postgres, .. } = &mut cluster;
                    runtime.block_on(postgres.kill());
                    runtime.block_on(postgres.restart());
                }
                answer
            })
            .collect();
        answers.retain(|(_, answer)| {
            assert!([200, 500, 503].contains(&answer.status), "{}", answer.text());
            answer.status == 200
        });
        acknowledged.extend(answers.iter().map(|(seed, answer)| (id(answer), *seed)));
    }
    assert!(
        acknowledged.len() as u64 > ROUNDS * UPLOADS / 2,
        "{}",
        acknowledged.len()
    );
    cluster.check(&acknowledged);
}
