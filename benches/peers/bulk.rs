//! Large files: whole, several at once, and in parts.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use intake::core::testkit::noise;
use serde_json::Value;

use super::process::{Cost, Watch};
use super::server::Running;
use super::table::Column;
use crate::measure::{GIB, MIB};
use crate::support::{COMPLETE, completing, in_parallel, send};

/// Bytes of a large file.
pub const LARGE: usize = GIB;
/// Bytes of a part, and how many parts are sent at a time.
const PART: usize = 5 * MIB;
const PARTS_AT_A_TIME: usize = 4;

pub const WHOLE_COLUMNS: &[Column] = &[
    Column::compared("seconds", 2),
    Column::plain("MiB/s", 0),
    Column::compared("processor, s a GiB", 2),
    Column::compared("switches a MiB", 1),
    Column::plain("peak memory, MiB", 0),
];

pub const PARTS_COLUMNS: &[Column] = &[
    Column::compared("all, s", 2),
    Column::compared("of these complete, s", 2),
    Column::compared("processor, s a GiB", 2),
    Column::plain("peak memory, MiB", 0),
    Column::plain("the same as a form, s", 2),
    Column::plain("parts to form", 2),
];

/// So many large files at once, by a sender each.
pub fn whole(running: &Running, files: usize) -> io::Result<Vec<f64>> {
    let cost = sent_whole(running, files)?;
    let bytes = files * LARGE;
    let kept = running.bytes_kept();
    if kept < bytes as u64 {
        return Err(io::Error::other(format!(
            "it was sent {bytes} bytes and has kept {kept}"
        )));
    }
    let (gibs, mibs) = (files as f64, (bytes / MIB) as f64);
    Ok(vec![
        cost.seconds,
        mibs / cost.seconds,
        cost.processor / gibs,
        cost.switches / mibs,
        cost.peak / MIB as f64,
    ])
}

fn sent_whole(running: &Running, files: usize) -> io::Result<Cost> {
    let piece = noise(1, MIB);
    let watch = Watch::start(&running.tree);
    let send = || {
        running
            .shape
            .send_large(&running.address, &piece, LARGE / MIB)
            .map(drop)
    };
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..files).map(|_| scope.spawn(send)).collect();
        senders.into_iter().try_for_each(|sender| sender.join().unwrap())
    })?;
    Ok(watch.end())
}

/// A large file in parts, and then as a form to the same server.
pub fn parts(running: &Running) -> io::Result<Vec<f64>> {
    let piece = noise(1, PART);
    let watch = Watch::start(&running.tree);
    let started = asked(
        running,
        "POST /multipart/start/ HTTP/1.1\r\n",
        &format!(
            "UPLOADCARE_PUB_KEY=demopublickey&UPLOADCARE_STORE=1&filename=a.bin&size={LARGE}&part_size={PART}\
             &content_type=a%2Fb"
        ),
    )?;
    put(&started, &piece)?;
    let completing_began = Instant::now();
    let info = asked(running, COMPLETE, &completing(started["uuid"].as_str().unwrap()))?;
    let complete = completing_began.elapsed().as_secs_f64();
    let cost = watch.end();
    if info["size"] != LARGE {
        return Err(io::Error::other(format!("it has another size: {info}")));
    }
    let form = sent_whole(running, 1)?.seconds;
    Ok(vec![
        cost.seconds,
        complete,
        cost.processor,
        cost.peak / MIB as f64,
        form,
        cost.seconds / form,
    ])
}

fn asked(running: &Running, head: &str, body: &str) -> io::Result<Value> {
    let answer = send(&running.address, head, body.as_bytes());
    match answer.status {
        200 => Ok(answer.json()),
        status => Err(io::Error::other(format!("{status}: {}", answer.text()))),
    }
}

/// Sends all parts. All have the same bytes; the last one has fewer.
fn put(started: &Value, piece: &[u8]) -> io::Result<()> {
    let urls = started["parts"].as_array().unwrap();
    let (failed, failure) = (AtomicBool::new(false), Mutex::new(None));
    in_parallel(urls.len(), PARTS_AT_A_TIME, |number| {
        if failed.load(Ordering::Relaxed) {
            return;
        }
        let url = urls[number].as_str().unwrap().strip_prefix("http://").unwrap();
        let (address, path) = url.split_once('/').unwrap();
        let left = LARGE - number * piece.len();
        let bytes = &piece[..left.min(piece.len())];
        let answer = send(address, &format!("PUT /{path} HTTP/1.1\r\n"), bytes);
        if answer.status != 200 {
            failed.store(true, Ordering::Relaxed);
            *failure.lock().unwrap() = Some(format!("a part, {}: {}", answer.status, answer.text()));
        }
    });
    match failure.into_inner().unwrap() {
        Some(failure) => Err(io::Error::other(failure)),
        None => Ok(()),
    }
}
