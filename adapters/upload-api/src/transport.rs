//! What all endpoints have in common: paths, methods, CORS, and the two shapes of an error (wire facts, section 1).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
    EXPECT, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http_body_util::BodyExt as _;
use intake_core::permits::Holder;
use intake_core::{ConfigError, Digest, Pipeline, UploadId, measure};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tracing::{Instrument as _, error};
use uuid::Uuid;

use crate::api::Api;
use crate::body::{Bounds, Source};
use crate::error::{Refusal, codes};
use crate::gate::Held;
use crate::key_names::BASE_KEY;
use crate::params::Params;
use crate::reading::{PARAMS_BODY, read_params};
use crate::settings::Settings;
use crate::visit::{self, Visit};
use crate::wire::{ErrorBody, ErrorInfo};
use crate::{base, from_url, group, info, multipart, part, request_log, telling};

const EXPOSED: &str = "Retry-After, Warning, X-Uploadcare-Request-Id";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-uploadcare-request-id");

/// The endpoints that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Base,
    Info,
    MultipartStart,
    MultipartComplete,
    FromUrl,
    FromUrlStatus,
    Group,
    GroupInfo,
    /// A part of this upload.
    Part(UploadId),
    /// What makes or changes pictures: none of ours, but there for pages to be told so.
    Derivative,
}

/// The paths of all endpoints, for a router that shares its host with others.
const PATHS: [&str; 11] = [
    "base",
    "info",
    "multipart/start",
    "multipart/complete",
    "from_url",
    "from_url/status",
    "group",
    "group/info",
    "parts/{id}/{name}",
    "derivative/image/{operation}",
    "derivative/status",
];

/// What there is to answer with, other than a "no".
enum Answer {
    Nothing,
    Json(Value),
    /// JSON that is made while it is sent.
    Told(Body),
    /// A part was taken.
    Part(Digest),
}

impl Endpoint {
    /// Clients send a slash at the end or none, two in the middle, and percent-encoded ones (section 1.4). Never a redirect:
    /// bodies would be lost.
    fn find(path: &str) -> Option<Self> {
        let path = percent_decode_str(path).decode_utf8().ok()?;
        let mut steps = path.split('/').filter(|step| !step.is_empty());
        match (steps.next()?, steps.next(), steps.next(), steps.next()) {
            ("base", None, ..) => Some(Self::Base),
            ("info", None, ..) => Some(Self::Info),
            ("multipart", Some("start"), None, _) => Some(Self::MultipartStart),
            ("multipart", Some("complete"), None, _) => Some(Self::MultipartComplete),
            ("from_url", None, ..) => Some(Self::FromUrl),
            ("from_url", Some("status"), None, _) => Some(Self::FromUrlStatus),
            ("group", None, ..) => Some(Self::Group),
            ("group", Some("info"), None, _) => Some(Self::GroupInfo),
            ("parts", Some(id), Some(_name), None) => id.parse().ok().map(Self::Part),
            ("derivative", Some("image"), Some("generate" | "edit"), None) => Some(Self::Derivative),
            ("derivative", Some("status"), None, _) => Some(Self::Derivative),
            _ => None,
        }
    }

    /// Its path as it is documented: the scope of an access token names it, and so do logs.
    fn path(self) -> &'static str {
        match self {
            Self::Base => "/base/",
            Self::Info => "/info/",
            Self::MultipartStart => "/multipart/start/",
            Self::MultipartComplete => "/multipart/complete/",
            Self::FromUrl => "/from_url/",
            Self::FromUrlStatus => "/from_url/status/",
            Self::Group => "/group/",
            Self::GroupInfo => "/group/info/",
            Self::Part(_) => "/parts/",
            Self::Derivative => "/derivative/",
        }
    }

    fn methods(self) -> &'static str {
        match self {
            Self::Base | Self::MultipartStart | Self::MultipartComplete => "POST, OPTIONS",
            Self::FromUrl => "OPTIONS, GET, POST",
            Self::FromUrlStatus | Self::Group | Self::Derivative => "GET, POST, HEAD, OPTIONS",
            Self::Part(_) => "PUT, OPTIONS",
            Self::Info | Self::GroupInfo => "GET, HEAD, OPTIONS",
        }
    }

    /// Headers that a page of another origin may read.
    fn exposes(self) -> &'static str {
        match self {
            Self::Part(_) => "ETag, Retry-After, X-Uploadcare-Request-Id",
            _ => EXPOSED,
        }
    }

    /// Bytes of a body.
    fn body_size(self, api: &Api) -> u64 {
        match self {
            Self::Base => api.settings.max_request_size(),
            Self::Info
            | Self::MultipartStart
            | Self::MultipartComplete
            | Self::FromUrl
            | Self::FromUrlStatus
            | Self::Group
            | Self::GroupInfo
            | Self::Derivative => PARAMS_BODY as u64,
            // Each part has a bound of its own, of which its upload knows.
            Self::Part(_) => api.pipeline.limits().max_size,
        }
    }

    /// Whether a request counts against the rate of its address. Some clients ask for the status again and again without a
    /// pause, and it costs next to nothing.
    fn counts(self, method: &Method) -> bool {
        self != Self::FromUrlStatus && method != Method::OPTIONS
    }

    /// How long a request waits for its turn. Much of these uploads is here already, and some clients take no notice of being
    /// refused.
    fn patience(self, api: &Api) -> Duration {
        match self {
            Self::Part(_) | Self::MultipartComplete => api.settings.idle_timeout,
            _ => api.settings.queue_timeout,
        }
    }

    async fn ask(self, api: &Api, visit: &Visit<'_>, params: &mut Params) -> Result<Answer, Refusal> {
        let value = match self {
            Self::Base => base::upload(api, visit, params).await,
            Self::Info => info::info(api, visit, params).await,
            Self::MultipartStart => multipart::start(api, visit, params).await,
            Self::MultipartComplete => multipart::complete(api, visit, params).await,
            Self::FromUrl => from_url::order(api, visit, params).await,
            Self::FromUrlStatus => {
                read_params(api, visit, params).await?;
                from_url::status(api, visit, params).await
            }
            Self::Group => return group::create(api, visit, params).await.map(Answer::Told),
            Self::GroupInfo => return group::info(api, visit, params).await.map(Answer::Told),
            Self::Derivative => Err(codes::DERIVATIVE_DISABLED.into()),
            Self::Part(id) => return part::put(api, id, visit, params).await.map(Answer::Part),
        };
        value.map(Answer::Json)
    }

    fn takes(self, method: &Method) -> bool {
        self.methods().split(", ").any(|taken| taken == method.as_str())
    }
}

/// The Upload API as a router for an application of one's own: merged beside the application's routes, or nested under a
/// path. A request to any other path is the application's.
///
/// The server around it bounds what comes before a body: connections, and the time that a request's head may take.
/// `intake::server` of the `intake` package does; `axum::serve` bounds neither. Limits per address need the address of the
/// client: [`PeerAddress`], or axum's `ConnectInfo` (`Router::into_make_service_with_connect_info`). Where a request has
/// neither, these limits do not hold, and the log says so once.
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
        // Clients put a slash in front that is one too many, and leave out the last one.
        for spelt in [
            format!("/{path}"),
            format!("/{path}/"),
            format!("//{path}"),
            format!("//{path}/"),
        ] {
            router = router.route(&spelt, any(answer));
        }
    }
    Ok(router.with_state(api))
}

/// The Upload API as the only service of a host: the same as [`router`], and it also answers every other path, with the error
/// that clients know.
///
/// # Errors
///
/// If the settings make no sense.
pub fn host(pipeline: Pipeline, settings: Settings) -> Result<Router, ConfigError> {
    let api = Api::new(pipeline, settings)?;
    Ok(Router::new().fallback(answer).with_state(api))
}

/// Answers any request.
async fn answer(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let (request_id, began) = (Uuid::new_v4(), Instant::now());
    let client = visit::client(&api, &head);
    let span = request_log::span(request_id, client);
    // On a task of its own: a client that hangs up behind its last byte, as phones do, must not stop what it has asked for in the
    // middle.
    let holder = client.map(Holder::at);
    let held = match let_in(&api, &head, holder.as_ref()).instrument(span.clone()).await {
        Ok(held) => held,
        Err(refusal) => return span.in_scope(|| refuse_unread(&refusal, &head, request_id, began)),
    };
    let pipeline = api.pipeline.clone();
    let work = async move {
        let response = answer_within(&api, head, body, request_id, client).await;
        response.map(|body| held_by(body, held))
    };
    let answered = pipeline.run(work.instrument(span.clone())).await;
    answered.unwrap_or_else(|fault| {
        span.in_scope(|| error!(reason = fault.chain(), "request failed"));
        measure::request_answered("none", 500, Some(&fault.code));
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    })
}

/// Waits until the request may go on: it is counted first, as one that waits for that holds nothing.
async fn let_in(api: &Api, head: &Parts, client: Option<&Holder>) -> Result<Held, Refusal> {
    let endpoint = Endpoint::find(head.uri.path());
    let patience = endpoint.map_or(api.settings.queue_timeout, |endpoint| endpoint.patience(api));
    if let Some(client) = client
        && endpoint.is_none_or(|endpoint| endpoint.counts(&head.method))
    {
        let rate = api.settings.max_requests_of_address;
        api.gate.count(client, rate, patience).await?;
    }
    api.gate.request(client, patience).await
}

/// A body that holds permits for as long as it is there: an answer that is being made, or not taken yet, costs memory.
fn held_by(body: Body, held: Held) -> Body {
    Body::new(body.map_err(move |error| {
        let _held = &held;
        error
    }))
}

/// Refuses a request of which nothing but its head was looked at: its body may be anything, and is not read.
fn refuse_unread(refusal: &Refusal, head: &Parts, request_id: Uuid, began: Instant) -> Response {
    let endpoint = Endpoint::find(head.uri.path());
    let name = endpoint.map_or("none", Endpoint::path);
    measure::request_answered(name, refusal.status(), Some(&refusal.ours));
    request_log::refused(refusal, name, None, began);
    let json_errors = asks_for_json_errors(head.uri.query()) || reads_json_alone(&head.headers);
    let mut response = refuse(refusal, endpoint, json_errors);
    add_common(response.headers_mut(), endpoint, request_id);
    response
}

async fn answer_within(api: &Api, head: Parts, body: Body, request_id: Uuid, client: Option<IpAddr>) -> Response {
    let began = Instant::now();
    let endpoint = Endpoint::find(head.uri.path());
    let source = Source::new(body, bounds(api, endpoint));
    let mut params = Params::new(api.settings.max_fields);
    if endpoint == Some(Endpoint::Group) {
        params = params.with_files(api.settings.max_group_files);
    }
    let path = endpoint.map_or("/", Endpoint::path);
    let visit = Visit::new(&head, client, &source, path);

    let outcome = match endpoint {
        Some(_) if head.method == Method::OPTIONS => Ok(Answer::Nothing),
        // Asking for the head alone must not make one.
        Some(Endpoint::Group) if head.method == Method::HEAD => Ok(Answer::Nothing),
        Some(endpoint) if endpoint.takes(&head.method) => {
            let query = head.uri.query().unwrap_or_default();
            match params.take_urlencoded(query.as_bytes()) {
                Ok(()) => endpoint.ask(api, &visit, &mut params).await,
                Err(refusal) => Err(refusal),
            }
        }
        Some(_) => Err(Refusal::new(&codes::METHOD_NOT_ALLOWED)
            .arg(&head.method)
            .arg(head.uri.path())),
        None => Err(codes::NOT_AN_ENDPOINT.into()),
    };
    let endpoint_name = endpoint.map_or("none", Endpoint::path);
    match &outcome {
        Ok(_) => measure::request_answered(endpoint_name, 200, None),
        Err(refusal) => measure::request_answered(endpoint_name, refusal.status(), Some(&refusal.ours)),
    }
    let script = callback(endpoint, &head.method, &params);

    let mut response = match outcome {
        Ok(Answer::Nothing) => Response::new(Body::empty()),
        Ok(Answer::Json(value)) => json(value.to_string().into()),
        Ok(Answer::Told(body)) => json(body),
        Ok(Answer::Part(digest)) => taken(&digest),
        Err(refusal) => {
            let project = params.get(BASE_KEY.0).or(params.get(BASE_KEY.1));
            request_log::refused(&refusal, endpoint_name, project, began);
            let waits = head
                .headers
                .get(EXPECT)
                .is_some_and(|expect| expect.as_bytes().eq_ignore_ascii_case(b"100-continue"));
            source.drain(waits).await;
            // Where the query was not read because it was wrong, its own word for the shape of errors still counts.
            let json_errors =
                params.json_errors() || asks_for_json_errors(head.uri.query()) || reads_json_alone(&head.headers);
            refuse(&refusal, endpoint, json_errors || script.is_some())
        }
    };
    if let Some(callback) = script {
        response = as_script(response, &callback).await;
    }
    add_common(response.headers_mut(), endpoint, request_id);
    response
}

fn bounds(api: &Api, endpoint: Option<Endpoint>) -> Bounds {
    let settings = &api.settings;
    let whole = api.pipeline.limits().timeout;
    Bounds {
        size: endpoint.map_or(PARAMS_BODY as u64, |endpoint| endpoint.body_size(api)),
        rate: settings.least_rate(),
        time: match endpoint {
            Some(Endpoint::Base | Endpoint::Part(_)) => whole,
            _ => whole.min(settings.params_timeout),
        },
        drain: (settings.drain_size.as_u64(), settings.drain_timeout),
    }
}

fn asks_for_json_errors(query: Option<&str>) -> bool {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .any(|(name, value)| name == "jsonerrors" && !value.is_empty())
}

/// Whether a request says that it reads JSON and says nothing of text. A library that names both, as some do in every request,
/// is answered with a status, as it always was.
fn reads_json_alone(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let named: Vec<&str> = lines.flat_map(|line| line.split(',')).map(type_of_range).collect();
    let names = |kind: &str| named.iter().any(|named| named.eq_ignore_ascii_case(kind));
    names("application/json") && !names("text/plain")
}

/// The type in a range of an `Accept` header, without its weight.
fn type_of_range(range: &str) -> &str {
    range.split(';').next().unwrap_or_default().trim()
}

fn json(body: Body) -> Response {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The function that a page of old wants to be called with the answer: it has asked by a script, which has no other way to read
/// one (wire facts, section 6.1). Who posts is no script, and reads JSON.
fn callback(endpoint: Option<Endpoint>, method: &Method, params: &Params) -> Option<String> {
    const LONGEST: usize = 128;
    let is_for_scripts = matches!(endpoint, Some(Endpoint::Group | Endpoint::GroupInfo)) && *method == Method::GET;
    let callback = params.get("callback").filter(|_| is_for_scripts)?;
    let is_name = |step: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$';
        step.bytes().all(plain) && step.bytes().next().is_some_and(|first| !first.is_ascii_digit())
    };
    // Nothing but a name: whatever is called here is called in somebody's page.
    (callback.len() <= LONGEST && callback.split('.').all(is_name)).then(|| callback.to_owned())
}

/// What was going to be answered, as a call.
async fn as_script(response: Response, callback: &str) -> Response {
    let (mut head, body) = response.into_parts();
    head.headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/javascript; charset=utf-8"),
    );
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, telling::as_script(body, callback).await)
}

/// Exactly 200, with an `ETag`, as S3 does: some clients send a part for ever if they are told anything else.
fn taken(digest: &Digest) -> Response {
    let mut response = Response::new(Body::empty());
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{digest}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

/// Browsers' clients take any status but 200 for a broken network; the others read the status and show the text.
fn refuse(refusal: &Refusal, endpoint: Option<Endpoint>, json_errors: bool) -> Response {
    let content = refusal.sentence();
    let mut response = if json_errors {
        let error = ErrorInfo {
            content: &content,
            status_code: refusal.status(),
            error_code: refusal.code(),
        };
        json(serde_json::to_string(&ErrorBody { error }).unwrap_or_default().into())
    } else {
        let mut response = Response::new(Body::from(content.into_owned()));
        *response.status_mut() = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    };
    if let Some(seconds) = refusal.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    // RFC 9110, section 15.5.2. A browser opens no password dialog for this scheme.
    if response.status() == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(endpoint) = endpoint.filter(|_| refusal.status() == 405) {
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static(endpoint.methods()));
    }
    response
}

/// Any origin may ask: what lets a request in is its key, and never a cookie (section 1.5).
fn add_common(headers: &mut HeaderMap, endpoint: Option<Endpoint>, request_id: Uuid) {
    if let Ok(id) = HeaderValue::from_str(&request_id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    let methods = endpoint.map_or("OPTIONS", Endpoint::methods);
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_ALLOW_METHODS, methods),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, DNT, X-PINGOTHER, X-UC-User-Agent",
        ),
        (
            ACCESS_CONTROL_EXPOSE_HEADERS,
            endpoint.map_or(EXPOSED, Endpoint::exposes),
        ),
        (ACCESS_CONTROL_MAX_AGE, "600"),
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_found_however_its_slashes_are_written() {
        for path in ["/base/", "/base", "//base//", "/%2Fbase%2F", "/%2fbase"] {
            assert_eq!(Endpoint::find(path), Some(Endpoint::Base), "{path}");
        }
        for path in ["/", "", "/base/x", "/bas", "/base/../info/", "/%FF"] {
            assert_eq!(Endpoint::find(path), None, "{path}");
        }
    }
}
