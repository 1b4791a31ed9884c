//! The rules for one upload: those of its project, and those of the token that authorized it.

use std::sync::Arc;
use std::time::SystemTime;

use crate::contract::stages::Validator;
use crate::policy::project::Project;
use crate::record::account::Quota;
use crate::value::authorization::{Authorization, Grant};
use crate::value::error::Error;
use crate::value::id::Location;
use crate::value::lifetime::UploadMethod;
use crate::value::lifetime::{Lifetime, Retention};
use crate::value::verdict::PROJECT;
use crate::value::verdict::Rejection;
use crate::value::verdict::Verdict;

/// The rules for one upload. As long as its project is not known, there are none but those of its token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    project: Option<Arc<Project>>,
    authorization: Option<Authorization>,
    method: UploadMethod,
}

pub(crate) fn grant_of(authorization: Option<&Authorization>) -> Option<&Grant> {
    authorization.and_then(|authorization| authorization.grant.as_ref())
}

impl Policy {
    /// The rules for an upload of this project, with this authorization, that arrives in this way.
    pub(crate) fn new(
        project: Option<Arc<Project>>,
        authorization: Option<&Authorization>,
        method: UploadMethod,
    ) -> Self {
        Self {
            project,
            authorization: authorization.cloned(),
            method,
        }
    }

    /// The rules of a token alone.
    pub(crate) fn of_authorization(authorization: Option<&Authorization>) -> Self {
        Self {
            authorization: authorization.cloned(),
            ..Self::default()
        }
    }

    pub(crate) fn method(&self) -> UploadMethod {
        self.method
    }

    fn grant(&self) -> Option<&Grant> {
        grant_of(self.authorization.as_ref())
    }

    /// Checks whether the bytes may be read. The authorization may follow the bytes, so it may still be missing.
    pub(crate) fn may_come(&self, now: SystemTime) -> Result<(), Error> {
        match &self.project {
            Some(project) if self.authorization.is_none() => {
                let refusal = project.status.refusal(&project.public_key);
                refusal.map_or(Ok(()), Err).map_err(refused)
            }
            _ => self.lets_in(now),
        }
    }

    /// Checks whether the project accepts the upload now, with its authorization.
    pub(crate) fn lets_in(&self, now: SystemTime) -> Result<(), Error> {
        match &self.project {
            Some(project) => project.lets_in(self.authorization.as_ref(), now).map_err(refused),
            None => self
                .grant()
                .map_or(Ok(()), |grant| grant.still_holds(now))
                .map_err(refused),
        }
    }

    /// The most bytes that the upload may have: `limit`, or less if the project or the token has a lower limit.
    pub(crate) fn at_most(&self, limit: u64) -> u64 {
        let of_project = self.project.as_ref().and_then(|project| project.at_most(self.method));
        let of_token = self.grant().and_then(|grant| grant.max_size);
        [of_project, of_token].into_iter().flatten().fold(limit, u64::min)
    }

    /// Asks the rules of the project, then those of the token; the first "no" is the answer.
    pub(crate) fn judge(&self, ask: impl Fn(&dyn Validator) -> Verdict) -> Result<(), Error> {
        let of_project = self.project.as_deref().map(|project| project as &dyn Validator);
        let of_token = self.grant().map(|grant| grant as &dyn Validator);
        for rules in [of_project, of_token].into_iter().flatten() {
            if let Verdict::Reject(rejection) = ask(rules) {
                return Err(refused(rejection));
            }
        }
        Ok(())
    }

    pub(crate) fn retention(&self, said: Retention) -> Retention {
        self.grant().and_then(|grant| grant.retention).unwrap_or(said)
    }

    /// The lifetime of the upload. The limit of a token counts from `began`, that of the project from `now`.
    pub(crate) fn lifetime(&self, usual: Lifetime, now: SystemTime, began: SystemTime) -> Lifetime {
        let of_project = self
            .project
            .as_ref()
            .map_or(usual, |project| project.lifetime(usual, now));
        self.grant()
            .map_or(of_project, |grant| grant.lifetime(of_project, began))
    }

    pub(crate) fn quota(&self) -> Quota {
        self.project.as_ref().map(|project| project.quota()).unwrap_or_default()
    }

    /// The place for the bytes.
    pub(crate) fn location(&self) -> Location {
        self.project
            .as_ref()
            .map_or_else(Location::default, |project| Location {
                store: project.store.clone(),
                prefix: project.prefix.clone(),
            })
    }
}

fn refused(rejection: Rejection) -> Error {
    Error::rejected(PROJECT, rejection)
}
