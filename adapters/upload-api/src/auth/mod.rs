//! The authorization of a request: a signature, a policy token in its place, or an access token in the `Authorization` header.

pub(crate) mod access_token;
mod hmac;
mod jwt;
pub(crate) mod policy_token;
mod signature;

use std::sync::Arc;
use std::time::SystemTime;

use axum::http::HeaderMap;
use intake_core::{Authorization, Project};

use crate::codes;
use crate::error::ApiError;
use crate::params::Params;

/// The project to which a request may add files or groups, its authorization, and the sender as records contain it.
pub(crate) struct Authorized {
    pub(crate) project: Arc<Project>,
    pub(crate) authorization: Option<Authorization>,
    pub(crate) sender: Option<String>,
    /// The origin of the page that sends the request.
    pub(crate) origin: Option<String>,
}

/// Whether the value of `signature` is a policy token.
pub(crate) fn is_policy_token(signature: &str) -> bool {
    policy_token::looks_like_token(signature)
}

/// The authorization of a request to the endpoint with this path. A project that requires no signatures ignores them, and the
/// `Authorization` header, but not policy tokens: a token that a client sends is enforced.
///
/// # Errors
///
/// Why the signature or token is missing or wrong.
pub(crate) fn check(
    project: &Project,
    params: &Params,
    headers: &HeaderMap,
    path: &str,
    now: SystemTime,
) -> Result<Option<Authorization>, ApiError> {
    let sent = params.get("signature");
    if let Some(token) = sent.filter(|sent| is_policy_token(sent)) {
        let (secret, grant) = policy_token::check(project, token, now)?;
        if project.revoked_tokens.contains(&grant.id) {
            return Err(ApiError::new(&intake_core::codes::TOKEN_REVOKED));
        }
        return Ok(Some(Authorization::default().with(|authorization| {
            authorization.secret = Some(secret);
            authorization.grant = Some(grant);
        })));
    }
    if !project.signed_uploads {
        return Ok(None);
    }
    let authorization = match sent {
        Some(signature) => Some(signature::check(project, signature, params.get("expire"), now)?),
        None => access_token::check(project, headers, path, now)?,
    };
    authorization
        .map(Some)
        .ok_or_else(|| ApiError::new(&codes::SIGNATURE_MISSING))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use intake_core::Secret;
    use intake_core::project::ProjectSecret;

    use super::*;

    fn project(secrets: &[&str]) -> Project {
        let secret = |secret: &&str| ProjectSecret::new(*secret, Secret::new(*secret));
        Project::new("demo").with(|project| {
            project.signed_uploads = true;
            project.secrets = secrets.iter().map(secret).collect();
        })
    }

    fn checked(project: &Project, signature: &str, expire: &str) -> Result<(), &'static str> {
        let mut params = Params::new(10);
        params.take("signature", Some(signature)).unwrap();
        params.take("expire", Some(expire)).unwrap();
        check(project, &params, &HeaderMap::new(), "/base/", UNIX_EPOCH)
            .map(drop)
            .map_err(|refusal| refusal.api_code())
    }

    /// The recorded and published signatures.
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
        let project = project(&["secret"]).with(|project| project.signed_uploads = false);
        assert_eq!(checked(&project, "wrong", "60"), Ok(()));
        assert_eq!(checked(&project, "", ""), Ok(()));
    }

    #[test]
    fn a_signature_of_the_older_kind_lets_in_only_where_that_is_switched_on() {
        let (expire, signature) = ("1454903856", "46f70d2b4fb6196daeb2c16bf44a7f1e");
        let strict = project(&["another", "project_secret_key"]);
        assert_eq!(checked(&strict, signature, expire), Err("SignatureInvalidError"));
        let lenient = strict.with(|project| project.legacy_signatures = true);
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
