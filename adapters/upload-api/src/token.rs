//! Policy tokens: a JSON Web Token (RFC 7519) that a product's own server mints with one of its project's secrets, and that says
//! what may be uploaded with it. It comes in the place of a `signature`, so that every client can carry it.

use std::collections::BTreeMap;
use std::sync::Once;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use intake_core::{Grant, MediaRange, Project, Retention};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind, Result as JwtResult};
use jsonwebtoken::signature::{Error as SignatureError, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use sha2::Sha256;

use crate::error::{Refusal, codes};

/// What a token says. Everything but its id and its end may be left out, and nothing else may be there: what is misspelt would
/// not hold.
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
    #[serde(default)]
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

/// As the store flag of an upload.
#[derive(Clone, Copy, Debug, Deserialize)]
enum Store {
    #[serde(rename = "0")]
    No,
    #[serde(rename = "1")]
    Yes,
    #[serde(rename = "auto")]
    Auto,
}

/// Characters of a token's id.
const LONGEST_ID: usize = 128;
/// More seconds than these are no seconds: somebody has written milliseconds.
const LATEST: u64 = 99_999_999_999;

/// Whether it looks like a token rather than like a signature, which has no dots.
pub(crate) fn is_one(signature: &str) -> bool {
    signature.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// What a token grants that a secret of the project's has signed, and the fingerprint of that secret.
pub(crate) fn check(project: &Project, token: &str, now: SystemTime) -> Result<(String, Grant), Refusal> {
    use_our_own_hmac();
    if decode_header(token).is_err() {
        return Err(Refusal::new(&codes::SIGNATURE_INVALID));
    }
    let mut found = None;
    // All secrets are tried, whichever fits, so that how long it takes says nothing of them.
    for secret in &project.secrets {
        let key = secret
            .secret
            .expose(|secret| DecodingKey::from_secret(secret.as_bytes()));
        let Ok(key) = key else { continue };
        let mut validation = Validation::new(Algorithm::HS256);
        // Looked at below, by the clock that everything else goes by.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims::<&str>(&[]);
        match decode::<Claims>(token, &key, &validation) {
            Ok(decoded) => found = Some((secret, Ok(decoded.claims))),
            Err(error) if matches!(error.kind(), ErrorKind::Json(_)) => found = Some((secret, Err(error))),
            Err(_) => {}
        }
    }
    let invalid = || Refusal::new(&codes::SIGNATURE_INVALID);
    let (secret, claims) = found.ok_or_else(invalid)?;
    // Whoever has signed it may know what is wrong with it.
    let claims = claims.map_err(|error| wrong(&error.to_string()))?;
    let fingerprint = secret.fingerprint().map_err(|_| invalid())?;
    grant(project, claims, now).map(|grant| (fingerprint, grant))
}

fn grant(project: &Project, claims: Claims, now: SystemTime) -> Result<Grant, Refusal> {
    if claims.jti.is_empty() || claims.jti.chars().count() > LONGEST_ID || claims.jti.contains('\0') {
        return Err(wrong("`jti` has to have 1 to 128 characters"));
    }
    if claims.sub.is_some_and(|sub| sub != project.public_key) {
        return Err(Refusal::new(&codes::SIGNATURE_INVALID));
    }
    let instant = |seconds: u64| UNIX_EPOCH + Duration::from_secs(seconds.min(LATEST));
    if claims.exp > LATEST || claims.nbf.is_some_and(|nbf| nbf > LATEST) {
        return Err(Refusal::new(&codes::EXPIRE_INVALID));
    }
    if instant(claims.exp) <= now {
        return Err(codes::SIGNATURE_EXPIRED.into());
    }
    if claims.nbf.is_some_and(|nbf| instant(nbf) > now) {
        return Err(wrong("its time has not come yet"));
    }
    if claims.uses == 0 {
        return Err(wrong("`uses` has to be more than nothing"));
    }
    let metadata = crate::metadata::checked(&claims.metadata)?;
    Ok(Grant {
        id: claims.jti,
        uses: claims.uses,
        min_size: claims.min_size,
        max_size: claims.max_size,
        types: claims.types,
        metadata,
        wish: claims.store.map(|store| match store {
            Store::No => Retention::Temporary,
            Store::Yes => Retention::Keep,
            Store::Auto => project.auto().unwrap_or(Retention::Temporary),
        }),
        stays: claims.stays,
        expires: instant(claims.exp),
        complete_by: claims.complete_by.map(instant),
    })
}

/// A token that was signed as it should be, and says what none may say.
fn wrong(what: &str) -> Refusal {
    Refusal::new(&codes::TOKEN_UNUSABLE).in_words(format!("Upload failed: the token cannot be used: {what}."))
}

/// The one algorithm that tokens are taken with, from the crate that everything else here is signed with: what the library would
/// bring along for this knows dozens of others. Whoever has told the library already what to use knows this one too.
fn use_our_own_hmac() {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: no_signer,
        verifier_factory: verifier,
        key_utils: KeyUtils::new_unimplemented(),
    };
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if PROVIDER.install_default().is_err() {
            tracing::debug!("tokens are looked at with what this program has chosen for it");
        }
    });
}

fn no_signer(_: &Algorithm, _: &EncodingKey) -> JwtResult<Box<dyn JwtSigner>> {
    Err(JwtError::from(ErrorKind::InvalidAlgorithm))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> JwtResult<Box<dyn JwtVerifier>> {
    match algorithm {
        Algorithm::HS256 => {
            let secret = key.try_get_as_bytes()?;
            let mac = Hmac::new_from_slice(secret).map_err(|_| JwtError::from(ErrorKind::InvalidAlgorithm))?;
            Ok(Box::new(HmacSha256(mac)))
        }
        _ => Err(JwtError::from(ErrorKind::InvalidAlgorithm)),
    }
}

struct HmacSha256(Hmac<Sha256>);

impl Verifier<Vec<u8>> for HmacSha256 {
    /// Compares in constant time.
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.verify_slice(signature).map_err(|_| SignatureError::new())
    }
}

impl JwtVerifier for HmacSha256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
