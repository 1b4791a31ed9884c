//! 1 GiB on every way in, in one run: whole or in parts, through the server or past it, to a disk or into a bucket:
//! `cargo bench --bench parts`.
//!
//! The server is a process of its own, and another one for every upload, so that its peak memory is this upload's. The sender
//! is this process; what it costs is not counted, but it shares the processors with all others. Records are in SQLite beside
//! the files on a disk, and in PostgreSQL beside a bucket; with so few records neither is noticed. The bucket is one of
//! SeaweedFS on this machine, which does not sync what it takes, and whose own processor time is a column. Files go where
//! `TMPDIR` says.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, reason = "a benchmark")]

#[allow(dead_code, reason = "what the tests have, and not all of it is needed here")]
#[path = "../tests/it/cluster.rs"]
mod cluster;
mod measure;
#[allow(dead_code, reason = "what the tests have, and not all of it is needed here")]
#[path = "../tests/it/support.rs"]
mod support;

use std::process::Command;
use std::time::Instant;

use intake::core::testkit::noise;
use serde_json::Value;

use crate::cluster::{Cluster, Parts};
use crate::measure::{GIB, MIB, clear, median, processor_seconds, stat};
use crate::support::{Server, in_parallel, send};

const ROUNDS: usize = 3;
const SIZE: usize = GIB;
const AT_A_TIME: usize = 4;

/// A way in.
struct Way {
    name: &'static str,
    to: To,
    /// Bytes of a part; without, all comes in one `POST /base/`.
    part: Option<usize>,
}

#[derive(Clone, Copy)]
enum To {
    Disk,
    Bucket(Parts),
}

impl Way {
    const fn new(name: &'static str, to: To, part: Option<usize>) -> Self {
        Self { name, to, part }
    }
}

const THROUGH: To = To::Bucket(Parts::ThroughTheServer);
const PAST: To = To::Bucket(Parts::StraightIntoTheBucket);
const WAYS: [Way; 8] = [
    Way::new("disk, /base/", To::Disk, None),
    Way::new("disk, parts of 5 MiB", To::Disk, Some(5 * MIB)),
    Way::new("disk, parts of 64 MiB", To::Disk, Some(64 * MIB)),
    Way::new("bucket, /base/", THROUGH, None),
    Way::new("bucket, parts of 5 MiB", THROUGH, Some(5 * MIB)),
    Way::new("bucket, parts of 64 MiB", THROUGH, Some(64 * MIB)),
    Way::new("past the server, parts of 5 MiB", PAST, Some(5 * MIB)),
    Way::new("past the server, parts of 64 MiB", PAST, Some(64 * MIB)),
];

fn main() {
    let through = Cluster::new(Parts::ThroughTheServer);
    let past = Cluster::new(Parts::StraightIntoTheBucket);
    let s3 = process_of_s3();
    println!(
        "{ROUNDS} rounds of {} MiB below {}, {AT_A_TIME} parts at a time",
        SIZE / MIB,
        std::env::temp_dir().display()
    );
    println!("  {:<33}{HEADINGS}", "");
    let mut costs = [const { Vec::new() }; WAYS.len()];
    for _ in 0..ROUNDS {
        for (way, costs) in WAYS.iter().zip(&mut costs) {
            let variables = [("INTAKE_UPLOAD_API__MAX_DIRECT_SIZE", "2 GiB")];
            let server = match way.to {
                To::Disk => Server::start_with("", &variables),
                To::Bucket(Parts::ThroughTheServer) => through.node("", &variables),
                To::Bucket(Parts::StraightIntoTheBucket) => past.node("", &variables),
            };
            let cost = Cost::of(way, &server, s3);
            println!("  {:<33}{}", way.name, cost.row());
            costs.push(cost);
            leave(way, server);
        }
    }
    println!("\nmedians\n  {:<33}{HEADINGS}", "");
    for (way, costs) in WAYS.iter().zip(&costs) {
        println!("  {:<33}{}", way.name, Cost::median(costs).row());
    }
}

const HEADINGS: &str = "   MiB/s  seconds  complete | server: cpu-s  complete  peak MiB | S3: cpu-s";

/// What one upload cost.
struct Cost {
    /// From its first request to its last answer.
    seconds: f64,
    /// Of these, how long the sender waited for `complete`.
    complete: f64,
    /// Processor seconds of the server, in all and during `complete`.
    cpu: f64,
    complete_cpu: f64,
    /// Of the server, in MiB.
    peak_memory: f64,
    /// Processor seconds of the S3 server.
    s3_cpu: f64,
}

impl Cost {
    fn of(way: &Way, server: &Server, s3: u32) -> Self {
        let cpu = || processor_seconds(server.child.id());
        let piece = noise(1, way.part.unwrap_or(MIB));
        let (began, cpu_before, s3_before) = (Instant::now(), cpu(), processor_seconds(s3));
        let (complete, complete_cpu) = match way.part {
            None => {
                let answer = server.upload_large(&piece, SIZE / piece.len());
                assert_eq!(answer.status, 200, "{}", answer.text());
                (0.0, 0.0)
            }
            Some(size) => {
                let started = server.start_parts(SIZE, size);
                put(&started, &piece);
                let (completing, cpu_before) = (Instant::now(), cpu());
                let info = server.complete(started["uuid"].as_str().unwrap()).json();
                assert_eq!(info["size"], SIZE, "{info}");
                (completing.elapsed().as_secs_f64(), cpu() - cpu_before)
            }
        };
        Self {
            seconds: began.elapsed().as_secs_f64(),
            complete,
            cpu: cpu() - cpu_before,
            complete_cpu,
            peak_memory: server.peak_memory() as f64 / MIB as f64,
            s3_cpu: processor_seconds(s3) - s3_before,
        }
    }

    fn median(costs: &[Self]) -> Self {
        let of = |pick: fn(&Self) -> f64| median(costs.iter().map(pick));
        Self {
            seconds: of(|cost| cost.seconds),
            complete: of(|cost| cost.complete),
            cpu: of(|cost| cost.cpu),
            complete_cpu: of(|cost| cost.complete_cpu),
            peak_memory: of(|cost| cost.peak_memory),
            s3_cpu: of(|cost| cost.s3_cpu),
        }
    }

    fn row(&self) -> String {
        format!(
            "{:>8.0}{:>9.2}{:>10.2} |{:>14.2}{:>10.2}{:>10.0} |{:>10.2}",
            (SIZE / MIB) as f64 / self.seconds,
            self.seconds,
            self.complete,
            self.cpu,
            self.complete_cpu,
            self.peak_memory,
            self.s3_cpu,
        )
    }
}

/// Sends all parts to where they are to go, whoever listens there. All have the same bytes; the last one has fewer.
fn put(started: &Value, piece: &[u8]) {
    let urls = started["parts"].as_array().unwrap();
    in_parallel(urls.len(), AT_A_TIME, |number| {
        let url = urls[number].as_str().unwrap().strip_prefix("http://").unwrap();
        let (address, path) = url.split_once('/').unwrap();
        let left = SIZE - number * piece.len();
        let bytes = &piece[..left.min(piece.len())];
        let answer = send(address, &format!("PUT /{path} HTTP/1.1\r\n"), bytes);
        assert_eq!(answer.status, 200, "{}", answer.text());
    });
}

/// What one upload has left to be written is written before the next one begins.
fn leave(way: &Way, server: Server) {
    if let To::Disk = way.to {
        clear(&server.dir.path().join("files"));
        return;
    }
    // The bucket keeps what it has, and wrote it without a sync.
    let synced = Command::new("sync").arg("-f").arg(std::env::temp_dir()).status();
    assert!(synced.unwrap().success());
}

/// The S3 server's process: a shell of ours watches over it.
fn process_of_s3() -> u32 {
    let parent = |pid: u32| stat(pid)?.get(1)?.parse::<u32>().ok();
    let is_it = |pid: &u32| {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
        name.is_ok_and(|name| name.trim() == "weed") && parent(*pid).and_then(parent) == Some(std::process::id())
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.find(is_it).unwrap()
}
