//! `/from_url/` and `/from_url/status/`: files that are fetched from where somebody points to (wire facts, section 5).
//!
//! What can be said at once is said at once; everything else becomes an order, which any node fetches, and of which any node
//! can tell how far it is.

use intake_core::{Door, Error, FileName, Order, Project, Pull, Record, Rejection, State, Terms, UploadId};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::api::Api;
use crate::error::{COME_AGAIN, Group, Refusal, codes};
use crate::key_names::KEY;
use crate::options::terms;
use crate::params::Params;
use crate::reading::read_params;
use crate::visit::Visit;
use crate::wire::{Fetched, FetchedBefore, FileInfo, NotFetched, Progress, Status, Token, Total};

/// A header that only those clients send which know an unknown total by the word (wire facts, section 5.4).
const KNOWS_THE_WORD: &str = "x-uc-user-agent";

/// Takes an order, or answers with the file that was fetched from there before, if that is asked for.
pub(crate) async fn order(api: &Api, visit: &Visit<'_>, params: &mut Params) -> Result<Value, Refusal> {
    read_params(api, visit, params).await?;
    let let_in = visit.let_in(api, params, KEY).await?;
    if !api.pipeline.can_pull() {
        return Err(Refusal::saying(
            "Upload failed: this server fetches no files from elsewhere.",
        ));
    }
    let url = params
        .get("source_url")
        .ok_or_else(|| Refusal::new(&codes::SOURCE_URL_MISSING))?
        .to_owned();
    let check = flag(params.get("check_URL_duplicates"));
    let save = params.get("save_URL_duplicates").map_or(check, |save| flag(Some(save)));
    let name = params.get("filename").and_then(FileName::new);
    let known_as = known_as(&let_in.project, &url);
    let terms = Terms {
        known_as: save.then(|| known_as.clone()),
        ..terms(&let_in, params, "store")?
    };
    match api.pipeline.judge_source(&url).await {
        Ok(()) => {}
        // Whether it may be fetched could not be found out now; whoever fetches it finds out.
        Err(Error::Interrupted(_)) => {}
        Err(error) => return Err(error.into()),
    }
    if check && let Some(record) = api.pipeline.known_as(&known_as).await.map_err(Error::from)? {
        return Ok(json(FetchedBefore {
            kind: "file_info",
            info: FileInfo::of(&record),
        }));
    }
    let pull = Pull { name, ..Pull::new(url) };
    match api.pipeline.order(Order::new(pull, terms)).await {
        Ok(record) => Ok(json(Token {
            kind: "token",
            token: record.id.to_string(),
        })),
        Err(Error::Rejected { rejection, .. }) if rejection.code == intake_core::codes::TOO_MANY_ORDERS => {
            Err(Refusal::new(&codes::THROTTLED).retry_after(COME_AGAIN))
        }
        Err(error) => Err(error.into()),
    }
}

/// Tells how far an order is. Whoever knows its token may ask; who says whose it is, has to be right.
pub(crate) async fn status(api: &Api, visit: &Visit<'_>, params: &Params) -> Result<Value, Refusal> {
    let headers = visit.headers;
    let asks = params.get(KEY.0).or(params.get(KEY.1));
    let token = params.get("token").ok_or_else(|| Refusal::new(&codes::TOKEN_MISSING))?;
    let found = match token.parse::<UploadId>() {
        Ok(id) => api.pipeline.status(id).await?,
        // Old tokens are forgotten, so one that never was is nothing else.
        Err(_) => None,
    };
    let is_theirs = |record: &Record| asks.is_none() || record.project.as_deref() == asks;
    let found = found.filter(is_theirs);
    let order = found.and_then(|record| Some((record.state, record.project, record.pull?)));
    let Some((state, project, pull)) = order else {
        return Ok(json(Status { status: "unknown" }));
    };
    Ok(match &state {
        State::Pulling => match pull.total {
            Some(total) => progress(&pull, Total::Bytes(total)),
            None if pull.done > 0 && headers.contains_key(KNOWS_THE_WORD) => progress(&pull, Total::Word("unknown")),
            // Some of the others read a number there or nothing at all.
            None => json(Status { status: "waiting" }),
        },
        State::Waiting => json(Status { status: "waiting" }),
        State::Pulled => fetched(api, &pull).await?,
        State::Rejected(rejection) => {
            let limit = limit_of(api, project.as_deref()).await?;
            not_fetched(&download_refusal(limit, rejection))
        }
        _ => json(Status { status: "unknown" }),
    })
}

fn progress(pull: &Pull, total: Total) -> Value {
    let done = pull.done;
    json(Progress {
        status: "progress",
        done,
        total,
    })
}

async fn fetched(api: &Api, pull: &Pull) -> Result<Value, Refusal> {
    let Some(upload) = pull.upload else {
        return Ok(not_fetched(&codes::DOWNLOADED_FILE_GONE.into()));
    };
    match api.pipeline.get(upload).await {
        Ok(record) => Ok(json(Fetched {
            info: FileInfo::of(&record),
            status: "success",
        })),
        // It was fetched, and has left since.
        Err(Error::NotFound(_)) => Ok(not_fetched(&codes::DOWNLOADED_FILE_GONE.into())),
        Err(error) => Err(error.into()),
    }
}

/// Bytes that a file of this project's may have which is fetched.
async fn limit_of(api: &Api, project: Option<&str>) -> Result<u64, Refusal> {
    let usual = api.pipeline.limits().max_size;
    let project = match project {
        Some(key) => api.pipeline.project(key).await.map_err(Error::from)?,
        None => None,
    };
    let of_project = project.and_then(|project| project.at_most(Door::Pull));
    Ok(of_project.map_or(usual, |most| most.min(usual)))
}

/// Why an order came to nothing, in the words of this endpoint: the wire has others for it than for what is refused at once.
fn download_refusal(limit: u64, rejection: &Rejection) -> Refusal {
    use intake_core::codes as core;

    let subject = rejection.subject.as_deref().unwrap_or("unknown");
    let refusal = Refusal::of_rejection(rejection);
    let code = rejection.code.as_str();
    if code == core::TOO_LARGE.as_str() {
        return Refusal::new(&codes::DOWNLOAD_TOO_LARGE).arg(subject).arg(limit);
    }
    if code == core::TIMED_OUT.as_str() {
        return Refusal::new(&codes::DOWNLOAD_TOO_SLOW).arg(subject);
    }
    if code == core::CANCELLED.as_str() {
        return codes::DOWNLOAD_CANCELLED.into();
    }
    if code == codes::DOWNLOAD_FAILED.as_str() {
        // The wire's sentence has no place for the reason.
        let words = format!("Failed to download the file: {}.", rejection.message);
        return refusal.in_words(words);
    }
    if code.starts_with("download_") {
        return refusal;
    }
    if code == core::INTERRUPTED.as_str() || code == core::SIZE_MISMATCH.as_str() {
        return Refusal::new(&codes::DOWNLOAD_BROKEN).arg("the source broke off");
    }
    let said = refusal.sentence();
    match refusal.group() {
        // A redirect has led somewhere. The sentence around it has a full stop of its own.
        Group::Url => Refusal::new(&codes::DOWNLOAD_URL_INVALID).arg(said.trim_end_matches('.')),
        Group::Content => Refusal::new(&codes::DOWNLOAD_REFUSED).arg(said),
        Group::Fault => codes::DOWNLOAD_FAULT.into(),
    }
}

fn not_fetched(refusal: &Refusal) -> Value {
    json(NotFetched {
        status: "error",
        error: &refusal.sentence(),
        error_code: refusal.code(),
    })
}

/// `1`, and whatever else people write; not `0` and nothing.
fn flag(value: Option<&str>) -> bool {
    value.is_some_and(|value| value != "0" && value != "false")
}

/// The name under which what was fetched from a URL is found again: each project's own.
fn known_as(project: &Project, url: &str) -> String {
    let mut hasher = Sha256::new();
    for part in [project.public_key.as_str(), "\0", url] {
        hasher.update(part.as_bytes());
    }
    format!("url:{}", hex::encode(hasher.finalize()))
}

fn json(shape: impl serde::Serialize) -> Value {
    serde_json::to_value(shape).unwrap_or_default()
}
