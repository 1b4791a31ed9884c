//! Policy is a wrapper, not a flag: a scanner whose failing is no reason to refuse.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use tracing::warn;

use crate::contract::stages::{Report, Scan, Scanner};
use crate::value::error::Fault;
use crate::value::evidence::{Coverage, Head};
use crate::value::verdict::Verdict;

/// Lets uploads pass when the scanner inside fails. The record's coverage says that, and why, and so does the log.
///
/// A verdict stays a verdict: what the scanner inside refuses is refused.
#[derive(Debug)]
pub struct FailOpen<S>(S);

impl<S> FailOpen<S> {
    /// Wraps a scanner.
    pub fn new(scanner: S) -> Self {
        Self(scanner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Scanner> Scanner for FailOpen<S> {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        let state = match self.0.open(head).await {
            Ok(scan) => Ok(scan),
            Err(fault) => Err(passed_over(&fault)),
        };
        Ok(Box::new(FailOpenScan(state)))
    }

    /// Whether it could work or not, uploads pass: so it never stands in the way.
    async fn ready(&self) -> Result<(), Fault> {
        if let Err(fault) = self.0.ready().await {
            let _said = passed_over(&fault);
        }
        Ok(())
    }
}

/// The scan, or why there is none any more.
struct FailOpenScan(Result<Box<dyn Scan>, String>);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Scan for FailOpenScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        let Ok(scan) = &mut self.0 else {
            return Ok(Verdict::Accept);
        };
        match scan.feed(chunk).await {
            Ok(verdict) => Ok(verdict),
            Err(fault) => {
                self.0 = Err(passed_over(&fault));
                Ok(Verdict::Accept)
            }
        }
    }

    async fn finish(self: Box<Self>) -> Result<Report, Fault> {
        let why = match self.0 {
            Ok(scan) => match scan.finish().await {
                Ok(report) => return Ok(report),
                Err(fault) => passed_over(&fault),
            },
            Err(why) => why,
        };
        Ok(Report {
            verdict: Verdict::Accept,
            coverage: Coverage::Partial(why),
            notes: BTreeMap::new(),
        })
    }
}

fn passed_over(fault: &Fault) -> String {
    warn!(fault = fault.chain(), "a scanner failed and is set to let uploads pass");
    format!("the scanner failed: {}", fault.code)
}
