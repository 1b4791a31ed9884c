//! Clients for a bucket.

use std::path::Path;
use std::sync::Arc;

use intake_core::{ConfigError, Fault};
use opendal::layers::{RetryEvent, RetryLayer, TimeoutLayer};
use opendal::{HttpTransporter, OperationContext, Operator, services};
use reqwest::{Certificate, Url};
use rusty_s3::{Credentials, UrlStyle};

use crate::codes::STORE_FAILED;
use crate::fault;
use crate::s3::api::MultipartApi;
use crate::s3::client::Http;
use crate::s3::presign::Signer;
use crate::s3::retry::{LARGE, PAUSE, RETRIES, SMALL};
use crate::s3::spool::Spool;
use crate::settings::S3;

/// The clients for a bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) operator: Operator,
    pub(crate) multipart: Arc<MultipartApi>,
}

const DOING: &str = "prepare requests to S3";

/// Builds the clients for a bucket; the first request connects. Blocks, as it reads secrets and certificates from files.
pub(crate) fn open(settings: &S3) -> Result<Bucket, Fault> {
    let trusted = settings.ca_file.as_deref().map(certificates).transpose()?;
    let http = Http::new(settings.idle_timeout, &trusted.unwrap_or_default());
    let http = http.map_err(|error| cannot().with_source(error))?;
    let signer = |endpoint: &str| signer(settings, endpoint);
    let endpoint = settings.endpoint();
    let direct = settings
        .direct
        .then(|| signer(settings.direct_endpoint.as_deref().unwrap_or(&endpoint)));
    let spool = Spool::new(settings.spool_folder(), settings.spool_size.as_u64());
    let multipart = MultipartApi::new(
        http.clone(),
        signer(&endpoint)?,
        direct.transpose()?,
        spool,
        &settings.prefix,
    );
    let operator = operator(settings, http)?;
    Ok(Bucket {
        operator,
        multipart: Arc::new(multipart),
    })
}

/// The certificates in a file of PEM blocks.
fn certificates(file: &Path) -> Result<Vec<Certificate>, Fault> {
    let cannot = || Fault::new(STORE_FAILED, format!("cannot use `ca_file`, {}", file.display()));
    let pem = std::fs::read(file).map_err(|error| cannot().with_source(error))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| cannot().with_source(error))?;
    if certificates.is_empty() {
        let message =
            "it contains no certificate; there has to be at least one, between BEGIN CERTIFICATE and END CERTIFICATE";
        return Err(cannot().with_source(message));
    }
    Ok(certificates)
}

fn cannot() -> Fault {
    Fault::new(STORE_FAILED, format!("cannot {DOING}"))
}

fn unset(name: &'static str) -> impl Fn(ConfigError) -> Fault {
    move |error| cannot().with_source(error.within(name))
}

fn signer(settings: &S3, endpoint: &str) -> Result<Signer, Fault> {
    let style = if settings.path_style {
        UrlStyle::Path
    } else {
        UrlStyle::VirtualHost
    };
    let bucket = Url::parse(endpoint).map_err(|error| cannot().with_source(error))?;
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
        bucket.map_err(|error| cannot().with_source(error))?,
        Credentials::new(id, secret),
    ))
}

fn operator(settings: &S3, http: Http) -> Result<Operator, Fault> {
    let mut s3 = services::S3::default()
        .bucket(&settings.bucket)
        .region(settings.region())
        .endpoint(&settings.endpoint())
        .root(&settings.prefix)
        // Otherwise credentials could come from the machine's own configuration, or from a service in its network.
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
    let operator = Operator::new(s3).map_err(|error| fault::of_opendal(DOING, error))?;
    let retries = RetryLayer::new().with_max_times(RETRIES).with_min_delay(PAUSE);
    // The timeout is below the retries: one around them could interrupt a retry, after which the writer can neither go on nor
    // abort.
    Ok(operator
        .with_context(OperationContext::new().with_http_transport(HttpTransporter::new(http)))
        .layer(TimeoutLayer::new().with_timeout(SMALL).with_io_timeout(LARGE))
        .layer(retries.with_jitter().with_notify(tell)))
}

fn tell(event: RetryEvent<'_>) {
    let RetryEvent { op, err, attempt, .. } = event;
    tracing::warn!(%op, attempt, error = %err, "S3 failed; trying again");
}
