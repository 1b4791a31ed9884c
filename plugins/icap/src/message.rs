//! What is sent to the server: the heads of requests (RFC 3507, sections 4.8 to 4.10).

use intake_core::UploadId;

use crate::service::Service;
use crate::settings::Method;

/// Names no host (RFC 6761): the file was never there.
const HOST: &str = "intake.invalid";

/// The method of the HTTP request in a `REQMOD`.
pub(crate) const SENT_BY: &str = "POST";

/// The target of the HTTP request. It names the upload, so that the server's log tells which one it was.
///
/// Neither the name nor the type that the sender declares is sent: servers may be told to skip files by them.
pub(crate) fn target(id: UploadId) -> String {
    format!("http://{HOST}/uploads/{id}")
}

/// Asks what the service offers.
pub(crate) fn options(service: &Service) -> Vec<u8> {
    let begin = begin("OPTIONS", service);
    format!("{begin}Encapsulated: null-body=0\r\n\r\n").into_bytes()
}

/// Announces a content.
pub(crate) fn content(service: &Service, method: Method, target: &str, preview: Option<usize>) -> Vec<u8> {
    const TYPE: &str = "Content-Type: application/octet-stream\r\n\r\n";
    let (heads, parts) = match method {
        Method::Reqmod => {
            let request = format!("{SENT_BY} {target} HTTP/1.1\r\nHost: {HOST}\r\n{TYPE}");
            let parts = format!("req-hdr=0, req-body={}", request.len());
            (request, parts)
        }
        Method::Respmod => {
            let request = format!("GET {target} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
            let response = format!("HTTP/1.1 200 OK\r\n{TYPE}");
            let (at, end) = (request.len(), request.len() + response.len());
            (request + &response, format!("req-hdr=0, res-hdr={at}, res-body={end}"))
        }
    };
    let begin = begin(method.name(), service);
    let preview = preview.map_or(String::new(), |bytes| format!("Preview: {bytes}\r\n"));
    format!("{begin}Allow: 204\r\n{preview}Encapsulated: {parts}\r\n\r\n{heads}").into_bytes()
}

fn begin(method: &str, service: &Service) -> String {
    let host = service.authority();
    let agent = concat!("intake-plugin-icap/", env!("CARGO_PKG_VERSION"));
    format!("{method} {service} ICAP/1.0\r\nHost: {host}\r\nUser-Agent: {agent}\r\n")
}
