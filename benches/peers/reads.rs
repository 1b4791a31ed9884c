//! Questions after files.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::plan::Plan;
use super::rush::Rush;
use super::server::Running;
use super::shape::Sender;
use super::table::Column;

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
