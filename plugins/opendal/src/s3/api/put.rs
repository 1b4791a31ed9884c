//! Sending a part: through this process, or by a signed URL directly from the client.

use std::time::Duration;

use backon::BackoffBuilder;
use intake_core::{ByteStream, Bytes, Fault, codes};
use reqwest::{Client, StatusCode, Url, header};
use rusty_s3::Method;
use tokio::time::{sleep, timeout};

use super::answer::{read, sent};
use super::feed::Feed;
use super::types::PartId;
use super::{MultipartApi, NO_SUCH_UPLOAD, tell};
use crate::failure::Failure;
use crate::fault;
use crate::s3::presign::Signer;
use crate::s3::spool::Spool;

/// How often a part is sent again. More often than other requests: many clients abort a whole upload because of one part.
pub(super) const RETRIES: usize = 5;

impl MultipartApi {
    /// A URL to which a client sends one part with a `PUT`, of exactly this length if it is given, before the lifetime ends.
    /// `None` if clients may not send parts directly. Lifetimes are between a second and seven days.
    pub(crate) fn part_url(&self, which: PartId<'_>, length: Option<u64>, lifetime: Duration) -> Option<Url> {
        let signer = self.direct.as_ref()?;
        Some(self.signed_by(signer, which, length, lifetime))
    }

    /// The same for a request of this process.
    pub(crate) fn own_part_url(&self, which: PartId<'_>, length: Option<u64>) -> Url {
        self.signed_by(&self.signer, which, length, super::LIFETIME)
    }

    fn signed_by(&self, signer: &Signer, which: PartId<'_>, length: Option<u64>, lifetime: Duration) -> Url {
        let length = length.map(|length| length.to_string());
        let headers: Vec<_> = length
            .iter()
            .map(|it| (header::CONTENT_LENGTH.as_str(), it.as_str()))
            .collect();
        let number = which.number.to_string();
        let query = [("partNumber", number.as_str()), ("uploadId", which.upload)];
        signer.url(Method::Put, Some(&self.key(which.name)), &query, &headers, lifetime)
    }

    /// Sends one part. Its bytes are sent as they arrive. There are timeouts for the service to read bytes and to answer; a
    /// timeout for the bytes to arrive is up to the caller.
    ///
    /// After a temporary failure the part is sent again on a new connection, from the copy of its bytes; without a copy only
    /// if no byte was read yet.
    pub(crate) async fn put_part(&self, which: PartId<'_>, length: u64, body: ByteStream) -> Result<(), Fault> {
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
            return Err(Fault::new(codes::NOT_OPEN, "this upload accepts no more parts").with_source(failure));
        }
        let doing = format!("write part {} of {}", which.number, which.name);
        // A failure of the sender is the cause, if there was one.
        Err(fault::of_s3(&doing, feed.failure().unwrap_or(failure)))
    }

    async fn try_to_put(&self, client: &Client, which: PartId<'_>, length: u64, feed: &Feed) -> Result<(), Failure> {
        let url = self.own_part_url(which, Some(length));
        let request = client.put(url).header(header::CONTENT_LENGTH, length);
        let request = request.body(reqwest::Body::wrap_stream(feed.lend()));
        let limit = self.limits.large;
        let put = async { read(sent(request).await?, limit).await };
        feed.watch(limit, put).await.map(drop)
    }

    /// Sends these bytes to a signed URL once, as a client does, and returns the status of the answer.
    pub(crate) async fn put_as_client(&self, url: Url, bytes: Bytes) -> Result<StatusCode, Failure> {
        let sent = timeout(self.limits.large, self.http.fresh.put(url).body(bytes).send()).await;
        let answered = sent.map_err(|_| Failure::silence())?;
        Ok(answered.map_err(Failure::on_the_way)?.status())
    }
}
