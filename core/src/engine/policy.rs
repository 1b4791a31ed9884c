//! Looks up the policy of an upload, and the bounds of its usage.

use std::sync::Arc;

use crate::engine::pipeline::Pipeline;
use crate::policy::project::Project;
use crate::policy::upload::{Policy, grant_of};
use crate::record::account::{Account, Quota};
use crate::record::accounting::UsageChange;
use crate::record::upload::Record;
use crate::value::codes;
use crate::value::error::{Error, Fault};
use crate::value::lifetime::UploadMethod;
use crate::value::options::UploadOptions;
use crate::value::verdict::PROJECT;
use crate::value::verdict::Rejection;

impl Pipeline {
    /// The project with this key, as it is now.
    ///
    /// # Errors
    ///
    /// If it could not be looked up.
    pub async fn project(&self, public_key: &str) -> Result<Option<Arc<Project>>, Fault> {
        for provider in &self.inner().providers {
            if let Some(project) = provider.find(public_key).await? {
                return Ok(Some(project));
            }
        }
        Ok(None)
    }

    /// Whether every upload has to belong to a project. A pipeline without projects accepts every name of one.
    #[must_use]
    pub fn has_projects(&self) -> bool {
        !self.inner().providers.is_empty()
    }

    /// The project with this key, as the caller knows it or as it is now.
    pub(crate) async fn known_or_found(&self, public_key: &str) -> Result<Option<Arc<Project>>, Fault> {
        match self.known(public_key) {
            Some(known) => Ok(Some(known.clone())),
            None => self.project(public_key).await,
        }
    }

    /// The current policy of an upload with these options. A pipeline without projects accepts every project name.
    pub(crate) async fn policy(&self, options: &UploadOptions, method: UploadMethod) -> Result<Policy, Error> {
        let authorization = options.authorization.as_ref();
        let Some(key) = options
            .project
            .as_deref()
            .filter(|_| !self.inner().providers.is_empty())
        else {
            return Ok(Policy::new(None, authorization, method));
        };
        let Some(project) = self.known_or_found(key).await? else {
            let rejection = Rejection::new(codes::PROJECT_UNKNOWN, "no project has this key").with_subject(key);
            return Err(Error::rejected(PROJECT, rejection));
        };
        Ok(Policy::new(Some(project), authorization, method))
    }

    /// The policy of an upload that has to belong to a project. A pipeline with projects accepts no upload without one.
    pub(crate) async fn required_policy(&self, options: &UploadOptions, method: UploadMethod) -> Result<Policy, Error> {
        if options.project.is_none() && !self.inner().providers.is_empty() {
            let rejection = Rejection::new(codes::PROJECT_UNKNOWN, "the upload names no project");
            return Err(Error::rejected(PROJECT, rejection));
        }
        let policy = self.policy(options, method).await?;
        policy.lets_in(self.now())?;
        Ok(policy)
    }

    /// Adds to the usage of a new record the quotas of its project and sender for records of its kind.
    pub(crate) fn bounded(&self, record: &Record, mut usage_change: UsageChange) -> UsageChange {
        let limits = &self.inner().limits;
        if let Some(project) = &record.options.project {
            usage_change = usage_change
                .within(
                    &Account::fetches(project),
                    Quota::of(limits.max_queued_fetches_per_project),
                )
                .within(
                    &Account::unfinished(project),
                    Quota::of(limits.max_multiparts_per_project),
                );
        }
        match &record.options.sender {
            Some(sender) => usage_change
                .within(&Account::sender(sender), Quota::of(limits.max_multiparts_per_ip))
                .within(
                    &Account::fetches_of_client(sender),
                    Quota::of(limits.max_queued_fetches_per_ip),
                ),
            None => usage_change,
        }
    }

    /// Why a usage change exceeds a quota: a token has no use left, a project is full, or there are too many fetch jobs or
    /// unfinished uploads.
    pub(crate) async fn no_room(&self, record: &Record, usage_change: &UsageChange) -> Error {
        let bounded = usage_change.deltas.iter().filter(|line| line.quota != Quota::default());
        let mut full = Vec::new();
        let mut bounds = Vec::new();
        for line in bounded.filter(|line| line.change.files > 0 || line.change.bytes > 0) {
            let reason = reason(record, &line.account);
            match self.inner().recorder.catalog().usage(&line.account).await {
                // A used-up token is the reason that its holder can do something about.
                Ok(has) if !line.quota.allows(&has, &line.change) && reason.code == codes::TOKEN_USED_UP => {
                    return Error::rejected(PROJECT, reason);
                }
                Ok(has) if !line.quota.allows(&has, &line.change) => full.push(reason),
                Ok(_) => bounds.push(reason),
                Err(fault) => return fault.into(),
            }
        }
        // Another upload may have returned its usage meanwhile; then the reason is the first account that has a limit.
        let reason = full.into_iter().chain(bounds).next();
        Error::rejected(PROJECT, reason.unwrap_or_else(no_room_for_file))
    }
}

/// The rejection for an account that is full.
fn reason(record: &Record, account: &Account) -> Rejection {
    let project = record.options.project.as_deref().unwrap_or_default();
    if let Some(grant) =
        grant_of(record.options.authorization.as_ref()).filter(|grant| *account == Account::token(project, &grant.id))
    {
        let most = grant.uses.unwrap_or_default();
        let message = format!("the token was good for {most} uploads, which it has let in");
        return Rejection::new(codes::TOKEN_USED_UP, message).with_subject(&grant.id);
    }
    if *account == Account::fetches(project) {
        return Rejection::new(
            codes::TOO_MANY_ORDERS,
            "too many fetch jobs of this project wait already",
        );
    }
    if *account == Account::unfinished(project) {
        let message = "the project has too many unfinished uploads; complete some, or try again when some have ended";
        return Rejection::new(codes::TOO_MANY_UNFINISHED, message).with_subject(project);
    }
    match record.options.sender.as_deref() {
        Some(sender) if *account == Account::sender(sender) => {
            let message =
                "this address has too many unfinished uploads; complete some, or try again when some have ended";
            Rejection::new(codes::TOO_MANY_UNFINISHED, message).with_subject(sender)
        }
        Some(sender) if *account == Account::fetches_of_client(sender) => Rejection::new(
            codes::TOO_MANY_ORDERS,
            "too many fetch jobs of this address wait already",
        )
        .with_subject(sender),
        _ => no_room_for_file(),
    }
}

fn no_room_for_file() -> Rejection {
    Rejection::new(codes::QUOTA_EXCEEDED, "the project has no room for this file")
}
