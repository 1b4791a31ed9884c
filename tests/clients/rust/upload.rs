//! Drives the published Rust client, as published, against the server under test.
//!
//! ```text
//! upload SCENARIO JSON
//! ```
//!
//! prints one JSON object on stdout. When the client fails, its error goes to stderr and the exit code is 1; a call which
//! cannot be understood exits with 2.
//!
//! The client knows one address only, `https://upload.uploadcare.com`, and takes no other. So whoever runs this leads it
//! elsewhere by what its HTTP library listens to: `HTTPS_PROXY` is a proxy that connects to the server under test whatever
//! it is asked for, `SSL_CERT_FILE` holds the certificate that is shown there.
//!
//! JSON holds `publicKey`, `secretKey` where uploads are signed, and what a scenario names below.

use std::collections::HashMap;
use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use ucare::upload::{
    FileInfo, FileParams, FileToken, FromUrlData, FromUrlParams, FromUrlStatusData, GroupInfo, MultipartParams,
    Service, ToStore, UrlDuplicates, new_svc,
};
use ucare::{ApiCreds, ErrValue, UploadClient, UploadConfig};

/// The client's own part size: it has no way to ask for another.
const PART: usize = 5_242_880;

/// A server that never answers must not hold the test run for ever.
const DEADLINE: Duration = Duration::from_secs(300);

/// What a caller of a backend waits before it asks again how far a file is.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(100);

#[derive(Debug)]
enum Failure {
    Usage(String),
    Client(ucare::Error),
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Other(text) => out.write_str(text),
            Self::Client(error) => error.fmt(out),
        }
    }
}

impl From<ucare::Error> for Failure {
    fn from(error: ucare::Error) -> Self {
        Self::Client(error)
    }
}

type Outcome = Result<Value, Failure>;
type Scenario = fn(&Service<'_>, &Value) -> Outcome;

const SCENARIOS: &[(&str, Scenario)] = &[
    ("upload", upload),
    ("in-parts", in_parts),
    ("from-url", from_url),
    ("from-url-order", from_url_order),
    ("from-url-status", from_url_status),
    ("group", group),
    ("refused", refused),
];

/// `path`, `name`, `store` -> the file in one request, and what is known of it: `{files, info}`.
fn upload(service: &Service<'_>, options: &Value) -> Outcome {
    let name = text(options, "name")?;
    let files: HashMap<String, String> = service.file(FileParams {
        path: text(options, "path")?,
        name: name.clone(),
        to_store: store(options),
    })?;
    let uuid = files
        .get(&name)
        .ok_or_else(|| Failure::Other(format!("{files:?} does not name {name}")))?;
    Ok(json!({"files": files, "info": info(&service.file_info(uuid)?)}))
}

/// `path`, `name`, `type`, `store` -> the file in parts: `{uuid, parts, info}`.
fn in_parts(service: &Service<'_>, options: &Value) -> Outcome {
    let whole = std::fs::read(text(options, "path")?).map_err(|error| Failure::Other(error.to_string()))?;
    let begun = service.multipart_start(MultipartParams {
        filename: text(options, "name")?,
        size: u32::try_from(whole.len()).map_err(|error| Failure::Usage(error.to_string()))?,
        content_type: text(options, "type")?,
        to_store: store(options),
    })?;
    for (address, part) in begun.parts.iter().zip(whole.chunks(PART)) {
        service.upload_part(address, part.to_vec())?;
    }
    let done = service.multipart_complete(begun.uuid.clone())?;
    Ok(json!({"uuid": begun.uuid, "parts": begun.parts, "info": info(&done)}))
}

/// `url`, `name`, `store`, `check`, `save` -> a file that the server fetches, asked for until it has ended:
/// `{answer, status}`. Where the answer is no token, there is nothing to ask.
fn from_url(service: &Service<'_>, options: &Value) -> Outcome {
    let answer = order(service, options)?;
    // A file that was fetched before is answered with at once. This version of the client takes that for a token that has
    // no text, as it tries the shorter form first; the other variant is what it is meant to be.
    let FromUrlData::Token(FileToken { token: Some(token), .. }) = &answer else {
        return Ok(json!({"answer": answered(&answer), "status": null}));
    };
    loop {
        match service.from_url_status(token)? {
            FromUrlStatusData::Waiting | FromUrlStatusData::Progress { .. } => std::thread::sleep(BETWEEN_QUESTIONS),
            ended => return Ok(json!({"answer": answered(&answer), "status": told(&ended)})),
        }
    }
}

/// As `from-url`, and not asked for: `{answer}`.
fn from_url_order(service: &Service<'_>, options: &Value) -> Outcome {
    Ok(json!({"answer": answered(&order(service, options)?)}))
}

/// `token` -> how far it is, asked once: `{status}`.
fn from_url_status(service: &Service<'_>, options: &Value) -> Outcome {
    Ok(json!({"status": told(&service.from_url_status(&text(options, "token")?)?)}))
}

/// `members` -> a group of them, and what is known of it: `{group, info}`.
fn group(service: &Service<'_>, options: &Value) -> Outcome {
    let members = texts(options, "members")?;
    let members: Vec<_> = members.iter().map(String::as_str).collect();
    let made = service.create_group(&members)?;
    let known = service.group_info(&made.id)?;
    Ok(json!({"group": grouped(&made), "info": grouped(&known)}))
}

/// `call` with what it needs, which the server must refuse: `{kind, message}`, the client's kind of error and its text.
fn refused(service: &Service<'_>, options: &Value) -> Outcome {
    let call = text(options, "call")?;
    let outcome = match call.as_str() {
        "file" => upload(service, options),
        "file_info" => service
            .file_info(&text(options, "id")?)
            .map(|_| Value::Null)
            .map_err(Failure::Client),
        "from_url" => from_url(service, options),
        "from_url_status" => from_url_status(service, options),
        "create_group" => group(service, options),
        "group_info" => service
            .group_info(&text(options, "id")?)
            .map(|_| Value::Null)
            .map_err(Failure::Client),
        "multipart_start" => in_parts(service, options),
        "upload_part" => {
            let part = service.upload_part(&text(options, "url")?, b"a part".to_vec());
            part.map(|()| Value::Null).map_err(Failure::Client)
        }
        "multipart_complete" => {
            let done = service.multipart_complete(text(options, "id")?);
            done.map(|_| Value::Null).map_err(Failure::Client)
        }
        _ => return Err(Failure::Usage(format!("no call {call}"))),
    };
    match outcome {
        Ok(answer) => Err(Failure::Other(format!("it was accepted: {answer}"))),
        Err(Failure::Client(error)) => said(error),
        Err(other) => Err(other),
    }
}

fn said(error: ucare::Error) -> Outcome {
    let (kind, message) = match error.value() {
        ErrValue::BadRequest(message) => ("BadRequest", message),
        ErrValue::Forbidden(message) => ("Forbidden", message),
        ErrValue::NotFound(message) => ("NotFound", message),
        ErrValue::PayloadTooLarge(message) => ("PayloadTooLarge", message),
        ErrValue::TooManyRequests(seconds) => ("TooManyRequests", seconds.to_string()),
        // That is not the server's no: the client lost the connection or could not read the answer.
        other => return Err(Failure::Other(other.to_string())),
    };
    Ok(json!({"kind": kind, "message": message}))
}

fn order(service: &Service<'_>, options: &Value) -> Result<FromUrlData, Failure> {
    let duplicates = |name: &str| match options[name].as_bool()? {
        true => Some(UrlDuplicates::True),
        false => Some(UrlDuplicates::False),
    };
    Ok(service.from_url(FromUrlParams {
        source_url: text(options, "url")?,
        to_store: store(options),
        filename: options["name"].as_str().map(str::to_owned),
        check_url_duplicates: duplicates("check"),
        save_url_duplicates: duplicates("save"),
    })?)
}

fn answered(answer: &FromUrlData) -> Value {
    match answer {
        FromUrlData::Token(token) => json!({"type": token.data_type, "token": token.token}),
        FromUrlData::FileInfo(file) => json!({"info": info(file)}),
    }
}

fn told(status: &FromUrlStatusData) -> Value {
    match status {
        FromUrlStatusData::Success(file) => json!({"status": "success", "info": info(file)}),
        FromUrlStatusData::Progress { done, total } => json!({"status": "progress", "done": done, "total": total}),
        FromUrlStatusData::Error { error } => json!({"status": "error", "error": error}),
        FromUrlStatusData::Unknown => json!({"status": "unknown"}),
        FromUrlStatusData::Waiting => json!({"status": "waiting"}),
    }
}

fn grouped(group: &GroupInfo) -> Value {
    json!({
        "id": group.id,
        "datetime_created": group.datetime_created,
        "datetime_stored": group.datetime_stored,
        "files_count": group.file_count,
        "cdn_url": group.cdn_url,
        "url": group.url,
        "files": group.files.as_ref().map(|files| files.iter().map(info).collect::<Vec<_>>()),
    })
}

/// All that the client understood of a file.
fn info(file: &FileInfo) -> Value {
    let image = file.image_info.as_ref().map(|image| {
        json!({
            "width": image.width,
            "height": image.height,
            "format": image.format,
            "color_mode": image.color_mode.as_ref().map(|mode| format!("{mode:?}")),
            "sequence": image.sequence,
        })
    });
    json!({
        "uuid": file.uuid,
        "file_id": file.file_id,
        "size": file.size,
        "done": file.done,
        "total": file.total,
        "is_stored": file.is_stored,
        "is_image": file.is_image,
        "is_ready": file.is_ready,
        "filename": file.filename,
        "original_filename": file.original_filename,
        "mime_type": file.mime_type,
        "image_info": image,
        "video_info": file.video_info.is_some(),
        "s3_bucket": file.s3_bucket,
        "default_effects": file.default_effects,
    })
}

/// `store`: true, false, `"auto"`, or nothing, which leaves it to the client.
fn store(options: &Value) -> Option<ToStore> {
    match &options["store"] {
        Value::Bool(true) => Some(ToStore::True),
        Value::Bool(false) => Some(ToStore::False),
        Value::String(auto) if auto == "auto" => Some(ToStore::Auto),
        _ => None,
    }
}

fn text(options: &Value, name: &str) -> Result<String, Failure> {
    let text = options[name].as_str().map(str::to_owned);
    text.ok_or_else(|| Failure::Usage(format!("{name} must be a text")))
}

fn texts(options: &Value, name: &str) -> Result<Vec<String>, Failure> {
    let list = options[name].as_array().into_iter().flatten();
    list.map(|text| text.as_str().map(str::to_owned))
        .collect::<Option<_>>()
        .ok_or_else(|| Failure::Usage(format!("{name} must be a list of texts")))
}

fn run(arguments: &[String]) -> Outcome {
    let [name, json] = arguments else {
        return Err(Failure::Usage("usage: upload SCENARIO JSON".to_owned()));
    };
    let scenario = SCENARIOS.iter().find(|(known, _)| known == name);
    let (_, scenario) = scenario.ok_or_else(|| Failure::Usage(format!("no scenario {name}")))?;
    let options: Value = serde_json::from_str(json).map_err(|error| Failure::Usage(error.to_string()))?;
    let secret = options["secretKey"].as_str();
    let config = UploadConfig {
        sign_based_upload: secret.is_some(),
    };
    // The client wants to have a secret in any case, and signs with it only where it is told to.
    let creds = ApiCreds {
        secret_key: secret.unwrap_or("not used").to_owned(),
        pub_key: text(&options, "publicKey")?,
    };
    let client = UploadClient::new(config, creds).map_err(Failure::Other)?;
    scenario(&new_svc(&client), &options)
}

fn main() -> ExitCode {
    std::thread::spawn(|| {
        std::thread::sleep(DEADLINE);
        eprintln!("no result within {} seconds", DEADLINE.as_secs());
        std::process::exit(1);
    });
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(value) => {
            println!("{value}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(if matches!(failure, Failure::Usage(_)) { 2 } else { 1 })
        }
    }
}
