//! Policy tokens: a JSON Web Token (RFC 7519) that a product's own server signs with a secret of its project, and that restricts
//! the uploads with it. Clients send it as `signature`, so that every client can send it. See `docs/policy-tokens.md`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use intake_core::{Grant, MediaRange, Project, Retention};
use jsonwebtoken::dangerous::insecure_decode_claims;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::hmac::has_signed;
use super::jwt::signer;
use crate::codes;
use crate::error::{ACCESS_TOKEN_ID, ApiError};

/// The claims of a token. All but its id and its expiry are optional, and no other claim is allowed: a misspelt one would not be
/// enforced.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    jti: String,
    exp: u64,
    #[serde(default)]
    nbf: Option<u64>,
    #[serde(default, rename = "iat")]
    _iat: Option<u64>,
    #[serde(default, rename = "iss")]
    _iss: Option<String>,
    #[serde(default)]
    sub: Option<String>,
    #[serde(default = "once")]
    uses: u64,
    #[serde(default)]
    min_size: Option<u64>,
    #[serde(default)]
    max_size: Option<u64>,
    #[serde(default)]
    types: Vec<MediaRange>,
    #[serde(default, deserialize_with = "unique")]
    metadata: BTreeMap<String, String>,
    #[serde(default)]
    store: Option<Store>,
    #[serde(default)]
    stays: Option<u64>,
    #[serde(default)]
    complete_by: Option<u64>,
}

fn once() -> u64 {
    1
}

/// Reads an object without duplicate keys, because readers differ in which of two values counts.
fn unique<'de, D: Deserializer<'de>>(object: D) -> Result<BTreeMap<String, String>, D::Error> {
    struct Unique;

    impl<'de> Visitor<'de> for Unique {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of texts")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = BTreeMap::new();
            while let Some((key, value)) = map.next_entry()? {
                if entries.insert(key, value).is_some() {
                    return Err(A::Error::custom("`metadata` has a key twice"));
                }
            }
            Ok(entries)
        }
    }

    object.deserialize_map(Unique)
}

/// The same values as the store flag of an upload.
#[derive(Clone, Copy, Debug, Deserialize)]
enum Store {
    #[serde(rename = "0")]
    No,
    #[serde(rename = "1")]
    Yes,
    #[serde(rename = "auto")]
    Auto,
}

/// The most characters of a token's id.
const LONGEST_ID: usize = 128;
/// The largest time in seconds: a larger number was written in milliseconds.
const LATEST: u64 = 99_999_999_999;

/// Whether this is a token rather than a signature, which has no dots.
pub(crate) fn looks_like_token(signature: &str) -> bool {
    signature.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// Checks that a secret of the project has signed a token, and returns the fingerprint of that secret and the grant.
pub(crate) fn check(project: &Project, token: &str, now: SystemTime) -> Result<(String, Grant), ApiError> {
    let invalid = || ApiError::new(&codes::SIGNATURE_INVALID);
    let secret = signer(project, token, has_signed).map_err(|_| invalid())?;
    // The signature is right, so the issuer may learn what is wrong with the claims.
    let unreadable = |error: jsonwebtoken::errors::Error| wrong(&error.to_string());
    let all = insecure_decode_claims::<Map<String, Value>>(token).map_err(unreadable)?;
    if let Some((name, _)) = all.iter().find(|(_, value)| value.is_null()) {
        return Err(wrong(&format!("`{name}` is null")));
    }
    let claims = insecure_decode_claims::<Claims>(token).map_err(unreadable)?;
    if all.contains_key("types") && claims.types.is_empty() {
        return Err(wrong("`types` has none"));
    }
    let fingerprint = secret.fingerprint().map_err(|_| invalid())?;
    grant(project, claims, now).map(|grant| (fingerprint, grant))
}

fn grant(project: &Project, claims: Claims, now: SystemTime) -> Result<Grant, ApiError> {
    if claims.jti.is_empty() || claims.jti.chars().count() > LONGEST_ID || claims.jti.contains(char::is_control) {
        return Err(wrong("`jti` has to have 1 to 128 characters, none of control"));
    }
    // Such an id would share the account of an access token.
    if claims.jti.starts_with(ACCESS_TOKEN_ID) {
        return Err(wrong("`jti` must not begin with `sha256:`"));
    }
    if claims.sub.is_some_and(|sub| sub != project.public_key) {
        return Err(ApiError::new(&codes::SIGNATURE_INVALID));
    }
    let instant = |seconds: u64| UNIX_EPOCH + Duration::from_secs(seconds.min(LATEST));
    let times = [Some(claims.exp), claims.nbf, claims.complete_by];
    if times.into_iter().flatten().any(|time| time > LATEST) {
        return Err(ApiError::new(&codes::EXPIRE_INVALID));
    }
    if instant(claims.exp) <= now {
        return Err(codes::SIGNATURE_EXPIRED.into());
    }
    if claims.nbf.is_some_and(|nbf| instant(nbf) > now) {
        return Err(wrong("its time has not come yet"));
    }
    if claims.uses == 0 {
        return Err(wrong("`uses` must be greater than zero"));
    }
    let metadata = crate::metadata::checked(&claims.metadata)?;
    let retention = match claims.store {
        None => None,
        Some(Store::No) => Some(Retention::Temporary),
        Some(Store::Yes) => Some(Retention::Keep),
        Some(Store::Auto) => Some(
            project
                .auto()
                .ok_or_else(|| ApiError::new(&codes::AUTOSTORE_FORBIDDEN))?,
        ),
    };
    Ok(Grant::new(claims.jti, instant(claims.exp)).with(|grant| {
        grant.uses = Some(claims.uses);
        grant.min_size = claims.min_size;
        grant.max_size = claims.max_size;
        grant.types = claims.types;
        grant.metadata = metadata;
        grant.retention = retention;
        grant.stays = claims.stays;
        grant.complete_by = claims.complete_by.map(instant);
    }))
}

/// The error of a token whose signature is right and whose claims are wrong.
fn wrong(what: &str) -> ApiError {
    ApiError::new(&codes::TOKEN_UNUSABLE).with_message(format!("Upload failed: the token cannot be used: {what}."))
}
