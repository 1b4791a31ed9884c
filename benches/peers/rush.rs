//! Requests one behind the other by each of several senders, for some seconds.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use intake::core::testkit::noise;

use super::plan::Plan;
use super::process::{Cost, Watch};
use super::server::Running;
use super::shape::Sender;
use super::table::Column;
use crate::measure::MIB;

/// Bytes of a small file.
pub const SMALL: usize = 64 << 10;

pub const SMALL_COLUMNS: &[Column] = &[
    Column::compared("files/s", 0),
    Column::compared("p50, ms", 2),
    Column::compared("p99, ms", 2),
    Column::compared("processor, ms a file", 2),
    Column::compared("switches a file", 1),
    Column::plain("peak memory, MiB", 0),
];

/// Small files by so many senders.
pub fn small(running: &Running, plan: &Plan, senders: usize) -> io::Result<Vec<f64>> {
    let content = noise(2, SMALL);
    let rush = Rush::of(running, plan, senders, |request| {
        running.shape.write(&content, request);
    })?;
    let (kept, sent) = (running.bytes_kept(), rush.count() * SMALL);
    if kept < sent as u64 {
        return Err(io::Error::other(format!(
            "it was sent {sent} bytes and has kept {kept}"
        )));
    }
    Ok(rush.figures())
}

/// What became of a rush: only what ended while it was measured counts, and not its beginning, in which the server warms up.
pub struct Rush {
    /// Milliseconds of each request, sorted.
    times: Vec<f64>,
    cost: Cost,
}

impl Rush {
    /// `write` writes a request out.
    pub fn of(running: &Running, plan: &Plan, senders: usize, write: impl Fn(&mut Vec<u8>) + Sync) -> io::Result<Self> {
        Self::with(running, plan, senders, || {
            let mut request = Vec::new();
            let write = &write;
            move |sender: &mut Sender<'_>| {
                request.clear();
                write(&mut request);
                let began = Instant::now();
                sender.ask(&request)?;
                Ok(began.elapsed())
            }
        })
    }

    /// Each sender asks with what `make` makes for it, which says how long an answer took.
    pub fn with<Ask>(running: &Running, plan: &Plan, senders: usize, make: impl Fn() -> Ask + Sync) -> io::Result<Self>
    where
        Ask: FnMut(&mut Sender<'_>) -> io::Result<Duration>,
    {
        let warm_up = (plan.seconds / 4).min(Duration::from_secs(1));
        let (over, failure) = (AtomicBool::new(false), Mutex::new(None));
        let send = || {
            let (mut sender, mut ended) = (Sender::new(&running.address), Vec::new());
            let mut ask = make();
            while !over.load(Ordering::Relaxed) {
                match ask(&mut sender) {
                    Ok(took) => ended.push((Instant::now(), took)),
                    Err(error) => {
                        *failure.lock().unwrap() = Some(error);
                        break;
                    }
                }
            }
            ended
        };
        let (ended, began, end, cost) = std::thread::scope(|scope| {
            let senders: Vec<_> = (0..senders).map(|_| scope.spawn(send)).collect();
            sleep(warm_up);
            let (watch, began) = (Watch::start(&running.tree), Instant::now());
            sleep(plan.seconds);
            let (end, cost) = (Instant::now(), watch.end());
            over.store(true, Ordering::Relaxed);
            let ended = senders.into_iter().flat_map(|sender| sender.join().unwrap());
            (ended.collect::<Vec<_>>(), began, end, cost)
        });
        if let Some(error) = failure.into_inner().unwrap() {
            return Err(error);
        }
        let counted = ended.iter().filter(|(at, _)| (began..end).contains(at));
        let mut times: Vec<_> = counted.map(|(_, took)| took.as_secs_f64() * 1000.0).collect();
        times.sort_by(f64::total_cmp);
        match times.is_empty() {
            true => Err(io::Error::other("nothing ended in time")),
            false => Ok(Self { times, cost }),
        }
    }

    fn count(&self) -> usize {
        self.times.len()
    }

    fn percentile(&self, percent: usize) -> f64 {
        self.times[(self.count() * percent / 100).min(self.count() - 1)]
    }

    /// In the order of [`SMALL_COLUMNS`].
    pub fn figures(&self) -> Vec<f64> {
        let count = self.count() as f64;
        vec![
            count / self.cost.seconds,
            self.percentile(50),
            self.percentile(99),
            self.cost.processor * 1000.0 / count,
            self.cost.switches / count,
            self.cost.peak / MIB as f64,
        ]
    }
}
