//! Changes of what the owner of a file says of it: its metadata and its tags.

use std::collections::BTreeMap;

use crate::engine::pipeline::Pipeline;
use crate::record::event::Event;
use crate::record::upload::Record;
use crate::value::error::Error;
use crate::value::id::UploadId;
use crate::value::verdict::{REQUEST, Rejection};

/// What the owner of a file says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Description {
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
    /// Its tags.
    pub tags: Vec<String>,
}

impl Pipeline {
    /// Changes the metadata and the tags of a file that can be read. The caller bounds them, as it does for an upload: see
    /// [`metadata`](crate::metadata) and [`tags`](crate::tags).
    ///
    /// If the record was changed meanwhile, `edit` is called again with what it is then. A description that stays the same is not
    /// written.
    ///
    /// ```
    /// # use intake_core::{Error, Pipeline, Record, UploadId};
    /// async fn rename_pet(pipeline: &Pipeline, id: UploadId, name: &str) -> Result<Record, Error> {
    ///     let edit = |description: &mut intake_core::Description| {
    ///         description.metadata.insert("pet".to_owned(), name.to_owned());
    ///         Ok(())
    ///     };
    ///     pipeline.describe(id, edit).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the file cannot be read, [`Error::Rejected`] with what `edit` refuses, and faults of the recorder.
    pub async fn describe(
        &self,
        id: UploadId,
        edit: impl Fn(&mut Description) -> Result<(), Rejection>,
    ) -> Result<Record, Error> {
        self.change_if(id, |record, now| {
            if !record.is_readable(now) {
                return Err(Error::NotFound(id));
            }
            let before = Description {
                metadata: record.options.metadata.clone(),
                tags: record.options.tags.clone(),
            };
            let mut next = before.clone();
            edit(&mut next).map_err(|rejection| Error::rejected(REQUEST, rejection))?;
            let Description { metadata, tags } = next.clone();
            Ok((next != before).then_some(Event::Describe { metadata, tags }))
        })
        .await
    }
}
