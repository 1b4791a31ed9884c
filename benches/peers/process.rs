//! What a server costs: all its processes together, as nginx and others have several.

use std::collections::HashMap;
use std::fs;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::measure::stat;

/// How often a watch looks. Threads that end between two looks lose what they did since the last one.
const INTERVAL: Duration = Duration::from_millis(200);

/// A process and all that it started.
#[derive(Clone)]
pub struct Tree(Vec<u32>);

impl Tree {
    /// The tree as it is now.
    pub fn below(root: u32) -> Self {
        let listed = fs::read_dir("/proc").unwrap().flatten();
        let all: Vec<u32> = listed
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect();
        let parents: HashMap<u32, u32> = all.iter().filter_map(|pid| Some((*pid, parent(*pid)?))).collect();
        let is_below = |pid: u32| {
            let line = std::iter::successors(Some(pid), |pid| parents.get(pid).copied());
            line.take(parents.len()).any(|pid| pid == root)
        };
        Self(all.into_iter().filter(|pid| is_below(*pid)).collect())
    }

    /// Processor seconds so far, its own and the system's for it.
    pub fn processor_seconds(&self) -> f64 {
        let ticks = |pid: &u32| {
            let fields = stat(*pid)?;
            Some(fields[11].parse::<f64>().ok()? + fields[12].parse::<f64>().ok()?)
        };
        // The system counts in hundredths of a second.
        self.0.iter().filter_map(ticks).sum::<f64>() / 100.0
    }

    /// Resident bytes.
    pub fn memory(&self) -> u64 {
        self.in_status("VmRSS:")
    }

    /// The most resident bytes of each process since [`Tree::forget_peak`], together.
    pub fn peak(&self) -> u64 {
        self.in_status("VmHWM:")
    }

    /// What came before does not count for the peak.
    pub fn forget_peak(&self) {
        for pid in &self.0 {
            // Where the system refuses it, the peak is that of the whole life of the server, which is short.
            let _refused = fs::write(format!("/proc/{pid}/clear_refs"), "5");
        }
    }

    /// Ends all at once, as the loss of a parent does not end the workers of some.
    pub fn kill(&self) {
        for pid in self.0.iter().filter_map(|pid| Pid::from_raw(*pid as i32)) {
            // It may have ended already.
            let _dead = kill_process(pid, Signal::KILL);
        }
    }

    fn in_status(&self, name: &str) -> u64 {
        let of = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/status")).ok();
        let texts = self.0.iter().filter_map(of);
        texts.map(|text| number_behind(&text, name) * 1024).sum()
    }

    /// How often each thread was taken off a processor, by itself or not.
    fn switches(&self) -> HashMap<u32, u64> {
        let mut switches = HashMap::new();
        for pid in &self.0 {
            let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
                continue;
            };
            for thread in threads.flatten() {
                let number = thread.file_name().to_str().and_then(|name| name.parse().ok());
                let status = fs::read_to_string(thread.path().join("status"));
                if let (Some(number), Ok(status)) = (number, status) {
                    let [by_itself, not] = ["\nvoluntary_ctxt_switches:", "\nnonvoluntary_ctxt_switches:"];
                    switches.insert(number, number_behind(&status, by_itself) + number_behind(&status, not));
                }
            }
        }
        switches
    }
}

fn parent(pid: u32) -> Option<u32> {
    stat(pid)?.get(1)?.parse().ok()
}

fn number_behind(text: &str, name: &str) -> u64 {
    let rest = text.split_once(name).map(|(_, rest)| rest);
    let number = rest.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// What a tree cost while it was watched.
pub struct Cost {
    pub seconds: f64,
    pub processor: f64,
    pub switches: f64,
    /// Bytes at the most.
    pub peak: f64,
    /// Resident bytes, look by look.
    pub memory: Vec<(Instant, u64)>,
}

/// What the looks at a tree have seen.
struct Seen {
    /// Of each thread, the last number that was read.
    switches: HashMap<u32, u64>,
    memory: Vec<(Instant, u64)>,
}

impl Seen {
    fn look(&mut self, tree: &Tree) {
        self.switches.extend(tree.switches());
        self.memory.push((Instant::now(), tree.memory()));
    }
}

/// Looks at a tree again and again, so that threads which end meanwhile count too.
pub struct Watch {
    tree: Tree,
    before: HashMap<u32, u64>,
    began: Instant,
    processor: f64,
    /// Dropped when it is over.
    going_on: Sender<()>,
    looking: JoinHandle<Seen>,
}

impl Watch {
    pub fn start(tree: &Tree) -> Self {
        tree.forget_peak();
        let (going_on, over) = channel();
        let (theirs, before) = (tree.clone(), tree.switches());
        let mut seen = Seen {
            switches: before.clone(),
            memory: Vec::new(),
        };
        let looking = spawn(move || {
            while over.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                seen.look(&theirs);
            }
            seen
        });
        Self {
            tree: tree.clone(),
            before,
            began: Instant::now(),
            processor: tree.processor_seconds(),
            going_on,
            looking,
        }
    }

    pub fn end(self) -> Cost {
        let seconds = self.began.elapsed().as_secs_f64();
        let processor = self.tree.processor_seconds() - self.processor;
        let peak = self.tree.peak() as f64;
        drop(self.going_on);
        let mut seen = self.looking.join().unwrap();
        seen.look(&self.tree);
        let before = |thread| self.before.get(thread).copied().unwrap_or(0);
        let made = seen
            .switches
            .iter()
            .map(|(thread, count)| count.saturating_sub(before(thread)));
        Cost {
            seconds,
            processor,
            switches: made.sum::<u64>() as f64,
            peak,
            memory: seen.memory,
        }
    }
}
