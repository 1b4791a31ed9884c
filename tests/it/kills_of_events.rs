//! `kill -9` of nodes and of receivers at random moments while clients change files: every change that was acknowledged is told,
//! nothing is told that did not happen, and the events of a file come in its order. `INTAKE_TEST_LONG=1` kills 200 times during
//! 5,000 changes, and with `--nocapture` the figures are shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use intake::core::events::{EventPosition, KeptEvent};
use intake::core::{Recorder, UploadId};
use intake::plugins::SqlRecorder;
use intake_plugin_sql::testkit::Postgres;
use intake_plugin_webhook::testkit::{Library, Receiver};
use serde_json::Value;
use tempfile::TempDir;

use crate::changing_clients::{Asked, Clients, Told};
use crate::cluster::runtime;
use crate::leftovers::{Random, many};
use crate::support::{PATIENCE, Server, wait_until};
use crate::webhooks::{hooked, subscribe};

const CLIENTS: usize = 8;
const KINDS: [&str; 4] = ["file.uploaded", "file.stored", "file.info_updated", "file.deleted"];
const SECRET: &str = "a-secret-that-survives-kills";
/// A receiver that is killed is away for less than all of them together. A killed node leaves places taken until their leases end,
/// and with few places deliveries would wait for that instead of being hit by the next kill.
const EVENTS: &str = "schedule = [\"200ms\", \"200ms\", \"200ms\", \"200ms\", \"200ms\", \"200ms\", \"200ms\", \"200ms\", \
    \"200ms\", \"200ms\", \"200ms\", \"200ms\", \"200ms\", \"200ms\", \"200ms\", \"200ms\", \"200ms\", \"200ms\", \"200ms\"]\n\
    at_once = 200\nper_target = 100";
/// All clients have one address here.
const VARIABLES: &[(&str, &str)] = &[("INTAKE_UPLOAD_API__MAX_UPLOADS_PER_IP", "256")];

/// Nodes that share a database and files, and receivers.
struct Service {
    nodes: Vec<Server>,
    receivers: Vec<Receiver>,
    recorder: SqlRecorder,
    name: &'static str,
    _files: TempDir,
    _postgres: Option<Arc<Postgres>>,
}

impl Service {
    fn start(files: TempDir, nodes: usize, database: Option<&str>) -> Self {
        let key = format!("whsec_{}", STANDARD.encode(SECRET));
        let receivers: Vec<_> = (0..2)
            .map(|_| Receiver::start(Library::Python, &[&key, SECRET]))
            .collect();
        let ports: Vec<_> = receivers.iter().map(Receiver::port).collect();
        let mut config = hooked(files.path(), &ports, "2s", EVENTS);
        let sqlite = files.path().join("records.db");
        let recorder = match database {
            Some(url) => SqlRecorder::postgres(url).unwrap(),
            None => SqlRecorder::sqlite(&sqlite),
        };
        if let Some(url) = database {
            config = config.replace(&format!("sqlite:{}", sqlite.display()), url);
        }
        let nodes = (0..nodes).map(|_| Server::start_in(TempDir::new().unwrap(), &config, VARIABLES));
        let nodes: Vec<_> = nodes.collect();
        for receiver in &receivers {
            for kind in KINDS {
                subscribe(&nodes[0], &receiver.url(), kind, SECRET);
            }
        }
        Self {
            nodes,
            receivers,
            recorder,
            name: database.map_or("SQLite", |_| "PostgreSQL"),
            _files: files,
            _postgres: None,
        }
    }

    fn sqlite() -> Self {
        Self::start(TempDir::new().unwrap(), 1, None)
    }

    /// Two nodes.
    fn postgres() -> Self {
        let (postgres, database) = runtime().block_on(async {
            let postgres = Postgres::shared().await;
            let database = postgres.database().await;
            (postgres, database)
        });
        Self {
            _postgres: Some(postgres),
            ..Self::start(TempDir::new().unwrap(), 2, Some(&database))
        }
    }

    /// Kills so often while clients make so many changes: of three kills one is of a receiver.
    fn besieged(&mut self, kills: usize, changes: usize) -> Asked {
        let clients = Clients::of(self.nodes.iter().map(|node| node.address.clone()).collect());
        std::thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| clients.change_files());
            }
            for kill in 0..kills {
                let enough = changes * (kill + 1) / (kills + 1);
                wait_until("clients change files", || clients.changes() >= enough);
                std::thread::sleep(Duration::from_micros(Random::of(kill).below(50_000) as u64));
                self.kill(kill, &clients);
            }
            wait_until("clients change files", || clients.changes() >= changes);
            clients.over.store(true, Ordering::SeqCst);
        });
        clients.asked.into_inner().unwrap()
    }

    fn kill(&mut self, number: usize, clients: &Clients) {
        if number % 3 == 2 {
            let which = number / 3 % self.receivers.len();
            self.receivers[which].kill_and_restart();
            return;
        }
        let which = number % self.nodes.len();
        let node = self.nodes.remove(which).restart_after_kill(VARIABLES);
        (*clients.nodes[which].lock().unwrap()).clone_from(&node.address);
        self.nodes.insert(which, node);
    }

    /// All events that were kept, in their order.
    async fn events(&self) -> Vec<KeptEvent> {
        let mut events: Vec<KeptEvent> = Vec::new();
        loop {
            let position = events.last().map_or(EventPosition::default(), |event| event.position);
            let more = self.recorder.outbox().events(position, 1_000).await.unwrap();
            if more.is_empty() {
                return events;
            }
            events.extend(more);
        }
    }

    /// Waits until each receiver has each event, for as long as any arrives, and returns what it got in the order of arrival.
    async fn told(&self) -> (Vec<KeptEvent>, Vec<Vec<Delivery>>) {
        let (mut last, mut began) = (0, Instant::now());
        loop {
            let events = self.events().await;
            let told: Vec<_> = self.receivers.iter().map(deliveries).collect();
            let all: BTreeSet<_> = events.iter().map(|event| event.id.as_str()).collect();
            let waiting = self.recorder.outbox().delivery_backlog().await.unwrap().waiting;
            let has_all =
                |got: &Vec<Delivery>| all.is_subset(&got.iter().map(|delivery| delivery.id.as_str()).collect());
            if waiting == 0 && told.iter().all(has_all) {
                return (events, told);
            }
            let arrived = told.iter().map(Vec::len).sum();
            if arrived > last {
                (last, began) = (arrived, Instant::now());
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{}: no event arrives any more; {waiting} deliveries wait, {} events, {arrived} arrived",
                self.name,
                all.len()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// What a receiver got.
#[derive(Clone, Debug)]
struct Delivery {
    id: String,
    file: String,
    told: Told,
    body: String,
}

impl Delivery {
    /// The revision of the file, and which of its events.
    fn place(&self) -> (u64, usize) {
        let mut parts = self.id.split('_').skip(1);
        (
            parts.next().unwrap().parse().unwrap(),
            parts.next().unwrap().parse().unwrap(),
        )
    }
}

fn deliveries(receiver: &Receiver) -> Vec<Delivery> {
    let read = |line: String| {
        let delivery: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(delivery["error"], Value::Null, "{delivery}");
        let body = delivery["body"].as_str().unwrap().to_owned();
        let content: Value = serde_json::from_str(&body).unwrap();
        let told = match content["hook"]["event"].as_str().unwrap() {
            "file.uploaded" => Told::Uploaded,
            "file.stored" => Told::Stored,
            "file.info_updated" => Told::InfoUpdated(content["data"]["metadata"]["n"].as_str().unwrap().to_owned()),
            "file.deleted" => Told::Deleted,
            other => panic!("{other}"),
        };
        Delivery {
            id: delivery["id"].as_str().unwrap().to_owned(),
            file: content["data"]["uuid"].as_str().unwrap().to_owned(),
            told,
            body,
        }
    };
    receiver.deliveries(0).into_iter().map(read).collect()
}

/// Checks what one receiver got, and returns how many came more than once.
async fn check(asked: &Asked, events: &[KeptEvent], got: &[Delivery], recorder: &SqlRecorder) -> usize {
    let mut first: BTreeMap<&str, &Delivery> = BTreeMap::new();
    let (mut order, mut repeated) = (BTreeMap::<&str, Vec<(u64, usize)>>::new(), 0);
    for delivery in got {
        if let Some(before) = first.get(&*delivery.id) {
            assert_eq!(before.body, delivery.body, "the same id with another body");
            repeated += 1;
            continue;
        }
        first.insert(&delivery.id, delivery);
        order.entry(&delivery.file).or_default().push(delivery.place());
    }
    for (file, places) in order {
        assert!(places.is_sorted(), "{file}: {places:?}");
    }
    let told: Vec<_> = first.values().map(|got| (got.file.clone(), got.told.clone())).collect();
    let told_of: BTreeSet<_> = told.iter().cloned().collect();
    assert_eq!(told.len(), told_of.len(), "one change has two ids");
    let lost: Vec<_> = asked.acknowledged.difference(&told_of).collect();
    assert!(
        lost.is_empty(),
        "{} acknowledged changes were not told: {lost:?}",
        lost.len()
    );

    let kept: BTreeSet<_> = events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(
        first.keys().copied().collect::<BTreeSet<_>>(),
        kept,
        "what was told and what happened"
    );
    // Whose upload was broken off does not know the file.
    let known: BTreeSet<_> = asked.all.iter().map(|(file, _)| file).collect();
    let (asked_for, unknown): (Vec<_>, Vec<_>) = told_of.iter().partition(|(file, _)| known.contains(file));
    assert!(
        asked_for.iter().all(|told| asked.all.contains(*told)),
        "nobody asked for it"
    );
    let unknown: BTreeSet<_> = unknown.iter().map(|(file, _)| file).collect();
    assert!(
        unknown.len() <= asked.uploads_broken_off,
        "{} files of nobody",
        unknown.len()
    );
    for delivery in first.values() {
        let id: UploadId = delivery.file.parse().unwrap();
        let record = recorder
            .get(id)
            .await
            .unwrap()
            .expect("a record of each file that was told of");
        assert!(record.revision >= delivery.place().0, "{delivery:?} of {record:?}");
    }
    repeated
}

fn every_acknowledged_change_is_told(mut service: Service) {
    let (kills, changes, began) = (many(10, 200), many(100, 5_000), Instant::now());
    let asked = service.besieged(kills, changes);
    let besieged = began.elapsed();
    runtime().block_on(async {
        let (events, told) = service.told().await;
        let mut repeated = Vec::new();
        for got in &told {
            repeated.push(check(&asked, &events, got, &service.recorder).await);
        }
        println!(
            "{}: {kills} kills, {} changes acknowledged, {} requests broken off, {} events, {:?} deliveries, {repeated:?} of them repeated; \
             {:.0} s, and {:.0} s until all had arrived",
            service.name,
            asked.changes,
            asked.broken_off,
            events.len(),
            told.iter().map(Vec::len).collect::<Vec<_>>(),
            besieged.as_secs_f64(),
            (began.elapsed() - besieged).as_secs_f64()
        );
    });
}

#[test]
fn every_acknowledged_change_is_told_however_often_a_node_on_sqlite_and_receivers_are_killed() {
    every_acknowledged_change_is_told(Service::sqlite());
}

#[test]
fn every_acknowledged_change_is_told_however_often_two_nodes_on_postgresql_and_receivers_are_killed() {
    every_acknowledged_change_is_told(Service::postgres());
}
