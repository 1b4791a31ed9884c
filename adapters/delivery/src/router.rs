//! Finds what an address names, and answers.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ALLOW, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use intake_core::permits::Holder;
use intake_core::{ConfigError, Pipeline, Record, measure};
use tower::ServiceExt as _;
use tracing::Instrument as _;

use crate::client_ip::client_ip;
use crate::delivery::Delivery;
use crate::headers::caching::Audience;
use crate::headers::common::{self, METHODS};
use crate::original::Shown;
use crate::path::{self, Target, Wanted};
use crate::refusal::Refusal;
use crate::settings::Settings;
use crate::{access, archive, group, operations, original, request_log, streams};

/// The files of a pipeline as the only service of a host: it answers every path.
///
/// The server has to limit what precedes an answer: connections, the time for a request's head, and how slowly an answer may be
/// read. `intake::server` of the `intake` package does; `axum::serve` limits none. Limits per address need the address of the
/// client: [`PeerAddress`](intake_core::PeerAddress), or axum's `ConnectInfo`.
///
/// # Errors
///
/// If the settings make no sense.
pub fn host(pipeline: Pipeline, settings: Settings) -> Result<Router, ConfigError> {
    let delivery = Delivery::new(pipeline, settings)?;
    Ok(Router::new().fallback(dispatch).with_state(delivery))
}

/// The files of a pipeline beside another service, such as the Upload API, on one host: paths that begin with the id of a file
/// or of a group are answered here ([`is_address`](crate::is_address)), and all others by `other`.
///
/// # Errors
///
/// Those of [`host`].
pub fn beside(other: Router, pipeline: Pipeline, settings: Settings) -> Result<Router, ConfigError> {
    let files = host(pipeline, settings)?;
    let either = async move |request: axum::extract::Request| {
        let chosen = match path::is_address(request.uri().path()) {
            true => files.clone(),
            false => other.clone(),
        };
        let Ok(response) = chosen.oneshot(request).await;
        response
    };
    Ok(Router::new().fallback(either))
}

/// Answers any request.
async fn dispatch(State(delivery): State<Arc<Delivery>>, request: axum::extract::Request) -> Response {
    let began = Instant::now();
    let (head, _body) = request.into_parts();
    let client = client_ip(&delivery, &head);
    let decoded = path::decoded(head.uri.path());
    let target = path::read(&decoded);
    let endpoint = request_log::name_of(&target);
    let span = request_log::span(client);
    let work = async {
        let answered = answer(&delivery, &head, target, client.map(Holder::at)).await;
        let mut response = match answered {
            Ok(response) => {
                measure::request_answered(endpoint, response.status().as_u16(), None);
                response
            }
            Err(refusal) => {
                request_log::refused(&refusal, endpoint, began);
                refusal.response()
            }
        };
        common::add(
            response.headers_mut(),
            &delivery.settings,
            head.method == Method::OPTIONS,
        );
        response
    };
    work.instrument(span).await
}

/// The answer to a request, which holds its permits until it is sent.
async fn answer(
    delivery: &Delivery,
    head: &Parts,
    target: Target,
    client: Option<Holder>,
) -> Result<Response, Refusal> {
    match head.method {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return Ok(methods()),
        _ => return Err(Refusal::method_not_allowed(&head.method)),
    }
    if target == Target::Nothing {
        return Err(Refusal::not_found());
    }
    let held = delivery.acquire(client.as_ref()).await;
    let held = held.map_err(|_| Refusal::throttled())?;
    let response = Box::pin(found(delivery, head, target)).await?;
    Ok(response.map(|body| streams::holding(body, held)))
}

/// What an address names, as it is asked for.
async fn found(delivery: &Delivery, head: &Parts, target: Target) -> Result<Response, Refusal> {
    let pipeline = &delivery.pipeline;
    match target {
        Target::File(id, wanted) => {
            let record = Arc::new(pipeline.get(id).await?);
            let audience = access::check(delivery, head, record.options.project.as_deref()).await?;
            show(delivery, head, record, audience, wanted).await
        }
        Target::Member(address, place, mut wanted) => {
            let group = group::find(pipeline, address).await?;
            let audience = access::check(delivery, head, Some(&group.project)).await?;
            let member = group.members.get(place).ok_or_else(Refusal::not_found)?;
            let record = group::member(pipeline, &group, member.id).await?;
            // What the group's maker asked for comes first.
            let stored = path::operations(&member.effects);
            wanted.operations.splice(..0, stored);
            show(delivery, head, record, audience, wanted).await
        }
        Target::Archive(address, format, name) => {
            let group = group::find(pipeline, address).await?;
            let audience = access::check(delivery, head, Some(&group.project)).await?;
            archive::answer(delivery, head, &group, audience, format, name).await
        }
        Target::Group(address) => {
            let group = group::find(pipeline, address).await?;
            access::check(delivery, head, Some(&group.project)).await?;
            Err(Refusal::no_file())
        }
        Target::Nothing => Err(Refusal::not_found()),
    }
}

/// A file as it was sent, or after operations.
async fn show(
    delivery: &Delivery,
    head: &Parts,
    record: Arc<Record>,
    audience: Audience,
    wanted: Wanted,
) -> Result<Response, Refusal> {
    let shown = Shown {
        record,
        audience,
        name: wanted.name,
        inline: wanted.inline,
    };
    match wanted.operations.as_slice() {
        [] => original::answer(delivery, head, &shown).await,
        operations => operations::answer(delivery, head, &shown, operations).await,
    }
}

/// The answer to a question for the methods, such as the one that a browser asks before a page may send a range.
fn methods() -> Response {
    let mut response = Response::new(streams::none());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(METHODS));
    response
}
