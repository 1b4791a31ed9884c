//! The way to a bucket.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use intake_core::{ConfigError, Fault};
use opendal::layers::{RetryEvent, RetryLayer, TimeoutLayer};
use opendal::{HttpTransporter, OperationContext, Operator, services};
use reqwest::{Certificate, Url};
use rusty_s3::{Credentials, UrlStyle};

use crate::client::Http;
use crate::multipart::Multipart;
use crate::settings::S3;
use crate::sign::Signer;
use crate::spool::Spool;
use crate::{STORE_FAILED, fault};

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

/// Prepares requests to the bucket; the first one connects. Reads secrets and certificates from files: for a thread that may
/// wait.
pub(crate) fn open(settings: &S3) -> Result<Bucket, Fault> {
    let trusted = settings.ca_file.as_deref().map(certificates).transpose()?;
    let http = Http::new(settings.idle_timeout, &trusted.unwrap_or_default());
    let http = http.map_err(|error| cannot().because(error))?;
    let signer = |endpoint: &str| signer(settings, endpoint);
    let endpoint = settings.endpoint();
    let direct = settings
        .direct
        .then(|| signer(settings.direct_endpoint.as_deref().unwrap_or(&endpoint)));
    let spool = Spool::new(settings.spool_folder(), settings.spool_size.as_u64());
    let multipart = Multipart::new(
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
    let pem = std::fs::read(file).map_err(|error| cannot().because(error))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| cannot().because(error))?;
    if certificates.is_empty() {
        let message =
            "it has no certificate; there has to be at least one, between BEGIN CERTIFICATE and END CERTIFICATE";
        return Err(cannot().because(message));
    }
    Ok(certificates)
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

fn operator(settings: &S3, http: Http) -> Result<Operator, Fault> {
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
    let operator = Operator::new(s3).map_err(|error| fault::of_opendal(DOING, error))?;
    let retries = RetryLayer::new().with_max_times(RETRIES).with_min_delay(PAUSE);
    // A time limit around retries would cut one off half way, after which their writer can neither go on nor abort.
    Ok(operator
        .with_context(OperationContext::new().with_http_transport(HttpTransporter::new(http)))
        .layer(TimeoutLayer::new().with_timeout(SMALL).with_io_timeout(LARGE))
        .layer(retries.with_jitter().with_notify(tell)))
}

fn tell(event: RetryEvent<'_>) {
    let RetryEvent { op, err, attempt, .. } = event;
    tracing::warn!(%op, attempt, error = %err, "S3 failed; trying again");
}
