//! Uploads in parts: what S3 can, and OpenDAL does not offer.
//!
//! A part is sent through here or, by a signed URL, straight to the service; an object comes to be when its parts are put
//! together; and what was begun and never ended can be found by its key.

mod answer;
mod feed;
mod listed;
mod lists;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use intake_core::{ByteStream, Fault, MediaType};
use reqwest::{RequestBuilder, Url, header};
use rusty_s3::Method;
use tokio::time::timeout;

pub(crate) use self::answer::Failure;
use self::answer::answer;
use self::feed::Feed;
use self::listed::Listed;
use self::lists::{Created, Parts, Uploads};
use crate::fault;
use crate::name::Name;
use crate::s3::{LARGE, PAUSE, RETRIES, SMALL};
use crate::sign::Signer;

/// How long a request of ours may take to reach the service. Clocks may differ by some minutes.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// The most parts that an upload can have.
const MOST_PARTS: usize = 10_000;
/// How many pages of unfinished uploads are looked at. A key begins the keys of few others, if any.
const MOST_PAGES: usize = 10;
/// How often unfinished uploads are looked for again. A part that arrives just then can keep one alive.
const ROUNDS: usize = 3;

/// Uploads in parts to one bucket.
#[derive(Debug)]
pub(crate) struct Multipart {
    http: reqwest::Client,
    signer: Signer,
    /// Signs for clients that send parts by themselves, if they may: they may know the service by another name.
    direct: Option<Signer>,
    /// Stands before every name, and ends with a slash if there is one.
    prefix: String,
    limits: Limits,
}

/// Bounds of what is asked.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// How long one try of something small may take.
    small: Duration,
    /// How long one try of something large may take, and how long a part may wait for the service to take the next bytes.
    large: Duration,
    /// How long something waits before it is tried again; later it waits twice as long each time.
    pause: Duration,
    /// How many parts, or uploads, are listed at once.
    page: usize,
}

/// A part that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) number: u16,
    /// In bytes.
    pub(crate) size: u64,
    /// What the service knows its content by.
    pub(crate) tag: String,
}

/// How putting parts together ended.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completed {
    /// The object is there.
    Done,
    /// There is no such upload, perhaps because an earlier call put it together and its answer was lost.
    NoSuchUpload,
}

impl Multipart {
    pub(crate) fn new(http: reqwest::Client, signer: Signer, direct: Option<Signer>, prefix: &str) -> Self {
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
            prefix,
            limits,
        }
    }

    /// Begins an upload: its id.
    pub(crate) async fn create(&self, name: &Name, media_type: Option<&MediaType>) -> Result<String, Fault> {
        let doing = format!("begin the upload of {name} in parts");
        let media_type = media_type.map(ToString::to_string);
        let headers: Vec<_> = media_type
            .iter()
            .map(|it| (header::CONTENT_TYPE.as_str(), it.as_str()))
            .collect();
        let request = || {
            let url = self.url(Method::Post, Some(name), &[("uploads", "")], &headers);
            let request = self.http.post(url);
            headers
                .iter()
                .fold(request, |request, (name, value)| request.header(*name, *value))
        };
        let created = self.ask(self.limits.small, request, Created::read).await;
        Ok(created.map_err(|failure| fault::of_s3(&doing, failure))?.id)
    }

    /// A URL to which a client sends one part, of just this length if it is given, with a `PUT` before its lifetime ends.
    /// `None` if clients may not. Lifetimes are between a second and seven days.
    pub(crate) fn part_url(
        &self,
        name: &Name,
        upload: &str,
        number: u16,
        length: Option<u64>,
        lifetime: Duration,
    ) -> Option<Url> {
        let signer = self.direct.as_ref()?;
        let length = length.map(|length| length.to_string());
        let headers: Vec<_> = length
            .iter()
            .map(|it| (header::CONTENT_LENGTH.as_str(), it.as_str()))
            .collect();
        let number = number.to_string();
        let query = [("partNumber", number.as_str()), ("uploadId", upload)];
        Some(signer.url(Method::Put, Some(&self.key(name)), &query, &headers, lifetime))
    }

    /// Sends one part. Its bytes go on as they come; the service's answer, and that it takes bytes, is waited for within
    /// bounds, and how long the bytes take to come is for the caller to bound. Nothing is tried again once bytes were taken.
    pub(crate) async fn put_part(
        &self,
        name: &Name,
        upload: &str,
        number: u16,
        length: u64,
        body: ByteStream,
    ) -> Result<(), Fault> {
        let feed = Feed::new(body, length);
        let (number, length) = (number.to_string(), length.to_string());
        let once = || async {
            let query = [("partNumber", number.as_str()), ("uploadId", upload)];
            let headers = [(header::CONTENT_LENGTH.as_str(), length.as_str())];
            let url = self.url(Method::Put, Some(name), &query, &headers);
            let request = self.http.put(url).header(header::CONTENT_LENGTH, &length);
            let request = request.body(reqwest::Body::wrap_stream(feed.lend()));
            feed.watch(self.limits.large, answer(request)).await.map(drop)
        };
        let put = once
            .retry(self.backoff())
            .when(|failure| failure.passes && feed.is_untouched())
            .notify(tell);
        put.await.map_err(|failure| {
            let doing = format!("write part {number} of {name}");
            // If it was the sender who failed, that is why.
            fault::of_s3(&doing, feed.failure().unwrap_or(failure))
        })
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
            let request = || self.http.get(self.url(Method::Get, Some(name), &query, &[]));
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
        let request = || {
            let url = self.url(Method::Post, Some(name), &[("uploadId", upload)], &[]);
            self.http
                .post(url)
                .header(header::CONTENT_TYPE, "application/xml")
                .body(list.clone())
        };
        match self.ask(self.limits.large, request, lists::completed).await {
            Ok(()) => Ok(Completed::Done),
            Err(failure) if failure.is(NO_SUCH_UPLOAD) => Ok(Completed::NoSuchUpload),
            Err(failure) => Err(fault::of_s3(&format!("put the parts of {name} together"), failure)),
        }
    }

    /// Aborts every upload of this name, whoever began it. None is fine too.
    pub(crate) async fn abort_all(&self, name: &Name) -> Result<(), Fault> {
        let doing = format!("abort unfinished uploads of {name}");
        for _ in 0..ROUNDS {
            let uploads = self
                .unfinished(name)
                .await
                .map_err(|failure| fault::of_s3(&doing, failure))?;
            if uploads.is_empty() {
                return Ok(());
            }
            for upload in uploads {
                self.abort(name, &upload)
                    .await
                    .map_err(|failure| fault::of_s3(&doing, failure))?;
            }
        }
        let left = self
            .unfinished(name)
            .await
            .map_err(|failure| fault::of_s3(&doing, failure))?;
        if left.is_empty() {
            return Ok(());
        }
        Err(fault::of_s3(&doing, Failure::passing("some are still there")))
    }

    async fn abort(&self, name: &Name, upload: &str) -> Result<(), Failure> {
        let request = || {
            self.http
                .delete(self.url(Method::Delete, Some(name), &[("uploadId", upload)], &[]))
        };
        match self.ask(self.limits.small, request, |_| Ok(())).await {
            Err(failure) if failure.is(NO_SUCH_UPLOAD) => Ok(()),
            aborted => aborted,
        }
    }

    /// The ids of all unfinished uploads of a name. The service is asked for what begins with it, which may be more.
    async fn unfinished(&self, name: &Name) -> Result<Vec<String>, Failure> {
        let key = self.key(name);
        let page = self.limits.page.to_string();
        let mut ids = Vec::new();
        let mut after: Vec<(&str, String)> = Vec::new();
        for _ in 0..MOST_PAGES {
            let mut query = vec![("max-uploads", page.as_str()), ("prefix", &key), ("uploads", "")];
            query.extend(after.iter().map(|(name, marker)| (*name, marker.as_str())));
            query.sort_unstable();
            let request = || self.http.get(self.url(Method::Get, None, &query, &[]));
            let listed = self.ask(self.limits.small, request, Uploads::read).await?;
            let here = listed.uploads.into_iter().filter(|upload| upload.key == key);
            ids.extend(here.map(|upload| upload.id));
            if !listed.is_truncated {
                return Ok(ids);
            }
            let markers = [
                ("key-marker", listed.next_key),
                ("upload-id-marker", listed.next_upload),
            ];
            after = markers.into_iter().filter(|(_, marker)| !marker.is_empty()).collect();
        }
        Err(Failure::nonsense("a list of uploads without end"))
    }

    fn key(&self, name: &Name) -> String {
        format!("{}{name}", self.prefix)
    }

    fn url(&self, method: Method, name: Option<&Name>, query: &[(&str, &str)], headers: &[(&str, &str)]) -> Url {
        let key = name.map(|name| self.key(name));
        self.signer.url(method, key.as_deref(), query, headers, LIFETIME)
    }

    /// The same as OpenDAL is told to do.
    fn backoff(&self) -> ExponentialBuilder {
        let backoff = ExponentialBuilder::default().with_min_delay(self.limits.pause);
        backoff.with_max_times(RETRIES).with_jitter()
    }

    /// Asks until there is an answer that makes sense, or no hope of one. Each try is signed anew.
    async fn ask<T>(
        &self,
        limit: Duration,
        request: impl Fn() -> RequestBuilder,
        read: impl Fn(&str) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let once = || async {
            let answered = timeout(limit, answer(request())).await;
            read(&answered.unwrap_or_else(|_| Err(Failure::silence()))?)
        };
        once.retry(self.backoff())
            .when(|failure: &Failure| failure.passes)
            .notify(tell)
            .await
    }
}

/// What S3 calls an upload that was completed, aborted, or never begun.
const NO_SUCH_UPLOAD: &str = "NoSuchUpload";

fn tell(failure: &Failure, _pause: Duration) {
    tracing::warn!(error = %failure, "S3 failed; trying again");
}

/// What is to be put together.
fn list_of(parts: &[Part]) -> String {
    let mut parts: Vec<_> = parts.iter().collect();
    parts.sort_by_key(|part| part.number);
    let mut list = String::from("<CompleteMultipartUpload>");
    for Part { number, tag, .. } in parts {
        let tag = quick_xml::escape::escape(tag);
        // It goes to a string, which takes everything.
        let _ = write!(list, "<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>");
    }
    list + "</CompleteMultipartUpload>"
}
