//! Private functions that the fuzz targets call.

use super::listed::Listed;
use super::lists::{Created, Parts, Refusal, Uploads, completed};

/// What an answer of S3's is taken for.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// A page of parts: how many bytes they have, and the number behind which the next page begins.
    pub parts: Option<(u64, u16)>,
    /// A page of unfinished uploads: how many.
    pub uploads: Option<usize>,
    /// The id of an upload that has begun.
    pub has_begun: bool,
    /// Parts were put together.
    pub is_complete: bool,
    /// The request was refused.
    pub is_refusal: bool,
}

/// Reads an answer as each of those that it may be.
#[must_use]
pub fn answer(xml: &str) -> Answer {
    let parts = Parts::read(xml).ok().map(|page| {
        let next = page.next();
        let mut listed = Listed::default();
        page.parts.into_iter().for_each(|part| listed.add(part));
        let bytes = listed.into_parts().into_iter().map(|part| part.size);
        (bytes.fold(0, u64::saturating_add), next)
    });
    Answer {
        parts,
        uploads: Uploads::read(xml).ok().map(|page| page.uploads.len()),
        has_begun: Created::read(xml).is_ok(),
        is_complete: completed(xml).is_ok(),
        is_refusal: Refusal::read(xml).is_some(),
    }
}
