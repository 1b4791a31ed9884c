//! `POST /base/` against a bare hyper server that hashes and writes the same bytes, in the same run: `cargo bench`.
//!
//! Both are processes of their own; the sender is this one. Two baselines: one that syncs its file before it answers, as
//! Intake does, and one that does not. Figures are medians of rounds in turn; what counts is the ratio.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use intake::core::testkit::noise;
use sha2::{Digest, Sha256};

const ROUNDS: usize = 3;
const LARGE: usize = 1 << 30;
const SMALL: usize = 64 * 1024;
const SENDERS: usize = 16;
const SMALL_FOR: Duration = Duration::from_secs(4);
const BOUNDARY: &str = "0123456789abcdef";

fn main() {
    if let Some(folder) = std::env::var_os("INTAKE_BENCH_SINK") {
        return sink(folder.into(), std::env::var_os("INTAKE_BENCH_SYNC").is_some());
    }
    let dir = tempfile::tempdir().unwrap();
    let mut contestants = vec![
        Contestant::intake(dir.path().join("intake")),
        Contestant::sink("sink, synced", dir.path().join("synced"), true),
        Contestant::sink("sink", dir.path().join("unsynced"), false),
    ];
    println!(
        "{} rounds; 1 GiB by one sender, 64 KiB by {SENDERS} senders for {SMALL_FOR:?}",
        ROUNDS
    );
    let (mut large, mut small) = (vec![Vec::new(); 3], vec![Vec::new(); 3]);
    for _ in 0..ROUNDS {
        for (at, contestant) in contestants.iter_mut().enumerate() {
            let (whole, many) = (contestant.large(), contestant.small());
            println!(
                "  {:<13} {:>8.1} MiB/s, {:>8.1} files/s",
                contestant.name, whole.0, many.0
            );
            large[at].push(whole);
            small[at].push(many);
        }
    }
    report("1 GiB, MiB/s", &contestants, &large);
    report("64 KiB, files/s", &contestants, &small);
    for contestant in &mut contestants {
        contestant.child.kill().unwrap();
        contestant.child.wait().unwrap();
    }
}

/// Speed, and processor seconds of the server.
type Figure = (f64, f64);

fn report(what: &str, contestants: &[Contestant], figures: &[Vec<Figure>]) {
    let median = |figures: &[Figure], pick: fn(&Figure) -> f64| {
        let mut sorted: Vec<_> = figures.iter().map(pick).collect();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    println!("\n{what}");
    let (ours, ours_cpu) = (median(&figures[0], |f| f.0), median(&figures[0], |f| f.1));
    for (contestant, figures) in contestants.iter().zip(figures) {
        let (speed, cpu) = (median(figures, |f| f.0), median(figures, |f| f.1));
        let (low, high) = figures
            .iter()
            .fold((f64::MAX, 0.0f64), |(low, high), f| (low.min(f.0), high.max(f.0)));
        println!(
            "  {:<13} {speed:>8.1} ({low:.1} to {high:.1}), {cpu:.3} cpu-s per GiB; intake is {:.2} as fast, with {:.2} of the cpu",
            contestant.name,
            ours / speed,
            ours_cpu / cpu,
        );
    }
    for contestant in contestants {
        println!(
            "  {:<13} peak memory so far {} MiB",
            contestant.name,
            contestant.peak_memory() >> 20
        );
    }
}

struct Contestant {
    name: &'static str,
    child: Child,
    address: String,
    folder: PathBuf,
}

impl Contestant {
    fn intake(folder: PathBuf) -> Self {
        std::fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_intake"));
        command
            .current_dir(&folder)
            .env("INTAKE_SERVER__LISTEN", "127.0.0.1:0")
            .env("INTAKE_UPLOAD_API__MAX_DIRECT_SIZE", "2 GiB")
            .env("INTAKE_LOG", "warn");
        Self::start("intake", command, folder)
    }

    fn sink(name: &'static str, folder: PathBuf, synced: bool) -> Self {
        std::fs::create_dir_all(&folder).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env("INTAKE_BENCH_SINK", &folder);
        if synced {
            command.env("INTAKE_BENCH_SYNC", "1");
        }
        Self::start(name, command, folder)
    }

    fn start(name: &'static str, mut command: Command, folder: PathBuf) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let address = first
            .split("http://")
            .nth(1)
            .unwrap()
            .split('/')
            .next()
            .unwrap()
            .to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            name,
            child,
            address,
            folder,
        }
    }

    /// The last two fields of the accounting are in hundredths of a second.
    fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
    }

    fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    fn large(&mut self) -> Figure {
        let piece = noise(1, 1 << 20);
        let (cpu, began) = (self.cpu(), Instant::now());
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (before, after) = form();
        stream
            .write_all(head(&self.address, before.len() + LARGE + after.len()).as_bytes())
            .unwrap();
        stream.write_all(before.as_bytes()).unwrap();
        for _ in 0..LARGE / piece.len() {
            stream.write_all(&piece).unwrap();
        }
        stream.write_all(after.as_bytes()).unwrap();
        read_ok(&mut stream);
        let (took, cpu) = (began.elapsed().as_secs_f64(), self.cpu() - cpu);
        self.clear();
        (
            LARGE as f64 / took / (1 << 20) as f64,
            cpu * (1u64 << 30) as f64 / LARGE as f64,
        )
    }

    fn small(&mut self) -> Figure {
        let content = noise(2, SMALL);
        let (before, after) = form();
        let request = [
            head(&self.address, before.len() + SMALL + after.len()).as_bytes(),
            before.as_bytes(),
            &content,
            after.as_bytes(),
        ]
        .concat();
        let (cpu, began) = (self.cpu(), Instant::now());
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| {
                let (address, request) = (self.address.clone(), request.clone());
                std::thread::spawn(move || {
                    let mut stream = TcpStream::connect(address).unwrap();
                    let (mut sent, began) = (0u64, Instant::now());
                    while began.elapsed() < SMALL_FOR {
                        stream.write_all(&request).unwrap();
                        read_ok(&mut stream);
                        sent += 1;
                    }
                    sent
                })
            })
            .collect();
        let sent: u64 = senders.into_iter().map(|sender| sender.join().unwrap()).sum();
        let (took, cpu) = (began.elapsed().as_secs_f64(), self.cpu() - cpu);
        self.clear();
        (
            sent as f64 / took,
            cpu * (1u64 << 30) as f64 / (sent as f64 * SMALL as f64),
        )
    }

    /// The files of a round make room for the next; nobody reads them any more.
    fn clear(&self) {
        let files = if self.name == "intake" {
            self.folder.join("intake-data/files")
        } else {
            self.folder.clone()
        };
        remove_files(&files);
        // What this round wrote is on the disk before the next begins, so that no round pays for another.
        Command::new("sync").status().unwrap();
    }
}

fn remove_files(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            remove_files(&path)
        } else {
            std::fs::remove_file(path).unwrap()
        }
    }
}

fn head(address: &str, length: usize) -> String {
    format!(
        "POST /base/ HTTP/1.1\r\nHost: {address}\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n\
         Content-Length: {length}\r\n\r\n"
    )
}

fn form() -> (String, String) {
    let key =
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"UPLOADCARE_PUB_KEY\"\r\n\r\ndemopublickey\r\n");
    let file = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.bin\"\r\n\r\n");
    (key + &file, format!("\r\n--{BOUNDARY}--\r\n"))
}

/// Reads an answer with a length, and insists that it is a success.
fn read_ok(stream: &mut TcpStream) {
    let (mut seen, mut buffer) = (Vec::new(), [0; 2048]);
    loop {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "the server hung up: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&seen).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        assert!(head.starts_with("http/1.1 200"), "{text}");
        let length: usize = head
            .split("content-length: ")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .parse()
            .unwrap();
        if body.len() >= length {
            return;
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
