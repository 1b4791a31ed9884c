//! The wire, byte for byte: requests and answers in `tests/golden/*.http`, read by one runner.
//!
//! A file is a list of exchanges: `>>>` and a title, the request, `<<<`, the answer. Line ends become CRLF. In a request:
//!
//! | text | meaning |
//! | --- | --- |
//! | `{NUL}` | a null character |
//! | `PULL` as a request | fetches the sources of all orders |
//! | `{bytes 7}` | seven bytes |
//! | `{last}`, `{part 2}` | the first id of the answer before; the URL of its second part |
//! | `{jwt SECRET CLAIMS}` | an access token, with its times in seconds from now |
//!
//! In answers, headers are sorted, and ids and dates are masked. `UPDATE_GOLDEN=1 cargo test --test it golden` writes the answers
//! anew: read the difference before you commit it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use bytes::Bytes;
use intake::core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake::core::project::{Autostore, Project, ProjectSecret, ProjectStatus};
use intake::core::{
    Code, Coverage, Declared, Error, Fault, Fetcher, Head, Incoming, Limits, Pipeline, Rejection, Report, Scan,
    Scanner, Secret, Verdict, async_trait, codes,
};
use intake::server::{ServerSettings, serve};
use intake::upload_api::{Settings, host};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::support;

/// A scanner that the content controls: `refuse CODE SUBJECT`, or `fail`.
#[derive(Debug)]
struct Says;

struct SaysScan(Vec<u8>);

#[async_trait]
impl Scanner for Says {
    async fn open(&self, _head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        Ok(Box::new(SaysScan(Vec::new())))
    }
    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[async_trait]
impl Scan for SaysScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        self.0.extend_from_slice(chunk);
        Ok(Verdict::Accept)
    }

    async fn finish(self: Box<Self>) -> Result<Report, Fault> {
        let said = String::from_utf8_lossy(&self.0).into_owned();
        let mut words = said.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("fail"), ..) => Err(Fault::new(codes::TIMED_OUT, "the scanner's password is hunter2")),
            (Some("refuse"), Some(code), subject) => {
                let code: Code = serde_json::from_value(code.into()).unwrap();
                let rejection = Rejection::new(code, "it says so");
                let rejection = subject.into_iter().fold(rejection, Rejection::with_subject);
                Ok(Report::new(Verdict::Reject(rejection), Coverage::Whole))
            }
            _ => Ok(Report::clean()),
        }
    }
}

/// A receiver that the name of the source controls: `judge CODE SUBJECT`, `receive CODE SUBJECT`, `fail`, `large`; any other name is
/// returned as the content.
#[async_trait]
impl Fetcher for Says {
    async fn judge(&self, source: &str) -> Result<(), Error> {
        match source.strip_prefix("judge ") {
            Some(said) => Err(refused(said)),
            None => Ok(()),
        }
    }
    async fn receive(&self, source: &str) -> Result<Incoming, Error> {
        if let Some(said) = source.strip_prefix("receive ") {
            return Err(refused(said));
        }
        let size = match source {
            "fail" => return Err(Fault::new(codes::TIMED_OUT, "the proxy's password is hunter2").into()),
            "large" => Some(20_971_521),
            _ => None,
        };
        let declared = Declared::named("source.txt").with(|declared| {
            declared.size = size;
            declared.media_type = "text/x-source".parse().ok();
        });
        Ok(Incoming::from_bytes(declared, source.as_bytes().to_vec()))
    }
    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

fn refused(said: &str) -> Error {
    let (code, subject) = said.split_once(' ').unwrap_or((said, ""));
    let rejection = Rejection::new(serde_json::from_value(code.into()).unwrap(), "it says so");
    Error::Rejected {
        by: "says".to_owned(),
        rejection: if subject.is_empty() {
            rejection
        } else {
            rejection.with_subject(subject)
        },
    }
}

/// A server with small bounds, so that requests beyond them fit into a file, and its pipeline.
async fn start() -> (String, Pipeline) {
    let pipeline = Pipeline::builder()
        .fetcher("says", Says)
        .scanner("says", Says)
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default())
        .expirer(KeepAll)
        .limits(Limits::default().with(|limits| limits.max_size = 20 << 20));
    let strict = Project::new("strict").with(|project| project.autostore = Some(Autostore::Forbidden));
    let signed = Project::new("signed").with(|project| {
        project.signed_uploads = true;
        project.secrets = vec![ProjectSecret::new("first", Secret::new("project_secret_key"))];
    });
    let legacy = signed.clone().with(|project| {
        project.public_key = "legacy".to_owned();
        project.legacy_signatures = true;
    });
    let status = |key: &str, status| Project::new(key).with(|project| project.status = status);
    let pages = Project::new("pages").with(|project| {
        project.origins = vec!["https://shop.example.com".to_owned()];
        project.max_group_files = Some(2);
        project.deny_extensions = vec!["exe".to_owned()];
        project.max_metadata_keys = Some(1);
    });
    let full = Project::new("full").with(|project| project.max_files = Some(0));
    let projects = [
        Project::new("demopublickey"),
        Project::new("other"),
        strict,
        signed,
        legacy,
        pages,
        full,
        status("blocked", ProjectStatus::Blocked),
        status("unpaid", ProjectStatus::Unpaid),
        status("limited", ProjectStatus::LimitsExceeded),
        status("removed", ProjectStatus::Removed),
    ];
    let pipeline = projects
        .into_iter()
        .fold(pipeline, |pipeline, project| pipeline.project(project).unwrap())
        .build()
        .unwrap();
    let settings = Settings::default().with(|settings| {
        settings.max_direct_size = 150;
        settings.max_files = 3;
        settings.max_fields = 60;
    });
    let app = host(pipeline.clone(), settings).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { serve(listener, app, &ServerSettings::default(), std::future::pending()).await });
    (address, pipeline)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wire_is_as_it_was_written_down() {
    let (address, pipeline) = start().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut raised = BTreeSet::new();
    let mut differences = Vec::new();
    for path in support::files_below(&folder) {
        let written = std::fs::read_to_string(&path).unwrap();
        let address = address.clone();
        let (handle, pipeline) = (tokio::runtime::Handle::current(), pipeline.clone());
        let pull = move || handle.block_on(pipeline.fetch_due()).unwrap();
        let (found, codes) = tokio::task::spawn_blocking({
            let written = written.clone();
            move || exchange_all(&address, &pull, &written)
        })
        .await
        .unwrap();
        raised.extend(codes);
        if update {
            std::fs::write(&path, &found).unwrap();
        } else if found != written {
            let at = found
                .lines()
                .zip(written.lines())
                .position(|(found, written)| found != written)
                .unwrap_or_default();
            let line = |text: &str| text.lines().nth(at).unwrap_or_default().to_owned();
            let (found, written) = (line(&found), line(&written));
            differences.push(format!(
                "{}:{}\n  written {written}\n  found   {found}",
                path.display(),
                at + 1
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));

    // Those need time, or many at once, or a scanner that these exchanges do not have: `hostile.rs`, `from_url.rs` and `svg.rs`
    // raise them.
    let elsewhere = [
        "RequestThrottledError",
        "DownloadFileNotFoundError",
        "SVGMaliciousContentError",
        "SVGValidationFailedError",
    ];
    for row in intake::upload_api::errors().filter(|row| !elsewhere.contains(&row.api_code)) {
        assert!(
            raised.contains(row.api_code),
            "no file in tests/golden raises {}",
            row.api_code
        );
    }
}

/// Plays a file. Returns the file with the real answers, and the error codes in them.
fn exchange_all(address: &str, pull: &dyn Fn(), written: &str) -> (String, BTreeSet<String>) {
    let (mut found, mut raised, mut last) = (String::new(), BTreeSet::new(), String::new());
    let mut part_paths: Vec<String> = Vec::new();
    // One time for all tokens of a file, so that equal claims make equal tokens.
    let now = crate::in_process::seconds_from_now(0);
    let mut parts = written.split(">>>");
    found += parts.next().unwrap_or_default();
    for part in parts {
        let (title, rest) = part.split_once('\n').unwrap();
        let request = rest.split("<<<").next().unwrap().trim_matches('\n');
        if request == "PULL" {
            pull();
            write!(found, ">>>{title}\nPULL\n\n<<<\n\n").unwrap();
            continue;
        }
        let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
        let wired = |text: &str| {
            let mut text = text.replace("{last}", &last);
            for (number, path) in (1..).zip(&part_paths) {
                text = text.replace(&format!("{{part {number}}}"), path);
            }
            let text = with_tokens(&text, now).replace("{NUL}", "\0").replace('\n', "\r\n");
            let Some((before, rest)) = text.split_once("{bytes ") else {
                return text;
            };
            let (count, after) = rest.split_once('}').unwrap();
            format!("{before}{}{after}", "x".repeat(count.parse().unwrap()))
        };
        let answer = support::send(address, &(wired(head) + "\r\n"), wired(body).as_bytes());
        let text = answer.text();
        if let Some(parts) = serde_json::from_str::<Value>(&text)
            .ok()
            .and_then(|json| json.get("parts").cloned())
        {
            let urls = parts.as_array().unwrap().iter().map(|url| url.as_str().unwrap());
            part_paths = urls
                .map(|url| url.strip_prefix(&format!("http://{address}")).unwrap().to_owned())
                .collect();
        }
        let text = text.replace(address, "{address}");
        last = text
            .split('"')
            .map(|word| word.split('~').next().unwrap_or_default())
            .find(|word| word.parse::<Uuid>().is_ok())
            .map_or(last, str::to_owned);
        if answer.header("content-type") == Some("application/json") && !answer.body.is_empty() {
            let json = answer.json();
            // The code of a request's error, or of an order's error.
            let codes = [&json["error"]["error_code"], &json["error_code"]];
            raised.extend(codes.into_iter().filter_map(Value::as_str).map(str::to_owned));
        }
        let mut headers: Vec<_> = answer.headers.iter().filter(|(name, _)| name != "date").collect();
        headers.sort();
        write!(found, ">>>{title}\n{request}\n\n<<<\n{}\n", answer.status).unwrap();
        for (name, value) in headers {
            writeln!(found, "{name}: {}", masked(value)).unwrap();
        }
        write!(found, "\n{}\n\n", masked(&text)).unwrap();
    }
    (found.trim_end().to_owned() + "\n", raised)
}

/// Replaces the tokens at the ends of lines.
fn with_tokens(text: &str, now: u64) -> String {
    let with_token = |line: &str| {
        let Some((before, said)) = line.split_once("{jwt ") else {
            return line.to_owned();
        };
        let (secret, claims) = said.strip_suffix('}').unwrap().split_once(' ').unwrap();
        let mut claims: Value = serde_json::from_str(claims).unwrap();
        for name in ["iat", "exp"] {
            if let Some(seconds) = claims[name].as_i64() {
                claims[name] = now.saturating_add_signed(seconds).into();
            }
        }
        let head = serde_json::json!({"alg": "HS256", "typ": "JWT"});
        format!(
            "{before}{}",
            crate::in_process::jwt(&Sha256::digest(secret), head, claims)
        )
    };
    text.split('\n').map(with_token).collect::<Vec<_>>().join("\n")
}

/// Masks values that differ in each run: ids, signatures, digests, the time in a URL.
fn masked(text: &str) -> String {
    let text = match text.split_once("expires=") {
        None => text.to_owned(),
        Some((before, rest)) => {
            let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            let (until_quote, rest) = rest.split_once('"').unwrap_or((rest, ""));
            format!("{before}expires={{seconds}}{until_quote}\"{}", masked(rest))
        }
    };
    let text = match text.split_once("\"datetime_created\":\"") {
        None => text,
        Some((before, rest)) => {
            let (_, rest) = rest.split_once('"').unwrap_or_default();
            format!("{before}\"datetime_created\":\"{{instant}}\"{rest}")
        }
    };
    let text = &*text;
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '-';
    let mut masked = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_part) {
        masked += &rest[..at];
        let end = rest[at..]
            .find(|c| !is_part(c))
            .map_or(rest.len(), |length| at + length);
        let word = &rest[at..end];
        masked += if word.len() == 36 && word.parse::<Uuid>().is_ok() {
            "{uuid}"
        } else if word.len() == 64 {
            "{hash}"
        } else {
            word
        };
        rest = &rest[end..];
    }
    masked + rest
}
