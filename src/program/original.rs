//! The original of a file as its store gives it, compared with its record.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use futures_util::StreamExt;
use intake_core::{Digest, Error, Fault, Pipeline, Record, codes};
use sha2::{Digest as _, Sha256};

/// Why an original was not copied as its record describes it.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The store has no bytes of it.
    Missing(String),
    /// The store could not give it, or not to its end.
    Unread(String),
    /// The store gave other bytes than those that were accepted.
    Differs(String),
    /// What takes the bytes did not.
    Unwritten(io::Error),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(reason) | Self::Unread(reason) => write!(f, "it cannot be read: {reason}"),
            Self::Differs(how) => write!(f, "the stored bytes are not those that were accepted: {how}"),
            Self::Unwritten(error) => write!(f, "it cannot be written: {error}"),
        }
    }
}

/// Reads an original to its end and hands on each piece of it. It is whole, and its length and its SHA-256 are those of the
/// record, only if this succeeds. No more bytes are handed on than the record says that there are.
pub(super) async fn copy(
    pipeline: &Pipeline,
    record: &Record,
    mut into: impl AsyncFnMut(&[u8]) -> io::Result<()>,
) -> Result<(), Trouble> {
    let facts = record.facts.as_ref();
    let facts = facts.ok_or_else(|| Trouble::Unread("its record has no length and no SHA-256".to_owned()))?;
    let mut bytes = pipeline.read_of(record, None).await.map_err(unread)?;
    let (mut read, mut hasher) = (0, Sha256::new());
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(|error| broken(&*error))?;
        read += piece.len() as u64;
        if read > facts.size {
            return Err(Trouble::Differs(format!("there are more than {} bytes", facts.size)));
        }
        hasher.update(&piece);
        into(&piece).await.map_err(Trouble::Unwritten)?;
    }
    if read < facts.size {
        let how = format!("there are {read} bytes instead of {}", facts.size);
        return Err(Trouble::Differs(how));
    }
    let digest = Digest::from(<[u8; 32]>::from(hasher.finalize()));
    match digest == facts.digest {
        true => Ok(()),
        false => Err(Trouble::Differs(format!(
            "their SHA-256 is {digest} instead of {}",
            facts.digest
        ))),
    }
}

fn unread(error: Error) -> Trouble {
    match error {
        Error::Fault(fault) => faulty(&fault),
        other => Trouble::Unread(other.to_string()),
    }
}

fn faulty(fault: &Fault) -> Trouble {
    match fault.code == codes::BYTES_MISSING {
        true => Trouble::Missing(fault.report()),
        false => Trouble::Unread(fault.report()),
    }
}

/// What a stream that broke off says.
fn broken(error: &(dyn StdError + Send + Sync + 'static)) -> Trouble {
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return faulty(fault);
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    Trouble::Unread(text)
}
