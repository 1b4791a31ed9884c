//! Access tokens: a JSON Web Token in the `Authorization` header, as the vendor's clients send it. See `docs/policy-tokens.md`,
//! "Access tokens".
//!
//! An access token gives a [`Grant`] as a [policy token](super::policy_token) does; its uses are counted, and it is checked
//! again and revoked in the same way. It needs no id: the digest of its text is the id.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use intake_core::project::ProjectSecret;
use intake_core::{Authorization, Grant, Project};
use jsonwebtoken::dangerous::insecure_decode_claims;
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};

use super::hmac::fits;
use super::jwt::{Flaw, LONGEST, signer};
use crate::codes;
use crate::error::{ACCESS_TOKEN_ID, ApiError};

/// The claims of a token. No other claim is allowed, and none may be `null`: an unknown restriction would not be enforced.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    #[serde(default, deserialize_with = "present")]
    exp: Option<u64>,
    #[serde(default, deserialize_with = "present")]
    iat: Option<u64>,
    #[serde(default, rename = "iss", deserialize_with = "present")]
    _iss: Option<String>,
    #[serde(default, rename = "sub", deserialize_with = "present")]
    _sub: Option<String>,
    #[serde(default, deserialize_with = "present")]
    jti: Option<String>,
    #[serde(default, deserialize_with = "present")]
    uc: Option<Vendor>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendor {
    #[serde(default)]
    restrictions: Restrictions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Restrictions {
    #[serde(default, deserialize_with = "present")]
    scope: Option<Vec<String>>,
    #[serde(default)]
    limits: Limits,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    #[serde(default, deserialize_with = "present")]
    operations: Option<u64>,
}

/// Reads a value that may be missing, but must not be `null`.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// The most seconds by which the clock of a token's issuer may differ from the server's.
const LEEWAY: u64 = 30;
/// The most seconds for which a token may be valid.
const LONGEST_LIFE: u64 = 24 * 3600;
const MOST_SCOPES: usize = 16;
const LONGEST_SCOPE: usize = 64;
const MOST_OPERATIONS: u64 = 100_000;

/// The grant of the request's token at this endpoint. `None`: the request has no `Authorization` header.
///
/// # Errors
///
/// Why the header, or its token, cannot be used here.
pub(crate) fn check(
    project: &Project,
    headers: &HeaderMap,
    path: &str,
    now: SystemTime,
) -> Result<Option<Authorization>, ApiError> {
    match sent(headers)? {
        Some(token) => grant(project, token, Some(path), now).map(Some),
        None => Ok(None),
    }
}

/// The grant of a token: at the endpoint with this path, or, without a path, at those in its scope.
///
/// # Errors
///
/// Why the token cannot be used.
pub(crate) fn grant(
    project: &Project,
    token: &str,
    path: Option<&str>,
    now: SystemTime,
) -> Result<Authorization, ApiError> {
    if token.len() > LONGEST {
        return Err(invalid(&format!("it has more than {LONGEST} characters")));
    }
    let secret = signer(project, token, has_signed_by_digest).map_err(|flaw| match flaw {
        Flaw::Unreadable => invalid("unreadable or not a JWT"),
        Flaw::Algorithm => invalid("`alg` must be HS256"),
        Flaw::Signature => invalid("signature does not match"),
    })?;
    let claims: Claims = insecure_decode_claims(token).map_err(|error| invalid(&error.to_string()))?;
    if claims.jti.is_some() && claims.uc.is_none() && is_long(secret) {
        return Err(invalid(
            "with a secret of more than 64 bytes, a token with `jti` needs `uc`",
        ));
    }
    let expires = end(&claims, now)?;
    let Restrictions { scope, limits } = claims.uc.unwrap_or_default().restrictions;
    if let Some(scope) = scope {
        in_scope(&scope, path)?;
    }
    if limits
        .operations
        .is_some_and(|most| most == 0 || most > MOST_OPERATIONS)
    {
        let what = format!("uc.restrictions.limits.operations must be 1 to {MOST_OPERATIONS}");
        return Err(invalid(&what));
    }
    let grant = Grant::new(
        format!("{ACCESS_TOKEN_ID}{}", hex::encode(Sha256::digest(token))),
        expires,
    )
    .with(|grant| {
        grant.name = claims.jti;
        grant.uses = limits.operations;
    });
    if grant.is_among(&project.revoked_tokens) {
        return Err(ApiError::revoked_access_token());
    }
    let secret = secret.fingerprint().map_err(|_| invalid("signature does not match"))?;
    Ok(Authorization::default().with(|authorization| {
        authorization.secret = Some(secret);
        authorization.grant = Some(grant);
    }))
}

/// The token in the header. An empty header has none.
fn sent(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let malformed = || ApiError::new(&codes::AUTHORIZATION_MALFORMED);
    let mut values = headers.get_all(AUTHORIZATION).iter().filter(|value| !value.is_empty());
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed());
    }
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .ok_or_else(malformed)?;
    let token = token.trim();
    match scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty() {
        true => Ok(Some(token)),
        false => Err(malformed()),
    }
}

/// The key is not the secret but its SHA-256, as 32 bytes.
fn has_signed_by_digest(secret: &ProjectSecret, message: &[u8], signature: &[u8]) -> bool {
    let key = secret.secret.expose(|secret| Sha256::digest(secret.as_bytes()));
    key.is_ok_and(|key| fits(&key, message, signature))
}

/// Whether the digest of this secret is its key for policy tokens too: HMAC takes the digest of every key that is longer than a
/// block of 64 bytes (RFC 2104, section 2). So the signature of such a secret fits both kinds. A policy token always has a `jti` and
/// never `uc`, and must not be taken for an access token without a limit.
fn is_long(secret: &ProjectSecret) -> bool {
    const BLOCK: usize = 64;
    secret.secret.expose(|secret| secret.len() > BLOCK).unwrap_or(true)
}

/// When the token expires, including the leeway.
fn end(claims: &Claims, now: SystemTime) -> Result<SystemTime, ApiError> {
    let exp = claims.exp.ok_or_else(|| invalid("`exp` is required"))?;
    let iat = claims.iat.ok_or_else(|| invalid("`iat` is required"))?;
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if iat > seconds.saturating_add(LEEWAY) {
        return Err(invalid("`iat` is in the future; it is in seconds"));
    }
    if exp <= iat {
        return Err(invalid("`exp` must be after `iat`"));
    }
    if exp - iat > LONGEST_LIFE {
        return Err(invalid("`exp` can be at most 24 hours after `iat`"));
    }
    let end = UNIX_EPOCH + Duration::from_secs(exp.saturating_add(LEEWAY));
    match now > end {
        true => Err(codes::ACCESS_TOKEN_EXPIRED.into()),
        false => Ok(end),
    }
}

/// Whether the scope contains the path of the endpoint, or a prefix of it that ends in `/*`.
fn in_scope(scope: &[String], path: Option<&str>) -> Result<(), ApiError> {
    if scope.is_empty() || scope.len() > MOST_SCOPES {
        return Err(invalid(&format!(
            "uc.restrictions.scope must have 1 to {MOST_SCOPES} items"
        )));
    }
    for item in scope {
        if !item.starts_with('/') {
            return Err(invalid("uc.restrictions.scope items must start with `/`"));
        }
        if item.len() > LONGEST_SCOPE {
            let what = format!("uc.restrictions.scope items can have at most {LONGEST_SCOPE} characters");
            return Err(invalid(&what));
        }
        if item.strip_suffix("/*").unwrap_or(item).contains('*') {
            return Err(invalid("`*` may only stand at the end of a scope item, after a `/`"));
        }
    }
    let allows = |item: &String| match item.strip_suffix('*') {
        Some(beginning) => path.is_some_and(|path| path.starts_with(beginning)),
        None => Some(item.as_str()) == path,
    };
    match scope.iter().any(allows) {
        false if path.is_some() => Err(codes::SCOPE_FORBIDDEN.into()),
        _ => Ok(()),
    }
}

fn invalid(reason: &str) -> ApiError {
    ApiError::invalid_access_token(reason)
}
