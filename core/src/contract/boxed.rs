//! A scanner in a box is a scanner, so that scanners of different types can be added to a pipeline in one loop.

use async_trait::async_trait;

use crate::contract::stages::{Scan, Scanner};
use crate::value::error::Fault;
use crate::value::inspection::Engine;
use crate::value::scan_policy::OnPartial;
use crate::value::upload_info::Head;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Scanner + ?Sized> Scanner for Box<S> {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        (**self).open(head).await
    }

    fn on_partial(&self) -> OnPartial {
        (**self).on_partial()
    }

    async fn engine(&self) -> Result<Option<Engine>, Fault> {
        (**self).engine().await
    }

    async fn ready(&self) -> Result<(), Fault> {
        (**self).ready().await
    }
}
