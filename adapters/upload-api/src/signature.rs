//! Signed uploads: whoever uploads shows that somebody who knows a secret of the project's has let him, until then (wire facts,
//! section 7).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use intake_core::project::ProjectSecret;
use intake_core::{Pass, Project};
use md5::{Digest as _, Md5};
use sha2::Sha256;

use crate::bearer;
use crate::error::{Refusal, codes};
use crate::params::Params;
use crate::token;

/// More seconds than these are no seconds: somebody has sent milliseconds.
const LATEST: u64 = 99_999_999_999;

/// What lets in a request to the endpoint of this path. A project that does not ask for signatures takes no notice of them, nor
/// of the `Authorization` header, but of policy tokens: a sender who sends one has it hold.
pub(crate) fn check(
    project: &Project,
    params: &Params,
    headers: &HeaderMap,
    path: &str,
    now: SystemTime,
) -> Result<Option<Pass>, Refusal> {
    let signature = params.get("signature");
    if let Some(token) = signature.filter(|signature| token::is_one(signature)) {
        let (secret, grant) = token::check(project, token, now)?;
        if project.revoked_tokens.contains(&grant.id) {
            return Err(Refusal::new(&intake_core::codes::TOKEN_REVOKED));
        }
        return Ok(Some(Pass {
            secret: Some(secret),
            grant: Some(grant),
            ordered: false,
        }));
    }
    if !project.signed_uploads {
        return Ok(None);
    }
    let Some(signature) = signature else {
        let pass = bearer::check(project, headers, path, now)?;
        return pass.map(Some).ok_or_else(|| Refusal::new(&codes::SIGNATURE_MISSING));
    };
    let expire = params
        .get("expire")
        .ok_or_else(|| Refusal::new(&codes::EXPIRE_MISSING))?;
    let is_number = !expire.is_empty() && expire.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = expire.parse().ok().filter(|seconds| is_number && *seconds <= LATEST);
    let seconds: u64 = seconds.ok_or_else(|| Refusal::new(&codes::EXPIRE_INVALID))?;
    if UNIX_EPOCH + Duration::from_secs(seconds) <= now {
        return Err(codes::SIGNATURE_EXPIRED.into());
    }
    let signature = hex::decode(signature).unwrap_or_default();
    // All secrets are tried, whichever fits, so that how long it takes says nothing of them.
    let mut found = None;
    for secret in &project.secrets {
        let fits = has_signed(secret, expire.as_bytes(), &signature)
            | (project.legacy_signatures && has_signed_as_before(secret, expire, &signature));
        if fits {
            found = Some(secret);
        }
    }
    let fingerprint = found.and_then(|secret| secret.fingerprint().ok());
    match fingerprint {
        Some(secret) => Ok(Some(Pass {
            secret: Some(secret),
            ..Pass::default()
        })),
        None => Err(codes::SIGNATURE_INVALID.into()),
    }
}

/// Whether a secret has signed a message, with the secret itself as the key.
pub(crate) fn has_signed(secret: &ProjectSecret, message: &[u8], signature: &[u8]) -> bool {
    let signed = secret
        .secret
        .expose(|secret| fits(secret.as_bytes(), message, signature));
    matches!(signed, Ok(true))
}

/// Whether this is the HMAC-SHA256 of a message with this key. Compares in constant time.
pub(crate) fn fits(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return false;
    };
    mac.chain_update(message).verify_slice(signature).is_ok()
}

/// The older kind: MD5 of the secret and the time. Compared as the other one is, by codes of both that nobody can guess.
fn has_signed_as_before(secret: &ProjectSecret, expire: &str, signature: &[u8]) -> bool {
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

#[cfg(test)]
mod tests {
    use intake_core::Secret;

    use super::*;

    fn project(secrets: &[&str]) -> Project {
        let secret = |secret: &&str| ProjectSecret {
            name: (*secret).to_owned(),
            secret: Secret::new(*secret),
        };
        Project {
            signed_uploads: true,
            secrets: secrets.iter().map(secret).collect(),
            ..Project::new("demo")
        }
    }

    fn checked(project: &Project, signature: &str, expire: &str) -> Result<(), &'static str> {
        let mut params = Params::new(10);
        params.take("signature", Some(signature)).unwrap();
        params.take("expire", Some(expire)).unwrap();
        check(project, &params, &HeaderMap::new(), "/base/", UNIX_EPOCH)
            .map(drop)
            .map_err(|refusal| refusal.code())
    }

    /// The recorded and published ones.
    const VECTORS: [(&str, &str, &str); 3] = [
        (
            "project_secret_key",
            "1454903856",
            "d39a461d41f607338abffee5f31da4d4e46535651c87346e76906bf75c064d47",
        ),
        (
            "YOUR_SECRET_KEY",
            "1678361640",
            "93b69d086a487fbdfc36172b96a5d7f5afa7cb209e43e5f25890bc037e638584",
        ),
        (
            "demosecretkey",
            "60",
            "7d2e71d1843788a02d0c7fe6f5d71edf657363a369112e78d4f37ace3f884b00",
        ),
    ];

    #[test]
    fn a_signature_by_any_of_the_projects_secrets_lets_in_and_no_other() {
        let all = project(&VECTORS.map(|(secret, ..)| secret));
        for (secret, expire, signature) in VECTORS {
            assert_eq!(checked(&all, signature, expire), Ok(()), "{secret}");
            assert_eq!(checked(&project(&[secret]), signature, expire), Ok(()), "{secret}");
            assert_eq!(
                checked(&project(&["another"]), signature, expire),
                Err("SignatureInvalidError")
            );
            assert_eq!(checked(&all, signature, "77"), Err("SignatureInvalidError"));
            assert_eq!(checked(&all, &signature[2..], expire), Err("SignatureInvalidError"));
            assert_eq!(checked(&all, "no hex", expire), Err("SignatureInvalidError"));
            assert_eq!(checked(&project(&[]), signature, expire), Err("SignatureInvalidError"));
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_this_order() {
        let project = project(&["project_secret_key"]);
        let (_, _, signature) = VECTORS[0];
        for (signature, expire, expected) in [
            ("", "", "SignatureRequiredError"),
            ("x", "", "SignatureExpirationRequiredError"),
            ("x", "soon", "SignatureExpirationInvalidError"),
            ("x", "-1", "SignatureExpirationInvalidError"),
            ("x", "+5", "SignatureExpirationInvalidError"),
            ("x", "1454903856000", "SignatureExpirationInvalidError"),
            ("x", "99999999999999999999999", "SignatureExpirationInvalidError"),
            (signature, "0", "SignatureExpirationError"),
            (signature, "1", "SignatureInvalidError"),
        ] {
            assert_eq!(checked(&project, signature, expire), Err(expected), "{expire}");
        }
    }

    #[test]
    fn a_project_that_does_not_ask_for_signatures_takes_no_notice_of_them() {
        let project = Project {
            signed_uploads: false,
            ..project(&["secret"])
        };
        assert_eq!(checked(&project, "wrong", "60"), Ok(()));
        assert_eq!(checked(&project, "", ""), Ok(()));
    }

    #[test]
    fn a_signature_of_the_older_kind_lets_in_only_where_that_is_switched_on() {
        let (expire, signature) = ("1454903856", "46f70d2b4fb6196daeb2c16bf44a7f1e");
        let strict = project(&["another", "project_secret_key"]);
        assert_eq!(checked(&strict, signature, expire), Err("SignatureInvalidError"));
        let lenient = Project {
            legacy_signatures: true,
            ..strict
        };
        assert_eq!(checked(&lenient, signature, expire), Ok(()));
        assert_eq!(checked(&lenient, signature, "77"), Err("SignatureInvalidError"));
        assert_eq!(checked(&lenient, &signature[2..], expire), Err("SignatureInvalidError"));
        let (_, expire, signature) = VECTORS[0];
        assert_eq!(
            checked(&lenient, signature, expire),
            Ok(()),
            "the newer kind is taken too"
        );
    }
}
