//! A real clamd for tests, with a few signatures of its own: feature `testkit`.
//!
//! ```no_run
//! # async fn example() {
//! use intake_plugin_clamav::{ClamAv, testkit::Clamd};
//!
//! let clamd = Clamd::start().await;
//! let scanner = ClamAv::at(clamd.address());
//! # }
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clamav_client::tokio::{ping, reload, shutdown};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::address::Address;
use crate::connection::Connection;
use crate::health;
use crate::settings::Config;

/// How long it may take until a clamd has loaded its signatures, or has ended.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often to try again when another process has taken the port that was free a moment ago.
const ATTEMPTS: usize = 5;

/// Bytes that a [`Clamd`] reports wherever in a content they stand, as `Intake.Test.Marker.UNOFFICIAL`.
pub const MARKER: &[u8] = b"INTAKE-TEST-MARKER-5d0c91e7";

/// The EICAR test file, which every clamd reports.
#[must_use]
pub fn eicar() -> Vec<u8> {
    health::eicar()
}

/// A clamd that runs until this is dropped.
#[derive(Debug)]
pub struct Clamd {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Clamd {
    /// Starts a clamd with the limits that it is compiled with, which reports what exceeds them, and waits until it
    /// answers.
    ///
    /// # Panics
    ///
    /// If it does not start, with what it says.
    pub async fn start() -> Self {
        Self::start_with(&["AlertExceedsMax yes"]).await
    }

    /// Starts a clamd with lines of one's own in its `clamd.conf`, such as `MaxFileSize 1M`.
    ///
    /// # Panics
    ///
    /// If it does not start, with what it says.
    pub async fn start_with(lines: &[&str]) -> Self {
        let program = program();
        for attempt in 1.. {
            match Self::attempt(&program, lines).await {
                Ok(clamd) => return clamd,
                Err(log) => assert!(attempt < ATTEMPTS, "clamd does not start: {log}"),
            }
        }
        unreachable!("the last attempt panics")
    }

    async fn attempt(program: &Path, lines: &[&str]) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = port.expect("a free port").port();
        configure(folder.path(), port, lines);
        let child = spawn(program, folder.path());
        let mut clamd = Self { child, folder, port };
        clamd.answers().await?;
        Ok(clamd)
    }

    /// Waits until it answers; the error is its log.
    async fn answers(&mut self) -> Result<(), String> {
        // Asked on the Unix socket, which no other process can have taken.
        let config = Config::new(Address::Unix(self.socket()));
        let until = Instant::now() + PATIENCE;
        while Connection::ask(&config, ping).await.is_err() {
            let ended = self.child.try_wait().expect("clamd can be watched").is_some();
            if ended || Instant::now() > until {
                return Err(self.log());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Starts it again after [`kill`](Self::kill), with the same addresses, and waits until it answers.
    ///
    /// # Panics
    ///
    /// If it does not start, with what it says.
    pub async fn restart(&mut self) {
        let program = program();
        for attempt in 1.. {
            self.child = spawn(&program, self.folder.path());
            match self.answers().await {
                Ok(()) => return,
                Err(log) => assert!(attempt < ATTEMPTS, "clamd does not start again: {log}"),
            }
        }
    }

    /// Where it listens on TCP: host and port.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The path of its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("clamd.sock")
    }

    /// What it logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("clamd.log")).unwrap_or_default()
    }

    /// Lets it finish its running scans, and stops it.
    ///
    /// # Panics
    ///
    /// If it does not stop.
    pub async fn stop(mut self) {
        let config = Config::new(Address::Unix(self.socket()));
        // clamd does not answer this command; but it may miss a command whose connection is closed at once.
        let _silence = Connection::ask(&config, shutdown).await;
        let ended = timeout(PATIENCE, self.child.wait()).await;
        ended.expect("clamd ends").expect("clamd can be watched");
    }

    /// Tells it to read its signatures again, among them one of this name for these bytes, and waits until they are read.
    ///
    /// # Panics
    ///
    /// If it does not read them.
    pub async fn learn(&self, name: &str, bytes: &[u8]) {
        add_signature(self.folder.path(), name, bytes);
        let reloads = |clamd: &Self| clamd.log().matches("Database correctly reloaded").count();
        let before = reloads(self);
        let config = Config::new(Address::Unix(self.socket()));
        Connection::ask(&config, reload).await.expect("clamd takes the command");
        let until = Instant::now() + PATIENCE;
        while reloads(self) == before {
            assert!(Instant::now() < until, "clamd does not reload: {}", self.log());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Suspends the process, so that it neither answers nor closes a connection, until [`go_on`](Self::go_on).
    ///
    /// # Panics
    ///
    /// If it is gone.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Continues it after [`pause`](Self::pause).
    ///
    /// # Panics
    ///
    /// If it is gone.
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().expect("clamd runs").to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.expect("there is `kill`").success(), "clamd takes no {name}");
    }

    /// Kills it, as a crash would, and returns when the process has ended.
    ///
    /// # Panics
    ///
    /// If it cannot be killed.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("clamd can be ended");
    }
}

fn spawn(program: &Path, folder: &Path) -> Child {
    Command::new(program)
        .arg("--config-file")
        .arg(folder.join("clamd.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("clamd runs")
}

fn configure(folder: &Path, port: u16, lines: &[&str]) {
    let signatures = folder.join("signatures");
    std::fs::create_dir(&signatures).expect("a folder for signatures");
    // At the start of a file of any kind.
    let eicar = format!("Intake.Test.Eicar:0:0:{}\n", hex(&health::eicar()));
    std::fs::write(signatures.join("eicar.ndb"), eicar).expect("signatures can be written");
    add_signature(folder, "Intake.Test.Marker", MARKER);
    let folder = folder.display();
    let own = format!(
        "Foreground yes\nDatabaseDirectory {folder}/signatures\nTemporaryDirectory {folder}\n\
         LogFile {folder}/clamd.log\nLocalSocket {folder}/clamd.sock\nTCPAddr 127.0.0.1\nTCPSocket {port}\n\
         MaxThreads 4\n"
    );
    let lines = own + &lines.join("\n") + "\n";
    std::fs::write(format!("{folder}/clamd.conf"), lines).expect("settings can be written");
}

/// Adds a signature of bytes at any place in a file of any kind.
fn add_signature(folder: &Path, name: &str, bytes: &[u8]) {
    let file = folder.join("signatures").join(format!("{name}.ndb"));
    std::fs::write(file, format!("{name}:0:*:{}\n", hex(bytes))).expect("signatures can be written");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Debian keeps clamd where only root looks for programs.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(["/usr/local/sbin".into(), "/usr/sbin".into()])
        .map(|folder| folder.join("clamd"))
        .find(|program| program.is_file());
    found.expect("clamd is not installed: run `./check setup`, or install Debian's package clamav-daemon")
}
