//! What is to be measured, as variables say.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use intake_plugin_sql::testkit::Postgres;
use tokio::runtime::Runtime;

use super::server::Peer;
use crate::databases::Database;

/// Records outlast a crash, as those in SQLite do.
const SETTINGS: &[&str] = &[
    "fsync = on",
    "full_page_writes = on",
    "shared_buffers = 128MB",
    "max_wal_size = 8GB",
];

pub struct Plan {
    pub rounds: usize,
    /// How long files of 64 KiB are sent in a turn, and requests for `/info/`.
    pub seconds: Duration,
    /// An older build of Intake.
    pub before: Option<PathBuf>,
    jobs: Option<Vec<String>>,
    peers: Option<Vec<String>>,
    postgres: Option<(Runtime, Arc<Postgres>)>,
}

impl Plan {
    pub fn of_variables() -> Self {
        let postgres = text("INTAKE_BENCH_DATABASE").map(|kind| {
            assert_eq!(kind, "postgres", "INTAKE_BENCH_DATABASE is postgres or not set");
            let runtime = Runtime::new().unwrap();
            let server = runtime.block_on(Postgres::start_with(SETTINGS));
            (runtime, Arc::new(server))
        });
        let number = |name: &str, usual: f64| text(name).map_or(usual, |text| text.parse().expect(name));
        Self {
            rounds: number("INTAKE_BENCH_ROUNDS", 5.0) as usize,
            seconds: Duration::from_secs_f64(number("INTAKE_BENCH_SECONDS", 4.0)),
            before: text("INTAKE_BENCH_BEFORE").map(PathBuf::from),
            jobs: list("INTAKE_BENCH_JOBS"),
            peers: list("INTAKE_BENCH_PEERS"),
            postgres,
        }
    }

    pub fn has_job(&self, name: &str) -> bool {
        is_in(&self.jobs, name)
    }

    /// Those that were asked for, installed. Of the others it says why they are left out.
    pub fn peers(&self) -> Vec<Peer> {
        let asked = Peer::all().filter(|peer| is_in(&self.peers, peer.name()));
        let installed = asked.filter(|peer| {
            let ready = peer.install(self);
            if let Err(reason) = &ready {
                println!("{} is left out: {reason}", peer.name());
            }
            ready.is_ok()
        });
        installed.collect()
    }

    /// An empty database in PostgreSQL, if records are to go there.
    pub fn database(&self) -> Option<String> {
        let (runtime, server) = self.postgres.as_ref()?;
        match runtime.block_on(Database::postgres(server)) {
            Database::Postgres { url, .. } => Some(url),
            Database::Sqlite { .. } => None,
        }
    }

    pub fn records(&self) -> &'static str {
        match self.postgres {
            Some(_) => "PostgreSQL on this machine, whose processor time is not counted",
            None => "SQLite",
        }
    }
}

fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn list(name: &str) -> Option<Vec<String>> {
    let names = text(name)?;
    Some(names.split(',').map(|name| name.trim().to_owned()).collect())
}

fn is_in(list: &Option<Vec<String>>, name: &str) -> bool {
    list.as_ref()
        .is_none_or(|list| list.iter().any(|listed| listed == name))
}
