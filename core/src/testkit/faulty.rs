//! Stores and recorders that fail on command: before their effect, or after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::contract::around::{Around, Wrapped};
use crate::value::error::Fault;
use crate::value::verdict::Code;

/// The code of the faults that are made here.
pub const MADE: Code = Code::new("made_to_fail");

/// When a fault comes relative to what the call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The call fails and has done nothing.
    Before,
    /// The call has done its work, and its answer is lost.
    After,
}

/// Counts the calls of everything that shares it, and makes one of them fail, or that one and all later ones.
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
    /// Nothing fails; [`calls`](Self::calls) tells how many there were.
    #[must_use]
    pub fn flawless() -> Self {
        Self::new(None, false)
    }

    /// The call of this number (from zero) fails.
    #[must_use]
    pub fn once(call: usize, moment: Moment) -> Self {
        Self::new(Some((call, moment)), false)
    }

    /// The call of this number (from zero) fails, and so do all later ones until [`heal`](Self::heal).
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

    /// How many calls there were.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// Nothing fails any more.
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

    /// As it is: no upload's story has a step in it.
    async fn run_beside<T>(
        &self,
        _name: &'static str,
        _asked: impl FnOnce() -> String + Send,
        call: impl Future<Output = Result<T, Fault>> + Send,
    ) -> Result<T, Fault> {
        call.await
    }
}

/// A store or recorder that fails as its plan says.
pub type Faulty<T> = Wrapped<Arc<T>, Plan>;

impl<T> Faulty<T> {
    /// Wraps something that works.
    pub fn new(inner: T, plan: &Plan) -> Self {
        Self::around(Arc::new(inner), plan.clone())
    }
}
