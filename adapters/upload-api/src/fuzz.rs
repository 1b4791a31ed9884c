//! Private functions that the fuzz targets call.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use hmac::{Hmac, KeyInit, Mac};
use intake_core::project::ProjectSecret;
use intake_core::{Authorization, Grant, Project, Secret};
use sha2::{Digest as _, Sha256};

use crate::auth;
use crate::form::{Form, FormError, Limits, boundary};
use crate::params::Params;

/// A part of a form: its name, its file name, its content.
pub type Part = (String, Option<String>, Vec<u8>);

/// Reads a form whose body arrives in these chunks: its complete parts, and the error at which it ends.
pub fn form(content_type: &[u8], chunks: Vec<Bytes>) -> (Vec<Part>, Option<String>) {
    let boundary = match boundary(content_type) {
        Ok(boundary) => boundary,
        Err(error) => return (Vec::new(), Some(error.to_string())),
    };
    let body = stream::iter(chunks).map(Ok).boxed();
    let mut form = Form::new(boundary, body, Limits::default());
    let mut parts = Vec::new();
    let read = {
        let mut reading = pin!(async {
            while let Some(part) = form.next_part().await? {
                let (name, file_name) = (part.name.clone(), part.file_name.clone());
                let content: Vec<Bytes> = part.into_stream().try_collect().await?;
                parts.push((name, file_name, content.concat()));
            }
            Ok::<(), FormError>(())
        });
        // The body is there already: a reader that waits only lets other tasks have their turn.
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(read) = reading.as_mut().poll(&mut cx) {
                break read;
            }
        }
    };
    let failed = read.err().map(|error| error.to_string());
    (parts, failed)
}

const SECRET: &str = "a secret that no input of a fuzzer holds";

/// The time at which tokens are checked.
#[must_use]
pub fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// The authorization by a text as a `signature`, and as a bearer token.
#[must_use]
pub fn tokens(text: &str) -> [Option<Authorization>; 2] {
    let project = Project::new("demopublickey").with(|project| {
        project.signed_uploads = true;
        project.legacy_signatures = true;
        project.secrets = vec![ProjectSecret::new("fuzz", Secret::new(SECRET))];
    });
    let mut params = Params::new(2);
    let taken = ["signature", "expire"].map(|name| {
        let value = if name == "signature" { text } else { "1900000000" };
        params.take(name, Some(value)).is_ok()
    });
    let by_signature = auth::check(&project, &params, &HeaderMap::new(), "/base/", now());
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&format!("Bearer {text}")) {
        headers.insert(AUTHORIZATION, value);
    }
    let by_header = auth::check(&project, &Params::new(0), &headers, "/base/", now());
    [
        by_signature.ok().flatten().filter(|_| taken == [true; 2]),
        by_header.ok().flatten(),
    ]
}

/// The grants of these claims if they are signed: in a policy token, and in an access token.
#[must_use]
pub fn claims(claims: &[u8]) -> [Option<Grant>; 2] {
    let digest = Sha256::digest(SECRET);
    let [policy, access] = [SECRET.as_bytes(), digest.as_slice()].map(|key| tokens(&signed(key, claims)));
    [policy[0].clone(), access[1].clone()]
        .map(|authorization| authorization.and_then(|authorization| authorization.grant))
}

fn signed(key: &[u8], claims: &[u8]) -> String {
    let [head, claims] = [br#"{"alg":"HS256"}"#.as_slice(), claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let text = format!("{head}.{claims}");
    let mut signature = Vec::new();
    // HMAC takes keys of any length.
    if let Ok(mac) = Hmac::<Sha256>::new_from_slice(key) {
        signature = mac.chain_update(&text).finalize().into_bytes().to_vec();
    }
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_to_its_end_however_many_chunks_it_comes_in() {
        let body = b"preamble\r\n--x \t\r\nContent-Disposition: form-data;\r\n name=\"a\"\r\n\r\n\r\n--x--epilogue";
        for size in [1, body.len()] {
            let chunks = body.chunks(size).map(Bytes::copy_from_slice).collect();
            let read = form(b"multipart/form-data; boundary=x", chunks);
            assert_eq!(
                read,
                (vec![("a".to_owned(), None, Vec::new())], None),
                "in chunks of {size}"
            );
        }
    }
}
