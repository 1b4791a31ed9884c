//! Keys for the suite of stores, and a check whether a key has bytes.

use super::broken::Answers;
use crate::contract::stages::Store;
use crate::value::codes;
use crate::value::id::{Key, UploadId};

/// A key with every kind of character that a key may have.
pub(super) fn key() -> Key {
    plain_key().with_prefix(Some("zebra09"))
}

pub(super) fn plain_key() -> Key {
    Key::whole(UploadId::random())
}

pub(super) async fn has_bytes(store: &dyn Store, key: &Key) -> bool {
    match store.read(key, None).await {
        Ok(stream) => {
            drop(stream);
            true
        }
        Err(fault) => {
            same!(fault.code, codes::BYTES_MISSING, "{}", fault.report());
            same!(
                store.size(key).await.answers(),
                None,
                "a size under a key without bytes"
            );
            false
        }
    }
}
