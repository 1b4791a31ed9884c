//! What validators are shown of an upload, by whichever method it arrives, and when.

use std::sync::{Arc, Mutex};

use futures_util::{FutureExt, StreamExt, stream};
use intake_core::memory::MemoryRecorder;
use intake_core::{
    BoxError, Bytes, Code, Declared, Error, Facts, Fault, FetchJob, Fetcher, Head, Incoming, NewFetch, Pipeline,
    Recorder, State, UploadId, UploadInfo, UploadMethod, UploadOptions, Validator, Verdict, async_trait,
};

use crate::stores::{InPlace, Seen};
use crate::support::{Clock, builder, new_multipart, part_of, upload};

const UNPAID: Code = Code::new("unpaid");

/// At which moment, of which upload, and what its sender asks for.
type Shown = (&'static str, UploadId, UploadMethod, UploadOptions);

/// Notes what it is shown, and refuses the project that has not paid.
#[derive(Clone, Debug, Default)]
struct Witness(Arc<Mutex<Vec<Shown>>>);

impl Witness {
    fn saw(&self, moment: &'static str, upload: &UploadInfo<'_>) -> Verdict {
        let shown = (moment, upload.id, upload.method, upload.options.clone());
        self.0.lock().unwrap().push(shown);
        match upload.options.project.as_deref() {
            Some("unpaid") => Verdict::reject(UNPAID, "the bill is open"),
            _ => Verdict::Accept,
        }
    }

    fn take(&self) -> Vec<Shown> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Validator for Witness {
    fn declared(&self, upload: &UploadInfo<'_>) -> Verdict {
        self.saw("declared", upload)
    }

    fn head(&self, head: &Head<'_>) -> Verdict {
        self.saw("head", &head.upload)
    }

    fn whole(&self, upload: &UploadInfo<'_>, _: &Facts) -> Verdict {
        self.saw("whole", upload)
    }
}

/// Gives a few bytes for whatever is asked of it.
#[derive(Debug)]
struct Source;

#[async_trait]
impl Fetcher for Source {
    async fn judge(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    async fn receive(&self, _: &str) -> Result<Incoming, Error> {
        let body = stream::iter([Ok::<_, BoxError>(Bytes::from_static(b"good content"))]).boxed();
        Ok(Incoming::new(Declared::default(), body))
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

struct House {
    pipeline: Pipeline,
    store: InPlace,
    recorder: MemoryRecorder,
    witness: Witness,
}

fn house() -> House {
    let (store, recorder, witness) = (InPlace::default(), MemoryRecorder::default(), Witness::default());
    let pipeline = builder(store.clone(), recorder.clone(), &Clock::default())
        .validator("witness", witness.clone())
        .fetcher("source", Source)
        .build()
        .unwrap();
    House {
        pipeline,
        store,
        recorder,
        witness,
    }
}

/// Everything that a sender can ask for, and where it asks from.
fn options(project: &str) -> UploadOptions {
    let mut options = UploadOptions::of_project(project);
    options.metadata = [("department".to_owned(), "sales".to_owned())].into();
    options.sender = Some("192.0.2.1".to_owned());
    options.origin = Some("https://example.com".to_owned());
    options
}

#[tokio::test(start_paused = true)]
async fn project_metadata_client_and_page_are_shown_by_every_method_and_the_latter_two_are_kept_no_longer() {
    let House {
        pipeline,
        recorder,
        witness,
        ..
    } = house();
    let direct = pipeline.ingest(upload(&[b"good"]), options("p")).await.unwrap().id;
    let mut new = new_multipart(10, 5);
    new.options = options("p");
    let parts = pipeline.start_multipart(new).await.unwrap();
    for number in [1, 2] {
        pipeline
            .put_part(&parts, number, Some(5), part_of(b"parts"))
            .await
            .unwrap();
    }
    pipeline.complete(parts.id).await.unwrap();
    let job = NewFetch::new(FetchJob::new("source"), options("p"));
    let job = pipeline.queue_fetch(job).await.unwrap().id;
    pipeline.fetch_due().await.unwrap();
    let fetched = recorder.get(job).await.unwrap().unwrap();
    let fetched_upload = fetched.fetch_job.clone().unwrap().upload.unwrap();

    let shown = witness.take();
    for (id, method) in [
        (direct, UploadMethod::Direct),
        (parts.id, UploadMethod::Multipart),
        (fetched_upload, UploadMethod::FromUrl),
    ] {
        let of_upload: Vec<_> = shown.iter().filter(|(_, of, ..)| *of == id).collect();
        let moments: Vec<_> = of_upload.iter().map(|(moment, ..)| *moment).collect();
        assert_eq!(moments, ["declared", "head", "whole"], "{method:?}");
        for (_, _, by, asked) in of_upload {
            let mut asked = asked.clone();
            // A try of a fetch job is authorized by the job.
            asked.authorization = None;
            assert_eq!((*by, &asked), (method, &options("p")));
        }
        let record = recorder.get(id).await.unwrap().unwrap();
        assert_eq!(record.options.metadata, options("p").metadata);
        assert_eq!(
            (record.options.sender, record.options.origin),
            (None, None),
            "{method:?}"
        );
    }
    assert_eq!((fetched.options.sender, fetched.options.origin), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_validator_is_asked_again_only_if_something_was_said_after_the_last_byte() {
    let House { pipeline, witness, .. } = house();
    let moments = |witness: &Witness| -> Vec<_> { witness.take().into_iter().map(|(moment, ..)| moment).collect() };

    let mut incoming = upload(&[b"good"]);
    incoming.options = options("p");
    let admitted = pipeline.admit(incoming).await.unwrap();
    admitted.commit(options("p")).await.unwrap();
    assert_eq!(moments(&witness), ["declared", "head", "whole"]);

    let admitted = pipeline.admit(upload(&[b"good"])).await.unwrap();
    assert_eq!(moments(&witness), ["declared", "head", "whole"]);
    admitted.commit(options("p")).await.unwrap();
    let again = witness.take();
    assert!(!again.is_empty());
    assert!(
        again
            .iter()
            .all(|(moment, _, _, asked)| *moment == "whole" && *asked == options("p"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_validator_refuses_for_what_was_said_last_leaves_no_bytes() {
    let House {
        pipeline,
        store,
        recorder,
        ..
    } = house();
    let admitted = pipeline.admit(upload(&[b"good"])).await.unwrap();
    let id = admitted.id();
    let refused = admitted.commit(options("unpaid")).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Rejected { by, .. } if by == "witness"),
        "{refused}"
    );
    assert_eq!(refused.code(), UNPAID);
    assert!(store.seen().is_empty());
    let noted = recorder.get(id).await.unwrap().unwrap();
    assert!(matches!(noted.state, State::Rejected(_)));
    assert!(noted.options.metadata.is_empty() && noted.options.origin.is_none());
    assert!(pipeline.get(id).now_or_never().is_some_and(|found| found.is_err()));
}
