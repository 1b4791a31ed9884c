//! The metrics of the core, through the `metrics` facade. The core keeps no values: they are counted only if the program installs a
//! metrics recorder, as `intake` does.
//!
//! No label takes a value from a sender. Each label has a bounded set of values: methods, endings, codes, stages, stores and
//! calls.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use metrics::{Counter, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::contract::around::Around;
use crate::value::error::Fault;
use crate::value::id::ByteStream;
use crate::value::lifetime::UploadMethod;
use crate::value::verdict::Code;

/// The most codes that become label values of their own. This repository has about a hundred. Codes beyond this bound, such as
/// those of a plugin that keeps making new ones, share the value [`OTHER`].
const MOST_CODES: usize = 256;
/// The label value of all codes beyond [`MOST_CODES`].
const OTHER: &str = "other";
/// The label value if there is no code because nothing was refused.
const NONE: &str = "none";

/// The kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows until the process ends.
    Counter,
    /// A number that goes up and down.
    Gauge,
    /// A distribution of durations, in seconds.
    Histogram,
}

/// Every metric: its name, its kind, and its description.
pub const METRICS: &[(&str, Kind, &str)] = &[
    (
        "intake_uploads_total",
        Kind::Counter,
        "Uploads that ended, by method, ending and code.",
    ),
    (
        "intake_upload_seconds",
        Kind::Histogram,
        "Duration of an upload, from its start to its end.",
    ),
    (
        "intake_received_bytes_total",
        Kind::Counter,
        "Bytes of files that senders sent to this node, by method.",
    ),
    (
        "intake_accepted_bytes_total",
        Kind::Counter,
        "Bytes of files that were accepted, by method.",
    ),
    (
        "intake_stage_seconds",
        Kind::Histogram,
        "How long a stage worked on one upload.",
    ),
    (
        "intake_scans_total",
        Kind::Counter,
        "Contents that a scanner judged, by result.",
    ),
    (
        "intake_verdicts_reused_total",
        Kind::Counter,
        "Contents that were not scanned, because the same content was scanned before with the same signatures.",
    ),
    (
        "intake_quarantined_total",
        Kind::Counter,
        "Uploads that were put into quarantine, by cause, and by whether they could be read before.",
    ),
    (
        "intake_rescans_total",
        Kind::Counter,
        "Files that were scanned again, by result.",
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
        "Duration of calls of a store, by call.",
    ),
    (
        "intake_store_failures_total",
        Kind::Counter,
        "Calls of a store that failed.",
    ),
    (
        "intake_store_written_bytes_total",
        Kind::Counter,
        "Bytes that were written to a store.",
    ),
    (
        "intake_store_read_bytes_total",
        Kind::Counter,
        "Bytes that were read from a store.",
    ),
    (
        "intake_database_call_seconds",
        Kind::Histogram,
        "Duration of calls of the recorder, by call.",
    ),
    (
        "intake_database_failures_total",
        Kind::Counter,
        "Calls of the recorder that failed.",
    ),
    (
        "intake_derived_asked_total",
        Kind::Counter,
        "Questions for what is made of files to the store of it, by result.",
    ),
    (
        "intake_derived_kept_total",
        Kind::Counter,
        "What was made of files and was to be kept, by result.",
    ),
    (
        "intake_derived_removed_total",
        Kind::Counter,
        "Entries that this node removed from the store of what is made of files, by cause.",
    ),
    (
        "intake_derived_bytes",
        Kind::Gauge,
        "Bytes in the store of what is made of files, as this node knows.",
    ),
    (
        "intake_derived_entries",
        Kind::Gauge,
        "Entries in the store of what is made of files, as this node knows.",
    ),
    (
        "intake_unfinished_uploads",
        Kind::Gauge,
        "Uploads in parts that are not completed, on all nodes.",
    ),
    (
        "intake_fetch_queue",
        Kind::Gauge,
        "Fetch jobs that have not ended, on all nodes.",
    ),
    (
        "intake_sweep_lag_seconds",
        Kind::Gauge,
        "For how long the oldest due record has been waiting for a sweep.",
    ),
    (
        "intake_event_deliveries_waiting",
        Kind::Gauge,
        "Deliveries of events that wait or are under way, on all nodes.",
    ),
    (
        "intake_event_oldest_due_seconds",
        Kind::Gauge,
        "For how long that delivery of an event has been due which has been due longest.",
    ),
    (
        "intake_event_attempts_total",
        Kind::Counter,
        "Attempts of this node to deliver an event, by notifier and result.",
    ),
    ("intake_sweep_seconds", Kind::Histogram, "How long a sweep took."),
    (
        "intake_sweeps_total",
        Kind::Counter,
        "Sweeps of this node, by whether they could query the due records.",
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
        "Whether the last check found everything ready: 1, or 0.",
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

/// Describes each metric to the metrics recorder that the program has installed.
pub fn describe() {
    for &(name, kind, text) in METRICS {
        match kind {
            Kind::Counter => describe_counter!(name, text),
            Kind::Gauge => describe_gauge!(name, text),
            Kind::Histogram => describe_histogram!(name, metrics::Unit::Seconds, text),
        }
    }
}

/// Counts a request that was answered. `endpoint` is one of a fixed set of names, however the request spelt the path.
pub fn request_answered(endpoint: &'static str, status: u16, code: Option<&Code>) {
    let (status, code) = (status.to_string(), code.map_or_else(|| NONE.to_owned(), value_of));
    counter!("intake_requests_total", "endpoint" => endpoint, "status" => status, "code" => code).increment(1);
}

/// Sets whether the last check found everything ready that uploads need.
pub fn ready(is_ready: bool) {
    gauge!("intake_ready").set(f64::from(u8::from(is_ready)));
}

/// Adds `more` to the permits of a limit that are in use.
pub(crate) fn permits_in_use(limit: &'static str, more: f64) {
    gauge!("intake_permits_in_use", "limit" => limit).increment(more);
}

/// Counts a request for a permit of a limit that had none left.
pub(crate) fn permit_refused(limit: &'static str) {
    counter!("intake_permits_refused_total", "limit" => limit).increment(1);
}

/// Counts an upload that ended, and records how long it took.
pub(crate) fn upload_ended(method: UploadMethod, ending: &'static str, code: Option<&Code>, took: Duration) {
    let (method, code) = (method.name(), code.map_or_else(|| NONE.to_owned(), value_of));
    counter!("intake_uploads_total", "method" => method, "ending" => ending, "code" => code).increment(1);
    histogram!("intake_upload_seconds", "method" => method, "ending" => ending).record(took);
}

/// Counts a try of a fetch job.
pub(crate) fn fetch_tried(ended: Result<(), &Code>) {
    let (ending, code) = match ended {
        Ok(()) => ("fetched", NONE.to_owned()),
        Err(code) => ("failed", value_of(code)),
    };
    counter!("intake_fetch_tries_total", "ending" => ending, "code" => code).increment(1);
}

/// Adds the size of an accepted upload, in bytes.
pub(crate) fn accepted(method: UploadMethod, bytes: u64) {
    counter!("intake_accepted_bytes_total", "method" => method.name()).increment(bytes);
}

/// The counter of bytes that arrive by an upload method.
pub(crate) fn received(method: UploadMethod) -> Counter {
    counter!("intake_received_bytes_total", "method" => method.name())
}

/// Records how long a stage worked on one upload.
pub(crate) fn stage(stage: &'static str, took: Duration) {
    histogram!("intake_stage_seconds", "stage" => stage).record(took);
}

/// Records how long one of several scanners worked on one upload.
pub(crate) fn scanner(name: &str, took: Duration) {
    histogram!("intake_stage_seconds", "stage" => "scan", "name" => name.to_owned()).record(took);
}

/// Counts the result of a scanner.
pub(crate) fn scanned(name: &str, result: &'static str) {
    counter!("intake_scans_total", "name" => name.to_owned(), "result" => result).increment(1);
}

/// Counts a verdict of an earlier scan that was used again.
pub(crate) fn verdict_reused(name: &str) {
    counter!("intake_verdicts_reused_total", "name" => name.to_owned()).increment(1);
}

/// Counts an upload that was put into quarantine.
pub(crate) fn quarantined(cause: &'static str, was_readable: bool) {
    let was_readable = if was_readable { "yes" } else { "no" };
    counter!("intake_quarantined_total", "cause" => cause, "was_readable" => was_readable).increment(1);
}

/// Counts a file that was scanned again.
pub(crate) fn rescanned(result: &'static str) {
    counter!("intake_rescans_total", "result" => result).increment(1);
}

/// Counts a question for something that is made of a file.
pub(crate) fn derived_asked(result: &'static str) {
    counter!("intake_derived_asked_total", "result" => result).increment(1);
}

/// Counts something that was made of a file and was to be kept.
pub(crate) fn derived_kept(result: &'static str) {
    counter!("intake_derived_kept_total", "result" => result).increment(1);
}

/// Counts an entry that was removed.
pub(crate) fn derived_removed(cause: &'static str) {
    counter!("intake_derived_removed_total", "cause" => cause).increment(1);
}

/// Sets how full the store of what is made of files is.
pub(crate) fn derived_fill(bytes: u64, count: u64) {
    gauge!("intake_derived_bytes").set(bytes as f64);
    gauge!("intake_derived_entries").set(count as f64);
}

/// Counts an attempt to deliver an event.
pub(crate) fn event_attempted(notifier: &str, result: &'static str) {
    counter!("intake_event_attempts_total", "notifier" => notifier.to_owned(), "result" => result).increment(1);
}

/// Does some work, and adds its duration to `spent`.
pub(crate) async fn timed<T>(spent: &mut Duration, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let done = work.await;
    *spent += began.elapsed();
    done
}

/// Counts and times the calls of a store or of the recorder.
#[derive(Clone, Debug)]
pub(crate) enum Calls {
    /// Calls of the store with this name.
    Store(Arc<str>),
    /// Calls of the recorder and of its catalog.
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

/// The label value for a code: the code itself, or [`OTHER`] if there are too many values already.
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
    fn codes_beyond_the_bound_share_one_label_value() {
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
