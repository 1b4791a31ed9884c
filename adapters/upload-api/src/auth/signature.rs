//! Signed uploads: `signature` and `expire` of a request. See `docs/upload-api.md`, "Signed uploads".

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use intake_core::project::ProjectSecret;
use intake_core::{Authorization, Project};
use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::hmac::has_signed;
use crate::codes;
use crate::error::ApiError;

/// The largest time in seconds: a larger number was sent in milliseconds.
const LATEST: u64 = 99_999_999_999;

/// Checks a signature over its expiry.
///
/// # Errors
///
/// First for a missing parameter, then for a wrong expiry, then if no secret of the project has made the signature.
pub(crate) fn check(
    project: &Project,
    signature: &str,
    expire: Option<&str>,
    now: SystemTime,
) -> Result<Authorization, ApiError> {
    let expire = expire.ok_or_else(|| ApiError::new(&codes::EXPIRE_MISSING))?;
    let is_number = !expire.is_empty() && expire.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = expire.parse().ok().filter(|seconds| is_number && *seconds <= LATEST);
    let seconds: u64 = seconds.ok_or_else(|| ApiError::new(&codes::EXPIRE_INVALID))?;
    if UNIX_EPOCH + Duration::from_secs(seconds) <= now {
        return Err(codes::SIGNATURE_EXPIRED.into());
    }
    let signature = hex::decode(signature).unwrap_or_default();
    // All secrets are tried, even after one fits, so that the duration reveals nothing about them.
    let mut found = None;
    for secret in &project.secrets {
        let fits = has_signed(secret, expire.as_bytes(), &signature)
            | (project.legacy_signatures && verify_legacy_md5(secret, expire, &signature));
        if fits {
            found = Some(secret);
        }
    }
    let fingerprint = found.and_then(|secret| secret.fingerprint().ok());
    match fingerprint {
        Some(secret) => Ok(Authorization::default().with(|authorization| authorization.secret = Some(secret))),
        None => Err(codes::SIGNATURE_INVALID.into()),
    }
}

/// Verifies a signature in the older format, the MD5 of the secret and the time. It compares the HMACs of both, so that the
/// duration of the comparison reveals nothing about them.
fn verify_legacy_md5(secret: &ProjectSecret, expire: &str, signature: &[u8]) -> bool {
    let coded = secret.secret.expose(|secret| {
        let mut hasher = Md5::new();
        hasher.update(secret.as_bytes());
        hasher.update(expire.as_bytes());
        let expected = hasher.finalize();
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
        let of = |message: &[u8]| mac.clone().chain_update(message);
        Some(
            of(signature)
                .verify_slice(&of(&expected).finalize().into_bytes())
                .is_ok(),
        )
    });
    matches!(coded, Ok(Some(true)))
}
