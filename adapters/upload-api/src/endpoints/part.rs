//! The parts of an upload: their URLs, and `PUT` of one. See `docs/upload-api.md`, "Uploads in parts".
//!
//! A URL of this server is signed with a secret of the upload, which is in its record: until its expiry it admits this part, on
//! any node, and nothing else.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::CONTENT_LENGTH;
use futures_util::StreamExt;
use hmac::{Hmac, KeyInit, Mac};
use intake_core::{Error, Record};
use sha2::Sha256;

use crate::api::Api;
use crate::body_params::unreadable;
use crate::codes;
use crate::error::ApiError;
use crate::request::Request;
use crate::wire::address_name;

/// The URLs of all parts, in their order: the store's own if it makes some, else those of this server.
pub(crate) async fn urls(api: &Api, record: &Record, origin: &str) -> Result<Vec<String>, ApiError> {
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

/// Takes one part. When this answers, the part is durable.
pub(crate) async fn put(request: &mut Request<'_>) -> Result<(), ApiError> {
    let (api, pipeline) = (request.api, &request.api.pipeline);
    let (record, number) = addressed(request).await?;
    let size = request.headers.get(CONTENT_LENGTH);
    let size = size.and_then(|length| length.to_str().ok()?.parse().ok());
    let project = match &record.options.project {
        Some(key) => pipeline.project(key).await.map_err(Error::from)?,
        None => None,
    };
    // A sender that sends it again has given up its earlier attempt, which may hold the permits that this one needs.
    pipeline.replace_part(&record, number).await;
    if let Some(project) = &project {
        // A sender that may not complete the upload cannot use its parts.
        let lets_in = project.lets_in(record.options.authorization.as_ref(), SystemTime::now());
        lets_in.map_err(|rejection| ApiError::from_rejection(&rejection))?;
    }
    let of_project = project
        .as_ref()
        .and_then(|project| Some((project.public_key.as_str(), project.max_uploads?)));
    // Some clients ignore a refusal, so if all permits are in use the request waits for a while, and so do its bytes.
    let (client, patience) = (request.client.as_ref(), api.settings.idle_timeout);
    let _held = api.limiter.acquire_part(client, of_project, patience).await?;
    let body = request.body.clone().boxed();
    match pipeline.put_part(&record, number, size, body).await {
        Ok(_) => Ok(()),
        Err(Error::Interrupted(why)) => Err(unreadable(why.as_ref())),
        Err(error) => {
            if error.code() == intake_core::codes::PART_REPLACED {
                request.body.hang_up();
            }
            Err(error.into())
        }
    }
}

/// The upload and the number of the part for which the URL of a request is signed.
async fn addressed(request: &Request<'_>) -> Result<(Record, u16), ApiError> {
    let forbidden = || ApiError::new(&codes::PART_URL_INVALID);
    let sent = |name| request.params.get(name).ok_or_else(forbidden);
    let id = request.endpoint.upload_of_part().ok_or_else(forbidden)?;
    let number: u16 = sent("partNumber")?.parse().map_err(|_| forbidden())?;
    let expires: u64 = sent("expires")?.parse().map_err(|_| forbidden())?;
    let signature = hex::decode(sent("signature")?).map_err(|_| forbidden())?;
    let record = request.api.pipeline.status(id).await?.ok_or_else(forbidden)?;
    // Compares in constant time.
    signed(&record, number, expires)?
        .verify_slice(&signature)
        .map_err(|_| forbidden())?;
    match UNIX_EPOCH + Duration::from_secs(expires) <= SystemTime::now() {
        true => Err(forbidden()),
        false => Ok((record, number)),
    }
}

/// The signed text: one part of one upload, and an expiry.
fn signed(record: &Record, number: u16, expires: u64) -> Result<Hmac<Sha256>, ApiError> {
    let secret = record.parts.as_ref().map(|parts| parts.secret.as_bytes());
    let key = secret.and_then(|secret| Hmac::new_from_slice(secret).ok());
    let Some(mut mac) = key else {
        return Err(ApiError::new(&codes::PART_URL_INVALID));
    };
    mac.update(format!("PUT\n{}\n{number}\n{expires}", record.id).as_bytes());
    Ok(mac)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
