//! Unfinished uploads: found by their key, and aborted.

use intake_core::Fault;
use reqwest::Client;
use rusty_s3::Method;

use super::lists::Uploads;
use super::{MultipartApi, NO_SUCH_UPLOAD};
use crate::failure::Failure;
use crate::fault;
use crate::name::Name;

/// The most pages of unfinished uploads that are read. Few other keys begin with this key, if any.
const MOST_PAGES: usize = 10;
/// How often unfinished uploads are listed and aborted. A part that arrives at the same time can keep one alive.
const ROUNDS: usize = 3;

impl MultipartApi {
    /// Aborts all unfinished uploads of this name. Succeeds if there is none.
    pub(crate) async fn abort_all(&self, name: &Name) -> Result<(), Fault> {
        let doing = format!("abort unfinished uploads of {name}");
        for _ in 0..ROUNDS {
            let uploads = self
                .unfinished(name)
                .await
                .map_err(|failure| fault::of_s3(&doing, failure))?;
            if uploads.is_empty() {
                return Ok(());
            }
            for upload in uploads {
                self.abort(name, &upload)
                    .await
                    .map_err(|failure| fault::of_s3(&doing, failure))?;
            }
        }
        let left = self
            .unfinished(name)
            .await
            .map_err(|failure| fault::of_s3(&doing, failure))?;
        if left.is_empty() {
            return Ok(());
        }
        Err(fault::of_s3(&doing, Failure::passing("some are still listed")))
    }

    /// Aborts one upload. Succeeds if there is none.
    pub(crate) async fn abort(&self, name: &Name, upload: &str) -> Result<(), Failure> {
        let request = |http: &Client| http.delete(self.url(Method::Delete, Some(name), &[("uploadId", upload)], &[]));
        match self.ask(self.limits.small, request, |_| Ok(())).await {
            Err(failure) if failure.is(NO_SUCH_UPLOAD) => Ok(()),
            aborted => aborted,
        }
    }

    /// The ids of all unfinished uploads of a name. The service lists all keys that begin with it; others are left out here.
    pub(crate) async fn unfinished(&self, name: &Name) -> Result<Vec<String>, Failure> {
        let key = self.key(name);
        let page = self.limits.page.to_string();
        let mut ids = Vec::new();
        let mut after: Vec<(&str, String)> = Vec::new();
        for _ in 0..MOST_PAGES {
            let mut query = vec![("max-uploads", page.as_str()), ("prefix", &key), ("uploads", "")];
            query.extend(after.iter().map(|(name, marker)| (*name, marker.as_str())));
            query.sort_unstable();
            let request = |http: &Client| http.get(self.url(Method::Get, None, &query, &[]));
            let listed = self.ask(self.limits.small, request, Uploads::read).await?;
            let here = listed.uploads.into_iter().filter(|upload| upload.key == key);
            ids.extend(here.map(|upload| upload.id));
            if !listed.is_truncated {
                return Ok(ids);
            }
            let markers = [
                ("key-marker", listed.next_key),
                ("upload-id-marker", listed.next_upload),
            ];
            after = markers.into_iter().filter(|(_, marker)| !marker.is_empty()).collect();
        }
        Err(Failure::nonsense("a list of uploads without end"))
    }
}
