//! The endpoints, each a function of one [request](crate::request::Request).

mod copies;
mod files;
mod groups;
mod metadata;
mod storage;
mod tags;
mod webhooks;

use axum::http::Method;

use crate::codes;
use crate::endpoint::Endpoint;
use crate::error::ApiError;
use crate::request::Request;
use crate::response::Answer;
use crate::wire::{ProjectObject, json};

/// Lets the endpoint answer. The method is one that it takes.
pub(crate) async fn answer(request: &Request<'_>, endpoint: &Endpoint) -> Result<Answer, ApiError> {
    let reads = matches!(*request.method, Method::GET | Method::HEAD);
    match endpoint {
        Endpoint::Files if reads => files::list(request).await,
        Endpoint::Files | Endpoint::LocalCopy => copies::local(request).await,
        Endpoint::RemoteCopy => Err(unsupported("Copying to another storage")),
        Endpoint::Search => Err(unsupported("Searching files")),
        Endpoint::File(id) => files::info(request, *id).await,
        Endpoint::Storage(id) if *request.method == Method::PUT => storage::store(request, *id).await,
        Endpoint::Storage(id) => storage::delete(request, *id).await,
        Endpoint::BatchStorage => storage::batch(request).await,
        Endpoint::Metadata(id) => metadata::all(request, *id).await,
        Endpoint::MetadataKey(id, key) if reads => metadata::get(request, *id, key).await,
        Endpoint::MetadataKey(id, key) if *request.method == Method::PUT => metadata::put(request, *id, key).await,
        Endpoint::MetadataKey(id, key) => metadata::delete(request, *id, key).await,
        Endpoint::Tags(id) if reads => tags::get(request, *id).await,
        Endpoint::Tags(id) => tags::change(request, *id).await,
        Endpoint::Groups => groups::list(request).await,
        Endpoint::Group(id, count) if reads => groups::info(request, *id, *count).await,
        Endpoint::Group(id, count) => groups::delete(request, *id, *count).await,
        Endpoint::Project => Ok(Answer::Json(json(&ProjectObject::of(&request.project)))),
        Endpoint::Webhooks => webhooks::all(request).await,
        Endpoint::Unsubscribe => webhooks::unsubscribe(request).await,
        Endpoint::Webhook(id) => webhooks::one(request, *id).await,
        Endpoint::Addons => Err(unsupported("An add-on")),
        Endpoint::Conversions => Err(unsupported("A conversion")),
        Endpoint::Unknown => Err(codes::NOT_AN_ENDPOINT.into()),
    }
}

fn unsupported(what: &str) -> ApiError {
    ApiError::new(&codes::UNSUPPORTED).arg(what)
}
