//! What an operator who compares names, declared types and contents can rely on.

mod contents;
mod contract;
mod contradictions;
mod corpus;
mod honest;
mod programs;
mod settings;

use intake_core::memory::{KeepAll, MemoryRecorder, MemoryStore};
use intake_core::{Bytes, Declared, FromSettings, Incoming, Objection, Pipeline, Rejection};
use intake_plugin_file_type::{FileType, Settings};

/// A pipeline with nothing but this validator.
fn pipeline(settings: Settings) -> Pipeline {
    Pipeline::builder()
        .validator(
            "file-type",
            FileType::from_settings(settings).expect("settings that make sense"),
        )
        .store(MemoryStore::default())
        .recorder(MemoryRecorder::default())
        .expirer(KeepAll)
        .build()
        .expect("builds")
}

/// The refusal of a file by the whole pipeline, which finds the type of its content. An empty declared type is none.
async fn refusal(pipeline: &Pipeline, name: &str, declared: &str, content: &[u8]) -> Option<Rejection> {
    let claims = Declared::named(name).with(|claims| {
        claims.media_type = (!declared.is_empty()).then(|| declared.parse().expect("a media type"));
    });
    let incoming = Incoming::from_bytes(claims, Bytes::copy_from_slice(content));
    let explanation = pipeline.explain(incoming).await.expect("it is read to its end");
    let mut said = explanation.opinions.into_iter();
    said.find_map(|opinion| match opinion.said.err()? {
        Objection::Refusal(rejection) => Some(rejection),
        other => panic!("a validator does not fail: {other:?}"),
    })
}

/// The code of the refusal with the default settings, which are the strictest but for scripts.
async fn code(name: &str, declared: &str, content: &[u8]) -> Option<String> {
    let refusal = refusal(&pipeline(Settings::default()), name, declared, content).await;
    refusal.map(|refusal| refusal.code.to_string())
}
