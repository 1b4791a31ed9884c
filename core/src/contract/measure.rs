//! What is measured, through the `metrics` facade: nothing is kept here, and nothing is counted unless a program has installed a
//! recorder, as `intake` does.
//!
//! No label takes a sender's word: each has as many values as there are doors, endings, codes, stages, stores and calls.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use metrics::{Counter, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::contract::around::Around;
use crate::value::error::Fault;
use crate::value::id::ByteStream;
use crate::value::lifetime::Door;
use crate::value::verdict::Code;

/// Codes that have a value of their own among labels. This repository has about a hundred; a plugin that makes up new ones for
/// ever shares [`OTHER`] for the rest of them.
const MOST_CODES: usize = 256;
/// The value of all further codes.
const OTHER: &str = "other";
/// The value where there is no code, since nothing was refused.
const NONE: &str = "none";

/// What kind a metric is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, until the process ends.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How long something took, in seconds.
    Histogram,
}

/// Every metric: its name, its kind, and what it says.
pub const METRICS: [(&str, Kind, &str); 23] = [
    (
        "intake_uploads_total",
        Kind::Counter,
        "Uploads that ended, by door, ending and code.",
    ),
    (
        "intake_upload_seconds",
        Kind::Histogram,
        "From the beginning of an upload to its end.",
    ),
    (
        "intake_received_bytes_total",
        Kind::Counter,
        "Bytes of files that senders sent to this node, by door.",
    ),
    (
        "intake_accepted_bytes_total",
        Kind::Counter,
        "Bytes of files that were accepted, by door.",
    ),
    (
        "intake_stage_seconds",
        Kind::Histogram,
        "How long a stage had one upload.",
    ),
    (
        "intake_fetch_tries_total",
        Kind::Counter,
        "Tries of this node to fetch a URL, by how they ended.",
    ),
    (
        "intake_requests_total",
        Kind::Counter,
        "Requests that were answered, by endpoint, status and code.",
    ),
    (
        "intake_store_call_seconds",
        Kind::Histogram,
        "Calls of a store, by what was asked.",
    ),
    (
        "intake_store_failures_total",
        Kind::Counter,
        "Calls of a store that failed.",
    ),
    (
        "intake_store_written_bytes_total",
        Kind::Counter,
        "Bytes that were handed to a store.",
    ),
    (
        "intake_store_read_bytes_total",
        Kind::Counter,
        "Bytes that were read from a store.",
    ),
    (
        "intake_database_call_seconds",
        Kind::Histogram,
        "Calls of the recorder, by what was asked.",
    ),
    (
        "intake_database_failures_total",
        Kind::Counter,
        "Calls of the recorder that failed.",
    ),
    (
        "intake_unfinished_uploads",
        Kind::Gauge,
        "Uploads in parts that are not completed, on all nodes.",
    ),
    (
        "intake_fetch_queue",
        Kind::Gauge,
        "Orders to fetch a URL that have not ended, on all nodes.",
    ),
    (
        "intake_sweep_lag_seconds",
        Kind::Gauge,
        "For how long the oldest due record has been waiting for a sweep.",
    ),
    ("intake_sweep_seconds", Kind::Histogram, "How long a sweep took."),
    (
        "intake_sweeps_total",
        Kind::Counter,
        "Sweeps of this node, by whether they could look up what was due.",
    ),
    (
        "intake_swept_total",
        Kind::Counter,
        "Records that sweeps of this node dealt with, by what they did.",
    ),
    (
        "intake_last_sweep_timestamp_seconds",
        Kind::Gauge,
        "When this node's last sweep ended, as a Unix time.",
    ),
    (
        "intake_ready",
        Kind::Gauge,
        "Whether the last look found everything ready: 1, or 0.",
    ),
    (
        "intake_permits_in_use",
        Kind::Gauge,
        "Permits of a limit that are in use.",
    ),
    (
        "intake_permits_refused_total",
        Kind::Counter,
        "How often a limit had no permit left.",
    ),
];

/// Tells the recorder that is installed what each metric says.
pub fn describe() {
    for (name, kind, text) in METRICS {
        match kind {
            Kind::Counter => describe_counter!(name, text),
            Kind::Gauge => describe_gauge!(name, text),
            Kind::Histogram => describe_histogram!(name, metrics::Unit::Seconds, text),
        }
    }
}

/// Notes a request that was answered. `endpoint` is one of the few that there are, however the request has spelt it.
pub fn request_answered(endpoint: &'static str, status: u16, code: Option<&Code>) {
    let (status, code) = (status.to_string(), code.map_or_else(|| NONE.to_owned(), value_of));
    counter!("intake_requests_total", "endpoint" => endpoint, "status" => status, "code" => code).increment(1);
}

/// Notes whether everything that uploads need was ready just now.
pub fn ready(is_ready: bool) {
    gauge!("intake_ready").set(f64::from(u8::from(is_ready)));
}

/// Notes that so many more permits of a limit are in use.
pub(crate) fn permits_in_use(limit: &'static str, more: f64) {
    gauge!("intake_permits_in_use", "limit" => limit).increment(more);
}

/// Notes that a limit had no permit left for somebody.
pub(crate) fn permit_refused(limit: &'static str) {
    counter!("intake_permits_refused_total", "limit" => limit).increment(1);
}

/// Notes an upload that ended.
pub(crate) fn upload_ended(door: Door, ending: &'static str, code: Option<&Code>, took: Duration) {
    let (door, code) = (door.name(), code.map_or_else(|| NONE.to_owned(), value_of));
    counter!("intake_uploads_total", "door" => door, "ending" => ending, "code" => code).increment(1);
    histogram!("intake_upload_seconds", "door" => door, "ending" => ending).record(took);
}

/// Notes a try to fetch what was ordered.
pub(crate) fn fetch_tried(ended: Result<(), &Code>) {
    let (ending, code) = match ended {
        Ok(()) => ("fetched", NONE.to_owned()),
        Err(code) => ("failed", value_of(code)),
    };
    counter!("intake_fetch_tries_total", "ending" => ending, "code" => code).increment(1);
}

/// Notes the size of an upload that was accepted.
pub(crate) fn accepted(door: Door, bytes: u64) {
    counter!("intake_accepted_bytes_total", "door" => door.name()).increment(bytes);
}

/// What counts the bytes that come through a door.
pub(crate) fn received(door: Door) -> Counter {
    counter!("intake_received_bytes_total", "door" => door.name())
}

/// Notes how long a stage had one upload.
pub(crate) fn stage(stage: &'static str, took: Duration) {
    histogram!("intake_stage_seconds", "stage" => stage).record(took);
}

/// The same of one of several scanners.
pub(crate) fn scanner(name: &str, took: Duration) {
    histogram!("intake_stage_seconds", "stage" => "scan", "name" => name.to_owned()).record(took);
}

/// Adds how long some work took to what was spent already.
pub(crate) async fn timed<T>(spent: &mut Duration, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = work.await;
    *spent += began.elapsed();
    done
}

/// Counts and times the calls of a store or of the recorder.
#[derive(Clone, Debug)]
pub(crate) enum Calls {
    /// Of the store of this name.
    Store(Arc<str>),
    /// Of the recorder, and of what it keeps beside the records.
    Recorder,
}

impl Calls {
    fn ended(&self, name: &'static str, took: Duration, fault: Option<&Fault>) {
        match self {
            Self::Store(store) => {
                histogram!("intake_store_call_seconds", "store" => store.clone(), "call" => name).record(took);
            }
            Self::Recorder => histogram!("intake_database_call_seconds", "call" => name).record(took),
        }
        let Some(fault) = fault else { return };
        let code = value_of(&fault.code);
        let failures = match self {
            Self::Store(store) => {
                counter!("intake_store_failures_total", "store" => store.clone(), "call" => name, "code" => code)
            }
            Self::Recorder => counter!("intake_database_failures_total", "call" => name, "code" => code),
        };
        failures.increment(1);
    }
}

impl Around for Calls {
    async fn run<T: Send>(
        &self,
        name: &'static str,
        _asked: impl FnOnce() -> String + Send,
        call: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, Fault> {
        let began = Instant::now();
        let ended = call.await;
        self.ended(name, began.elapsed(), ended.as_ref().err());
        ended
    }

    fn bytes(&self, _asked: impl FnOnce() -> String, bytes: ByteStream) -> ByteStream {
        let Self::Store(store) = self else { return bytes };
        let read = counter!("intake_store_read_bytes_total", "store" => store.clone());
        bytes
            .inspect(move |piece| read.increment(piece.as_ref().map_or(0, Bytes::len) as u64))
            .boxed()
    }

    fn written(&self, bytes: usize) {
        if let Self::Store(store) = self {
            counter!("intake_store_written_bytes_total", "store" => store.clone()).increment(bytes as u64);
        }
    }
}

/// A code as the value of a label: itself, unless there are too many already.
fn value_of(code: &Code) -> String {
    static KNOWN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let code = code.as_str();
    if !known.contains(code) {
        if known.len() >= MOST_CODES {
            return OTHER.to_owned();
        }
        known.insert(code.to_owned());
    }
    code.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_are_made_up_for_ever_share_one_label() {
        let values: HashSet<_> = (0..1_000)
            .map(|number| {
                let made_up: Code = serde_json::from_value(format!("made_up_{number}").into()).unwrap();
                value_of(&made_up)
            })
            .collect();
        assert!(values.len() <= MOST_CODES + 1, "{}", values.len());
        assert!(values.contains(OTHER));
        assert!(values.contains("made_up_0"));
    }
}
