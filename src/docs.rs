//! The Rust blocks of the documentation, which `cargo test` compiles as it does examples of the code.

#[doc = include_str!("../README.md")]
struct Readme;

#[doc = include_str!("../docs/embedding.md")]
struct Embedding;

#[doc = include_str!("../docs/writing-a-plugin.md")]
struct WritingAPlugin;

#[doc = include_str!("../plugins/clamav/README.md")]
struct ClamAv;

#[doc = include_str!("../plugins/icap/README.md")]
struct Icap;

#[doc = include_str!("../plugins/http-source/README.md")]
struct HttpSource;

#[doc = include_str!("../plugins/webhook/README.md")]
struct Webhook;
