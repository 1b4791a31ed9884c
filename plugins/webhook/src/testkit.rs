//! Real receivers for tests, with the published libraries that verify webhooks: feature `testkit`.
//!
//! ```no_run
//! use intake_plugin_webhook::testkit::{Library, Receiver};
//!
//! let receiver = Receiver::start(Library::Python, &["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]);
//! println!("{}", receiver.url());
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

/// How long it may take until a receiver has started, or has what it was sent.
const PATIENCE: Duration = Duration::from_secs(60);

/// The libraries, as published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Library {
    /// `standardwebhooks` for Python.
    Python,
    /// `standardwebhooks` for Node.js.
    Node,
    /// `svix` for Python.
    Svix,
}

impl Library {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Python, Self::Node, Self::Svix];
}

/// The lines that a receiver has printed. The last is followed by `None` when it has ended.
#[derive(Debug, Default)]
struct Lines {
    printed: Mutex<Vec<Option<String>>>,
    more: Condvar,
}

impl Lines {
    fn push(&self, line: Option<String>) {
        self.printed.lock().unwrap().push(line);
        self.more.notify_all();
    }

    /// The receiver is started again.
    fn go_on(&self) {
        self.printed.lock().unwrap().retain(Option::is_some);
    }

    /// All lines, as soon as there are as many.
    fn at_least(&self, many: usize) -> Vec<String> {
        let printed = self.printed.lock().unwrap();
        let too_few = |printed: &mut Vec<Option<String>>| printed.len() < many && printed.last() != Some(&None);
        let (printed, _) = self.more.wait_timeout_while(printed, PATIENCE, too_few).unwrap();
        let lines: Vec<_> = printed.iter().flatten().cloned().collect();
        assert!(
            lines.len() >= many,
            "{many} lines of a receiver were expected, not {lines:?}; is `./check setup` done?"
        );
        lines
    }
}

/// A receiver at a port of 127.0.0.1 that runs until this is dropped.
///
/// It answers what its library verifies with 204, and what it does not with 401 and the library's words.
#[derive(Debug)]
pub struct Receiver {
    library: Library,
    secrets: Vec<String>,
    running: Running,
    lines: Arc<Lines>,
    port: u16,
}

/// The process of a receiver.
#[derive(Debug)]
struct Running {
    process: Child,
    /// A receiver ends when its input does.
    input: Option<ChildStdin>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts a receiver at this port, or at one that the system chooses. Returns the port too; `None` if it does not start.
    fn start(library: Library, secrets: &[String], port: u16, lines: &Arc<Lines>) -> (Self, Option<u16>) {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients/webhooks");
        let python = || tools().join("webhooks-python/bin/python");
        let (program, script, which) = match library {
            Library::Python => (python(), "receive.py", Some("standardwebhooks")),
            Library::Node => ("node".into(), "receive.mjs", None),
            Library::Svix => (python(), "receive.py", Some("svix")),
        };
        let mut process = Command::new(&program)
            .arg(scripts.join(script))
            .args(which)
            .args(secrets)
            .env("INTAKE_RECEIVER_PORT", port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run `./check setup` first", program.display()));
        let (input, output) = (process.stdin.take(), process.stdout.take().unwrap());
        let (first, port) = sync_channel(1);
        let lines = Arc::clone(lines);
        let running = Self {
            process,
            input,
            reader: Some(spawn(move || read(output, &first, &lines))),
        };
        let port = port.recv_timeout(PATIENCE).ok();
        (running, port)
    }

    fn kill(&mut self) {
        // SIGKILL. It may have ended already.
        let _dead = self.process.kill();
        self.ended();
    }

    /// Waits for its end, and for the last of what it has printed.
    fn ended(&mut self) {
        let _ended = self.process.wait();
        if let Some(reader) = self.reader.take() {
            let _ended = reader.join();
        }
    }
}

/// Reads what a receiver prints: first its port, then the deliveries.
fn read(output: ChildStdout, port: &SyncSender<u16>, lines: &Lines) {
    let mut printed = BufReader::new(output).lines().map_while(Result::ok);
    match printed.next().and_then(|line| line.parse().ok()) {
        Some(first) => drop(port.send(first)),
        None => return,
    }
    printed.for_each(|line| lines.push(Some(line)));
    lines.push(None);
}

impl Receiver {
    /// Starts a receiver that verifies with the first secret; with a second one it also verifies `X-Uc-Signature`, by that.
    ///
    /// # Panics
    ///
    /// If it does not start.
    #[must_use]
    pub fn start(library: Library, secrets: &[&str]) -> Self {
        let secrets: Vec<_> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        let lines = Arc::new(Lines::default());
        let (running, port) = Running::start(library, &secrets, 0, &lines);
        Self {
            library,
            secrets,
            running,
            lines,
            port: port.expect("a receiver prints its port; is `./check setup` done?"),
        }
    }

    /// Kills it (`SIGKILL`), whatever it is doing, and starts it again at the same port.
    ///
    /// # Panics
    ///
    /// If it does not start again.
    pub fn kill_and_restart(&mut self) {
        self.running.kill();
        self.lines.go_on();
        let began = Instant::now();
        loop {
            let (mut running, port) = Running::start(self.library, &self.secrets, self.port, &self.lines);
            if port.is_some() {
                self.running = running;
                return;
            }
            // A connection to somewhere else may have the port for the moment.
            running.kill();
            assert!(
                began.elapsed() < PATIENCE,
                "a receiver does not start again at its port"
            );
        }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL that it receives at.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// The deliveries so far, as soon as there are as many: each a JSON object with `id`, `body`, and the `error` of the library.
    ///
    /// # Panics
    ///
    /// If there are fewer after a minute, or the receiver has ended.
    #[must_use]
    pub fn deliveries(&self, at_least: usize) -> Vec<String> {
        self.lines.at_least(at_least)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.running.input.take());
        self.running.ended();
    }
}

/// Where `./check setup` puts what the tests need.
fn tools() -> PathBuf {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = || {
        set("XDG_CACHE_HOME")
            .or_else(|| Some(set("HOME")?.join(".cache")))
            .expect("a home")
    };
    set("INTAKE_TEST_TOOLS").unwrap_or_else(|| cache().join("intake/test-tools"))
}
