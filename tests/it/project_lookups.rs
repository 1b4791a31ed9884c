//! How often a request looks its project up: for managed projects each look-up is a query to the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use intake::core::{Fault, Project, ProjectProvider, async_trait};
use intake::upload_api::Settings;

use crate::in_process::{InProcess, code, form};
use crate::support::Form;

/// Look-ups by the request itself, whatever it brings.
const BY_REQUEST: usize = 1;
/// Look-ups by the pipeline when it commits the files of a request, so that the rules are those of that moment.
const BY_COMMIT: usize = 1;

/// Knows one project, and counts how often it is asked.
#[derive(Clone, Debug, Default)]
struct Counting(Arc<AtomicUsize>);

#[async_trait]
impl ProjectProvider for Counting {
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
fn an_upload_looks_its_project_up_once_and_its_commit_once_more() {
    let lookups = Counting::default();
    let counted = lookups.clone();
    let server = InProcess::with(&[], Settings::default(), |builder| builder.project_provider(counted));
    for count in [1, 3] {
        let key_first = with_files(form("counted"), count);
        let key_last = with_files(Form::default(), count).field("UPLOADCARE_PUB_KEY", "counted");
        for (order, sent) in [("key first", key_first), ("key last", key_last)] {
            lookups.0.store(0, Ordering::SeqCst);
            let answer = server.base(&sent);
            assert_eq!(code(&answer), "accepted", "{}", answer.text());
            let counted = lookups.0.load(Ordering::SeqCst);
            assert_eq!(counted, BY_REQUEST + BY_COMMIT, "{count} files, {order}");
        }
    }
}

#[test]
fn a_key_that_no_project_has_is_looked_up_once() {
    let lookups = Counting::default();
    let counted = lookups.clone();
    let server = InProcess::with(&[], Settings::default(), |builder| builder.project_provider(counted));
    let key_first = with_files(form("unknown"), 3);
    let key_last = with_files(Form::default(), 3).field("UPLOADCARE_PUB_KEY", "unknown");
    for sent in [key_first, key_last] {
        lookups.0.store(0, Ordering::SeqCst);
        assert_eq!(code(&server.base(&sent)), "ProjectPublicKeyInvalidError");
        assert_eq!(lookups.0.load(Ordering::SeqCst), BY_REQUEST);
    }
}

#[test]
fn other_requests_look_their_project_up_once_and_a_completion_once_more() {
    let lookups = Counting::default();
    let counted = lookups.clone();
    let server = InProcess::with(&[], Settings::default(), |builder| builder.project_provider(counted));
    let taken = || lookups.0.swap(0, Ordering::SeqCst);
    let file = server.base(&with_files(form("counted"), 1)).json()["file0"]
        .as_str()
        .unwrap()
        .to_owned();
    taken();
    let group = server.get(&format!("/group/?pub_key=counted&files[0]={file}&jsonerrors=1"));
    assert_eq!((code(&group), taken()), ("accepted".to_owned(), BY_REQUEST));
    server.begin("counted", "");
    assert_eq!(taken(), BY_REQUEST, "an upload in parts is begun");
    let uploaded = server.parts("counted", "");
    taken();
    assert_eq!(code(&server.complete("counted", &uploaded)), "accepted");
    // Before the whole is read as well: a refusal deletes the parts, and the request may have waited for long.
    assert_eq!(taken(), BY_REQUEST + 1 + BY_COMMIT, "an upload in parts is completed");
}
