//! The two ways in which a project's server proves that it has a secret of the project: it sends the secret itself, or it signs the
//! request with it. See `docs/rest-api.md`, "Authentication".

use std::time::SystemTime;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, DATE};
use hmac::{Hmac, KeyInit, Mac};
use intake_core::project::ProjectSecret;
use intake_core::{Authorization, Project};
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;

use crate::codes;
use crate::date;
use crate::error::ApiError;
use crate::settings::Settings;

/// What a request says of its sender.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Credentials<'a> {
    /// The public key of the project.
    pub(crate) key: &'a str,
    proof: Proof<'a>,
}

#[derive(Debug, PartialEq, Eq)]
enum Proof<'a> {
    /// The secret itself.
    Secret(&'a str),
    /// The HMAC-SHA1 of the request, in hexadecimal digits.
    Signature(&'a str),
}

/// The parts of a request that are signed.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    /// Path and query as they were sent.
    pub(crate) uri: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

impl<'a> Credentials<'a> {
    /// Reads the header `Authorization`.
    pub(crate) fn of(headers: &'a HeaderMap) -> Result<Self, ApiError> {
        let invalid = || ApiError::new(&codes::CREDENTIALS_INVALID);
        let mut lines = headers.get_all(AUTHORIZATION).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Err(invalid());
        };
        let (scheme, rest) = line
            .to_str()
            .ok()
            .and_then(|line| line.split_once(' '))
            .ok_or_else(invalid)?;
        let (key, proof) = rest.trim().split_once(':').ok_or_else(invalid)?;
        let proof = match scheme {
            _ if scheme.eq_ignore_ascii_case("Uploadcare.Simple") => Proof::Secret(proof),
            _ if scheme.eq_ignore_ascii_case("Uploadcare") => Proof::Signature(proof),
            _ => return Err(invalid()),
        };
        Ok(Self { key, proof })
    }

    /// Refuses a secret that was sent over a connection without TLS: whoever listens has it now.
    pub(crate) fn check_connection(&self, settings: &Settings, has_tls: bool) -> Result<(), ApiError> {
        match self.proof {
            Proof::Secret(_) if !has_tls && !settings.allow_simple_over_http => Err(codes::SIMPLE_OVER_HTTP.into()),
            _ => Ok(()),
        }
    }

    /// Checks the proof against all secrets of the project.
    pub(crate) fn check(
        &self,
        project: &Project,
        request: &Signed<'_>,
        settings: &Settings,
        now: SystemTime,
    ) -> Result<Authorization, ApiError> {
        let (found, refusal) = match self.proof {
            Proof::Secret(sent) => (find(project, |secret| is_same(secret, sent)), codes::SECRET_KEY_UNKNOWN),
            Proof::Signature(signature) => {
                let date = date_of(request.headers).filter(|date| date::is_near(date, now, settings.max_skew));
                let date = date.ok_or_else(|| ApiError::new(&codes::DATE_OUT_OF_RANGE))?;
                let text = text_to_sign(request, date);
                let signature = hex::decode(signature).unwrap_or_default();
                let found = find(project, |secret| has_signed(secret, text.as_bytes(), &signature));
                (found, codes::REQUEST_SIGNATURE_INVALID)
            }
        };
        if project.secrets.is_empty() {
            return Err(codes::SECRET_KEY_UNKNOWN.into());
        }
        let fingerprint = found.and_then(|secret| secret.fingerprint().ok());
        match fingerprint {
            Some(secret) => Ok(Authorization::default().with(|authorization| authorization.secret = Some(secret))),
            None => Err(refusal.into()),
        }
    }
}

/// The secret that fits. All are tried, even after one fits, so that the duration reveals nothing about them.
fn find(project: &Project, fits: impl Fn(&str) -> bool) -> Option<&ProjectSecret> {
    let mut found = None;
    for secret in &project.secrets {
        if matches!(secret.secret.expose(&fits), Ok(true)) {
            found = Some(secret);
        }
    }
    found
}

/// Compares the HMACs of both, so that the duration of the comparison reveals nothing about them.
fn is_same(secret: &str, sent: &str) -> bool {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return false;
    };
    let of = |message: &str| mac.clone().chain_update(message.as_bytes());
    of(sent).verify_slice(&of(secret).finalize().into_bytes()).is_ok()
}

/// Checks an HMAC-SHA1, in constant time.
fn has_signed(secret: &str, text: &[u8], signature: &[u8]) -> bool {
    let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes());
    mac.is_ok_and(|mac| mac.chain_update(text).verify_slice(signature).is_ok())
}

/// The date that was signed. Scripts cannot set `Date`, so the other header counts first.
fn date_of(headers: &HeaderMap) -> Option<&str> {
    let date = headers.get("x-uploadcare-date").or_else(|| headers.get(DATE))?;
    date.to_str().ok()
}

fn text_to_sign(request: &Signed<'_>, date: &str) -> String {
    let digest = hex::encode(Md5::digest(request.body));
    let kind = request.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default();
    [request.method, &digest, kind, date, request.uri].join("\n")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use intake_core::Secret;

    use super::*;

    /// The published request and its signature.
    const DATE_SENT: &str = "Mon, 05 Nov 2018 13:14:41 GMT";
    const URI: &str = "/files/?limit=1&stored=true";
    const SIGNATURE: &str = "3cbc4d2cf91f80c1ba162b926f8a975e8bec7995";

    fn project(secrets: &[&str]) -> Project {
        let secret = |secret: &&str| ProjectSecret::new(*secret, Secret::new(*secret));
        Project::new("demopublickey").with(|project| project.secrets = secrets.iter().map(secret).collect())
    }

    fn headers(authorization: &str, more: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization.parse().unwrap());
        for (name, value) in more {
            headers.insert(*name, value.parse().unwrap());
        }
        headers
    }

    fn checked(project: &Project, headers: &HeaderMap, uri: &str, body: &[u8]) -> Result<(), String> {
        let request = Signed {
            method: "GET",
            uri,
            headers,
            body,
        };
        let now = UNIX_EPOCH + Duration::from_secs(1_541_423_681);
        let checked = Credentials::of(headers)
            .and_then(|credentials| credentials.check(project, &request, &Settings::default(), now));
        checked.map(drop).map_err(|error| error.code.as_str().to_owned())
    }

    #[test]
    fn a_signature_over_the_whole_request_by_any_secret_lets_in() {
        let json = ("content-type", "application/json");
        let signed = format!("Uploadcare demopublickey:{SIGNATURE}");
        let sent = headers(&signed, &[json, ("date", DATE_SENT)]);
        let two = project(&["another", "demoprivatekey"]);
        assert_eq!(checked(&two, &sent, URI, b""), Ok(()));
        // The date of a script counts, and not the one beside it.
        let by_script = headers(&signed, &[json, ("date", "now"), ("x-uploadcare-date", DATE_SENT)]);
        assert_eq!(checked(&two, &by_script, URI, b""), Ok(()));
        let invalid = Err("request_signature_invalid".to_owned());
        assert_eq!(checked(&two, &sent, "/files/?stored=true&limit=1", b""), invalid);
        assert_eq!(checked(&two, &sent, URI, b"{}"), invalid);
        assert_eq!(checked(&project(&["another"]), &sent, URI, b""), invalid);
        let other_type = headers(&signed, &[("date", DATE_SENT)]);
        assert_eq!(checked(&two, &other_type, URI, b""), invalid);
        let near = headers(&signed, &[json, ("date", "Mon, 05 Nov 2018 13:14:42 GMT")]);
        assert_eq!(
            checked(&two, &near, URI, b""),
            invalid,
            "the date is signed as it was sent"
        );
        for text in ["", "x", &SIGNATURE[2..]] {
            let wrong = headers(
                &format!("Uploadcare demopublickey:{text}"),
                &[json, ("date", DATE_SENT)],
            );
            assert_eq!(checked(&two, &wrong, URI, b""), invalid, "{text}");
        }
        assert_eq!(
            checked(&project(&[]), &sent, URI, b""),
            Err("secret_key_unknown".to_owned())
        );
        let late = headers(&signed, &[json, ("date", "Mon, 05 Nov 2018 13:29:42 GMT")]);
        for sent in [late, headers(&signed, &[json])] {
            assert_eq!(checked(&two, &sent, URI, b""), Err("date_out_of_range".to_owned()));
        }
    }

    #[test]
    fn a_secret_lets_in_over_tls_or_where_that_is_switched_on() {
        let project = project(&["one", "other"]);
        for (secret, lets_in) in [
            ("one", true),
            ("other", true),
            ("on", false),
            ("", false),
            ("one:", false),
        ] {
            let sent = headers(&format!("Uploadcare.Simple demopublickey:{secret}"), &[]);
            assert_eq!(checked(&project, &sent, URI, b"").is_ok(), lets_in, "{secret}");
        }
        let sent = headers("Uploadcare.Simple demopublickey:one", &[]);
        let credentials = Credentials::of(&sent).unwrap();
        let strict = Settings::default();
        assert!(credentials.check_connection(&strict, true).is_ok());
        let refused = credentials.check_connection(&strict, false).unwrap_err();
        assert_eq!((refused.status(), refused.code.as_str()), (400, "simple_over_http"));
        let lenient = strict.with(|settings| settings.allow_simple_over_http = true);
        assert!(credentials.check_connection(&lenient, false).is_ok());
    }

    #[test]
    fn what_is_no_authorization_is_refused() {
        for text in [
            "",
            "Uploadcare",
            "Uploadcare demopublickey",
            "Basic a:b",
            "Uploadcare.Simple",
        ] {
            let sent = headers(text, &[]);
            let refused = Credentials::of(&sent).unwrap_err();
            assert_eq!(
                (refused.status(), refused.code.as_str()),
                (401, "credentials_invalid"),
                "{text}"
            );
        }
        assert!(Credentials::of(&HeaderMap::new()).is_err());
        let mut twice = headers("Uploadcare a:b", &[]);
        twice.append(AUTHORIZATION, "Uploadcare a:b".parse().unwrap());
        assert!(Credentials::of(&twice).is_err());
    }
}
