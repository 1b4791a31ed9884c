//! The way to a bucket.

use std::sync::Arc;
use std::time::Duration;

use intake_core::{ConfigError, Fault};
use opendal::layers::{RetryEvent, RetryLayer, TimeoutLayer};
use opendal::{HttpTransporter, OperationContext, Operator, services};
use opendal_http_transport_reqwest::ReqwestTransport;
use reqwest::Url;
use rusty_s3::{Credentials, UrlStyle};

use crate::multipart::Multipart;
use crate::settings::S3;
use crate::sign::Signer;
use crate::{STORE_FAILED, fault};

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(10);
/// How long one try of anything small may take: to look something up, to remove it.
pub(crate) const SMALL: Duration = Duration::from_secs(30);
/// How long one try of anything large may take: a part, the next piece of an answer, putting an object's parts together.
pub(crate) const LARGE: Duration = Duration::from_secs(120);
/// How often something is tried again, and how long after the first time; the later ones wait twice as long each.
pub(crate) const RETRIES: usize = 3;
pub(crate) const PAUSE: Duration = Duration::from_millis(200);

/// A bucket, ready to be asked.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) operator: Operator,
    pub(crate) multipart: Arc<Multipart>,
}

const DOING: &str = "prepare requests to S3";

/// Prepares requests to the bucket; the first one connects. Reads secrets, maybe from files: for a thread that may wait.
pub(crate) fn open(settings: &S3) -> Result<Bucket, Fault> {
    let client = client().map_err(|error| cannot().because(error))?;
    let signer = |endpoint: &str| signer(settings, endpoint);
    let endpoint = settings.endpoint();
    let direct = settings
        .direct
        .then(|| signer(settings.direct_endpoint.as_deref().unwrap_or(&endpoint)));
    let multipart = Multipart::new(
        client.clone(),
        signer(&endpoint)?,
        direct.transpose()?,
        &settings.prefix,
    );
    let operator = operator(settings, client)?;
    Ok(Bucket {
        operator,
        multipart: Arc::new(multipart),
    })
}

fn cannot() -> Fault {
    Fault::new(STORE_FAILED, format!("cannot {DOING}"))
}

fn unset(name: &'static str) -> impl Fn(ConfigError) -> Fault {
    move |error| cannot().because(error.within(name))
}

fn signer(settings: &S3, endpoint: &str) -> Result<Signer, Fault> {
    let style = if settings.path_style {
        UrlStyle::Path
    } else {
        UrlStyle::VirtualHost
    };
    let bucket = Url::parse(endpoint).map_err(|error| cannot().because(error))?;
    let bucket = rusty_s3::Bucket::new(bucket, style, settings.bucket.clone(), settings.region().to_owned());
    let id = settings
        .access_key_id
        .expose(str::to_owned)
        .map_err(unset("access_key_id"))?;
    let secret = settings
        .secret_access_key
        .expose(str::to_owned)
        .map_err(unset("secret_access_key"))?;
    Ok(Signer::new(
        bucket.map_err(|error| cannot().because(error))?,
        Credentials::new(id, secret),
    ))
}

fn operator(settings: &S3, client: reqwest::Client) -> Result<Operator, Fault> {
    let mut s3 = services::S3::default()
        .bucket(&settings.bucket)
        .region(settings.region())
        .endpoint(&settings.endpoint())
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
    let transport = HttpTransporter::new(ReqwestTransport::new(client));

    let operator = Operator::new(s3).map_err(|error| fault::of_opendal(DOING, error))?;
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
