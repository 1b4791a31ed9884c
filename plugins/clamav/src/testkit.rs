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

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::address::Address;
use crate::health;
use crate::protocol::Connection;
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
        let child = Command::new(program)
            .arg("--config-file")
            .arg(folder.path().join("clamd.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("clamd runs");
        let mut clamd = Self { child, folder, port };

        // Asked on the Unix socket, which no other process can have taken.
        let config = Config::new(Address::Unix(clamd.socket()));
        let until = Instant::now() + PATIENCE;
        while Connection::ask(&config, b"zPING\0").await.is_err() {
            let ended = clamd.child.try_wait().expect("clamd can be watched").is_some();
            if ended || Instant::now() > until {
                return Err(clamd.log());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(clamd)
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
        let asked = Connection::open(&config, b"zSHUTDOWN\0").await;
        // clamd does not answer this command; but it may miss a command whose connection is closed at once.
        let _silence = asked.expect("clamd takes the command").answer(PATIENCE).await;
        let ended = timeout(PATIENCE, self.child.wait()).await;
        ended.expect("clamd ends").expect("clamd can be watched");
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

fn configure(folder: &Path, port: u16, lines: &[&str]) {
    let signatures = folder.join("signatures");
    std::fs::create_dir(&signatures).expect("a folder for signatures");
    // Name, kind of file (any), offset, bytes.
    let known = format!(
        "Intake.Test.Eicar:0:0:{}\nIntake.Test.Marker:0:*:{}\n",
        hex(&health::eicar()),
        hex(MARKER)
    );
    std::fs::write(signatures.join("intake.ndb"), known).expect("signatures can be written");
    let folder = folder.display();
    let own = format!(
        "Foreground yes\nDatabaseDirectory {folder}/signatures\nTemporaryDirectory {folder}\n\
         LogFile {folder}/clamd.log\nLocalSocket {folder}/clamd.sock\nTCPAddr 127.0.0.1\nTCPSocket {port}\n\
         MaxThreads 4\n"
    );
    let lines = own + &lines.join("\n") + "\n";
    std::fs::write(format!("{folder}/clamd.conf"), lines).expect("settings can be written");
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
