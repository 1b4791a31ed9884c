//! How a suite calls a plugin. It records, times and watches every call, so that a report names the call that broke a rule.

use std::any::Any;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::oneshot;

use super::broken::{Bounds, Broken};
use crate::contract::around::Around;
use crate::value::error::Fault;
use crate::value::id::ByteStream;

/// How long a plugin may take before a suite reports that it hangs or blocks.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::time::Duration;
///
/// use intake_core::memory::KeepAll;
/// use intake_core::testkit::Patience;
///
/// let patience = Patience::default().with(|patience| patience.call = Duration::from_secs(5));
/// patience.expirer(KeepAll);
/// # });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// The most time for one call: 30 seconds by default. A suite ends at the latest twice as long after a call that hangs.
    pub call: Duration,
    /// The most time for which a call may keep its thread asleep, as a blocking call does: 1 second by default. On Linux, time does
    /// not count in which the thread computes or waits for a processor; elsewhere it does.
    pub thread: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(30),
            thread: Duration::from_secs(1),
        }
    }
}

impl Patience {
    /// Sets some of the times.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// The result of a suite: the rules that hold, and the checks that it left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// The rules, as sentences.
    pub rules: Vec<String>,
    /// Checks that the suite left out, or did in part, each with the reason.
    pub left_out: Vec<String>,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rule in &self.rules {
            writeln!(f, "holds: {rule}")?;
        }
        for left_out in &self.left_out {
            writeln!(f, "left out: {left_out}")?;
        }
        Ok(())
    }
}

pub(super) const IN_TIME: &str = "every call answers in time";
pub(super) const NOT_BLOCKED: &str = "no call blocks its thread";
pub(super) const NO_PANIC: &str = "no call panics";

/// One run of a suite. Clones share the run.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    patience: Patience,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    rule: String,
    /// Whether the rule itself is about calls that answer in time.
    is_about_time: bool,
    /// The last call that answered or panicked.
    last: String,
    has_panicked: bool,
    calls: BTreeMap<u64, Call>,
    next: u64,
    checked: Checked,
}

/// A call that has not answered yet.
#[derive(Debug)]
struct Call {
    asked: String,
    since: Instant,
    keeps_thread: bool,
}

/// Checks rules one after another. A rule is an async function, and its name is the sentence of the rule.
macro_rules! rules {
    ($trial:expr, $($rule:ident($($argument:expr),*)),+ $(,)?) => {
        // Boxed, so that a suite with many rules fits into the stack of a thread.
        $($trial.rule(stringify!($rule), false, Box::pin($rule($($argument),*))).await;)+
    };
}

impl Trial {
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            patience,
            state: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks one rule. `is_about_time`: a call that hangs breaks this rule, and not the general rule that every call answers in
    /// time.
    pub(super) async fn rule(&self, name: &str, is_about_time: bool, check: impl Future<Output = ()>) {
        let rule = name.replace('_', " ");
        {
            let mut state = self.state();
            state.rule.clone_from(&rule);
            state.is_about_time = is_about_time;
            state.last = "nothing yet".to_owned();
        }
        check.await;
        self.state().checked.rules.push(rule);
    }

    /// Adds a check that the suite leaves out.
    pub(super) fn leave_out(&self, what: impl Into<String>) {
        self.state().checked.left_out.push(what.into());
    }

    /// Makes a call and waits for its answer.
    pub(super) async fn call<T>(&self, asked: impl Into<String>, call: impl Future<Output = T>) -> T {
        let under_way = self.begin(asked.into());
        let mut call = pin!(call);
        poll_fn(|cx| under_way.poll(|| call.as_mut().poll(cx))).await
    }

    /// Makes a call that answers at once.
    pub(super) fn call_now<T>(&self, asked: impl Into<String>, call: impl FnOnce() -> T) -> T {
        self.begin(asked.into()).poll(call)
    }

    fn begin(&self, asked: String) -> UnderWay<'_> {
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        let call = Call {
            asked,
            since: Instant::now(),
            keeps_thread: false,
        };
        state.calls.insert(id, call);
        UnderWay { trial: self, id }
    }

    /// Runs a suite on the thread of the caller. A plugin that never returns the thread ends the test program, with the report.
    pub(super) async fn here(self, suite: impl Future<Output = ()>) -> Checked {
        let (end, ended) = mpsc::channel::<()>();
        let (say, said) = oneshot::channel();
        let trial = self.clone();
        let _watcher = thread::spawn(move || {
            if let Some(broken) = trial.watch(&ended) {
                let report = trial.report(&broken);
                let _unheard = say.send(broken);
                // This ends the waiting suite, unless the plugin blocks the thread.
                if ended.recv_timeout(trial.patience.call) == Err(RecvTimeoutError::Timeout) {
                    eprintln!("{report}");
                    std::process::exit(101);
                }
            }
        });
        let suite = pin!(AssertUnwindSafe(suite).catch_unwind());
        let outcome = match select(suite, said).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right((Ok(broken), _)) => Err(Box::new(broken) as Box<dyn Any + Send>),
            Either::Right((Err(_), suite)) => suite.await,
        };
        drop(end);
        match self.conclude(outcome) {
            Ok(checked) => checked,
            Err(report) => panic!("{report}"),
        }
    }

    /// Runs a suite on a thread and a runtime of its own, so that a plugin that blocks does not block the test. The thread of such a
    /// plugin is left running.
    pub(super) async fn apart<F: Future<Output = ()>>(self, suite: impl FnOnce(Self) -> F + Send + 'static) -> Checked {
        let (say, said) = oneshot::channel();
        let _watcher = thread::spawn(move || say.send(self.run_apart(suite)));
        match said.await {
            Ok(Ok(checked)) => checked,
            Ok(Err(report)) => panic!("{report}"),
            Err(_) => panic!("the suite's own thread has panicked"),
        }
    }

    /// Does the same as [`apart`](Self::apart), for suites that are not async.
    pub(super) fn apart_now<F: Future<Output = ()>>(self, suite: impl FnOnce(Self) -> F + Send + 'static) -> Checked {
        match self.run_apart(suite) {
            Ok(checked) => checked,
            Err(report) => panic!("{report}"),
        }
    }

    fn run_apart<F: Future<Output = ()>>(
        self,
        suite: impl FnOnce(Self) -> F + Send + 'static,
    ) -> Result<Checked, String> {
        let (end, ended) = mpsc::channel::<()>();
        let trial = self.clone();
        let worker = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime for the suite");
            let outcome = runtime.block_on(AssertUnwindSafe(suite(trial)).catch_unwind());
            // The suite does not wait for tasks of the plugin that are still running.
            runtime.shutdown_background();
            drop(end);
            outcome
        });
        let outcome = match self.watch(&ended) {
            Some(broken) => Err(Box::new(broken) as Box<dyn Any + Send>),
            None => worker.join().and_then(|outcome| outcome),
        };
        self.conclude(outcome)
    }

    /// Waits until the suite has ended, or a call takes too long.
    fn watch(&self, ended: &mpsc::Receiver<()>) -> Option<Broken> {
        loop {
            let next = match self.overdue() {
                Ok(next) => next,
                Err(broken) => return Some(broken),
            };
            if ended.recv_timeout(next) != Err(RecvTimeoutError::Timeout) {
                return None;
            }
        }
    }

    /// The call that has taken too long, or how long to wait before the next look.
    fn overdue(&self) -> Result<Duration, Broken> {
        let limit = self.patience.call;
        let state = self.state();
        let Some(oldest) = state.calls.values().min_by_key(|call| call.since) else {
            return Ok(limit);
        };
        let left = limit.saturating_sub(oldest.since.elapsed());
        if !left.is_zero() {
            return Ok(left);
        }
        let seen = match oldest.keeps_thread {
            true => "no answer: the call blocks its thread",
            false => "no answer: the call waits",
        };
        Err(Broken {
            rule: (!state.is_about_time).then_some(IN_TIME),
            asked: Some(oldest.asked.clone()),
            expected: format!("an answer within {limit:?}"),
            seen: seen.to_owned(),
        })
    }

    fn conclude(&self, outcome: Result<(), Box<dyn Any + Send>>) -> Result<Checked, String> {
        let payload = match outcome {
            Ok(()) => return Ok(self.state().checked.clone()),
            Err(payload) => payload,
        };
        let broken = payload.downcast::<Broken>().map_or_else(
            |payload| {
                let message = payload.downcast_ref::<String>().map(String::as_str);
                let message = message.or_else(|| payload.downcast_ref::<&str>().copied());
                Broken {
                    rule: self.state().has_panicked.then_some(NO_PANIC),
                    asked: None,
                    expected: "an answer".to_owned(),
                    seen: format!("a panic: {}", message.unwrap_or("without a message")),
                }
            },
            |broken| *broken,
        );
        Err(self.report(&broken))
    }

    fn report(&self, broken: &Broken) -> String {
        let state = self.state();
        let rule = broken.rule.unwrap_or(&state.rule);
        let asked = broken.asked.as_deref().unwrap_or(&state.last);
        let (expected, seen) = (&broken.expected, &broken.seen);
        format!("rule: {rule}\nasked: {asked}\nexpected: {expected}\nseen: {seen}")
    }
}

/// Removes a call from the list of open ones when it has answered, was dropped, or has panicked.
struct UnderWay<'a> {
    trial: &'a Trial,
    id: u64,
}

impl UnderWay<'_> {
    fn poll<T>(&self, poll: impl FnOnce() -> T) -> T {
        self.keeps_thread(true);
        let limit = self.trial.patience.thread;
        let busy_before = busy_lately(limit / 10);
        let began = Instant::now();
        let polled = poll();
        let took = began.elapsed();
        self.keeps_thread(false);
        let asleep = match took > limit {
            true => took.saturating_sub(busy().unwrap_or_default().saturating_sub(busy_before)),
            false => Duration::ZERO,
        };
        if asleep > limit {
            Broken {
                rule: Some(NOT_BLOCKED),
                asked: self.trial.state().calls.get(&self.id).map(|call| call.asked.clone()),
                expected: format!("the thread back within {limit:?}: work that blocks is for `spawn_blocking`"),
                seen: format!("the call kept its thread asleep for {asleep:?}"),
            }
            .end();
        }
        polled
    }

    fn keeps_thread(&self, keeps: bool) {
        if let Some(call) = self.trial.state().calls.get_mut(&self.id) {
            call.keeps_thread = keeps;
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut state = self.trial.state();
        if let Some(call) = state.calls.remove(&self.id) {
            // A call that ends during a poll has panicked.
            state.has_panicked |= call.keeps_thread && thread::panicking();
            state.last = call.asked;
        }
    }
}

/// The most bytes that a suite reads: more than it writes under one key.
const MOST_BYTES: usize = 64 << 20;

/// Records, times and watches calls.
impl Around for Trial {
    async fn run<T: Send>(
        &self,
        _name: &'static str,
        asked: impl FnOnce() -> String + Send,
        call: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, Fault> {
        self.call(asked(), call).await
    }

    fn bytes(&self, asked: impl FnOnce() -> String, bytes: ByteStream) -> ByteStream {
        let (asked, bounds) = (asked(), Bounds::new(MOST_BYTES));
        stream::unfold(
            (self.clone(), asked, bytes, bounds),
            async |(trial, asked, mut bytes, mut bounds)| {
                let piece = trial.call(format!("the bytes of: {asked}"), bytes.next()).await?;
                bounds.count(piece.as_ref().map_or(0, Bytes::len));
                Some((piece, (trial, asked, bytes, bounds)))
            },
        )
        .boxed()
    }
}

/// How long this thread has been busy, by a reading that is at most `ago` old: at many short calls, asking the system each time
/// would take longer than the calls.
fn busy_lately(ago: Duration) -> Duration {
    thread_local! {
        static LAST: Cell<Option<(Instant, Duration)>> = const { Cell::new(None) };
    }
    let last = LAST.get().filter(|(asked, _)| asked.elapsed() < ago);
    let (asked, busy) = last.unwrap_or_else(|| (Instant::now(), busy().unwrap_or_default()));
    LAST.set(Some((asked, busy)));
    busy
}

/// How long this thread has computed or waited for a processor since its start, if the system knows.
fn busy() -> Option<Duration> {
    // Linux, Documentation/scheduler/sched-stats.rst: nanoseconds on a processor, nanoseconds in its queue, turns.
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let mut fields = text.split(' ').map(str::parse::<u64>);
    let (computed, queued) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some(Duration::from_nanos(computed.saturating_add(queued)))
}
