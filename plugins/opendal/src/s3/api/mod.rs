//! S3's API of multipart uploads, as far as OpenDAL does not offer it.
//!
//! A part is sent through this process or, by a signed URL, directly to the service. An object appears when its parts are put
//! together, and unfinished uploads can be found by their key.

mod answer;
mod feed;
#[cfg(feature = "fuzzing")]
pub mod fuzz;
mod listed;
mod lists;
mod put;
#[cfg(test)]
mod tests;
mod types;
mod unfinished;

use std::fmt::Write as _;
use std::mem;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use intake_core::{Fault, MediaType};
use reqwest::{Client, RequestBuilder, Url, header};
use rusty_s3::Method;
use tokio::time::timeout;

use self::answer::{read, sent};
use self::listed::Listed;
use self::lists::{Created, Parts};
pub(crate) use self::types::{Completed, Part, PartId};
use crate::failure::Failure;
use crate::fault;
use crate::name::Name;
use crate::s3::client::Http;
use crate::s3::presign::Signer;
use crate::s3::retry::{LARGE, PAUSE, RETRIES, SMALL};
use crate::s3::spool::Spool;

/// The lifetime of URLs for requests of this process. Clocks may differ by some minutes.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// The most parts that an upload can have.
const MOST_PARTS: usize = 10_000;

/// Multipart uploads to one bucket.
#[derive(Debug)]
pub(crate) struct MultipartApi {
    http: Http,
    signer: Signer,
    /// Signs for clients that send parts directly, if they may: they may know the service by another name.
    direct: Option<Signer>,
    /// Keeps copies of parts until the service has them, if set.
    spool: Option<Spool>,
    /// The prefix of every name; ends with a slash unless it is empty.
    prefix: String,
    limits: Limits,
}

/// Timeouts and sizes of requests.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// How long one try of a small request may take.
    small: Duration,
    /// How long one try of a large request may take until the answer begins, and how long the service may take to read the next
    /// bytes of a part.
    large: Duration,
    /// How long to wait before the first retry; the wait doubles with each further one.
    pause: Duration,
    /// How many parts, or uploads, are listed at once.
    page: usize,
}

impl MultipartApi {
    pub(crate) fn new(http: Http, signer: Signer, direct: Option<Signer>, spool: Option<Spool>, prefix: &str) -> Self {
        let limits = Limits {
            small: SMALL,
            large: LARGE,
            pause: PAUSE,
            page: 1000,
        };
        let names = prefix.split('/').filter(|name| !name.is_empty());
        let prefix = names.fold(String::new(), |prefix, name| prefix + name + "/");
        Self {
            http,
            signer,
            direct,
            spool,
            prefix,
            limits,
        }
    }

    /// Keeps copies of parts until the service has them, if set.
    pub(crate) fn spool(&self) -> Option<&Spool> {
        self.spool.as_ref()
    }

    /// Whether clients may send parts directly.
    pub(crate) fn is_direct(&self) -> bool {
        self.direct.is_some()
    }

    /// Begins an upload, and returns its id.
    pub(crate) async fn create(&self, name: &Name, media_type: Option<&MediaType>) -> Result<String, Fault> {
        let doing = format!("begin the upload of {name} in parts");
        let media_type = media_type.map(ToString::to_string);
        let headers: Vec<_> = media_type
            .iter()
            .map(|it| (header::CONTENT_TYPE.as_str(), it.as_str()))
            .collect();
        let request = |http: &Client| {
            let url = self.url(Method::Post, Some(name), &[("uploads", "")], &headers);
            let request = http.post(url);
            headers
                .iter()
                .fold(request, |request, (name, value)| request.header(*name, *value))
        };
        let created = self.ask(self.limits.small, request, Created::read).await;
        Ok(created.map_err(|failure| fault::of_s3(&doing, failure))?.id)
    }

    /// The parts that are there, by number. `None` if there is no such upload.
    pub(crate) async fn list(&self, name: &Name, upload: &str) -> Result<Option<Vec<Part>>, Fault> {
        let doing = format!("list the parts of {name}");
        let explain = |failure| fault::of_s3(&doing, failure);
        let page = self.limits.page.to_string();
        let mut parts = Listed::default();
        let mut after = 0;
        loop {
            let marker = after.to_string();
            let query = [
                ("max-parts", page.as_str()),
                ("part-number-marker", &marker),
                ("uploadId", upload),
            ];
            let request = |http: &Client| http.get(self.url(Method::Get, Some(name), &query, &[]));
            let listed = match self.ask(self.limits.small, request, Parts::read).await {
                Err(failure) if failure.is(NO_SUCH_UPLOAD) => return Ok(None),
                listed => listed.map_err(explain)?,
            };
            let (more, next) = (listed.is_truncated, listed.next());
            listed.parts.into_iter().for_each(|part| parts.add(part));
            if !more {
                return Ok(Some(parts.into_parts()));
            }
            if next <= after || parts.len() > MOST_PARTS {
                return Err(explain(Failure::nonsense("a list of parts without end")));
            }
            after = next;
        }
    }

    /// Puts parts together, in the order of their numbers.
    pub(crate) async fn complete(&self, name: &Name, upload: &str, parts: &[Part]) -> Result<Completed, Fault> {
        let list = list_of(parts);
        let request = |http: &Client| {
            let url = self.url(Method::Post, Some(name), &[("uploadId", upload)], &[]);
            http.post(url)
                .header(header::CONTENT_TYPE, "application/xml")
                .body(list.clone())
        };
        match self.ask(self.limits.large, request, lists::completed).await {
            Ok(()) => Ok(Completed::Done),
            Err(failure) if failure.is(NO_SUCH_UPLOAD) => Ok(Completed::NoSuchUpload),
            Err(failure) if failure.is(INVALID_PART) => Ok(Completed::PartsChanged),
            Err(failure) => Err(fault::of_s3(&format!("put the parts of {name} together"), failure)),
        }
    }

    fn key(&self, name: &Name) -> String {
        format!("{}{name}", self.prefix)
    }

    fn url(&self, method: Method, name: Option<&Name>, query: &[(&str, &str)], headers: &[(&str, &str)]) -> Url {
        let key = name.map(|name| self.key(name));
        self.signer.url(method, key.as_deref(), query, headers, LIFETIME)
    }

    /// The same retries as those of the OpenDAL operator.
    fn backoff(&self) -> ExponentialBuilder {
        let backoff = ExponentialBuilder::default().with_min_delay(self.limits.pause);
        backoff.with_max_times(RETRIES).with_jitter()
    }

    /// Sends a request until there is a valid answer, or an error that lasts. Each try is signed again, and all but the first
    /// have a new connection.
    async fn ask<T>(
        &self,
        limit: Duration,
        request: impl Fn(&Client) -> RequestBuilder,
        understand: impl Fn(&str) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut client = &self.http.pooled;
        let once = || {
            let request = request(mem::replace(&mut client, &self.http.fresh));
            async {
                let answered = timeout(limit, sent(request)).await;
                let answer = answered.unwrap_or_else(|_| Err(Failure::silence()))?;
                understand(&read(answer, limit).await?)
            }
        };
        once.retry(self.backoff())
            .when(|failure: &Failure| failure.passes)
            .notify(tell)
            .await
    }
}

/// S3's code for an upload that was completed, aborted, or never begun.
const NO_SUCH_UPLOAD: &str = "NoSuchUpload";
/// S3's code for a part that is missing, or differs from the one that was named.
const INVALID_PART: &str = "InvalidPart";

fn tell(failure: &Failure, _pause: Duration) {
    tracing::warn!(error = %failure, "S3 failed; trying again");
}

/// The body of the request that completes an upload.
fn list_of(parts: &[Part]) -> String {
    let mut parts: Vec<_> = parts.iter().collect();
    parts.sort_by_key(|part| part.number);
    let mut list = String::from("<CompleteMultipartUpload>");
    for Part { number, tag, .. } in parts {
        let tag = quick_xml::escape::escape(tag);
        // Writing to a string cannot fail.
        let _ = write!(list, "<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>");
    }
    list + "</CompleteMultipartUpload>"
}
