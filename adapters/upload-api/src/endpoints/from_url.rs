//! `/from_url/` and `/from_url/status/`: files that the server fetches. See `docs/upload-api.md`, "From URL".
//!
//! A request that can be refused at once is refused at once; any other becomes a fetch job, which any node runs, and whose
//! progress any node can report.

use intake_core::{Error, FetchJob, FileName, NewFetch, Project, Record, Rejection, State, UploadId, UploadMethod};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::api::Api;
use crate::codes;
use crate::error::{ApiError, FailureKind, RETRY_AFTER_SECS};
use crate::key_names::KEY;
use crate::options::{STORE_OF_URL, upload_options};
use crate::request::Request;
use crate::wire::{Fetched, FetchedBefore, FileInfo, NotFetched, Progress, Status, Token, Total};

/// A header of the clients that read the word `unknown` as a total.
const READS_UNKNOWN_TOTAL: &str = "x-uc-user-agent";

/// Queues a fetch, or answers with the file that was fetched from this URL before, if the sender asks for that.
pub(crate) async fn fetch(request: &mut Request<'_>) -> Result<Value, ApiError> {
    request.read_params().await?;
    let authorized = request.authorize().await?;
    let (pipeline, params) = (request.pipeline(), &mut request.params);
    if !pipeline.can_fetch() {
        let message = "Upload failed: this server fetches no files from elsewhere.";
        return Err(ApiError::new(&codes::UPLOAD_REFUSED).with_message(message));
    }
    let url = params
        .get("source_url")
        .ok_or_else(|| ApiError::new(&codes::SOURCE_URL_MISSING))?
        .to_owned();
    let check = flag(params.get("check_URL_duplicates"));
    let save = params.get("save_URL_duplicates").map_or(check, |save| flag(Some(save)));
    let name = params.get("filename").and_then(FileName::new);
    let source_key = source_key(&authorized.project, &url);
    let options = upload_options(&authorized, params, STORE_OF_URL)?
        .with(|options| options.source_key = save.then(|| source_key.clone()));
    match pipeline.check_source(&url).await {
        Ok(()) => {}
        // Whether the URL may be fetched is unknown now; the fetch job finds out.
        Err(Error::Interrupted(_)) => {}
        Err(error) => return Err(error.into()),
    }
    if check && let Some(record) = pipeline.find_by_source_key(&source_key).await.map_err(Error::from)? {
        return Ok(json(FetchedBefore {
            kind: "file_info",
            info: FileInfo::of(&record),
        }));
    }
    let fetch_job = FetchJob::new(url).with(|job| job.name = name);
    match pipeline.queue_fetch(NewFetch::new(fetch_job, options)).await {
        Ok(record) => Ok(json(Token {
            kind: "token",
            token: record.id.to_string(),
        })),
        Err(Error::Rejected { rejection, .. }) if rejection.code == intake_core::codes::TOO_MANY_ORDERS => {
            Err(ApiError::new(&codes::THROTTLED).retry_after(RETRY_AFTER_SECS))
        }
        Err(error) => Err(error.into()),
    }
}

/// The progress of a fetch. Its token is enough; a key is optional, but has to be right.
pub(crate) async fn status(request: &mut Request<'_>) -> Result<Value, ApiError> {
    request.read_params().await?;
    let (api, params) = (request.api, &request.params);
    let key = params.get(KEY.0).or(params.get(KEY.1));
    let token = params
        .get("token")
        .ok_or_else(|| ApiError::new(&codes::TOKEN_MISSING))?;
    let found = match token.parse::<UploadId>() {
        Ok(id) => api.pipeline.status(id).await?,
        // Old fetch jobs are deleted, so an unknown token gets the same answer.
        Err(_) => None,
    };
    let has_key = |record: &Record| key.is_none() || record.options.project.as_deref() == key;
    let found = found.filter(has_key);
    let job = found.and_then(|record| Some((record.state, record.options.project, record.fetch_job?)));
    let Some((state, project, fetch_job)) = job else {
        return Ok(json(Status { status: "unknown" }));
    };
    Ok(match &state {
        State::Fetching => match fetch_job.total {
            Some(total) => progress(&fetch_job, Total::Bytes(total)),
            None if fetch_job.done > 0 && request.headers.contains_key(READS_UNKNOWN_TOTAL) => {
                progress(&fetch_job, Total::Word("unknown"))
            }
            // Some other clients read only a number there.
            None => json(Status { status: "waiting" }),
        },
        State::Queued => json(Status { status: "waiting" }),
        State::Fetched => fetched(api, &fetch_job).await?,
        State::Rejected(rejection) => {
            let limit = limit_of(api, project.as_deref()).await?;
            not_fetched(&download_error(limit, rejection))
        }
        _ => json(Status { status: "unknown" }),
    })
}

fn progress(fetch_job: &FetchJob, total: Total) -> Value {
    let done = fetch_job.done;
    json(Progress {
        status: "progress",
        done,
        total,
    })
}

async fn fetched(api: &Api, fetch_job: &FetchJob) -> Result<Value, ApiError> {
    let Some(upload) = fetch_job.upload else {
        return Ok(not_fetched(&codes::DOWNLOADED_FILE_GONE.into()));
    };
    match api.pipeline.acknowledged(upload).await {
        Ok(record) => Ok(json(Fetched {
            info: FileInfo::of(&record),
            status: "success",
        })),
        // The file was fetched, and is deleted.
        Err(Error::NotFound(_)) => Ok(not_fetched(&codes::DOWNLOADED_FILE_GONE.into())),
        Err(error) => Err(error.into()),
    }
}

/// The most bytes of a fetched file of this project.
async fn limit_of(api: &Api, project: Option<&str>) -> Result<u64, ApiError> {
    let usual = api.pipeline.limits().max_size;
    let project = match project {
        Some(key) => api.pipeline.project(key).await.map_err(Error::from)?,
        None => None,
    };
    let of_project = project.and_then(|project| project.at_most(UploadMethod::FromUrl));
    Ok(of_project.map_or(usual, |most| most.min(usual)))
}

/// The error of a failed fetch, with the codes of this endpoint: the Upload API has others for errors that are known at once.
fn download_error(limit: u64, rejection: &Rejection) -> ApiError {
    use intake_core::codes as core;

    let subject = rejection.subject.as_deref().unwrap_or("unknown");
    let error = ApiError::from_rejection(rejection);
    let code = rejection.code.as_str();
    if code == core::TOO_LARGE.as_str() {
        return ApiError::new(&codes::DOWNLOAD_TOO_LARGE).arg(subject).arg(limit);
    }
    if code == core::TIMED_OUT.as_str() {
        return ApiError::new(&codes::DOWNLOAD_TOO_SLOW).arg(subject);
    }
    if code == core::CANCELLED.as_str() {
        return codes::DOWNLOAD_CANCELLED.into();
    }
    if code == codes::DOWNLOAD_FAILED.as_str() {
        // The message of the reference has no place for the reason.
        let message = format!("Failed to download the file: {}.", rejection.message);
        return error.with_message(message);
    }
    if code.starts_with("download_") {
        return error;
    }
    if code == core::INTERRUPTED.as_str() || code == core::SIZE_MISMATCH.as_str() {
        return ApiError::new(&codes::DOWNLOAD_BROKEN).arg("the source broke off");
    }
    let message = error.message();
    match error.failure_kind() {
        // A redirect led there. The message around it has a full stop of its own.
        FailureKind::Url => ApiError::new(&codes::DOWNLOAD_URL_INVALID).arg(message.trim_end_matches('.')),
        FailureKind::Content => ApiError::new(&codes::DOWNLOAD_REFUSED).arg(message),
        FailureKind::Fault => codes::DOWNLOAD_FAULT.into(),
    }
}

fn not_fetched(error: &ApiError) -> Value {
    json(NotFetched {
        status: "error",
        error: &error.message(),
        error_code: error.api_code(),
    })
}

/// `1` and any other value are yes; `0`, `false` and none are no.
fn flag(value: Option<&str>) -> bool {
    value.is_some_and(|value| value != "0" && value != "false")
}

/// The source key of a URL that a project has fetched.
fn source_key(project: &Project, url: &str) -> String {
    let mut hasher = Sha256::new();
    for part in [project.public_key.as_str(), "\0", url] {
        hasher.update(part.as_bytes());
    }
    format!("url:{}", hex::encode(hasher.finalize()))
}

fn json(shape: impl serde::Serialize) -> Value {
    serde_json::to_value(shape).unwrap_or_default()
}
