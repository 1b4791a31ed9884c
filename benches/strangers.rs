//! A siege: 10,000 connections for ten minutes, half of them hostile in eight ways, while 50 honest clients upload and ask after
//! what they uploaded: `cargo bench --bench strangers`.
//!
//! What has to hold: every honest request succeeds; the 99th percentile of their times is at most three times that of the same
//! server before the siege; the server stays within the memory that it was given; and behind the siege one sweep leaves no row
//! that is under way, no stray file and no room taken. If something does not, it ends with 1 and keeps the server's folder.
//!
//! The server is a process of its own, and so is the siege ([`siege`]): hostile connections and visitors, who only ask. Honest
//! clients are this process. All share the machine's processors. Every client has an address of its own in 127.0.0.0/8, but for
//! five visitors each who share one, and the hostile ones, who have 40 together; one of those wants more connections than its
//! share. Whoever is hostile and loses its connection opens another one, again and again. Nobody honest tries anything twice.
//!
//! The configuration ([`settings`]) is what an operator would choose for so many connections: a fifth more than are expected, an
//! eighth of them to one address, as it is by default; of requests and uploads at a time, 20 to one address of 1,024 in all, so
//! that it takes more than 50 hostile addresses to fill them (the default of an eighth holds against seven); and 300 requests a
//! minute from one address, which is five times as often as any honest one asks.
//!
//! `INTAKE_BENCH_SECONDS` and `INTAKE_BENCH_CONNECTIONS` make it shorter or smaller. Files go where `TMPDIR` says, about 14 MB a
//! second. It needs as many open files as it has connections, and half as many again: `ulimit -Hn`.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, reason = "a benchmark")]

#[allow(dead_code, reason = "what the other benchmarks need")]
mod measure;
mod siege;
#[allow(dead_code, reason = "what the tests have, and not all of it is needed here")]
#[path = "../tests/it/support.rs"]
mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::measure::processor_seconds;
use crate::siege::honest::{self, Figures};
use crate::siege::left::Left;
use crate::siege::{Plan, Report};
use crate::support::{INTAKE, Server, send};

/// Honest clients.
const HONEST: usize = 50;
/// What an operator gives to one address of the requests, and of the uploads: as many as one request has files at most.
const OF_ADDRESS: usize = 20;
const AT_A_TIME: usize = 1024;
/// How often one address may ask: five times as often as any honest one does.
const RATE: &str = "300/min";
const MOST_RATIO: f64 = 3.0;
/// How long what the siege has begun may take to end by itself.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);
/// Longer than a request waits for its turn: until then one may begin whose client is gone.
const QUEUED_FOR: Duration = Duration::from_secs(6);

#[tokio::main]
async fn main() -> ExitCode {
    if let Some(plan) = Plan::of_this_process() {
        siege::run(plan).await;
        return ExitCode::SUCCESS;
    }
    let number = |name: &str, usual: usize| std::env::var(name).map_or(usual, |text| text.parse().unwrap());
    let seconds = number("INTAKE_BENCH_SECONDS", 600);
    let connections = number("INTAKE_BENCH_CONNECTIONS", 10_000);
    let quiet_for = Duration::from_secs((seconds as u64 / 5).max(10));
    let memory = memory(connections);
    let node = Node::start(connections, memory);
    println!(
        "{connections} connections for {seconds} s, below {}; {memory} MiB of memory; http://{}/metrics",
        node.server.dir.path().display(),
        node.admin
    );

    let quiet = node.measured(HONEST, async { sleep(quiet_for).await }).await;
    let plan = Plan {
        address: node.address(),
        seconds,
        hostile: connections / 2,
        visitors: (connections / 2).saturating_sub(HONEST),
        file: node.server.upload("for-visitors.txt", b"hello"),
    };
    let before = node.refused();
    let (siege, watched) = (plan.start(), node.watch());
    let mut report = None;
    let besieged = node
        .measured(HONEST, async { report = Some(siege.await.unwrap()) })
        .await;
    let report = report.unwrap();
    let most = watched.end().await;
    let refused = node.refused();
    println!("\n{report}");
    println!("{:<12}{:>14}{:>14}", "limit", "most in use", "refused");
    for (at, limit) in LIMITS.iter().enumerate() {
        println!("{limit:<12}{:>14}{:>14}", most[at], refused[at] - before[at]);
    }
    println!("\n{}", honest::table(&quiet.figures, &besieged.figures));
    for (when, phase) in [("quiet", &quiet), ("besieged", &besieged)] {
        println!(
            "  {when}: the server took {:.2} processors for {:.0} s",
            phase.processor_seconds / phase.seconds,
            phase.seconds
        );
    }
    verdict(node, memory, &quiet.figures, &besieged.figures, &report).await
}

/// Says of each thing that has to hold whether it does.
async fn verdict(mut node: Node, memory: u64, quiet: &Figures, besieged: &Figures, report: &Report) -> ExitCode {
    let dir = node.server.dir.path().to_owned();
    let began = Instant::now();
    let mut left = Left::in_folder(&dir).await;
    let mut settled = began;
    while settled.elapsed() < QUEUED_FOR && began.elapsed() < SETTLED_WITHIN {
        sleep(Duration::from_millis(200)).await;
        left = Left::in_folder(&dir).await;
        if !left.is_nothing() {
            settled = Instant::now();
        }
    }
    println!("  {:.1} s after the siege: {left}", (settled - began).as_secs_f64());
    let swept = Command::new(INTAKE)
        .args(["sweep", "--config"])
        .arg(node.server.config_file())
        .env("INTAKE_LOG", "warn")
        .output()
        .unwrap();
    let left = Left::in_folder(&dir).await;
    println!("  the sweep: {}", String::from_utf8_lossy(&swept.stdout).trim_end());
    let failures = quiet.failures.len() + besieged.failures.len() + report.visitors_failed();
    for failure in quiet.failures.iter().chain(&besieged.failures).take(10) {
        println!("  failed: {failure}");
    }
    let logged = node.logged();
    for ([level, message, code], count) in &logged {
        println!("  logged {count} times: {level} {message} {code}");
    }
    let errors: usize = logged
        .iter()
        .filter(|([level, ..], _)| level != "WARN")
        .map(|(_, count)| count)
        .sum();
    let ratio = besieged.percentile(99) / quiet.percentile(99);
    let peak = node.server.peak_memory() >> 20;
    let asked = quiet.asked() + besieged.asked() + report.visitors_asked();
    println!();
    let points = [
        (failures == 0, format!("{failures} of {asked} honest requests failed")),
        (
            ratio <= MOST_RATIO,
            format!("their 99th percentile is {ratio:.2} times that of the quiet server, and may be {MOST_RATIO}"),
        ),
        (
            peak <= memory,
            format!("the server had {peak} MiB of memory at most, and may have {memory}"),
        ),
        (left.is_nothing(), format!("after one sweep: {left}")),
        (errors == 0, format!("the server logged {errors} errors")),
    ];
    for (holds, what) in &points {
        println!("{} {what}", if *holds { "holds:" } else { "FAILS:" });
    }
    if points.iter().all(|(holds, _)| *holds) {
        return ExitCode::SUCCESS;
    }
    println!("what there is to look at: {}", node.server.dir.path().display());
    node.server.dir.disable_cleanup(true);
    ExitCode::FAILURE
}

/// MiB for so many connections, and for what may be under way on them, at the prices in `src/program/limits.rs`.
fn memory(connections: usize) -> u64 {
    const GIB: u64 = 1024;
    (2 * GIB + max_connections(connections) as u64 * 160 / 1024).next_multiple_of(GIB)
}

/// A fifth more than are expected.
fn max_connections(connections: usize) -> usize {
    connections * 6 / 5
}

/// What an operator would set for so many connections. A variable of one's own goes before.
fn settings(connections: usize, memory: u64) -> impl Iterator<Item = (&'static str, String)> {
    let settings = [
        ("INTAKE_SERVER__ADMIN", "127.0.0.1:0".to_owned()),
        ("INTAKE_SERVER__MEMORY", format!("{memory} MiB")),
        (
            "INTAKE_SERVER__MAX_CONNECTIONS",
            max_connections(connections).to_string(),
        ),
        ("INTAKE_SERVER__SWEEP_INTERVAL", "1m".to_owned()),
        ("INTAKE_UPLOAD_API__MAX_CONCURRENT_REQUESTS", AT_A_TIME.to_string()),
        (
            "INTAKE_UPLOAD_API__MAX_CONCURRENT_REQUESTS_PER_IP",
            OF_ADDRESS.to_string(),
        ),
        ("INTAKE_UPLOAD_API__MAX_REQUESTS_PER_IP", RATE.to_owned()),
        ("INTAKE_UPLOAD_API__MAX_UPLOADS", AT_A_TIME.to_string()),
        ("INTAKE_UPLOAD_API__MAX_UPLOADS_PER_IP", OF_ADDRESS.to_string()),
    ];
    settings
        .into_iter()
        .filter(|(name, _)| std::env::var_os(name).is_none())
}

/// What is counted of the server, as its metrics call it.
const LIMITS: [&str; 3] = ["connections", "requests", "uploads"];

/// A server that says how much of its limits is in use, and logs to a file as much as it does by default.
struct Node {
    server: Server,
    admin: String,
}

/// What honest clients saw, and what it cost the server.
struct Phase {
    figures: Figures,
    seconds: f64,
    processor_seconds: f64,
}

impl Node {
    fn start(connections: usize, memory: u64) -> Self {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("intake.toml");
        std::fs::write(&file, support::config(dir.path())).unwrap();
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let mut child = Command::new(INTAKE)
            .args(["serve", "--config"])
            .arg(&file)
            .env("INTAKE_LOG_FORMAT", "json")
            .envs(settings(connections, memory))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The first two lines of the banner.
        let mut listens = || {
            let line = lines.next().map(Result::unwrap).unwrap_or_default();
            let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
            let said = || std::fs::read_to_string(dir.path().join("log")).unwrap();
            address.unwrap_or_else(|| panic!("{line}{}", said())).to_owned()
        };
        let (address, admin) = (listens(), listens());
        std::thread::spawn(move || lines.for_each(drop));
        let server = Server { dir, address, child };
        Self { server, admin }
    }

    fn address(&self) -> SocketAddr {
        self.server.address.parse().unwrap()
    }

    /// Has honest clients go on for as long as something else does.
    async fn measured(&self, clients: usize, meanwhile: impl Future<Output = ()>) -> Phase {
        let cpu = || processor_seconds(self.server.child.id());
        let (began, cpu_before) = (Instant::now(), cpu());
        let over = Arc::new(AtomicBool::new(false));
        let honest = tokio::spawn(honest::clients(self.address(), clients, over.clone()));
        meanwhile.await;
        over.store(true, Ordering::SeqCst);
        Phase {
            figures: honest.await.unwrap(),
            seconds: began.elapsed().as_secs_f64(),
            processor_seconds: cpu() - cpu_before,
        }
    }

    /// How often each limit had nothing left.
    fn refused(&self) -> [u64; LIMITS.len()] {
        counted(&self.admin, "intake_permits_refused_total")
    }

    /// Looks every second how much of each limit is in use.
    fn watch(&self) -> Watch {
        let (admin, over) = (self.admin.clone(), Arc::new(AtomicBool::new(false)));
        let is_over = over.clone();
        let task = tokio::task::spawn_blocking(move || {
            let mut most = [0; LIMITS.len()];
            while !is_over.load(Ordering::SeqCst) {
                let now = counted(&admin, "intake_permits_in_use");
                most = std::array::from_fn(|at| most[at].max(now[at]));
                std::thread::sleep(Duration::from_secs(1));
            }
            most
        });
        Watch { over, task }
    }

    /// What the server has logged as warnings and errors: how often, by level, message and code.
    fn logged(&self) -> BTreeMap<[String; 3], usize> {
        let log = std::fs::File::open(self.server.dir.path().join("log")).unwrap();
        let mut logged = BTreeMap::new();
        for line in BufReader::new(log).lines().map(Result::unwrap) {
            let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| Value::from(line));
            let words = ["level", "message", "code"].map(|key| line[key].as_str().unwrap_or_default().to_owned());
            if words[0] != "INFO" {
                *logged.entry(words).or_default() += 1;
            }
        }
        logged
    }
}

struct Watch {
    over: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<[u64; LIMITS.len()]>,
}

impl Watch {
    async fn end(self) -> [u64; LIMITS.len()] {
        self.over.store(true, Ordering::SeqCst);
        self.task.await.unwrap()
    }
}

/// A metric of each limit.
fn counted(admin: &str, metric: &str) -> [u64; LIMITS.len()] {
    let metrics = send(admin, "GET /metrics HTTP/1.1\r\n", b"").text();
    LIMITS.map(|limit| {
        let name = format!("{metric}{{limit=\"{limit}\"}} ");
        let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
        value.map_or(0, |value| value.parse().unwrap())
    })
}
