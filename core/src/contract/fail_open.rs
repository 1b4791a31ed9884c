//! A wrapper around a scanner: if the scanner fails, the upload passes. It is a wrapper so that no scanner needs a setting for it.

use async_trait::async_trait;
use bytes::Bytes;
use tracing::warn;

use crate::contract::report::Report;
use crate::contract::stages::{Scan, Scanner};
use crate::value::error::Fault;
use crate::value::inspection::{Coverage, OnPartial};
use crate::value::upload_info::Head;
use crate::value::verdict::Verdict;

/// Lets an upload pass if the scanner inside fails. The coverage in the record and the log both say so, and why.
///
/// It does not change verdicts: an upload that the scanner inside refuses is refused.
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

    fn on_partial(&self) -> OnPartial {
        self.0.on_partial()
    }

    /// Always succeeds, since uploads pass even if the scanner inside cannot work.
    async fn ready(&self) -> Result<(), Fault> {
        if let Err(fault) = self.0.ready().await {
            let _said = passed_over(&fault);
        }
        Ok(())
    }
}

/// The scan, or the reason why it failed.
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

    fn gap(&self) -> Option<String> {
        self.0.as_ref().ok()?.gap()
    }

    async fn finish(self: Box<Self>) -> Result<Report, Fault> {
        let why = match self.0 {
            Ok(scan) => match scan.finish().await {
                Ok(report) => return Ok(report),
                Err(fault) => passed_over(&fault),
            },
            Err(why) => why,
        };
        let report = Report::new(Verdict::Accept, Coverage::Partial(why));
        Ok(report.with(|report| report.is_passed_over = true))
    }
}

fn passed_over(fault: &Fault) -> String {
    warn!(
        fault = fault.report(),
        "a scanner failed and is set to let uploads pass"
    );
    format!("the scanner failed: {}", fault.code)
}
