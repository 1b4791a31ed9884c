//! What the pipeline says of a content.

use std::collections::BTreeMap;
use std::io;

use futures_util::stream;
use intake_core::{Bytes, Coverage, Declared, Incoming, Objection, Pipeline, Registry, Settings};
use serde::Serialize;
use serde_json::Value;

use crate::table::folder;

/// What a stage says of a content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Said {
    /// It accepts it, and looked at everything.
    Accepted,
    /// It accepts it, and did not look at everything, for this reason.
    Partial(String),
    /// It refuses it, with this code.
    Refused(String),
    /// It failed.
    Failed(String),
}

/// What all stages say of a content.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Judgement {
    /// The media type that was found.
    #[serde(rename = "type")]
    pub media_type: Option<String>,
    /// What each stage says, by its name.
    pub said: BTreeMap<String, Said>,
    /// What scanners note, by subject.
    pub notes: BTreeMap<String, Value>,
}

/// The pipeline of `settings.toml`.
///
/// # Errors
///
/// If the settings cannot be read, or a plugin does not take them.
pub fn pipeline() -> io::Result<Pipeline> {
    let text = std::fs::read_to_string(folder().join("settings.toml"))?;
    let table = toml::from_str(&text).map_err(io::Error::other)?;
    let registry = Registry::linked().map_err(io::Error::other)?;
    Pipeline::from_settings(&mut Settings::new(table), &registry).map_err(io::Error::other)
}

/// Asks all stages what they say of a content, which comes in pieces of this size.
///
/// # Errors
///
/// If the declared type is none, or the pipeline cannot say anything.
pub async fn judge(
    pipeline: &Pipeline,
    name: &str,
    declared: Option<&str>,
    content: &Bytes,
    piece: usize,
) -> io::Result<Judgement> {
    let media_type = declared.map(str::parse).transpose().map_err(io::Error::other)?;
    let declared = Declared::named(name).with(|declared| declared.media_type = media_type);
    let pieces: Vec<_> = content
        .chunks(piece)
        .map(|piece| Ok::<_, io::Error>(content.slice_ref(piece)))
        .collect();
    let incoming = Incoming::from_stream(declared, stream::iter(pieces));
    let explanation = pipeline.explain(incoming).await.map_err(io::Error::other)?;
    let said = explanation.opinions.into_iter().map(|opinion| {
        let said = match opinion.said {
            Ok(inspection) => match inspection.coverage {
                Coverage::Partial(why) => Said::Partial(why),
                _ => Said::Accepted,
            },
            Err(Objection::Refusal(rejection)) => Said::Refused(rejection.code.to_string()),
            Err(objection) => Said::Failed(format!("{objection:?}")),
        };
        (opinion.stage, said)
    });
    let said = said.collect();
    let facts = explanation
        .facts
        .ok_or_else(|| io::Error::other("it was not read to its end"))?;
    Ok(Judgement {
        media_type: facts.media_type.map(|media_type| media_type.to_string()),
        said,
        notes: facts.notes,
    })
}
