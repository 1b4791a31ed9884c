//! The quarantine: uploads whose bytes are kept, and which no route reads. Operators list, release and delete them; each decision
//! is logged, and stays in the record.

use std::collections::BTreeMap;
use std::time::SystemTime;

use tracing::{info, warn};

use crate::contract::stages::ListingOfAll;
use crate::engine::admitted::Admitted;
use crate::engine::failure::Failure;
use crate::engine::files::LONGEST_PAGE;
use crate::engine::judged::Held;
use crate::engine::pipeline::Pipeline;
use crate::policy::upload::Policy;
use crate::record::event::Event;
use crate::record::quarantine::{AuditAction, Quarantine};
use crate::record::upload::{Record, State};
use crate::value::error::{Error, Fault};
use crate::value::id::UploadId;
use crate::value::lifetime::{Lifetime, UploadMethod};
use crate::value::verdict::RECEIVE;

impl Pipeline {
    /// Uploads in quarantine, of all projects, the newest first, after the record `behind`. At most 1,000 per call.
    ///
    /// # Errors
    ///
    /// If they could not be looked up.
    pub async fn quarantined(
        &self,
        behind: Option<(SystemTime, UploadId)>,
        limit: usize,
    ) -> Result<Vec<Record>, Fault> {
        let recorder = &self.inner().recorder;
        let limit = limit.min(LONGEST_PAGE);
        recorder.list_all(ListingOfAll::Quarantined, behind, limit).await
    }

    /// Makes an upload readable that is in quarantine, whatever the scanners said of it. `by` names who decided it; the name is
    /// logged, and stays in the record. If the lifetime of the upload has ended meanwhile, it begins anew.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such upload in quarantine, and faults of the recorder.
    pub async fn release(&self, id: UploadId, by: &str) -> Result<Record, Error> {
        let record = self.inner().recorder.get(id).await?.ok_or(Error::NotFound(id))?;
        let lifetime = self.lifetime_of(&record, self.now()).await.ok_or(Error::NotFound(id))?;
        let engines = self.engines().await.into_iter();
        let signatures: BTreeMap<_, _> = engines
            .filter_map(|(stage, engine)| Some((stage, engine.signatures?)))
            .collect();
        let by = operator(by);
        let approve = |_: &Record, _| {
            Some(Event::Approve {
                by: by.clone(),
                inspections: None,
                notes: BTreeMap::new(),
                signatures: signatures.clone(),
                lifetime,
            })
        };
        let released = self.change(id, approve).await?;
        audit(&released, AuditAction::Released, &by);
        Ok(released)
    }

    /// Deletes an upload that is in quarantine, with its bytes. `by` names who decided it; the name is logged, and stays in the
    /// record.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if there is no such upload in quarantine, and faults of the recorder.
    pub async fn discard_quarantined(&self, id: UploadId, by: &str) -> Result<(), Error> {
        let by = operator(by);
        let deleting = self.change(id, |_, _| Some(Event::Discard { by: by.clone() })).await?;
        audit(&deleting, AuditAction::Deleted, &by);
        self.finish_deletion(&deleting).await;
        Ok(())
    }

    /// Deletes an acknowledged upload that is not wanted any more: one that can be read, or that waits in quarantine for a scanner.
    pub(crate) async fn discard_unwanted(&self, id: UploadId) -> Result<(), Error> {
        let is_there = |record: &Record| record.state == State::Ready || record.is_pending();
        let wanted = |record: &Record, _| is_there(record).then_some(Event::Delete);
        let deleting = self.change(id, wanted).await?;
        self.finish_deletion(&deleting).await;
        Ok(())
    }

    /// The lifetime of an upload that leaves its quarantine: its own, or a new one within the rules of its project if that has ended.
    /// `None`: the upload has none, as its content is not known.
    pub(crate) async fn lifetime_of(&self, record: &Record, now: SystemTime) -> Option<Lifetime> {
        if let Some(lifetime) = record.lifetime.filter(|_| !record.has_expired(now)) {
            return Some(lifetime);
        }
        let facts = record.facts.as_ref()?;
        let policy = self.policy(&record.options, UploadMethod::Direct).await;
        // A removed project has no rules any more.
        let policy = policy.unwrap_or_else(|_| Policy::of_authorization(record.options.authorization.as_ref()));
        let retention = policy.retention(record.options.retention);
        let lifetime = self.inner().expirer.lifetime(facts, retention, now);
        Some(policy.lifetime(lifetime, now, now))
    }

    /// A quarantine that begins now.
    pub(crate) fn quarantine_of(&self, held: &Held, now: SystemTime) -> Quarantine {
        let until = now + self.inner().periods.quarantine;
        Quarantine::new(held.cause, held.reason.clone(), now, until)
    }

    /// Puts those uploads into quarantine that a scanner refused, and leaves the others, which are refused for that: uploads of
    /// one request become readable together or not at all. An upload that cannot be put there is refused like the others.
    pub(super) async fn quarantine_refused(&self, uploads: &mut Vec<Admitted>, policies: Vec<Policy>) -> Failure {
        let refusal = uploads.iter().filter(|upload| upload.is_refused());
        let refusal = refusal.filter_map(Admitted::held).next().cloned();
        for (mut upload, policy) in std::mem::take(uploads).into_iter().zip(policies) {
            if !upload.is_refused() {
                uploads.push(upload);
                continue;
            }
            let kept = async {
                upload.attempt.make_durable(&upload.facts, &policy).await?;
                self.make_readable(std::slice::from_ref(&upload), &[policy]).await
            };
            match kept.await {
                Ok(records) => {
                    for record in &records {
                        upload.attempt.log.ended_well(record);
                    }
                }
                Err(failure) => {
                    let (id, why) = (upload.id(), failure.error().to_string());
                    warn!(%id, why, "could not put an upload into quarantine");
                    // If the outcome is unknown, the upload may be in quarantine: its bytes stay until its lease ends.
                    if !matches!(failure, Failure::Leave(_)) {
                        uploads.push(upload);
                    }
                }
            }
        }
        match refusal {
            Some(refusal) => Failure::Refuse(Error::rejected(&by(&refusal.by), refusal)),
            None => unreachable!("only an upload with a reason is refused"),
        }
    }
}

/// An operator's name, which is not that of a scanner.
fn operator(name: &str) -> String {
    format!("operator {name}")
}

fn by(stage: &Option<String>) -> String {
    stage.clone().unwrap_or_else(|| RECEIVE.to_owned())
}

/// The refusal of an upload that is in quarantine.
pub(crate) fn in_quarantine(record: &Record) -> Error {
    let reason = record.quarantine.as_ref().map(|quarantine| quarantine.reason.clone());
    match (reason, &record.state) {
        (Some(reason), State::Quarantined) => Error::rejected(&by(&reason.by), reason),
        _ => Error::NotFound(record.id),
    }
}

/// The log line of a decision about an upload in quarantine.
pub(crate) fn audit(record: &Record, action: AuditAction, by: &str) {
    let digest = record.facts.as_ref().map(|facts| facts.digest.to_string());
    info!(
        target: "intake::audit",
        id = %record.id,
        project = record.options.project.as_deref(),
        action = action.name(),
        by,
        sha256 = digest,
        "quarantine"
    );
}
