//! Who may see the files of a project.

use axum::http::StatusCode;
use axum::http::request::Parts;
use intake_core::project::{Access, ProjectStatus};

use crate::codes;
use crate::delivery::Delivery;
use crate::headers::caching::Audience;
use crate::path;
use crate::refusal::Refusal;
use crate::token::{self, Denied, Path};

/// Checks whether who asks may see what this project has at this path. What is not known to be public is not shown.
pub(crate) async fn check(delivery: &Delivery, head: &Parts, project: Option<&str>) -> Result<Audience, Refusal> {
    let pipeline = &delivery.pipeline;
    if !pipeline.has_projects() {
        return Ok(Audience::Everyone);
    }
    let key = project.ok_or_else(Refusal::not_found)?;
    let project = pipeline.project(key).await?.ok_or_else(Refusal::not_found)?;
    if project.status == ProjectStatus::Removed {
        return Err(Refusal::not_found());
    }
    if project.delivery == Access::Public {
        return Ok(Audience::Everyone);
    }
    let sent = head.uri.path();
    let decoded = path::decoded(sent);
    let path = Path {
        sent,
        decoded: &decoded,
    };
    let checked = token::check(head.uri.query(), path, &project.delivery_secrets, pipeline.now());
    checked.map(|()| Audience::Bearer).map_err(refusal)
}

fn refusal(denied: Denied) -> Refusal {
    let (code, message) = match denied {
        Denied::Missing => (
            codes::DELIVERY_TOKEN_MISSING,
            "This file is private: its address needs a token.",
        ),
        Denied::Invalid => (
            codes::DELIVERY_TOKEN_INVALID,
            "The token in this address is not one for it.",
        ),
        Denied::Expired => (codes::DELIVERY_TOKEN_EXPIRED, "The token in this address has expired."),
    };
    Refusal::new(StatusCode::FORBIDDEN, code, message)
}
