//! `/from_url/` and `/from_url/status/`: files that the server fetches. See `docs/upload-api.md`, "From URL".
//!
//! What can be refused at once is refused at once; everything else becomes a job, which any node works on, and whose progress any
//! node can tell.

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

/// A header of those clients that read the word `unknown` as a total.
const READS_UNKNOWN_TOTAL: &str = "x-uc-user-agent";

/// Queues a fetch, or answers with the file that was fetched from there before, if the sender asks for that.
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
        // Whether it may be fetched could not be found out now; the fetch will.
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

/// How far a fetch is. Its token is enough to ask; a key need not be sent, but has to be right if it is.
pub(crate) async fn status(request: &mut Request<'_>) -> Result<Value, ApiError> {
    request.read_params().await?;
    let (api, params) = (request.api, &request.params);
    let key = params.get(KEY.0).or(params.get(KEY.1));
    let token = params
        .get("token")
        .ok_or_else(|| ApiError::new(&codes::TOKEN_MISSING))?;
    let found = match token.parse::<UploadId>() {
        Ok(id) => api.pipeline.status(id).await?,
        // Old tokens are forgotten, so one that never was is answered as they are.
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
            // Some of the others read a number there or nothing at all.
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
    match api.pipeline.get(upload).await {
        Ok(record) => Ok(json(Fetched {
            info: FileInfo::of(&record),
            status: "success",
        })),
        // It was fetched, and is gone.
        Err(Error::NotFound(_)) => Ok(not_fetched(&codes::DOWNLOADED_FILE_GONE.into())),
        Err(error) => Err(error.into()),
    }
}

/// Bytes that a fetched file of this project may have.
async fn limit_of(api: &Api, project: Option<&str>) -> Result<u64, ApiError> {
    let usual = api.pipeline.limits().max_size;
    let project = match project {
        Some(key) => api.pipeline.project(key).await.map_err(Error::from)?,
        None => None,
    };
    let of_project = project.and_then(|project| project.at_most(UploadMethod::FromUrl));
    Ok(of_project.map_or(usual, |most| most.min(usual)))
}

/// Why a fetch failed, with the codes of this endpoint: the Upload API has others for it than for what is refused at once.
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

/// The key under which what a project has fetched from a URL is found again.
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
