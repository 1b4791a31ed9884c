//! Answers for scripts: a page without CORS loads a script, which calls a function of the page with the answer (JSONP). See
//! `docs/upload-api.md`, "Groups".

use axum::body::{Body, HttpBody as _};
use axum::http::Method;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::endpoint::Endpoint;
use crate::group_response::ENOUGH;
use crate::params::Params;

/// The function that the request names. No script sends a `POST`, and its sender reads JSON.
pub(crate) fn callback(endpoint: Endpoint, method: &Method, params: &Params) -> Option<String> {
    const LONGEST: usize = 128;
    let is_for_scripts = matches!(endpoint, Endpoint::Group | Endpoint::GroupInfo) && *method == Method::GET;
    let callback = params.get("callback").filter(|_| is_for_scripts)?;
    let is_name = |step: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$';
        step.bytes().all(plain) && step.bytes().next().is_some_and(|first| !first.is_ascii_digit())
    };
    // Only names are allowed, because the page that loads the script calls it.
    (callback.len() <= LONGEST && callback.split('.').all(is_name)).then(|| callback.to_owned())
}

/// A response in JSON as a script that calls a function with it.
pub(crate) async fn jsonp(response: Response, callback: &str) -> Response {
    let (mut head, body) = response.into_parts();
    head.headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/javascript; charset=utf-8"),
    );
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, script(body, callback).await)
}

async fn script(body: Body, callback: &str) -> Body {
    let start = format!("/**/{callback}(");
    let is_short = body.size_hint().exact().is_some_and(|size| size < ENOUGH as u64);
    if is_short {
        // This server made the body, so it is complete.
        let json = axum::body::to_bytes(body, ENOUGH).await.unwrap_or_default();
        let script = [start.as_bytes(), &in_script(json), b");"].concat();
        return Body::from(script);
    }
    let start = stream::iter([Ok(Bytes::from(start))]);
    let end = stream::iter([Ok(Bytes::from_static(b");"))]);
    let json = body.into_data_stream().map_ok(in_script);
    Body::from_stream(start.chain(json).chain(end))
}

/// JSON text that scripts read as JSON parsers do: two characters end a line in scripts, and not in JSON. Each piece of an
/// answer is a whole text, so no character is cut.
fn in_script(json: Bytes) -> Bytes {
    const LINE_ENDS: [char; 2] = ['\u{2028}', '\u{2029}'];
    match std::str::from_utf8(&json) {
        Ok(text) if text.contains(LINE_ENDS) => {
            let escaped = text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
            Bytes::from(escaped)
        }
        _ => json,
    }
}
