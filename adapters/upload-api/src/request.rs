//! One request: its parameters, its project, looked up once, and its authorization, checked once.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::extract::OriginalUri;
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use intake_core::permits::Holder;
use intake_core::project::ProjectStatus;
use intake_core::{Authorization, Error, Pipeline, Project, sender_at};

use crate::api::Api;
use crate::auth::{self, Authorized, access_token};
use crate::body::LimitedBody;
use crate::endpoint::Endpoint;
use crate::error::ApiError;
use crate::params::Params;
use crate::{body_params, codes};

/// A request to one of the endpoints.
pub(crate) struct Request<'a> {
    pub(crate) api: &'a Api,
    pub(crate) endpoint: Endpoint,
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: LimitedBody,
    /// The parameters that were read so far.
    pub(crate) params: Params,
    /// The limit key of the client: its address, if the server gives one.
    pub(crate) client: Option<Holder>,
    client_ip: Option<IpAddr>,
    /// The authorization has to be valid when the request begins, not when its last byte arrives.
    started: SystemTime,
    /// The path under which the router is nested; empty at the root.
    mounted_at: &'a str,
    /// The result of the one look-up of the project.
    project: Option<Result<Arc<Project>, ApiError>>,
    /// The result of the one check of the authorization.
    authorization: Option<Result<Option<Authorization>, ApiError>>,
}

impl<'a> Request<'a> {
    pub(crate) fn new(
        api: &'a Api,
        endpoint: Endpoint,
        head: &'a Parts,
        body: Body,
        client_ip: Option<IpAddr>,
    ) -> Self {
        let original = head.extensions.get().map(|OriginalUri(uri)| uri.path());
        let mounted_at = original.and_then(|path| path.strip_suffix(head.uri.path()));
        Self {
            api,
            endpoint,
            method: &head.method,
            headers: &head.headers,
            body: LimitedBody::new(body, endpoint.body_bounds(api)),
            params: endpoint.params(&api.settings),
            client: client_ip.map(Holder::at),
            client_ip,
            started: SystemTime::now(),
            mounted_at: mounted_at.unwrap_or_default(),
            project: None,
            authorization: None,
        }
    }

    /// The sender, as records contain it.
    pub(crate) fn sender(&self) -> Option<String> {
        self.client_ip.map(sender_at)
    }

    /// The origin of the page whose script sends the request. A value that no browser sends is left out.
    pub(crate) fn origin(&self) -> Option<String> {
        /// Room for a scheme, the longest host name and a port.
        const LONGEST: usize = 300;

        let origin = self.headers.get(ORIGIN)?.to_str().ok()?;
        let is_plain = origin.bytes().all(|byte| byte.is_ascii_graphic());
        (origin.len() <= LONGEST && is_plain).then(|| origin.to_owned())
    }

    /// Reads the parameters in the body of a request without files.
    pub(crate) async fn read_params(&mut self) -> Result<(), ApiError> {
        let body = self.body.clone();
        body_params::read_params(&self.api.settings, self.headers, body, &mut self.params).await
    }

    /// Whether a project's key has arrived.
    pub(crate) fn has_key(&self) -> bool {
        let names = self.endpoint.key_names();
        self.params.get(names.0).or(self.params.get(names.1)).is_some()
    }

    /// The project whose key the request has. It is looked up once, and counted once in the rate of its project. Each call
    /// checks that all keys of the request are the same, because more of them may have arrived.
    pub(crate) async fn project(&mut self) -> Result<Arc<Project>, ApiError> {
        let names = self.endpoint.key_names();
        let (first, other) = (self.params.get(names.0), self.params.get(names.1));
        let Some(key) = first.or(other) else {
            return Err(ApiError::new(&codes::KEY_MISSING).arg(names.0));
        };
        if other.is_some_and(|other| other != key) {
            return Err(ApiError::new(&codes::KEY_INVALID).arg(names.1));
        }
        if let Some(found) = &self.project {
            return found.clone();
        }
        let found = self.look_up(key).await;
        self.project = Some(found.clone());
        let project = found?;
        // It never waits: a project has its own clients, and those obey `Retry-After`.
        let holder = Holder::Project(project.public_key.clone());
        let limiter = &self.api.limiter;
        limiter.count(&holder, project.max_requests, Duration::ZERO).await?;
        Ok(project)
    }

    /// The pipeline, which uses the project that this request has looked up.
    pub(crate) fn pipeline(&self) -> Pipeline {
        match &self.project {
            Some(Ok(project)) => self.api.pipeline.knowing(project.clone()),
            _ => self.api.pipeline.clone(),
        }
    }

    async fn look_up(&self, key: &str) -> Result<Arc<Project>, ApiError> {
        let found = self.api.pipeline.project(key).await.map_err(Error::from)?;
        let project = found.ok_or_else(|| ApiError::new(&codes::KEY_INVALID).arg(self.endpoint.key_names().0))?;
        match project.status {
            ProjectStatus::Removed => Err(inactive(&project)),
            _ => Ok(project),
        }
    }

    /// The same, if requests may change this project.
    pub(crate) async fn active_project(&mut self) -> Result<Arc<Project>, ApiError> {
        let project = self.project().await?;
        if project.status != ProjectStatus::Active {
            return Err(inactive(&project));
        }
        self.check_origin(&project)?;
        Ok(project)
    }

    /// The project to which the request may add a file or a group, and the authorization.
    pub(crate) async fn authorize(&mut self) -> Result<Authorized, ApiError> {
        let project = self.active_project().await?;
        let authorization = self.check_authorization(&project)?;
        Ok(Authorized {
            project,
            authorization,
            sender: self.sender(),
            origin: self.origin(),
        })
    }

    /// The authorization, if it is known before all parameters are: a token, or a signature with its expiry. Otherwise a
    /// signature may still follow, and an access token does not count beside one.
    pub(crate) fn authorize_early(&mut self, project: &Project) -> Result<Option<Authorization>, ApiError> {
        let is_known = |signature: &str| auth::is_policy_token(signature) || self.params.get("expire").is_some();
        match self.params.get("signature").is_some_and(is_known) {
            true => self.check_authorization(project),
            false => Ok(None),
        }
    }

    /// Checks the authorization once, with the parameters known then: the first value of a parameter counts.
    fn check_authorization(&mut self, project: &Project) -> Result<Option<Authorization>, ApiError> {
        if let Some(checked) = &self.authorization {
            return checked.clone();
        }
        let checked = auth::check(project, &self.params, self.headers, self.endpoint.path(), self.started);
        self.authorization = Some(checked.clone());
        checked
    }

    /// Checks an access token if none has to be sent: a request that completes an upload was authorized when the upload began,
    /// as its record says. A client that sends its token nevertheless learns what is wrong with it.
    pub(crate) fn check_access_token(&self, project: &Project) -> Result<(), ApiError> {
        match project.signed_uploads && self.params.get("signature").is_none() {
            true => access_token::check(project, self.headers, self.endpoint.path(), self.started).map(drop),
            false => Ok(()),
        }
    }

    /// Checks whether the project allows pages of this origin. A client that is no page sends no origin and needs no permission.
    fn check_origin(&self, project: &Project) -> Result<(), ApiError> {
        if project.origins.is_empty() {
            return Ok(());
        }
        let Some(origin) = self.headers.get(ORIGIN) else {
            // A script or an image in a page sends no origin, but browsers send that a page made the request.
            let of_a_page = self.headers.get("sec-fetch-site");
            return match of_a_page.map(|site| site.as_bytes()) {
                Some(b"cross-site" | b"same-site") => Err(codes::ORIGIN_FORBIDDEN.into()),
                _ => Ok(()),
            };
        };
        let known = |known: &String| origin.as_bytes().eq_ignore_ascii_case(known.as_bytes());
        match project.origins.iter().any(known) {
            true => Ok(()),
            false => Err(codes::ORIGIN_FORBIDDEN.into()),
        }
    }

    /// The beginning of this server's URLs: `public_url`, or else the host in the request and the path under which the router is
    /// nested.
    pub(crate) fn public_origin(&self) -> Result<String, ApiError> {
        if let Some(url) = &self.api.settings.public_url {
            return Ok(url.trim_end_matches('/').to_owned());
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        match self.headers.get(HOST).and_then(|host| host.to_str().ok()) {
            Some(host) if !host.is_empty() && host.bytes().all(is_plain) => {
                Ok(format!("http://{host}{}", self.mounted_at))
            }
            _ => Err(ApiError::new(&codes::FORM_MALFORMED)
                .with_detail("Header Host: send it, with a host name and no more.")),
        }
    }
}

/// Why a project accepts no uploads.
fn inactive(project: &Project) -> ApiError {
    match project.status.refusal(&project.public_key) {
        Some(rejection) => ApiError::from_rejection(&rejection),
        None => codes::UPLOAD_REFUSED.into(),
    }
}
