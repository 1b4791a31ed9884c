//! What happens to an upload that a scanner did not look at completely.

use async_trait::async_trait;

use crate::contract::stages::{Scan, Scanner};
use crate::value::error::Fault;
use crate::value::inspection::OnPartial;
use crate::value::upload_info::Head;

/// A scanner with another answer to [`Scanner::on_partial`] than its own.
///
/// ```
/// # use intake_core::{Fault, Head, Report, Scan, async_trait};
/// use intake_core::{OnPartial, PartialCoverage, Scanner};
///
/// # #[derive(Debug)]
/// # struct Mine;
/// # #[async_trait]
/// # impl Scanner for Mine {
/// #     async fn open(&self, _: &Head<'_>) -> Result<Box<dyn Scan>, Fault> { Err(Fault::new(intake_core::codes::FAULT, "")) }
/// #     async fn ready(&self) -> Result<(), Fault> { Ok(()) }
/// # }
/// let strict = PartialCoverage::new(Mine, OnPartial::Refuse);
/// assert_eq!(strict.on_partial(), OnPartial::Refuse);
/// ```
#[derive(Debug)]
pub struct PartialCoverage<S> {
    scanner: S,
    on_partial: OnPartial,
}

impl<S> PartialCoverage<S> {
    /// Wraps a scanner.
    pub fn new(scanner: S, on_partial: OnPartial) -> Self {
        Self { scanner, on_partial }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Scanner> Scanner for PartialCoverage<S> {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        self.scanner.open(head).await
    }

    fn on_partial(&self) -> OnPartial {
        self.on_partial
    }

    async fn ready(&self) -> Result<(), Fault> {
        self.scanner.ready().await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Scanner + ?Sized> Scanner for Box<S> {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        (**self).open(head).await
    }

    fn on_partial(&self) -> OnPartial {
        (**self).on_partial()
    }

    async fn ready(&self) -> Result<(), Fault> {
        (**self).ready().await
    }
}
