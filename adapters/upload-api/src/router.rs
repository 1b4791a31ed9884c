//! Finds the endpoint of a request, and makes the response of its answer.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{OriginalUri, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use intake_core::permits::Holder;
use intake_core::{ConfigError, Fault, Pipeline, measure};
use tracing::{Instrument as _, error};
use uuid::Uuid;

use crate::api::Api;
use crate::client_ip::client_ip;
use crate::codes;
use crate::endpoint::{Endpoint, PATHS};
use crate::endpoints::{base, from_url, group, info, multipart, part};
use crate::error::ApiError;
use crate::limiter::HeldPermits;
use crate::request::Request;
use crate::request_log;
use crate::response::{Answer, Exchange};
use crate::settings::Settings;

/// The Upload API as a router for an application: merged with the application's routes, or nested under a path. All other paths
/// are the application's.
///
/// The server has to limit what precedes a body: connections, and the time for a request's head. `intake::server` of the
/// `intake` package does; `axum::serve` limits neither. Limits per address need the address of the client:
/// [`PeerAddress`](crate::PeerAddress), or axum's `ConnectInfo` (`Router::into_make_service_with_connect_info`). Without either,
/// these limits do not apply, and the log has one warning about that.
///
/// ```
/// # use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
/// # use intake_core::{Pipeline, Project};
/// use axum::{Router, routing::get};
///
/// # let pipeline = Pipeline::builder()
/// #     .store(MemoryStore::default())
/// #     .recorder(MemoryRecorder::default())
/// #     .expirer(KeepAll)
/// #     .project(Project::new("demopublickey"))?
/// #     .build()?;
/// let uploads = intake_upload_api::router(pipeline, intake_upload_api::Settings::default())?;
/// let app: Router = Router::new()
///     .route("/", get(|| async { "the application" }))
///     .fallback(|| async { "the application's own answer to other paths" })
///     .nest("/uploads", uploads);
/// # Ok::<(), intake_core::ConfigError>(())
/// ```
///
/// # Errors
///
/// If the settings make no sense.
pub fn router(pipeline: Pipeline, settings: Settings) -> Result<Router, ConfigError> {
    let api = Api::new(pipeline, settings)?;
    let mut router = Router::new();
    for path in PATHS {
        // Clients put a surplus slash in front, or leave out the last one.
        for spelt in [
            format!("/{path}"),
            format!("/{path}/"),
            format!("//{path}"),
            format!("//{path}/"),
        ] {
            router = router.route(&spelt, any(dispatch));
        }
    }
    Ok(router.with_state(api))
}

/// The Upload API as the only service of a host: the same as [`router`], but it also answers every other path, with the error
/// that clients know.
///
/// # Errors
///
/// If the settings make no sense.
pub fn host(pipeline: Pipeline, settings: Settings) -> Result<Router, ConfigError> {
    let api = Api::new(pipeline, settings)?;
    Ok(Router::new().fallback(dispatch).with_state(api))
}

/// Answers any request.
async fn dispatch(State(api): State<Arc<Api>>, request: axum::extract::Request) -> Response {
    let (mut head, body) = request.into_parts();
    let client_ip = client_ip(&api, &head);
    let exchange = Exchange {
        id: Uuid::new_v4(),
        began: Instant::now(),
        endpoint: Endpoint::find(head.uri.path()),
    };
    let span = request_log::span(exchange.id, client_ip);
    let held = match wait_for_turn(&api, exchange.endpoint, &head.method, client_ip)
        .instrument(span.clone())
        .await
    {
        Ok(held) => held,
        Err(error) => return span.in_scope(|| exchange.refuse_unread(&head, &error)),
    };
    if !body.is_end_stream() {
        copy_out(&mut head);
    }
    let pipeline = api.pipeline.clone();
    let work = async move {
        // From here on, without the wait for permits, the log measures the duration.
        let exchange = exchange.begun_now();
        let mut request = Request::new(&api, exchange.endpoint, &head, body, client_ip);
        let outcome = match (checked(&mut request, &head), request.endpoint) {
            (Err(error), _) => Err(error),
            (Ok(Some(answer)), _) => Ok(answer),
            // Each in a box, so that the task of a request has the size of its own endpoint and not of the largest.
            (_, Endpoint::Base) => Box::pin(base::upload(&mut request)).await.map(Answer::Json),
            (_, Endpoint::Info) => info::info(&mut request).await.map(Answer::Json),
            (_, Endpoint::MultipartStart) => Box::pin(multipart::start(&mut request)).await.map(Answer::Json),
            (_, Endpoint::MultipartComplete) => Box::pin(multipart::complete(&mut request)).await.map(Answer::Json),
            (_, Endpoint::FromUrl) => Box::pin(from_url::fetch(&mut request)).await.map(Answer::Json),
            (_, Endpoint::FromUrlStatus) => from_url::status(&mut request).await.map(Answer::Json),
            (_, Endpoint::Group) => Box::pin(group::create(&mut request)).await.map(Answer::Streamed),
            (_, Endpoint::GroupInfo) => group::info(&mut request).await.map(Answer::Streamed),
            (_, Endpoint::Part(_)) => Box::pin(part::put(&mut request)).await.map(|()| Answer::Part),
            (_, Endpoint::Derivative) => Err(codes::DERIVATIVE_DISABLED.into()),
            (_, Endpoint::Unknown) => Err(codes::NOT_AN_ENDPOINT.into()),
        };
        let response = Box::pin(exchange.respond(request, &head, outcome)).await;
        response.map(|body| holding(body, held))
    };
    let work = work.instrument(span.clone());
    let answered = if exchange.endpoint.only_reads() {
        let answered = AssertUnwindSafe(Box::pin(work)).catch_unwind().await;
        answered.map_err(|_| Fault::new(intake_core::codes::FAULT, "a request that only reads panicked"))
    } else {
        // On a task of its own: the work is completed even if the client hangs up after its last byte, as phones do.
        pipeline.run(work).await
    };
    answered.unwrap_or_else(|fault| {
        span.in_scope(|| error!(reason = fault.report(), "request failed"));
        measure::request_answered(Endpoint::Unknown.path(), 500, Some(&fault.code));
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

/// Waits until the request may continue. Its rate is counted first, because a request that waits for that holds nothing.
async fn wait_for_turn(
    api: &Api,
    endpoint: Endpoint,
    method: &Method,
    client_ip: Option<IpAddr>,
) -> Result<HeldPermits, ApiError> {
    let patience = endpoint.patience(&api.settings);
    let client = client_ip.map(Holder::at);
    if let Some(client) = client.as_ref().filter(|_| endpoint.counts(method)) {
        let rate = api.settings.max_requests_per_ip;
        api.limiter.count(client, rate, patience).await?;
    }
    api.limiter.acquire_request(client.as_ref(), patience).await
}

/// Copies what a head has out of the buffer of the connection. Otherwise the connection needs another one for the body, for as
/// long as the body takes.
fn copy_out(head: &mut Parts) {
    let copied = |uri: &Uri| Uri::try_from(uri.to_string());
    for value in head.headers.values_mut() {
        if let Ok(copy) = HeaderValue::from_bytes(value.as_bytes()) {
            *value = copy;
        }
    }
    if let Ok(uri) = copied(&head.uri) {
        head.uri = uri;
    }
    if let Some(original) = head.extensions.get_mut::<OriginalUri>()
        && let Ok(uri) = copied(&original.0)
    {
        original.0 = uri;
    }
}

/// Checks before the endpoint: that it allows the method, and that the query can be read. An answer is the response to a request
/// that needs no endpoint.
fn checked(request: &mut Request<'_>, head: &Parts) -> Result<Option<Answer>, ApiError> {
    let endpoint = request.endpoint;
    match *request.method {
        _ if endpoint == Endpoint::Unknown => return Ok(None),
        Method::OPTIONS => return Ok(Some(Answer::Nothing)),
        // A request for the head alone must not make a group.
        Method::HEAD if endpoint == Endpoint::Group => return Ok(Some(Answer::Nothing)),
        _ => {}
    }
    if !endpoint.takes(request.method) {
        let error = ApiError::new(&codes::METHOD_NOT_ALLOWED);
        return Err(error.arg(request.method).arg(head.uri.path()));
    }
    let query = head.uri.query().unwrap_or_default();
    request.params.take_urlencoded(query.as_bytes())?;
    Ok(None)
}

/// A body that holds permits while it exists: an answer that is not sent yet uses memory.
fn holding(body: Body, held: HeldPermits) -> Body {
    Body::new(body.map_err(move |error| {
        let _held = &held;
        error
    }))
}
