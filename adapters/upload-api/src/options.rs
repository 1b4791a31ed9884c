//! What a sender asks for with a file: how long to keep it, metadata and tags.

use intake_core::{Retention, Terms};

use crate::error::{Refusal, codes};
use crate::params::Params;
use crate::tags;
use crate::visit::LetIn;

/// What the store flag is called where files come in.
pub(crate) const STORE: &str = "UPLOADCARE_STORE";

/// What a request says of how long to keep its file, under this name, and of what to note beside it.
pub(crate) fn terms(let_in: &LetIn, params: &mut Params, store: &'static str) -> Result<Terms, Refusal> {
    let LetIn { project, pass, sender } = let_in;
    let metadata = std::mem::take(&mut params.metadata).finish(project, pass.as_ref())?;
    let tags = tags::read(params.get("tags").unwrap_or_default())?;
    let retention = match params.get(store) {
        Some("auto") => project
            .auto()
            .ok_or_else(|| Refusal::new(&codes::AUTOSTORE_FORBIDDEN))?,
        // Not in the reference, but what people type must not cost them the file a day later.
        Some("1" | "true") => Retention::Keep,
        _ => Retention::Temporary,
    };
    Ok(Terms {
        project: Some(project.public_key.clone()),
        pass: pass.clone(),
        sender: sender.clone(),
        retention,
        metadata,
        tags,
        known_as: None,
    })
}
