//! Questions after files, and files that are given out.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use intake::core::testkit::noise;
use serde_json::Value;

use super::bulk::LARGE;
use super::plan::Plan;
use super::process::Watch;
use super::rush::{Rush, SMALL};
use super::server::{Peer, Running};
use super::shape::Sender;
use super::table::Column;
use crate::measure::MIB;

/// Files that are asked after in turn.
const FILES: usize = 200;
const SENDERS: usize = 16;

pub const INFO_COLUMNS: &[Column] = &[
    Column::compared("requests/s", 0),
    Column::compared("p50, ms", 2),
    Column::compared("p99, ms", 2),
    Column::compared("processor, ms a request", 3),
    Column::compared("switches a request", 1),
    Column::plain("peak memory, MiB", 0),
];

pub const DOWNLOAD_COLUMNS: &[Column] = &[
    Column::compared("MiB/s", 0),
    Column::compared("processor, s a GiB", 2),
    Column::compared("switches a MiB", 1),
    Column::plain("peak memory, MiB", 0),
];

/// Variables for Intake where files are given out.
pub const VARIABLES: &[(&str, &str)] = &[("INTAKE_DELIVERY__CACHE", "1h")];
/// How often a large file is fetched in a turn.
const DOWNLOADS: usize = 4;

/// `GET /info/` by all senders, each on a connection that it keeps.
pub fn info(running: &Running, plan: &Plan) -> io::Result<Vec<f64>> {
    let mut sender = Sender::new(&running.address);
    let mut requests = Vec::new();
    for number in 0..FILES {
        let mut request = Vec::new();
        running.shape.write(format!("file {number}").as_bytes(), &mut request);
        let answer: Value = serde_json::from_slice(&sender.ask(&request)?)?;
        let id = answer["file"].as_str().unwrap_or_default();
        requests.push(format!(
            "GET /info/?pub_key=demopublickey&file_id={id} HTTP/1.1\r\nHost: x\r\n\r\n"
        ));
    }
    let next = AtomicUsize::new(0);
    let rush = Rush::of(running, plan, SENDERS, |request| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        request.extend_from_slice(requests[number % FILES].as_bytes());
    })?;
    Ok(rush.figures())
}

/// Files of 64 KiB, which the system has in memory, by all senders, each on a connection that it keeps.
pub fn given_out(running: &Running, plan: &Plan) -> io::Result<Vec<f64>> {
    let mut sender = Sender::new(&running.address);
    let mut requests = Vec::new();
    for number in 0..FILES {
        let mut request = Vec::new();
        let name = running.shape.write(&noise(number as u64, SMALL), &mut request);
        let answer = sender.ask(&request)?;
        requests.push(request_for(running, &name, &answer));
    }
    let next = AtomicUsize::new(0);
    let rush = Rush::with(running, plan, SENDERS, || {
        let mut buffer = vec![0; 64 << 10];
        let (next, requests) = (&next, &requests);
        move |sender: &mut Sender<'_>| {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let began = Instant::now();
            sender.fetch(requests[number % FILES].as_bytes(), SMALL, &mut buffer)?;
            Ok(began.elapsed())
        }
    })?;
    Ok(rush.figures())
}

/// A large file, which the system has in memory, a few times one after the other.
pub fn downloads(running: &Running) -> io::Result<Vec<f64>> {
    let piece = noise(1, MIB);
    let (name, answer) = running.shape.send_large(&running.address, &piece, LARGE / MIB)?;
    let request = request_for(running, &name, &answer);
    let mut sender = Sender::new(&running.address);
    let mut buffer = vec![0; 256 << 10];
    sender.fetch(request.as_bytes(), LARGE, &mut buffer)?;
    let watch = Watch::start(&running.tree);
    for _ in 0..DOWNLOADS {
        sender.fetch(request.as_bytes(), LARGE, &mut buffer)?;
    }
    let cost = watch.end();
    let mibs = (DOWNLOADS * LARGE / MIB) as f64;
    Ok(vec![
        mibs / cost.seconds,
        cost.processor / DOWNLOADS as f64,
        cost.switches / mibs,
        cost.peak / MIB as f64,
    ])
}

/// The request for a file that was just sent.
fn request_for(running: &Running, name: &str, answer: &[u8]) -> String {
    let path = match running.peer {
        Peer::Nginx => name.to_owned(),
        _ => {
            let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
            format!("{}/", answer["file"].as_str().unwrap_or_default())
        }
    };
    format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n")
}
