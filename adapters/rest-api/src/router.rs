//! Finds the endpoint of a request, checks who sends it, and makes the response of its answer.

use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::any;
use http_body_util::BodyExt as _;
use intake_core::permits::Holder;
use intake_core::project::ProjectStatus;
use intake_core::{ConfigErrors, Pipeline};
use tracing::{Instrument as _, error_span, field};
use uuid::Uuid;

use crate::api::Api;
use crate::auth::{Credentials, Signed};
use crate::endpoint::{Endpoint, ROOTS};
use crate::error::ApiError;
use crate::limiter::HeldPermits;
use crate::links::Links;
use crate::peer::Client;
use crate::request::Request;
use crate::response::{Answer, respond};
use crate::settings::Settings;
use crate::{accept, body, codes, endpoints};

/// The REST API as a router for an application, such as one that has the Upload API too: it answers its own paths alone.
///
/// The server has to limit what precedes a body: connections, and the time for a request's head. Limits per address and trusted
/// proxies need the address of the client: [`PeerAddress`](crate::PeerAddress), or axum's `ConnectInfo`.
///
/// # Errors
///
/// If the settings make no sense.
pub fn router(pipeline: Pipeline, settings: Settings) -> Result<Router, ConfigErrors> {
    let api = Api::new(pipeline, settings)?;
    let mut router = Router::new();
    for root in ROOTS {
        for path in [format!("/{root}"), format!("/{root}/"), format!("/{root}/{{*rest}}")] {
            router = router.route(&path, any(dispatch));
        }
    }
    Ok(router.with_state(api))
}

/// The REST API as the only service of a host: the same as [`router`], but it also answers every other path, with 404.
///
/// # Errors
///
/// If the settings make no sense.
pub fn host(pipeline: Pipeline, settings: Settings) -> Result<Router, ConfigErrors> {
    let api = Api::new(pipeline, settings)?;
    Ok(Router::new().fallback(dispatch).with_state(api))
}

/// Answers any request.
async fn dispatch(State(api): State<Arc<Api>>, request: axum::extract::Request) -> Response {
    let (head, body) = request.into_parts();
    let client = Client::of(&api.settings.trusted_proxies, &head);
    let endpoint = Endpoint::find(head.uri.path());
    // At the highest level, so that no log filter removes it.
    let span = error_span!("request", id = %Uuid::new_v4(), client = client.address.map(field::display));
    let began = Instant::now();
    let kind = accept::type_of_answer(&head.headers).unwrap_or(accept::PLAIN);
    let pipeline = api.pipeline.clone();
    let work = async move {
        // Only one that was found: what is sent as a key may be a secret in the wrong place.
        let key = OnceLock::new();
        let holder = client.address.map(Holder::at);
        let held = match api.limiter.acquire(holder.as_ref(), api.settings.queue_timeout).await {
            Ok(held) => held,
            Err(error) => return respond(Err(error), &endpoint, kind, None, began),
        };
        let outcome = answer(&api, &endpoint, &head, body, client, &key).await;
        let response = respond(outcome, &endpoint, kind, key.get().map(String::as_str), began);
        response.map(|body| holding(body, held))
    };
    // On a task of its own: a change is completed even if the client hangs up.
    let answered = pipeline.run(work.instrument(span.clone())).await;
    answered.unwrap_or_else(|fault| span.in_scope(|| respond(Err(fault.into()), &Endpoint::Unknown, kind, None, began)))
}

/// Checks a request, in the order of the service, and lets its endpoint answer.
async fn answer(
    api: &Api,
    endpoint: &Endpoint,
    head: &Parts,
    body: Body,
    client: Client,
    key: &OnceLock<String>,
) -> Result<Answer, ApiError> {
    if let Some(address) = client.address {
        api.limiter
            .count(&Holder::at(address), api.settings.max_requests_per_ip)?;
    }
    if *endpoint == Endpoint::Unknown {
        return Err(codes::NOT_AN_ENDPOINT.into());
    }
    accept::type_of_answer(&head.headers)?;
    let credentials = Credentials::of(&head.headers)?;
    credentials.check_connection(&api.settings, client.has_tls)?;
    let body = body::read(body, &api.settings).await?;
    let unknown = || ApiError::new(&codes::PUBLIC_KEY_UNKNOWN).arg(credentials.key);
    let project = api.pipeline.project(credentials.key).await?;
    let project = project
        .filter(|project| project.status != ProjectStatus::Removed)
        .ok_or_else(unknown)?;
    let key = key.get_or_init(|| project.public_key.clone());
    // The path of an application may precede the one that was routed here.
    let uri = head.extensions.get().map_or(&head.uri, |OriginalUri(uri)| uri);
    let signed = Signed {
        method: head.method.as_str(),
        uri: uri.path_and_query().map_or(uri.path(), |uri| uri.as_str()),
        headers: &head.headers,
        body: &body,
    };
    let authorization = credentials.check(&project, &signed, &api.settings, SystemTime::now())?;
    let holder = Holder::Project(key.clone());
    let rates = [api.settings.max_requests_per_project, project.max_requests];
    api.limiter.count(&holder, rates[0])?;
    // Equal rates are one: a request counts once.
    api.limiter.count(&holder, rates[1].filter(|_| rates[0] != rates[1]))?;
    if !endpoint.takes(&head.method) {
        return Err(ApiError::new(&codes::METHOD_NOT_ALLOWED).arg(&head.method));
    }
    let request = Request {
        api,
        method: &head.method,
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
        body,
        project,
        authorization,
        links: Links::of(&api.settings, &head.headers, client),
    };
    endpoints::answer(&request, endpoint).await
}

/// A body that holds permits while it exists: an answer that is not sent yet uses memory.
fn holding(body: Body, held: HeldPermits) -> Body {
    Body::new(body.map_err(move |error| {
        let _held = &held;
        error
    }))
}
