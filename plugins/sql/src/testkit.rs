//! A real PostgreSQL for tests, with a cluster of its own: feature `testkit`.
//!
//! ```no_run
//! # async fn example() {
//! use intake_plugin_sql::{SqlRecorder, testkit::Postgres};
//!
//! let postgres = Postgres::shared().await;
//! let recorder = SqlRecorder::postgres(&postgres.database().await).unwrap();
//! # }
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Weak};
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, postgres::PgConnectOptions, query_scalar, raw_sql};
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

/// How long it may take until a server answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// The cluster that tests share.
static SHARED: Mutex<Weak<Postgres>> = Mutex::const_new(Weak::new());

/// A PostgreSQL that runs until this is dropped. It listens on a Unix socket, where it trusts every user name; if a setting
/// makes it listen on TCP too, it requires passwords there.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    /// PostgreSQL refuses to be run by root, so root runs it as the user `postgres`.
    by_root: bool,
    port: u16,
    server: Option<Child>,
}

impl Postgres {
    /// One that all tests of a process share, each with a database of its own, for as long as any of them needs it.
    ///
    /// # Panics
    ///
    /// If it does not start, with what it says.
    pub async fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().await;
        if let Some(postgres) = shared.upgrade() {
            return postgres;
        }
        let postgres = Arc::new(Self::start().await);
        *shared = Arc::downgrade(&postgres);
        postgres
    }

    /// Starts one on a new cluster, and waits until it answers. It does not sync to the disk: it can be killed, but it
    /// would not outlive a loss of power.
    ///
    /// # Panics
    ///
    /// If it does not start, with what it says.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with lines of one's own in its `postgresql.conf`, such as `fsync = on`.
    ///
    /// # Panics
    ///
    /// If it does not start, with what it says.
    pub async fn start_with(lines: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("intake-pg-").tempdir();
        let folder = folder.expect("a temporary folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let mut postgres = Self {
            programs: programs(),
            by_root: folder.path().metadata().is_ok_and(|folder| folder.uid() == 0),
            folder,
            port: port.expect("a free port").port(),
            server: None,
        };
        postgres.initialize(lines);
        postgres.run().await;
        postgres
    }

    /// The url of the database `postgres`, for its superuser.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The url of a new and empty database, for the superuser.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub async fn database(&self) -> String {
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        self.execute("postgres", &format!("CREATE DATABASE {name}")).await;
        self.url_of(&name)
    }

    /// The url of a database, for the superuser.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        let folder = self.folder.path().to_str().expect("a path that is text");
        let folder = utf8_percent_encode(folder, NON_ALPHANUMERIC);
        format!("postgres://postgres@{folder}:{}/{database}", self.port)
    }

    /// Its port: part of the socket's name, and that of TCP if it listens there.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path of its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join(format!(".s.PGSQL.{}", self.port))
    }

    /// A connection of the superuser to a database.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn connect(&self, database: &str) -> PgConnection {
        self.options(database).connect().await.expect("PostgreSQL answers")
    }

    /// Has the superuser execute statements.
    ///
    /// # Panics
    ///
    /// If one fails.
    pub async fn execute(&self, database: &str, statements: &str) {
        let done = raw_sql(AssertSqlSafe(statements.to_owned()))
            .execute(&mut self.connect(database).await)
            .await;
        done.unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The result of a query for a number, as the superuser.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub async fn count(&self, database: &str, question: &str) -> i64 {
        let asked = query_scalar(AssertSqlSafe(question.to_owned()));
        let told = asked.fetch_one(&mut self.connect(database).await).await;
        told.unwrap_or_else(|error| panic!("{question}: {error}"))
    }

    /// What it logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Closes all sessions and shuts the server down in order.
    ///
    /// # Panics
    ///
    /// If it does not stop.
    pub async fn stop(&mut self) {
        self.end("fast").await;
    }

    /// Stops the server immediately, as a crash would, and returns when it has ended.
    ///
    /// # Panics
    ///
    /// If it cannot be ended.
    pub async fn kill(&mut self) {
        self.end("immediate").await;
    }

    /// Stops it if it runs, and starts it again on what there is.
    ///
    /// # Panics
    ///
    /// If it does not start, with what it says.
    pub async fn restart(&mut self) {
        self.end("fast").await;
        self.run().await;
    }

    fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(self.folder.path())
            .port(self.port)
            .username("postgres")
            .database(database)
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn initialize(&self, lines: &[&str]) {
        if self.by_root {
            let given = Command::new("chown").arg("postgres").arg(self.folder.path()).status();
            assert!(given.is_ok_and(|given| given.success()), "there is no user `postgres`");
        }
        let initdb = self
            .command("initdb")
            .arg("--pgdata")
            .arg(self.data())
            .args(["--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256"])
            .args(["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"])
            .output()
            .expect("initdb runs");
        assert!(initdb.status.success(), "{}", String::from_utf8_lossy(&initdb.stderr));
        let own = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nport = {}\nmax_connections = 200\n\
             shared_buffers = 16MB\nfsync = off\nfull_page_writes = off\n",
            self.folder.path().display(),
            self.port
        );
        let mut settings = OpenOptions::new()
            .append(true)
            .open(self.data().join("postgresql.conf"))
            .expect("settings of a cluster");
        let settings = settings.write_all((own + &lines.join("\n") + "\n").as_bytes());
        settings.expect("settings can be written");
    }

    async fn run(&mut self) {
        let log = OpenOptions::new().create(true).append(true).open(self.log_file());
        let log: File = log.expect("a log");
        let mut server = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("postgres runs");
        let until = Instant::now() + PATIENCE;
        while self.options("postgres").connect().await.is_err() {
            let ended = server.try_wait().expect("postgres can be watched").is_some();
            assert!(
                !ended && Instant::now() < until,
                "PostgreSQL does not start: {}",
                self.log()
            );
            sleep(Duration::from_millis(20)).await;
        }
        self.server = Some(server);
    }

    async fn end(&mut self, mode: &str) {
        let Some(mut server) = self.server.take() else { return };
        let mut stop = self.stopper(mode);
        // Other tasks of the runtime may have to run for it to end.
        let ended =
            tokio::task::spawn_blocking(move || stop.status().is_ok_and(|it| it.success()) && server.wait().is_ok());
        let ended = ended.await.expect("pg_ctl runs");
        assert!(ended, "PostgreSQL does not stop: {}", self.log());
    }

    fn stopper(&self, mode: &str) -> Command {
        let mut stop = self.command("pg_ctl");
        stop.arg("--pgdata")
            .arg(self.data())
            .args(["stop", "--silent", "--mode", mode]);
        stop
    }

    /// One of its programs.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match self.by_root {
            false => Command::new(program),
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]);
                command.arg(program);
                command
            }
        };
        command
            .current_dir(self.folder.path())
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // Orderly enough to leave no shared memory behind. A failure cannot be reported here.
            let _ = self.stopper("immediate").status();
            let _ = server.wait();
        }
    }
}

/// Debian installs the programs of a server outside the search path.
fn programs() -> PathBuf {
    let is_here = |folder: &PathBuf| {
        ["initdb", "postgres", "pg_ctl"]
            .iter()
            .all(|name| folder.join(name).is_file())
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    // The newest first: 16 before 9.6.
    versions.sort_by_key(|version| version.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    let debian = versions.iter().rev().map(|version| version.path().join("bin"));
    let found = std::env::split_paths(&path).chain(debian).find(is_here);
    found.expect("PostgreSQL is not installed: run `./check setup`, or install Debian's package postgresql")
}
