//! Intake: a gate for every file that clients send to a product. It receives, validates, scans, stores, records and, in time,
//! expires files.
//!
//! For a product team: build a pipeline and pass uploads to it, in your own service.
//!
//! ```no_run
//! # async fn run(body: intake::core::ByteStream) -> Result<(), Box<dyn std::error::Error>> {
//! use intake::core::{Declared, Incoming, Pipeline, UploadOptions};
//! use intake::plugins::{ClamAv, MediaTypes, OpendalStore, Retain, SqlRecorder};
//!
//! let pipeline = Pipeline::builder()
//!     .validator("media-type", MediaTypes::allow(["image/*"])?)
//!     .scanner("clamav", ClamAv::at("127.0.0.1:3310"))
//!     .store(OpendalStore::fs("/var/lib/product/files"))
//!     .recorder(SqlRecorder::sqlite("/var/lib/product/records.db"))
//!     .expirer(Retain::default())
//!     .build()?;
//! let record = pipeline.ingest(Incoming::new(Declared::named("cat.jpeg"), body), UploadOptions::default()).await?;
//! println!("{} is ready", record.id);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/embed.rs` is the same as a whole program. For an integrator: `docs/writing-a-plugin.md`, and its plugin in
//! `examples/no-programs`. For an operator: the `intake` program and `docs/operating.md`.

pub mod config;
#[cfg(doctest)]
mod docs;
#[cfg(feature = "program")]
pub mod program;
pub mod server;
mod variables;

/// The stages, the pipeline, and everything a plugin needs.
pub use intake_core as core;
/// The way out for files as an axum router.
#[cfg(feature = "delivery")]
pub use intake_delivery as delivery;
/// The REST API as an axum router.
#[cfg(feature = "rest-api")]
pub use intake_rest_api as rest_api;
/// The Upload API as an axum router.
#[cfg(feature = "upload-api")]
pub use intake_upload_api as upload_api;

/// The plugins of this build, each crate under its own name, such as `plugins::clamav`; and the stages of the standard ones, for
/// code that builds a pipeline.
pub mod plugins {
    #[cfg(feature = "archive")]
    pub use intake_plugin_archive::Archive;
    #[cfg(feature = "clamav")]
    pub use intake_plugin_clamav::ClamAv;
    #[cfg(feature = "ffprobe")]
    pub use intake_plugin_ffprobe::Ffprobe;
    #[cfg(feature = "file-type")]
    pub use intake_plugin_file_type::FileType;
    #[cfg(feature = "http-source")]
    pub use intake_plugin_http_source::HttpSource;
    #[cfg(feature = "icap")]
    pub use intake_plugin_icap::Icap;
    #[cfg(feature = "image-info")]
    pub use intake_plugin_image_info::ImageInfo;
    #[cfg(feature = "image-limits")]
    pub use intake_plugin_image_limits::ImageLimits;
    #[cfg(feature = "media-info")]
    pub use intake_plugin_media_info::MediaInfo;
    #[cfg(feature = "media-type")]
    pub use intake_plugin_media_type::MediaTypes;
    #[cfg(feature = "opendal")]
    pub use intake_plugin_opendal::OpendalStore;
    #[cfg(feature = "pdf")]
    pub use intake_plugin_pdf::Pdf;
    #[cfg(feature = "polyglot")]
    pub use intake_plugin_polyglot::Polyglot;
    #[cfg(feature = "retention")]
    pub use intake_plugin_retention::Retain;
    #[cfg(feature = "sql")]
    pub use intake_plugin_sql::SqlRecorder;
    #[cfg(feature = "svg")]
    pub use intake_plugin_svg::Svg;
    #[cfg(feature = "text")]
    pub use intake_plugin_text::Text;
    #[cfg(feature = "webhook")]
    pub use intake_plugin_webhook::Webhook;

    // Names every plugin crate, so that the linker keeps it.
    include!(concat!(env!("OUT_DIR"), "/plugins.rs"));
}
