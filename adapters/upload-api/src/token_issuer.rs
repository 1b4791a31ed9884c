//! Issues tokens for trials: a product's own server issues them as the documentation shows, with any library for such tokens.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use intake_core::project::ProjectSecret;
use intake_core::{ConfigError, Project};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::auth::{access_token, policy_token};

/// The two formats of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenFormat {
    /// An access token, sent as `Authorization: Bearer`; see `docs/policy-tokens.md`.
    Access,
    /// A policy token, sent as `signature`; see `docs/policy-tokens.md`.
    Policy,
}

/// Issues a token of a project, which is valid for `lifetime` from now on, and checks it as a server would.
///
/// `claims` are those of the format. For an access token, `scope` and `operations` become its restrictions. A policy token gets
/// a random `jti` if the claims have none.
///
/// # Errors
///
/// If a server would refuse the token: the message is the server's.
pub fn issue_token(
    project: &Project,
    secret: &ProjectSecret,
    format: TokenFormat,
    claims: &Map<String, Value>,
    lifetime: Duration,
) -> Result<String, ConfigError> {
    let now = SystemTime::now();
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut all = Map::new();
    if format == TokenFormat::Policy {
        all.insert("jti".to_owned(), Uuid::new_v4().to_string().into());
    }
    all.insert("iat".to_owned(), seconds.into());
    all.insert("exp".to_owned(), seconds.saturating_add(lifetime.as_secs()).into());
    match format {
        TokenFormat::Access => restrict(&mut all, claims),
        TokenFormat::Policy => all.extend(claims.clone()),
    }
    let token = sign(secret, format, all)?;
    let judged = match format {
        TokenFormat::Access => access_token::grant(project, &token, None, now).map(drop),
        TokenFormat::Policy => policy_token::check(project, &token, now).map(drop),
    };
    match judged {
        Ok(()) => Ok(token),
        Err(error) => Err(ConfigError::new(format!("a server would say: {}", error.message()))),
    }
}

/// Adds the claims of an access token, with its restrictions in their place.
fn restrict(all: &mut Map<String, Value>, claims: &Map<String, Value>) {
    let mut restrictions = Map::new();
    for (name, value) in claims {
        match name.as_str() {
            "scope" => restrictions.insert(name.clone(), value.clone()),
            "operations" => restrictions.insert("limits".to_owned(), json!({ name.as_str(): value })),
            _ => all.insert(name.clone(), value.clone()),
        };
    }
    if !restrictions.is_empty() {
        all.insert("uc".to_owned(), json!({ "restrictions": restrictions }));
    }
}

fn sign(secret: &ProjectSecret, format: TokenFormat, claims: Map<String, Value>) -> Result<String, ConfigError> {
    let head = json!({"alg": "HS256", "typ": "JWT"});
    let encode = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(head), encode(Value::Object(claims)));
    let mac = secret.secret.expose(|secret| match format {
        TokenFormat::Access => Hmac::<Sha256>::new_from_slice(&Sha256::digest(secret.as_bytes())),
        TokenFormat::Policy => Hmac::<Sha256>::new_from_slice(secret.as_bytes()),
    })?;
    let mac = mac.map_err(|error| ConfigError::new(error.to_string()))?;
    let signature = mac.chain_update(signed.as_bytes()).finalize().into_bytes();
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
