//! The common part of policy tokens and access tokens: both are JSON Web Tokens (RFC 7519) that a secret of the project has
//! signed with HMAC-SHA256. They differ in how the key is derived from the secret, and in their claims.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use intake_core::Project;
use intake_core::project::ProjectSecret;
use jsonwebtoken::{Algorithm, decode_header};
use serde_json::{Map, Value};

/// The most characters of a token.
pub(crate) const LONGEST: usize = 8 * 1024;

/// Why a token cannot be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It does not look like a token.
    Unreadable,
    /// It names another algorithm, or has an unknown critical extension.
    Algorithm,
    /// None of the project's secrets has signed it.
    Signature,
}

/// The secret that has signed a token. `fits` checks whether a secret has signed a message.
///
/// The signature is checked before the claims are read, with the only allowed algorithm: the library would choose its algorithms
/// once for the whole process, and an embedder may have made another choice.
///
/// # Errors
///
/// Why the token cannot be trusted.
pub(crate) fn signer<'a>(
    project: &'a Project,
    token: &str,
    fits: impl Fn(&ProjectSecret, &[u8], &[u8]) -> bool,
) -> Result<&'a ProjectSecret, Flaw> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Flaw::Unreadable)?;
    if signed.split('.').count() != 2 {
        return Err(Flaw::Unreadable);
    }
    let head = match decode_header(token) {
        Ok(head) => head,
        // The library does not know the algorithm `none`, and cannot read a header that names it.
        Err(_) if names_an_algorithm(signed) => return Err(Flaw::Algorithm),
        Err(_) => return Err(Flaw::Unreadable),
    };
    // A reader that does not know a critical extension must not accept the token (RFC 7515, section 4.1.11).
    if head.alg != Algorithm::HS256 || head.crit.is_some() {
        return Err(Flaw::Algorithm);
    }
    // Surplus bits of the last character are refused here, so that a token has one spelling.
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Flaw::Unreadable)?;
    let mut found = None;
    // All secrets are tried, even after one fits, so that the duration reveals nothing about them.
    for secret in &project.secrets {
        if fits(secret, signed.as_bytes(), &signature) {
            found = Some(secret);
        }
    }
    found.ok_or(Flaw::Signature)
}

fn names_an_algorithm(signed: &str) -> bool {
    let head = signed.split('.').next().unwrap_or_default();
    let head = URL_SAFE_NO_PAD.decode(head).unwrap_or_default();
    serde_json::from_slice::<Map<String, Value>>(&head).is_ok_and(|head| head.contains_key("alg"))
}
