//! Tests of what an operator can rely on, for any source.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod contract;
mod fake_network;
mod fetching;
mod hostile;
mod lists;
mod met;
mod origins;
mod packed;
mod real;
mod settings;

use futures_util::TryStreamExt;
use intake_core::{Bytes, Error, Fetcher, Incoming};

/// Everything that the source gives.
async fn read(incoming: Incoming) -> Result<Vec<u8>, Error> {
    let pieces: Vec<Bytes> = incoming.body.try_collect().await.map_err(Error::Interrupted)?;
    Ok(pieces.concat())
}

/// Fetches to the last byte.
async fn fetch(fetcher: &dyn Fetcher, source: &str) -> Result<Vec<u8>, Error> {
    read(fetcher.receive(source).await?).await
}

/// How a fetch ended: its code, what it is about, and whether another try may end well.
fn ending(result: Result<Vec<u8>, Error>) -> (String, String, bool) {
    match result {
        Ok(bytes) => (String::from_utf8_lossy(&bytes).into_owned(), String::new(), false),
        Err(error) => {
            let subject = error.rejection().and_then(|rejection| rejection.subject.clone());
            let again = match &error {
                Error::Rejected { by, .. } => {
                    assert_eq!(by, "http-source");
                    false
                }
                Error::Interrupted(_) => true,
                error => panic!("a fault: {error}"),
            };
            (error.code().to_string(), subject.unwrap_or_default(), again)
        }
    }
}
