//! One part on its way to the service: through here, or by a signed URL past us.

use std::time::Duration;

use backon::BackoffBuilder;
use intake_core::{ByteStream, Bytes, Fault, codes};
use reqwest::{Client, StatusCode, Url, header};
use rusty_s3::Method;
use tokio::time::{sleep, timeout};

use super::answer::{read, sent};
use super::feed::Feed;
use super::{Failure, Multipart, NO_SUCH_UPLOAD, tell};
use crate::fault;
use crate::name::Name;
use crate::sign::Signer;
use crate::spool::Spool;

/// How often a part is sent again. More often than other requests are: many senders give up a whole upload because of one part.
pub(super) const RETRIES: usize = 5;

/// Which part of which upload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Which<'a> {
    pub(crate) name: &'a Name,
    /// The upload's id.
    pub(crate) upload: &'a str,
    /// The part's number, from 1.
    pub(crate) number: u16,
}

impl Multipart {
    /// A URL to which a client sends one part, of just this length if it is given, with a `PUT` before its lifetime ends.
    /// `None` if clients may not. Lifetimes are between a second and seven days.
    pub(crate) fn part_url(&self, which: Which<'_>, length: Option<u64>, lifetime: Duration) -> Option<Url> {
        let signer = self.direct.as_ref()?;
        Some(self.signed_by(signer, which, length, lifetime))
    }

    /// The same for the service as this program knows it.
    pub(crate) fn own_part_url(&self, which: Which<'_>, length: Option<u64>) -> Url {
        self.signed_by(&self.signer, which, length, super::LIFETIME)
    }

    fn signed_by(&self, signer: &Signer, which: Which<'_>, length: Option<u64>, lifetime: Duration) -> Url {
        let length = length.map(|length| length.to_string());
        let headers: Vec<_> = length
            .iter()
            .map(|it| (header::CONTENT_LENGTH.as_str(), it.as_str()))
            .collect();
        let number = which.number.to_string();
        let query = [("partNumber", number.as_str()), ("uploadId", which.upload)];
        signer.url(Method::Put, Some(&self.key(which.name)), &query, &headers, lifetime)
    }

    /// Sends one part. Its bytes go on as they come; the service's answer, and that it takes bytes, is waited for within
    /// bounds, and how long the bytes take to come is for the caller to bound.
    ///
    /// What may pass is tried again, on a connection of its own: with the bytes that are kept until the service has all of
    /// them, or as long as it has not taken any.
    pub(crate) async fn put_part(&self, which: Which<'_>, length: u64, body: ByteStream) -> Result<(), Fault> {
        let feed = Feed::new(body, length, self.spool.as_ref().map(Spool::begin));
        let mut pauses = self.backoff().with_max_times(RETRIES).build();
        let mut client = &self.http.pooled;
        let failure = loop {
            let failure = match self.try_to_put(client, which, length, &feed).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            if !failure.passes || !feed.can_be_lent_again() {
                break failure;
            }
            let Some(pause) = pauses.next() else {
                break failure;
            };
            tell(&failure, pause);
            sleep(pause).await;
            feed.gather().await;
            if !feed.can_be_lent_again() {
                break failure;
            }
            client = &self.http.fresh;
        };
        if failure.is(NO_SUCH_UPLOAD) {
            return Err(Fault::new(codes::NOT_OPEN, "this upload takes no parts any more").because(failure));
        }
        let doing = format!("write part {} of {}", which.number, which.name);
        // If it was the sender who failed, that is why.
        Err(fault::of_s3(&doing, feed.failure().unwrap_or(failure)))
    }

    async fn try_to_put(&self, client: &Client, which: Which<'_>, length: u64, feed: &Feed) -> Result<(), Failure> {
        let url = self.own_part_url(which, Some(length));
        let request = client.put(url).header(header::CONTENT_LENGTH, length);
        let request = request.body(reqwest::Body::wrap_stream(feed.lend()));
        let limit = self.limits.large;
        let put = async { read(sent(request).await?, limit).await };
        feed.watch(limit, put).await.map(drop)
    }

    /// Sends these bytes to a signed URL once, as a client does that has nothing but the URL: the status of the answer.
    pub(crate) async fn put_as_client(&self, url: Url, bytes: Bytes) -> Result<StatusCode, Failure> {
        let sent = timeout(self.limits.large, self.http.fresh.put(url).body(bytes).send()).await;
        let answered = sent.map_err(|_| Failure::silence())?;
        Ok(answered.map_err(Failure::on_the_way)?.status())
    }
}
