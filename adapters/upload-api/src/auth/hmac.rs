//! HMAC-SHA256 (RFC 2104), with which signatures and tokens are checked.

use hmac::{Hmac, KeyInit, Mac};
use intake_core::project::ProjectSecret;
use sha2::Sha256;

/// Whether a secret has signed a message, with the secret itself as the key.
pub(crate) fn has_signed(secret: &ProjectSecret, message: &[u8], signature: &[u8]) -> bool {
    let signed = secret
        .secret
        .expose(|secret| fits(secret.as_bytes(), message, signature));
    matches!(signed, Ok(true))
}

/// Checks the HMAC-SHA256 of a message with this key. Compares in constant time.
pub(crate) fn fits(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return false;
    };
    mac.chain_update(message).verify_slice(signature).is_ok()
}
