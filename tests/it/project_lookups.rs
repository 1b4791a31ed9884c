//! How often a request looks its project up: for managed projects each look-up is a query to the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use intake::core::{Directory, Fault, Project, async_trait};
use intake::upload_api::Settings;

use crate::support::Form;
use crate::town::{Town, code, form};

/// Look-ups by the request itself, whatever it brings.
const BY_REQUEST: usize = 1;
/// Look-ups by the pipeline when it admits a file whose project is known.
const BY_ADMIT: usize = 1;
/// Look-ups by the pipeline when it commits the files of a request.
const BY_COMMIT: usize = 2;

/// Knows one project, and counts how often it is asked.
#[derive(Clone, Debug, Default)]
struct Counting(Arc<AtomicUsize>);

#[async_trait]
impl Directory for Counting {
    async fn find(&self, public_key: &str) -> Result<Option<Arc<Project>>, Fault> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok((public_key == "counted").then(|| Arc::new(Project::new("counted"))))
    }
}

fn with_files(form: Form, count: usize) -> Form {
    let names = (0..count).map(|number| format!("file{number}"));
    names.fold(form, |form, name| form.file(&name, "a.txt", b"content"))
}

#[test]
fn an_upload_looks_its_project_up_once_and_the_pipeline_has_its_own_look_ups() {
    let lookups = Counting::default();
    let counted = lookups.clone();
    let town = Town::with(&[], Settings::default(), |builder| builder.directory(counted));
    for count in [1, 3] {
        let key_first = with_files(form("counted"), count);
        let key_last = with_files(Form::default(), count).field("UPLOADCARE_PUB_KEY", "counted");
        for (order, sent, by_pipeline) in [
            ("key first", key_first, count * BY_ADMIT + BY_COMMIT),
            ("key last", key_last, BY_COMMIT),
        ] {
            lookups.0.store(0, Ordering::SeqCst);
            let answer = town.base(&sent);
            assert_eq!(code(&answer), "accepted", "{}", answer.text());
            let counted = lookups.0.load(Ordering::SeqCst);
            assert_eq!(counted, BY_REQUEST + by_pipeline, "{count} files, {order}");
        }
    }
}

#[test]
fn a_key_that_no_project_has_is_looked_up_once() {
    let lookups = Counting::default();
    let counted = lookups.clone();
    let town = Town::with(&[], Settings::default(), |builder| builder.directory(counted));
    let key_first = with_files(form("unknown"), 3);
    let key_last = with_files(Form::default(), 3).field("UPLOADCARE_PUB_KEY", "unknown");
    for sent in [key_first, key_last] {
        lookups.0.store(0, Ordering::SeqCst);
        assert_eq!(code(&town.base(&sent)), "ProjectPublicKeyInvalidError");
        assert_eq!(lookups.0.load(Ordering::SeqCst), BY_REQUEST);
    }
}
