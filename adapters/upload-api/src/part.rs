//! The parts of an upload: where each is to go, and `PUT` of one (wire facts, section 4.2).
//!
//! An address on our own origin is signed with a secret that belongs to the upload and lies in its record: it lets in that
//! part until that time, on whichever node it comes by, and nothing else.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::CONTENT_LENGTH;
use futures_util::StreamExt;
use hmac::{Hmac, KeyInit, Mac};
use intake_core::{Digest, Error, Record, UploadId};
use sha2::Sha256;

use crate::api::Api;
use crate::error::{Refusal, codes};
use crate::params::Params;
use crate::reading::refusal_of;
use crate::visit::Visit;
use crate::wire::address_name;

/// The addresses of all parts, in their order: the store's own where it gives such, else ours.
pub(crate) async fn urls(api: &Api, record: &Record, origin: &str) -> Result<Vec<String>, Refusal> {
    let Some(parts) = &record.parts else {
        return Ok(Vec::new());
    };
    let until = record.due.unwrap_or(UNIX_EPOCH);
    let lifetime = until.duration_since(record.created).unwrap_or_default();
    let name = address_name(record);
    let mut urls = Vec::with_capacity(usize::from(parts.count()));
    for number in 1..=parts.count() {
        let url = match api.pipeline.part_url(record, number, lifetime).await? {
            Some(url) => url,
            None => {
                let expires = seconds(until);
                let signature = hex::encode(signed(record, number, expires)?.finalize().into_bytes());
                let (id, name) = (record.id, &name);
                format!("{origin}/parts/{id}/{name}?partNumber={number}&expires={expires}&signature={signature}")
            }
        };
        urls.push(url);
    }
    Ok(urls)
}

/// Takes one part. When this answers, it is durable.
pub(crate) async fn put(api: &Api, id: UploadId, visit: &Visit<'_>, params: &Params) -> Result<Digest, Refusal> {
    let Visit { headers, source, .. } = visit;
    let forbidden = || Refusal::new(&codes::PART_URL_INVALID);
    let number: u16 = params
        .get("partNumber")
        .and_then(|text| text.parse().ok())
        .ok_or_else(forbidden)?;
    let expires: u64 = params
        .get("expires")
        .and_then(|text| text.parse().ok())
        .ok_or_else(forbidden)?;
    let signature = params
        .get("signature")
        .and_then(|text| hex::decode(text).ok())
        .ok_or_else(forbidden)?;
    let record = api
        .pipeline
        .status(id)
        .await
        .map_err(Refusal::from)?
        .ok_or_else(forbidden)?;
    // Compares in constant time.
    signed(&record, number, expires)?
        .verify_slice(&signature)
        .map_err(|_| forbidden())?;
    if UNIX_EPOCH + Duration::from_secs(expires) <= SystemTime::now() {
        return Err(forbidden());
    }
    let size = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    // Some clients take no notice of being refused here, so whoever finds everything taken waits for a while. Their bytes
    // wait with them.
    let patience = api.settings.idle_timeout;
    let project = match &record.project {
        Some(key) => api.pipeline.project(key).await.map_err(Error::from)?,
        None => None,
    };
    // Who sends it again has given up what it sent before, which may have the places that are waited for here.
    api.pipeline.replace_part(&record, number).await;
    if let Some(project) = &project {
        // One who may not complete it need not send it.
        let lets_in = project.lets_in(record.pass.as_ref(), SystemTime::now());
        lets_in.map_err(|rejection| Refusal::of_rejection(&rejection))?;
    }
    let of_project = project
        .as_ref()
        .and_then(|project| Some((project.public_key.as_str(), project.max_uploads?)));
    let _upload = api.gate.part(visit.client.as_ref(), of_project, patience).await?;
    match api
        .pipeline
        .put_part(&record, number, size, (*source).clone().boxed())
        .await
    {
        Ok(digest) => Ok(digest),
        Err(Error::Interrupted(why)) => Err(refusal_of(why.as_ref())),
        Err(error) => {
            if error.code() == intake_core::codes::PART_REPLACED {
                source.hang_up();
            }
            Err(error.into())
        }
    }
}

/// What is signed: one part of one upload, until then.
fn signed(record: &Record, number: u16, expires: u64) -> Result<Hmac<Sha256>, Refusal> {
    let secret = record.parts.as_ref().map(|parts| parts.secret.as_bytes());
    let key = secret.and_then(|secret| Hmac::new_from_slice(secret).ok());
    let Some(mut mac) = key else {
        return Err(Refusal::new(&codes::PART_URL_INVALID));
    };
    mac.update(format!("PUT\n{}\n{number}\n{expires}", record.id).as_bytes());
    Ok(mac)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
