//! `/webhooks/`: subscriptions of a project to events of its files. See `docs/rest-api.md`, "Webhooks".

use axum::http::Method;
use intake_core::codes::{SUBSCRIPTION_EXISTS, TARGET_INVALID};
use intake_core::events::{FileEventKind, Subscription};
use intake_core::{Error, Secret};
use serde_json::{Map, Value};

use crate::codes;
use crate::error::ApiError;
use crate::event_format::UploadcareFormat;
use crate::request::Request;
use crate::response::Answer;
use crate::wire::{VERSION, WebhookObject, json};

/// The most characters of a target and of a secret, as the service has them.
const LONGEST_TARGET: usize = 255;
const LONGEST_SECRET: usize = 32;

/// All subscriptions, or a new one.
pub(crate) async fn all(request: &Request<'_>) -> Result<Answer, ApiError> {
    let pipeline = &request.api.pipeline;
    if *request.method != Method::POST {
        let subscriptions = pipeline.subscriptions(&request.project.public_key).await?;
        let objects: Vec<_> = subscriptions.iter().map(WebhookObject::of).collect::<Result<_, _>>()?;
        return Ok(Answer::Json(json(&objects)));
    }
    let fields = request.fields()?;
    let target = text(&fields, "target_url").filter(|target| !target.is_empty());
    let target = target.ok_or(codes::TARGET_MISSING)?.to_owned();
    let subscription = Subscription::new(&request.project.public_key, FileEventKind::Uploaded, target)
        .with(|subscription| UploadcareFormat::NAME.clone_into(&mut subscription.format));
    let added = pipeline
        .subscribe(changed(subscription, &fields)?)
        .await
        .map_err(refused)?;
    Ok(Answer::Created(json(&WebhookObject::of(&added)?), None))
}

/// Changes or removes a subscription.
pub(crate) async fn one(request: &Request<'_>, id: i64) -> Result<Answer, ApiError> {
    let pipeline = &request.api.pipeline;
    let found = pipeline.subscription(id).await?;
    let found = found.filter(|found| found.project == request.project.public_key);
    let found = found.ok_or_else(ApiError::not_found)?;
    if *request.method == Method::DELETE {
        pipeline.unsubscribe(id).await?;
        return Ok(Answer::Nothing);
    }
    let changed = changed(found, &request.fields()?)?;
    let changed = pipeline.change_subscription(changed).await.map_err(refused)?;
    // Whoever changed it meanwhile has seen it as it was before.
    let changed = changed.ok_or(codes::SUBSCRIPTION_CHANGED)?;
    Ok(Answer::Json(json(&WebhookObject::of(&changed)?)))
}

/// Removes all subscriptions for a target. There need not be one.
pub(crate) async fn unsubscribe(request: &Request<'_>) -> Result<Answer, ApiError> {
    let pipeline = &request.api.pipeline;
    let fields = request.fields()?;
    let target = text(&fields, "target_url").filter(|target| !target.is_empty());
    let target = target.ok_or(codes::TARGET_MISSING)?;
    for subscription in pipeline.subscriptions(&request.project.public_key).await? {
        if subscription.target == target {
            pipeline.unsubscribe(subscription.id).await?;
        }
    }
    Ok(Answer::Nothing)
}

/// A subscription with what the request says of it.
fn changed(subscription: Subscription, fields: &Map<String, Value>) -> Result<Subscription, ApiError> {
    let mut next = subscription;
    if let Some(target) = text(fields, "target_url") {
        if target.chars().count() > LONGEST_TARGET {
            let message = format!("`target_url` is longer than {LONGEST_TARGET} characters.");
            return Err(ApiError::invalid_param(message));
        }
        target.clone_into(&mut next.target);
    }
    if let Some(event) = text(fields, "event") {
        let unknown = || ApiError::invalid_param(format!("`event` is no event: {event}."));
        next.kind = FileEventKind::of_name(event).ok_or_else(unknown)?;
    }
    if let Some(version) = text(fields, "version").filter(|version| *version != VERSION) {
        let message = format!("`version` {version} is not supported. The version is {VERSION}.");
        return Err(ApiError::invalid_param(message));
    }
    match fields.get("is_active") {
        None | Some(Value::Null) => {}
        Some(value) => {
            let message = "`is_active` is true or false.";
            next.is_active = truth(value).ok_or_else(|| ApiError::invalid_param(message))?;
        }
    }
    match fields.get("signing_secret") {
        None => {}
        Some(Value::Null) => next.secrets.clear(),
        Some(Value::String(secret)) if secret.is_empty() => next.secrets.clear(),
        // Receivers of the service know one secret, so the former one signs no more.
        Some(Value::String(secret)) if secret.chars().count() <= LONGEST_SECRET => {
            next.secrets = vec![Secret::new(secret.as_str())];
        }
        Some(_) => {
            let message = format!("`signing_secret` is a text of at most {LONGEST_SECRET} characters.");
            return Err(ApiError::invalid_param(message));
        }
    }
    Ok(next)
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}

/// True or false, as JSON and forms write it.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Why there is no such subscription. Whatever the notifier refuses is about the target.
fn refused(error: Error) -> ApiError {
    match error {
        Error::Rejected { rejection, .. } if rejection.code == SUBSCRIPTION_EXISTS => rejection.code.into(),
        Error::Rejected { rejection, .. } if rejection.code == intake_core::codes::QUOTA_EXCEEDED => rejection.into(),
        Error::Rejected { rejection, .. } => ApiError::new(&TARGET_INVALID).arg(rejection.message),
        error => error.into(),
    }
}
