//! Stores and recorders that fail on command, before or after the effect of a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::contract::around::{Around, Wrapped};
use crate::value::error::Fault;
use crate::value::verdict::Code;

/// The code of the faults that are made on command.
pub const MADE: Code = Code::new("made_to_fail");

/// Whether a call fails before or after its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The call fails and has no effect.
    Before,
    /// The call has its effect, and its answer is lost.
    After,
}

/// Counts the calls of all wrappers that share this plan, and makes one call fail, or one and all later ones.
#[derive(Clone, Debug)]
pub struct Plan(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    calls: AtomicUsize,
    fails: Option<(usize, Moment)>,
    for_ever: bool,
    healed: AtomicBool,
}

impl Plan {
    /// No call fails. [`calls`](Self::calls) returns how many there were.
    #[must_use]
    pub fn flawless() -> Self {
        Self::new(None, false)
    }

    /// The call with this number (from zero) fails.
    #[must_use]
    pub fn once(call: usize, moment: Moment) -> Self {
        Self::new(Some((call, moment)), false)
    }

    /// The call with this number (from zero) fails, and all later ones until [`heal`](Self::heal).
    #[must_use]
    pub fn from(call: usize, moment: Moment) -> Self {
        Self::new(Some((call, moment)), true)
    }

    fn new(fails: Option<(usize, Moment)>, for_ever: bool) -> Self {
        let calls = AtomicUsize::new(0);
        Self(Arc::new(Inner {
            calls,
            fails,
            for_ever,
            healed: AtomicBool::new(false),
        }))
    }

    /// The number of calls so far.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// Makes all later calls succeed.
    pub fn heal(&self) {
        self.0.healed.store(true, Ordering::SeqCst);
    }
}

impl Around for Plan {
    async fn run<T>(
        &self,
        _name: &'static str,
        _asked: impl FnOnce() -> String + Send,
        call: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, Fault> {
        let number = self.0.calls.fetch_add(1, Ordering::SeqCst);
        let fault = || Fault::new(MADE, format!("call {number} was made to fail"));
        let moment = match self.0.fails {
            Some((first, moment)) if number == first || (self.0.for_ever && number > first) => Some(moment),
            _ => None,
        };
        match moment.filter(|_| !self.0.healed.load(Ordering::SeqCst)) {
            None => call.await,
            Some(Moment::Before) => Err(fault()),
            Some(Moment::After) => {
                call.await?;
                Err(fault())
            }
        }
    }

    /// Makes the call unchanged and does not count it, because no upload depends on the catalog's calls.
    async fn run_beside<T>(
        &self,
        _name: &'static str,
        _asked: impl FnOnce() -> String + Send,
        call: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, Fault> {
        call.await
    }
}

/// A store or recorder that fails as the plan says.
pub type Faulty<T> = Wrapped<Arc<T>, Plan>;

impl<T> Faulty<T> {
    /// Wraps a store or recorder that works.
    pub fn new(inner: T, plan: &Plan) -> Self {
        Self::around(Arc::new(inner), plan.clone())
    }
}
