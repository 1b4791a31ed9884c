//! The log line and the metrics of each upload: what it was, how it ended, and which stage refused it.

use std::time::Instant;

use tracing::{error, info};

use crate::contract::measure;
use crate::record::quarantine::Quarantine;
use crate::record::upload::Record;
use crate::value::error::Error;
use crate::value::evidence::Declared;
use crate::value::file_name::FileName;
use crate::value::id::UploadId;
use crate::value::lifetime::UploadMethod;
use crate::value::options::UploadOptions;
use crate::value::verdict::{Code, Rejection};

/// The fields of the log line of an upload besides its outcome. Values from the sender are quoted and escaped.
#[derive(Clone)]
pub(crate) struct UploadLog {
    id: UploadId,
    pub(crate) method: UploadMethod,
    name: Option<FileName>,
    size: Option<u64>,
    project: Option<String>,
    /// The id of the token that authorized the upload.
    token: Option<String>,
    started: Instant,
}

/// Writes the line at a level, with the common fields and more.
macro_rules! line {
    ($level:ident, $log:expr, $($more:tt)*) => {
        $level!(
            target: "intake::upload",
            id = %$log.id,
            method = $log.method.name(),
            project = $log.project.as_deref(),
            name = $log.name.as_deref(),
            token = $log.token.as_deref(),
            millis = $log.started.elapsed().as_millis() as u64,
            $($more)*
        )
    };
}

impl UploadLog {
    /// The log of an upload that begins now.
    pub(crate) fn new(id: UploadId, method: UploadMethod, declared: &Declared, options: &UploadOptions) -> Self {
        let mut log = Self {
            id,
            method,
            name: declared.name.clone(),
            size: declared.size,
            project: None,
            token: None,
            started: Instant::now(),
        };
        log.belongs_to(options);
        log
    }

    pub(crate) fn id(&self) -> UploadId {
        self.id
    }

    /// Sets the project of the upload, and the token that authorized it.
    pub(crate) fn belongs_to(&mut self, options: &UploadOptions) {
        self.project.clone_from(&options.project);
        let grant = options.authorization.as_ref().and_then(|by| by.grant.as_ref());
        self.token = grant.map(|grant| grant.id.clone());
    }

    /// The upload was acknowledged: it is readable, or waits in quarantine for a scanner that failed.
    pub(crate) fn ended_well(&self, record: &Record) {
        match &record.quarantine {
            None => self.accepted(record),
            Some(quarantine) => self.quarantined(record, quarantine),
        }
    }

    /// The upload was put into quarantine.
    pub(crate) fn quarantined(&self, record: &Record, quarantine: &Quarantine) {
        let Rejection {
            code,
            message,
            subject,
            by,
            ..
        } = &quarantine.reason;
        self.count("quarantined", Some(code));
        measure::quarantined(quarantine.cause.name(), false);
        line!(
            info,
            self,
            state = "quarantined",
            size = record.facts.as_ref().map(|facts| facts.size),
            cause = quarantine.cause.name(),
            code = code.as_str(),
            by = by.as_deref(),
            subject = subject.as_deref(),
            reason = message.as_str(),
            "upload quarantined"
        );
    }

    /// Every stage accepted the upload, and it is readable.
    pub(crate) fn accepted(&self, ready: &Record) {
        self.count("ready", None);
        let facts = ready.facts.as_ref();
        measure::accepted(self.method, facts.map_or(0, |facts| facts.size));
        let media_type = facts.and_then(|facts| facts.media_type.as_ref());
        line!(
            info,
            self,
            state = "ready",
            size = facts.map(|facts| facts.size),
            "type" = media_type.map(crate::value::media_type::MediaType::as_str),
            "upload accepted"
        );
    }

    fn count(&self, ending: &'static str, code: Option<&Code>) {
        measure::upload_ended(self.method, ending, code, self.started.elapsed());
    }

    /// The upload ended otherwise. A fault is for the operator to correct, so it is an error line with all of its causes.
    pub(crate) fn failed(&self, error: &Error) {
        let size = self.size;
        match error {
            Error::Rejected { by, rejection } => self.refused(by, rejection),
            Error::Interrupted(why) => {
                let (code, reason) = (error.code(), error.rejection().map(ToString::to_string));
                let reason = reason.unwrap_or_else(|| why.to_string());
                self.count("interrupted", Some(&code));
                let code = code.as_str();
                line!(
                    info,
                    self,
                    state = "interrupted",
                    size,
                    code,
                    reason,
                    "upload broke off"
                );
            }
            Error::NotFound(_) => {
                self.count("not_found", Some(&error.code()));
                line!(info, self, state = "not_found", size, "upload not found");
            }
            Error::Fault(fault) => {
                self.count("fault", Some(&fault.code));
                let (code, reason) = (fault.code.as_str(), fault.report());
                line!(error, self, state = "fault", size, code, reason, "upload failed");
            }
        }
    }

    /// A stage or the caller rejected the upload.
    pub(crate) fn refused(&self, by: &str, rejection: &Rejection) {
        let Rejection {
            code, message, subject, ..
        } = rejection;
        self.count("rejected", Some(code));
        line!(
            info,
            self,
            state = "rejected",
            size = self.size,
            code = code.as_str(),
            by,
            subject = subject.as_deref(),
            reason = message.as_str(),
            "upload refused"
        );
    }
}
