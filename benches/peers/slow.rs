//! Many uploads that trickle in at the same time: what memory each takes.

use std::io;
use std::time::Duration;

use intake::core::testkit::noise;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

use super::plan::Plan;
use super::process::Watch;
use super::server::Running;
use super::shape::Shape;
use super::table::Column;
use crate::measure::MIB;
use crate::support::PATIENCE;

const UPLOADS: usize = 1000;
/// What each sends at a time, and how often in a second: 32 KiB/s.
const PIECE: usize = 4 << 10;
const A_SECOND: u32 = 8;
/// How long an upload lasts at least: until it has filled a buffer of half a MiB.
const LEAST: Duration = Duration::from_secs(16);
/// All begin within this time.
const BEGIN: Duration = Duration::from_secs(2);
/// How long the server has to give back memory of connections that have ended.
const REST: Duration = Duration::from_secs(5);

pub const SLOW_COLUMNS: &[Column] = &[
    Column::compared("memory at the peak, KiB an upload", 1),
    Column::plain("while all are under way, KiB an upload", 1),
    Column::compared("peak memory, MiB", 0),
    Column::compared("processor, s", 2),
    Column::compared("switches an upload", 0),
    Column::plain("not given back, KiB an upload", 1),
];

/// What Intake has to be told for it: by default one address does not have so many connections.
pub const VARIABLES: &[(&str, &str)] = &[
    ("INTAKE_SERVER__MAX_CONNECTIONS", "2048"),
    ("INTAKE_SERVER__MAX_CONNECTIONS_PER_IP", "2048"),
    ("INTAKE_UPLOAD_API__MAX_CONCURRENT_REQUESTS", "1536"),
    ("INTAKE_UPLOAD_API__MAX_CONCURRENT_REQUESTS_PER_IP", "1536"),
    ("INTAKE_UPLOAD_API__MAX_UPLOADS", "1536"),
    ("INTAKE_UPLOAD_API__MAX_UPLOADS_PER_IP", "1536"),
];

/// Uploads last four times as long as other turns. Memory of an upload is by how much the server has grown, at its peak and, as
/// far as looks from time to time have seen it, before the first upload ends. All uploads have to succeed.
pub fn slow(running: &Running, plan: &Plan) -> io::Result<Vec<f64>> {
    let lasts = (plan.seconds * 4).max(LEAST);
    let pieces = lasts.as_secs() as usize * A_SECOND as usize;
    let (before, began) = (running.tree.memory() as f64, std::time::Instant::now());
    let watch = Watch::start(&running.tree);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(all(running, pieces))?;
    let cost = watch.end();
    std::thread::sleep(REST);
    let after = running.tree.memory() as f64;
    let looks = cost.memory.iter().filter(|(at, _)| *at < began + lasts);
    let during = looks.map(|(_, bytes)| *bytes as f64).fold(before, f64::max);
    let an_upload = |bytes: f64| (bytes - before) / 1024.0 / UPLOADS as f64;
    Ok(vec![
        an_upload(cost.peak),
        an_upload(during),
        cost.peak / MIB as f64,
        cost.processor,
        cost.switches / UPLOADS as f64,
        an_upload(after),
    ])
}

async fn all(running: &Running, pieces: usize) -> io::Result<()> {
    let piece = noise(3, PIECE);
    let mut uploads = JoinSet::new();
    for number in 0..UPLOADS {
        let begins = BEGIN * number as u32 / UPLOADS as u32;
        let (address, shape, piece) = (running.address.clone(), running.shape, piece.clone());
        uploads.spawn(async move {
            sleep(begins).await;
            let upload = trickle(&address, shape, &piece, pieces).await;
            upload.map_err(|error| io::Error::other(format!("upload {number}: {error}")))
        });
    }
    while let Some(upload) = uploads.join_next().await {
        upload.map_err(io::Error::other)??;
    }
    Ok(())
}

async fn trickle(address: &str, shape: Shape, piece: &[u8], pieces: usize) -> io::Result<()> {
    let request = shape.request(piece.len() * pieces);
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream
        .write_all(&[request.head.as_bytes(), &request.before].concat())
        .await?;
    let pause = Duration::from_secs(1) / A_SECOND;
    let mut ticks = interval_at(Instant::now() + pause, pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..pieces {
        ticks.tick().await;
        stream.write_all(piece).await?;
    }
    stream.write_all(&request.after).await?;
    let mut answer = [0; 12];
    let read = timeout(PATIENCE, stream.read_exact(&mut answer)).await;
    read.map_err(|_| io::Error::other("no answer"))??;
    match &answer {
        b"HTTP/1.1 200" | b"HTTP/1.1 201" | b"HTTP/1.1 204" | b"HTTP/1.1 303" => Ok(()),
        _ => Err(io::Error::other(String::from_utf8_lossy(&answer).into_owned())),
    }
}
