//! `POST /base/` against a bare hyper server that hashes and writes the same bytes, in the same run: `cargo bench`.
//!
//! Both are processes of their own; the sender is this one. Two baselines: one that syncs its file before it answers, as
//! Intake does, and one that does not. Figures are medians of rounds in turn; what counts is the ratio. Files go where
//! `TMPDIR` says: on a disk that says what the disk lets through, in memory what the pass itself costs.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, reason = "a benchmark")]

mod measure;
#[allow(dead_code, reason = "what the tests have, and not all of it is needed here")]
#[path = "../tests/it/support.rs"]
mod support;

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use intake::core::testkit::noise;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::measure::{GIB, MIB, clear, median, processor_seconds};
use crate::support::{Form, Server, connect, listening, read_answer};

const ROUNDS: usize = 3;
const LARGE: usize = GIB;
const SMALL: usize = 64 * 1024;
const SENDERS: usize = 16;
const SMALL_FOR: Duration = Duration::from_secs(4);

fn main() {
    if let Some(folder) = std::env::var_os("INTAKE_BENCH_SINK") {
        return sink(folder.into(), std::env::var_os("INTAKE_BENCH_SYNC").is_some());
    }
    let contestants = [
        Contestant::intake(),
        Contestant::sink("sink, synced", true),
        Contestant::sink("sink", false),
    ];
    println!(
        "{ROUNDS} rounds below {}; {} MiB by one sender, 64 KiB by {SENDERS} senders for {SMALL_FOR:?}",
        std::env::temp_dir().display(),
        LARGE / MIB,
    );
    let (mut large, mut small) = ([const { Vec::new() }; 3], [const { Vec::new() }; 3]);
    for _ in 0..ROUNDS {
        for (at, contestant) in contestants.iter().enumerate() {
            let whole = contestant.large();
            print!("  {:<13} {:>8.1} MiB/s", contestant.name, whole.speed);
            std::io::stdout().flush().unwrap();
            let many = contestant.small();
            println!(", {:>8.1} files/s", many.speed);
            large[at].push(whole);
            small[at].push(many);
        }
    }
    report("large: MiB/s; processor seconds per GiB", &contestants, &large);
    report("64 KiB: files/s; processor milliseconds per file", &contestants, &small);
    println!();
    for Contestant { name, server, .. } in &contestants {
        println!("  {name:<13} peak memory {} MiB", server.peak_memory() >> 20);
    }
}

/// One round.
struct Figure {
    /// In the report's unit per second.
    speed: f64,
    /// Processor time of the server, in the report's unit.
    cpu: f64,
}

fn report(what: &str, contestants: &[Contestant], rounds: &[Vec<Figure>]) {
    let of = |figures: &[Figure]| {
        let speed = median(figures.iter().map(|figure| figure.speed));
        (speed, median(figures.iter().map(|figure| figure.cpu)))
    };
    println!("\n{what}");
    let (ours, our_cpu) = of(&rounds[0]);
    for (contestant, figures) in contestants.iter().zip(rounds) {
        let (speed, cpu) = of(figures);
        let speeds = || figures.iter().map(|figure| figure.speed);
        println!(
            "  {:<13} {speed:>8.1} ({:.1} to {:.1}); {cpu:.2}; intake is {:.2} as fast, with {:.2} of the processor time",
            contestant.name,
            speeds().fold(f64::MAX, f64::min),
            speeds().fold(0.0, f64::max),
            ours / speed,
            our_cpu / cpu,
        );
    }
}

struct Contestant {
    name: &'static str,
    server: Server,
    /// Where its files are.
    folder: PathBuf,
}

impl Contestant {
    fn intake() -> Self {
        let server = Server::start_with("", &[("INTAKE_UPLOAD_API__MAX_DIRECT_SIZE", "2 GiB")]);
        let folder = server.dir.path().join("files");
        Self {
            name: "intake",
            server,
            folder,
        }
    }

    fn sink(name: &'static str, synced: bool) -> Self {
        let dir = TempDir::new().unwrap();
        let folder = dir.path().to_owned();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env("INTAKE_BENCH_SINK", &folder);
        if synced {
            command.env("INTAKE_BENCH_SYNC", "1");
        }
        let (child, address) = listening(command);
        let server = Server { dir, address, child };
        Self { name, server, folder }
    }

    /// Has something done that answers with its amount: how much of it in a second, and what one of it cost.
    fn measured(&self, work: impl FnOnce() -> f64) -> Figure {
        let cpu = || processor_seconds(self.server.child.id());
        let (cpu_before, began) = (cpu(), Instant::now());
        let amount = work();
        let (took, cpu) = (began.elapsed().as_secs_f64(), cpu() - cpu_before);
        clear(&self.folder);
        Figure {
            speed: amount / took,
            cpu: cpu / amount,
        }
    }

    fn large(&self) -> Figure {
        let piece = noise(1, MIB);
        let times = LARGE / piece.len();
        let figure = self.measured(|| {
            let answer = self.server.upload_large(&piece, times);
            assert_eq!(answer.status, 200, "{}", answer.text());
            times as f64
        });
        Figure {
            cpu: figure.cpu * (GIB / MIB) as f64,
            ..figure
        }
    }

    fn small(&self) -> Figure {
        let form = Form::default().key().file("file", "x.bin", &noise(2, SMALL));
        let (head, body) = (form.head("/base/"), form.body());
        let head = format!("{head}Host: x\r\nContent-Length: {}\r\n\r\n", body.len());
        let request = [head.as_bytes(), &body].concat();
        let figure = self.measured(|| {
            let send = || {
                let (mut stream, mut sent) = (connect(&self.server.address), 0u32);
                let began = Instant::now();
                while began.elapsed() < SMALL_FOR {
                    stream.write_all(&request).unwrap();
                    let answer = read_answer(&mut stream).unwrap();
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    sent += 1;
                }
                sent
            };
            std::thread::scope(|scope| {
                let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(send)).collect();
                let sent: u32 = senders.into_iter().map(|sender| sender.join().unwrap()).sum();
                sent.into()
            })
        });
        Figure {
            cpu: figure.cpu * 1000.0,
            ..figure
        }
    }
}

/// The least that a server can do: hash what comes, write it, perhaps sync it, answer.
fn sink(folder: PathBuf, synced: bool) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}/", listener.local_addr().unwrap());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let folder = folder.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| take(request, folder.clone(), synced));
                let _ended = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
}

async fn take(request: Request<Incoming>, folder: PathBuf, synced: bool) -> std::io::Result<Response<String>> {
    let mut file = std::fs::File::create(folder.join(uuid::Uuid::new_v4().to_string()))?;
    let (mut body, mut hasher) = (request.into_body(), Sha256::new());
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.unwrap().into_data() {
            tokio::task::block_in_place(|| {
                hasher.update(&data);
                file.write_all(&data)
            })?;
        }
    }
    if synced {
        tokio::task::block_in_place(|| file.sync_all())?;
    }
    Ok(Response::new(hex::encode(hasher.finalize())))
}
