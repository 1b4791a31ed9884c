//! The way to a bucket.

use std::time::Duration;

use intake_core::{ConfigError, Fault};
use opendal::layers::{RetryEvent, RetryLayer, TimeoutLayer};
use opendal::{HttpTransporter, OperationContext, Operator, services};
use opendal_http_transport_reqwest::ReqwestTransport;

use crate::settings::S3;
use crate::{STORE_FAILED, fault};

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(10);
/// How long one try of anything small may take: to look something up, to remove it.
const SMALL: Duration = Duration::from_secs(30);
/// How long one try of anything large may take: a part, the next piece of an answer, putting an object's parts together.
const LARGE: Duration = Duration::from_secs(120);
/// How often something is tried again, and how long after the first time; the later ones wait twice as long each.
const RETRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// Prepares requests to the bucket; the first one connects. Reads secrets, maybe from files: for a thread that may wait.
pub(crate) fn operator(settings: &S3) -> Result<Operator, Fault> {
    let doing = "prepare requests to S3";
    let unset = |name: &'static str| {
        move |error: ConfigError| Fault::new(STORE_FAILED, format!("cannot {doing}")).because(error.within(name))
    };
    let mut s3 = services::S3::default()
        .bucket(&settings.bucket)
        .region(settings.region.as_deref().unwrap_or("us-east-1"))
        .endpoint(settings.endpoint.as_deref().unwrap_or_default())
        .root(&settings.prefix)
        // Else keys would come from whatever this machine has at hand, and a service in its network would be asked.
        .disable_config_load()
        .disable_ec2_metadata();
    s3 = settings
        .access_key_id
        .expose(|id| s3.access_key_id(id))
        .map_err(unset("access_key_id"))?;
    s3 = settings
        .secret_access_key
        .expose(|secret| s3.secret_access_key(secret))
        .map_err(unset("secret_access_key"))?;
    if !settings.path_style {
        s3 = s3.enable_virtual_host_style();
    }

    let client = client().map_err(|error| Fault::new(STORE_FAILED, format!("cannot {doing}")).because(error))?;
    let transport = HttpTransporter::new(ReqwestTransport::new(client));

    let operator = Operator::new(s3).map_err(|error| fault::of_opendal(doing, error))?;
    let retries = RetryLayer::new().with_max_times(RETRIES).with_min_delay(PAUSE);
    // A time limit around retries would cut one off half way, after which their writer can neither go on nor abort.
    Ok(operator
        .with_context(OperationContext::new().with_http_transport(transport))
        .layer(TimeoutLayer::new().with_timeout(SMALL).with_io_timeout(LARGE))
        .layer(retries.with_jitter().with_notify(tell)))
}

/// What speaks HTTP. Whoever uses it bounds how long an answer may take.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    // The whole program shares one provider. If somebody was faster, theirs is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().connect_timeout(CONNECT).build()
}

fn tell(event: RetryEvent<'_>) {
    let RetryEvent { op, err, attempt, .. } = event;
    tracing::warn!(%op, attempt, error = %err, "S3 failed; trying again");
}
