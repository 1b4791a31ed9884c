//! The rules for one upload: those of its project, and those of the token that authorized it.

use std::sync::Arc;
use std::time::SystemTime;

use crate::contract::stages::Validator;
use crate::policy::project::Project;
use crate::policy::rules::ProjectRules;
use crate::record::books::Quota;
use crate::value::error::Error;
use crate::value::id::Place;
use crate::value::lifetime::Door;
use crate::value::lifetime::{Lifetime, Retention};
use crate::value::pass::{Grant, Pass};
use crate::value::verdict::PROJECT;
use crate::value::verdict::Rejection;
use crate::value::verdict::Verdict;

/// The rules for one upload. As long as its project is not known, there are none but those of its token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    project: Option<Arc<Project>>,
    pass: Option<Pass>,
    door: Door,
}

pub(crate) fn grant_of(pass: Option<&Pass>) -> Option<&Grant> {
    pass.and_then(|pass| pass.grant.as_ref())
}

impl Policy {
    /// The rules for an upload of this project, with this authorization, that arrives in this way.
    pub(crate) fn new(project: Option<Arc<Project>>, pass: Option<&Pass>, door: Door) -> Self {
        Self {
            project,
            pass: pass.cloned(),
            door,
        }
    }

    /// The rules of a token alone.
    pub(crate) fn of_pass(pass: Option<&Pass>) -> Self {
        Self {
            pass: pass.cloned(),
            ..Self::default()
        }
    }

    fn grant(&self) -> Option<&Grant> {
        grant_of(self.pass.as_ref())
    }

    /// Checks whether the bytes may be read. The authorization may follow the bytes, so it may still be missing.
    pub(crate) fn may_come(&self, now: SystemTime) -> Result<(), Error> {
        match &self.project {
            Some(project) if self.pass.is_none() => {
                let refusal = project.standing.refusal(&project.public_key);
                refusal.map_or(Ok(()), Err).map_err(refused)
            }
            _ => self.lets_in(now),
        }
    }

    /// Checks whether the project accepts the upload now, with its authorization.
    pub(crate) fn lets_in(&self, now: SystemTime) -> Result<(), Error> {
        match &self.project {
            Some(project) => project.lets_in(self.pass.as_ref(), now).map_err(refused),
            None => self
                .grant()
                .map_or(Ok(()), |grant| grant.still_holds(now))
                .map_err(refused),
        }
    }

    /// The most bytes that the upload may have: `limit`, or less if the project or the token has a lower limit.
    pub(crate) fn at_most(&self, limit: u64) -> u64 {
        let of_project = self.project.as_ref().and_then(|project| project.at_most(self.door));
        let of_token = self.grant().and_then(|grant| grant.max_size);
        [of_project, of_token].into_iter().flatten().fold(limit, u64::min)
    }

    /// Asks the rules of the project, then those of the token; the first "no" is the answer.
    pub(crate) fn judge(&self, ask: impl Fn(&dyn Validator) -> Verdict) -> Result<(), Error> {
        let of_project = self.project.as_deref().map(|project| ProjectRules {
            project,
            door: self.door,
        });
        let of_project = of_project.as_ref().map(|rules| rules as &dyn Validator);
        let of_token = self.grant().map(|grant| grant as &dyn Validator);
        for rules in [of_project, of_token].into_iter().flatten() {
            if let Verdict::Reject(rejection) = ask(rules) {
                return Err(refused(rejection));
            }
        }
        Ok(())
    }

    pub(crate) fn wish(&self, said: Retention) -> Retention {
        self.grant().and_then(|grant| grant.wish).unwrap_or(said)
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
    pub(crate) fn place(&self) -> Place {
        self.project.as_ref().map_or_else(Place::default, |project| Place {
            store: project.store.clone(),
            prefix: project.prefix.clone(),
        })
    }
}

fn refused(rejection: Rejection) -> Error {
    Error::rejected(PROJECT, rejection)
}
