//! How an upload arrives, how long its sender asks to keep it, and how long it is kept.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// How long a sender asks to keep an upload. The [`Expirer`](crate::Expirer) decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retention {
    /// The default of the deployment.
    #[default]
    Default,
    /// For a while, unless the owner asks to keep the upload.
    Temporary,
    /// For good.
    Keep,
}

/// How long an upload is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifetime {
    /// Whether the upload is kept for good (clients call it "stored") rather than temporarily.
    pub kept: bool,
    /// When the upload expires. `None`: never.
    #[serde(with = "crate::value::micros::option")]
    pub expires: Option<SystemTime>,
}

/// The way in which an upload arrives. Projects have a size limit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UploadMethod {
    /// In one request.
    #[default]
    Direct,
    /// In parts.
    Multipart,
    /// Fetched from a URL.
    FromUrl,
}

impl UploadMethod {
    /// The name in logs and metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Multipart => "multipart",
            Self::FromUrl => "from_url",
        }
    }
}
