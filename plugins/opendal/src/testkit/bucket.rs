//! A bucket of the S3 server.

use std::time::Duration;

use reqwest::{Response, Url};
use rusty_s3::{Credentials, Method, UrlStyle};
use serde_json::{Value, json};

use crate::s3::client::Http;
use crate::s3::presign::Signer;

/// A bucket, and how to reach it.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Where the server listens: scheme, host and port.
    pub endpoint: String,
    /// The region that requests are signed for.
    pub region: String,
    /// The bucket's name.
    pub name: String,
    /// The access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
}

impl Bucket {
    /// The settings of a store in this bucket, without `use`.
    #[must_use]
    pub fn settings(&self) -> Value {
        json!({
            "scheme": "s3",
            "endpoint": self.endpoint,
            "region": self.region,
            "bucket": self.name,
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
        })
    }

    /// The keys of all objects, sorted.
    ///
    /// # Panics
    ///
    /// If the server does not say, or there are more than it tells at once.
    pub async fn objects(&self) -> Vec<String> {
        self.keys("list-type", "2").await
    }

    /// The keys of all multipart uploads that were begun and neither completed nor aborted, sorted.
    ///
    /// # Panics
    ///
    /// If the server does not say, or there are more than it tells at once.
    pub async fn unfinished(&self) -> Vec<String> {
        self.keys("uploads", "").await
    }

    /// Requests a list of the bucket, and returns its keys.
    async fn keys(&self, name: &str, value: &str) -> Vec<String> {
        let answer = self.ask(Method::Get, None, &[(name, value)]).await;
        let status = answer.status();
        let list = answer.text().await.expect("the server answers");
        assert!(status.is_success(), "{status}: {list}");
        assert!(!list.contains("<IsTruncated>true"), "{list}");
        let after = list.split("<Key>").skip(1);
        let mut keys: Vec<_> = after
            .filter_map(|rest| rest.split('<').next())
            .map(|key| quick_xml::escape::unescape(key).expect("XML").into_owned())
            .collect();
        keys.sort();
        keys
    }

    /// Sends a request without a body.
    pub(super) async fn ask(&self, method: Method, key: Option<&str>, query: &[(&str, &str)]) -> Response {
        self.try_to_ask(method, key, query).await.expect("the server answers")
    }

    pub(super) async fn try_to_ask(
        &self,
        method: Method,
        key: Option<&str>,
        query: &[(&str, &str)],
    ) -> Result<Response, reqwest::Error> {
        let endpoint: Url = self.endpoint.parse().expect("a URL");
        let bucket = rusty_s3::Bucket::new(endpoint, UrlStyle::Path, self.name.clone(), self.region.clone());
        let credentials = Credentials::new(self.access_key_id.clone(), self.secret_access_key.clone());
        let signer = Signer::new(bucket.expect("a bucket"), credentials);
        let url = signer.url(method, key, query, &[], Duration::from_secs(60));
        let method = reqwest::Method::from_bytes(method.to_str().as_bytes()).expect("a method");
        // One client for each request: connections must not outlive the runtime of a test.
        let http = Http::new(Duration::ZERO, &[]).expect("a client");
        http.fresh.request(method, url).send().await
    }
}
