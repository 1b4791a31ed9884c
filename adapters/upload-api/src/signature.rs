//! Signed uploads: whoever uploads shows that somebody who knows a secret of the project's has let him, until then (wire facts,
//! section 7).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use intake_core::Code;
use sha2::Sha256;

use crate::error::{Refusal, codes};
use crate::params::Params;
use crate::settings::Project;

/// More seconds than these are no seconds: somebody has sent milliseconds.
const LATEST: u64 = 99_999_999_999;

/// Whether the request is let in. A project that does not ask for signatures takes no notice of them.
pub(crate) fn check(project: &Project, params: &Params, now: SystemTime) -> Result<(), Refusal> {
    if !project.signed_uploads {
        return Ok(());
    }
    let required = |name, missing: Code| params.get(name).ok_or_else(|| Refusal::new(&missing));
    let signature = required("signature", codes::SIGNATURE_MISSING)?;
    let expire = required("expire", codes::EXPIRE_MISSING)?;
    let is_number = !expire.is_empty() && expire.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = expire.parse().ok().filter(|seconds| is_number && *seconds <= LATEST);
    let seconds: u64 = seconds.ok_or_else(|| Refusal::new(&codes::EXPIRE_INVALID))?;
    if UNIX_EPOCH + Duration::from_secs(seconds) <= now {
        return Err(codes::SIGNATURE_EXPIRED.into());
    }
    let signature = hex::decode(signature).unwrap_or_default();
    // All secrets are tried, whichever fits, so that how long it takes says nothing of them.
    let fits = project
        .secrets
        .iter()
        .fold(false, |fits, secret| fits | secret.has_signed(expire, &signature));
    if fits {
        Ok(())
    } else {
        Err(codes::SIGNATURE_INVALID.into())
    }
}

impl crate::settings::ProjectSecret {
    /// Compares in constant time.
    fn has_signed(&self, expire: &str, signature: &[u8]) -> bool {
        let keyed = self
            .secret
            .expose(|secret| Hmac::<Sha256>::new_from_slice(secret.as_bytes()));
        let Ok(Ok(mut mac)) = keyed else { return false };
        mac.update(expire.as_bytes());
        mac.verify_slice(signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use intake_core::Secret;

    use super::*;
    use crate::settings::ProjectSecret;

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
        check(project, &params, UNIX_EPOCH).map_err(|refusal| refusal.code())
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
}
