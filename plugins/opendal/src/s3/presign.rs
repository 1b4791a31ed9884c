//! Signed URLs, for requests that OpenDAL does not make.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use rusty_s3::signing::sign;
use rusty_s3::{Bucket, Credentials, Method};

/// Signs requests to a bucket, or to objects in it. A signed URL permits just its request, until it expires.
pub(crate) struct Signer {
    bucket: Bucket,
    credentials: Credentials,
}

impl Signer {
    pub(crate) fn new(bucket: Bucket, credentials: Credentials) -> Self {
        Self { bucket, credentials }
    }

    /// A URL that permits one request, any number of times until its lifetime has passed: at least a second, at most seven
    /// days. Query and headers have to be sorted by name; the request has to send the headers with exactly these values.
    pub(crate) fn url(
        &self,
        method: Method,
        key: Option<&str>,
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        lifetime: Duration,
    ) -> Url {
        let url = match key {
            Some(key) => self.bucket.object_url(key),
            None => self.bucket.base_url().clone(),
        };
        sign(
            &Timestamp::now(),
            method,
            url,
            self.credentials.key(),
            self.credentials.secret(),
            None,
            self.bucket.region(),
            lifetime.as_secs(),
            query.iter().copied(),
            headers.iter().copied(),
        )
    }
}

/// Without the credentials, which are secret.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}
