//! The rules for pages in browsers, as `docs/operating.md` has them.

use std::path::Path;
use std::time::Duration;

use intake_plugin_opendal::testkit::{Bucket, S3Server};
use jiff::Timestamp;
use reqwest::{Client, Method, Response};
use rusty_s3::UrlStyle;
use rusty_s3::signing::sign;
use serde_json::Value;

use crate::key;

const PAGE: &str = "https://www.example.com";

/// The example in the documentation.
fn example() -> Value {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating.md");
    let text = std::fs::read_to_string(docs).unwrap();
    let blocks = text
        .split("```json\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let mut rules = blocks.filter(|block| block.contains("CORSRules"));
    serde_json::from_str(rules.next().expect("the documentation has an example")).unwrap()
}

/// The same in XML, as the service takes it.
fn in_xml(example: &Value) -> String {
    let mut xml = String::from("<CORSConfiguration>");
    for rule in example["CORSRules"].as_array().unwrap() {
        xml += "<CORSRule>";
        for (name, value) in rule.as_object().unwrap() {
            let name = name.strip_suffix('s').filter(|_| value.is_array()).unwrap_or(name);
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            for value in values {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                xml += &format!("<{name}>{value}</{name}>");
            }
        }
        xml += "</CORSRule>";
    }
    xml + "</CORSConfiguration>"
}

async fn send(
    bucket: &Bucket,
    method: Method,
    key: &str,
    query: &[(&str, &str)],
    headers: &[(&str, &str)],
    body: String,
) -> Response {
    let endpoint = bucket.endpoint.parse().unwrap();
    let place = rusty_s3::Bucket::new(endpoint, UrlStyle::Path, bucket.name.clone(), bucket.region.clone()).unwrap();
    let url = if key.is_empty() {
        place.base_url().clone()
    } else {
        place.object_url(key)
    };
    let url = sign(
        &Timestamp::now(),
        rusty_s3::Method::Put,
        url,
        &bucket.access_key_id,
        &bucket.secret_access_key,
        None,
        &bucket.region,
        Duration::from_secs(60).as_secs(),
        query.iter().copied(),
        std::iter::empty(),
    );
    let request = Client::new().request(method, url).body(body);
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap()
}

#[tokio::test]
async fn the_rules_in_the_documentation_let_a_page_send_parts_and_no_other_page() {
    let example = example();
    // Garage compares their letters as they are, and browsers send them in small ones.
    for header in example["CORSRules"][0]["AllowedHeaders"].as_array().unwrap() {
        let header = header.as_str().unwrap();
        assert_eq!(header, header.to_lowercase());
    }
    let bucket = S3Server::shared().await.bucket().await;
    let set = send(&bucket, Method::PUT, "", &[("cors", "")], &[], in_xml(&example)).await;
    assert!(set.status().is_success(), "{}", set.text().await.unwrap());

    let key = key().to_string();
    let part = [("partNumber", "1"), ("uploadId", "an-id")];
    for (origin, is_let_in) in [(PAGE, true), ("https://elsewhere.example.com", false)] {
        let asks = [
            ("origin", origin),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "content-type"),
        ];
        let answer = send(&bucket, Method::OPTIONS, &key, &part, &asks, String::new()).await;
        let allowed = answer.headers().get("access-control-allow-origin").is_some();
        assert_eq!(
            answer.status().is_success() && allowed,
            is_let_in,
            "{origin}: {answer:?}"
        );
    }
    let sends = [("origin", PAGE), ("content-type", "video/mp4")];
    let answer = send(&bucket, Method::PUT, &key, &[], &sends, "bytes".to_owned()).await;
    assert!(answer.status().is_success(), "{answer:?}");
    assert_eq!(answer.headers()["access-control-allow-origin"], PAGE);
    let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.to_lowercase().contains("etag"), "{exposed}");
}
