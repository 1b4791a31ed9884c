//! Changes of a project while an upload is in progress take effect when it is completed: its status, secrets, rules and tokens.

use serde_json::{Value, json};

use crate::in_process::{InProcess, code, form, signed, signing, token};

/// Changes that are possible while a multipart upload is in progress, and the error with which its completion then ends.
#[test]
fn a_change_between_start_and_complete_takes_effect_at_complete() {
    let with = |more: Value| {
        let mut project = signing();
        project
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        project
    };
    let passes = "accepted";
    let final_no = false;
    // The change, the error, and whether the upload can be completed once the change is taken back.
    let changes: [(&str, Value, &str, bool); 15] = [
        ("nothing", signing(), passes, true),
        (
            "blocked",
            with(json!({"status": "blocked"})),
            "AccountBlockedError",
            true,
        ),
        (
            "not paid for",
            with(json!({"status": "unpaid"})),
            "AccountUnpaidError",
            true,
        ),
        (
            "at its limits",
            with(json!({"status": "limits_exceeded"})),
            "AccountLimitsExceededError",
            true,
        ),
        (
            "removed",
            with(json!({"status": "removed"})),
            "ProjectPublicKeyRemovedError",
            true,
        ),
        (
            "its secret is replaced by another of the same name",
            with(json!({"secrets": [{"name": "one", "secret": "another"}]})),
            "SignatureInvalidError",
            true,
        ),
        (
            "another secret beside it",
            with(json!({"secrets": [{"name": "new", "secret": "new"}, {"name": "one", "secret": "secret"}]})),
            passes,
            true,
        ),
        (
            "its token is revoked",
            with(json!({"revoked_tokens": ["t"]})),
            "SignatureInvalidError",
            true,
        ),
        (
            "files may be smaller only",
            with(json!({"max_size": "9 MiB"})),
            "MultipartFileSizeLimitExceededError",
            final_no,
        ),
        (
            "files in parts may be smaller only",
            with(json!({"max_multipart_size": "9 MiB"})),
            "MultipartFileSizeLimitExceededError",
            final_no,
        ),
        (
            "files in one request may be smaller only",
            with(json!({"max_direct_size": "1 MiB"})),
            passes,
            true,
        ),
        (
            "its type is forbidden",
            with(json!({"deny_types": ["text/plain"]})),
            "FileTypeForbiddenError",
            final_no,
        ),
        (
            "other types are allowed",
            with(json!({"allow_types": ["image/*"]})),
            "FileTypeForbiddenError",
            final_no,
        ),
        (
            "its ending is forbidden",
            with(json!({"deny_extensions": ["bin"]})),
            "FileTypeForbiddenError",
            final_no,
        ),
        (
            "there is less room, which it has already",
            with(json!({"max_files": 1})),
            passes,
            true,
        ),
    ];
    for (change, settings, expected, comes_back) in changes {
        let server = InProcess::of(&[("shop", signing())]);
        let jwt = token("secret", "t", json!({"uses": 2}));
        let uuid = server.parts("shop", &format!("&signature={jwt}"));
        server.set("shop", settings);
        let answer = server.complete("shop", &uuid);
        assert_eq!(code(&answer), expected, "{change}: {}", answer.text());
        server.set("shop", signing());
        let again = code(&server.complete("shop", &uuid));
        assert_eq!(again == "accepted", comes_back, "{change}, taken back: {again}");
        let files = u64::from(comes_back);
        assert_eq!(server.usage("shop").0, files, "{change}: what is booked");
    }
}

#[test]
fn an_upload_that_was_begun_unsigned_is_not_completed_once_signatures_are_asked_for() {
    let server = InProcess::of(&[("shop", json!({}))]);
    let uuid = server.parts("shop", "");
    server.set("shop", signing());
    assert_eq!(code(&server.complete("shop", &uuid)), "SignatureRequiredError");
}

#[test]
fn a_part_of_an_upload_that_could_not_be_completed_is_not_taken() {
    let server = InProcess::of(&[("shop", signing())]);
    let begun = server.begin("shop", &signed("secret"));
    let put = |path: &str| {
        let path = format!("{path}&jsonerrors=1");
        crate::support::send(&server.address, &format!("PUT {path} HTTP/1.1\r\n"), b"x")
    };
    assert_eq!(put(&begun.parts[1]).status, 200);
    server.set("shop", json!({"status": "blocked"}));
    assert_eq!(code(&put(&begun.parts[1])), "AccountBlockedError");
}

/// A scanner whose end blocks the project.
#[derive(Debug, Clone, Default)]
struct Meanwhile(std::sync::Arc<std::sync::Mutex<Option<(intake::core::memory::MemoryRecorder, Value)>>>);

#[intake::core::async_trait]
impl intake::core::Scanner for Meanwhile {
    async fn open(&self, _: &intake::core::Head<'_>) -> Result<Box<dyn intake::core::Scan>, intake::core::Fault> {
        Ok(Box::new(self.clone()))
    }
    async fn ready(&self) -> Result<(), intake::core::Fault> {
        Ok(())
    }
}

#[intake::core::async_trait]
impl intake::core::Scan for Meanwhile {
    async fn feed(&mut self, _: &intake::core::Bytes) -> Result<intake::core::Verdict, intake::core::Fault> {
        Ok(intake::core::Verdict::Accept)
    }
    async fn finish(self: Box<Self>) -> Result<intake::core::Report, intake::core::Fault> {
        use intake::core::Catalog as _;

        let change = self.0.lock().unwrap().take();
        if let Some((recorder, settings)) = change {
            let before = recorder.project("shop").await?.unwrap();
            let settings = settings.as_object().unwrap().clone();
            let project = intake::core::ManagedProject::new("shop", before.revision + 1, settings);
            assert_eq!(recorder.put_project(&project).await?, intake::core::Update::Applied);
        }
        Ok(intake::core::Report::clean())
    }
}

#[test]
fn a_change_while_the_whole_is_scanned_takes_effect() {
    for (change, expected, comes_back) in [
        (json!({"status": "blocked"}), "AccountBlockedError", true),
        (json!({"deny_types": ["text/*"]}), "FileTypeForbiddenError", false),
    ] {
        let meanwhile = Meanwhile::default();
        let settings = intake::upload_api::Settings::default();
        let scanner = meanwhile.clone();
        let server = InProcess::with(&[("shop", json!({}))], settings, |builder| {
            builder.scanner("meanwhile", scanner)
        });
        let uuid = server.parts("shop", "");
        let next = || *meanwhile.0.lock().unwrap() = Some((server.recorder.clone(), change.clone()));
        next();
        assert_eq!(code(&server.complete("shop", &uuid)), expected, "{change}");
        server.set("shop", json!({}));
        assert_eq!(
            code(&server.complete("shop", &uuid)) == "accepted",
            comes_back,
            "{change}"
        );
        next();
        assert_eq!(
            code(&server.base(&form("shop").file("file", "a", b"text"))),
            expected,
            "{change}"
        );
    }
}
