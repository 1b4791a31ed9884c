//! Clients that mean well: one connection each, kept open, and nothing tried twice.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use intake::core::testkit::noise;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{connect, pause, random};
use crate::support::{Form, PATIENCE};

/// What an honest client does in turn; after each upload it asks after the file.
const SIZES: [usize; 2] = [64 << 10, 1 << 20];
const KINDS: [&str; 3] = ["64 KiB form", "1 MiB form", "/info/"];
const INFO: usize = 2;

/// What honest clients saw.
#[derive(Debug, Default)]
pub struct Figures {
    /// Milliseconds of each request that succeeded, by kind.
    times: [Vec<f64>; KINDS.len()],
    pub failures: Vec<String>,
}

impl Figures {
    pub fn asked(&self) -> usize {
        self.times.iter().map(Vec::len).sum::<usize>() + self.failures.len()
    }

    /// Milliseconds, of all kinds.
    pub fn percentile(&self, percent: usize) -> f64 {
        percentile(&self.times.concat(), percent)
    }

    fn add(&mut self, mut other: Self) {
        for (ours, theirs) in self.times.iter_mut().zip(&mut other.times) {
            ours.append(theirs);
        }
        self.failures.append(&mut other.failures);
    }
}

fn percentile(times: &[f64], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// Both phases side by side.
pub fn table(quiet: &Figures, besieged: &Figures) -> String {
    let mut table = format!(
        "{:<12}{:>10}{:>12}{:>12}{:>10}{:>12}{:>12}{:>8}\n",
        "honest", "quiet", "p50, ms", "p99, ms", "besieged", "p50, ms", "p99, ms", "ratio"
    );
    let all = ["all"]
        .into_iter()
        .map(|name| (name, quiet.times.concat(), besieged.times.concat()));
    let kinds = (0..KINDS.len()).map(|kind| (KINDS[kind], quiet.times[kind].clone(), besieged.times[kind].clone()));
    for (name, quiet, besieged) in kinds.chain(all) {
        let figures = |times: &[f64]| (times.len(), percentile(times, 50), percentile(times, 99));
        let ((quiet, quiet_50, quiet_99), (besieged, besieged_50, besieged_99)) = (figures(&quiet), figures(&besieged));
        writeln!(
            table,
            "{name:<12}{quiet:>10}{quiet_50:>12.1}{quiet_99:>12.1}{besieged:>10}{besieged_50:>12.1}{besieged_99:>12.1}{:>8.2}",
            besieged_99 / quiet_99
        )
        .unwrap();
    }
    let failed = |figures: &Figures| figures.failures.len();
    write!(table, "{:<12}{:>10}{:>34}", "failed", failed(quiet), failed(besieged)).unwrap();
    table
}

/// So many clients, until it is over.
pub async fn clients(to: SocketAddr, count: usize, over: Arc<AtomicBool>) -> Figures {
    let forms = SIZES.map(|size| {
        let form = Form::default().key().file("file", "x.bin", &noise(size as u64, size));
        (form.head("/base/"), form.body())
    });
    let (forms, mut clients) = (Arc::new(forms), JoinSet::new());
    for number in 0..count {
        let from = Ipv4Addr::new(127, 1, 0, number as u8 + 1);
        clients.spawn(client(Client::new(from, to), forms.clone(), over.clone()));
    }
    let mut all = Figures::default();
    while let Some(figures) = clients.join_next().await {
        all.add(figures.unwrap());
    }
    all
}

async fn client(mut client: Client, forms: Arc<[(String, Vec<u8>); SIZES.len()]>, over: Arc<AtomicBool>) -> Figures {
    let mut figures = Figures::default();
    // So that they do not all ask at once.
    sleep(Duration::from_millis(random(1000))).await;
    for (kind, (head, body)) in forms.iter().enumerate().cycle() {
        if over.load(Ordering::SeqCst) {
            return figures;
        }
        pause().await;
        let began = Instant::now();
        let id = match client.ask(head, body).await {
            Ok(answer) => {
                figures.times[kind].push(millis(began));
                answer["file"].as_str().unwrap().to_owned()
            }
            Err(failure) => {
                figures.failures.push(format!("{}: {failure}", KINDS[kind]));
                continue;
            }
        };
        pause().await;
        let began = Instant::now();
        match client.ask(&info(&id), b"").await {
            Ok(answer) if answer["size"] == SIZES[kind] => figures.times[INFO].push(millis(began)),
            Ok(answer) => figures.failures.push(format!("/info/ says {answer}")),
            Err(failure) => figures.failures.push(format!("/info/: {failure}")),
        }
    }
    figures
}

fn millis(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1000.0
}

/// The request line that asks after a file.
pub fn info(id: &str) -> String {
    format!("GET /info/?pub_key=demopublickey&file_id={id} HTTP/1.1\r\n")
}

/// A connection that is opened when there is something to ask, and kept.
pub struct Client {
    from: Ipv4Addr,
    to: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    pub fn new(from: Ipv4Addr, to: SocketAddr) -> Self {
        Self { from, to, stream: None }
    }

    /// Sends a request, and reads an answer that is good. After any other one the connection is not used again.
    pub async fn ask(&mut self, head: &str, body: &[u8]) -> io::Result<Value> {
        let answer = timeout(PATIENCE, self.ask_once(head, body)).await;
        let answer = answer.unwrap_or_else(|_| Err(io::Error::other(format!("no answer within {PATIENCE:?}"))));
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    async fn ask_once(&mut self, head: &str, body: &[u8]) -> io::Result<Value> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let stream = connect(self.from, self.to).await?;
                self.stream.insert(BufReader::new(stream))
            }
        };
        let head = format!("{head}Host: x\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).await?;
        // Who is refused may not be read to the end, and hears why all the same.
        let sent = stream.write_all(body).await;
        let (status, body) = read_answer(stream).await?;
        sent?;
        match status {
            200 => serde_json::from_slice(&body).map_err(io::Error::other),
            _ => Err(io::Error::other(format!(
                "{status}: {}",
                String::from_utf8_lossy(&body)
            ))),
        }
    }
}

/// Reads an answer that says how long it is.
async fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<(u16, Vec<u8>)> {
    let broken = |line: &str| io::Error::other(format!("no answer, but {line:?}"));
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| broken(&line))?;
    let mut length = None;
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length.ok_or_else(|| broken("one without a length"))?];
    stream.read_exact(&mut body).await?;
    Ok((status, body))
}
