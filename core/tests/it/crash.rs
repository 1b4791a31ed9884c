//! Each call of a story is made to fail: before its effect and after it, alone and with all later ones. Whatever fails, every
//! acknowledged upload is readable, every readable upload is whole, and in the end every byte in the store has a record.

use std::collections::BTreeMap;

use intake_core::accounting::{Account, DailyUsage, Day, Usage};
use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::testkit::collect;
use intake_core::testkit::faulty::{Faulty, Moment, Plan};
use intake_core::{
    Admitted, Builder, Bytes, Catalog, Coverage, Declared, Error, Fault, FetchJob, Fetcher, Head, Incoming, Key,
    NewFetch, OnFault, OnInfected, Pipeline, Project, Record, Rejection, Report, Scan, ScanPolicy, Scanner, State,
    UploadId, UploadOptions, Verdict, async_trait, codes,
};

use crate::stores::{InPlace, Seen};
use futures_util::FutureExt;

use crate::support::{
    BAD, Clock, OVER_LEASE, OVER_NOTE, OVER_OPEN, broken_upload, builder, new_multipart, part_of, upload,
};

const GOOD: &[&[u8]] = &[b"some", b" good", b" content"];

/// The answers that the sender got.
#[derive(Default)]
struct Told {
    accepted: Vec<UploadId>,
    removed: Vec<UploadId>,
    /// Uploads whose deletion was not acknowledged: they may exist or not.
    doubtful: Vec<UploadId>,
}

/// The two projects. The first is known before the bytes, so they go to its place at once; the second is known after them.
const EARLY: &str = "early";
const LATE: &str = "late";

/// The sender of the uploads.
const SENDER: &str = "192.0.2.1";

fn of(project: &str) -> UploadOptions {
    UploadOptions::of_project(project).with(|options| {
        options.sender = Some(SENDER.to_owned());
    })
}

/// The directory of the two projects. Each has a place of its own for its bytes.
fn with_projects(builder: Builder) -> Builder {
    [EARLY, LATE].into_iter().fold(builder, |builder, key| {
        let project = Project::new(key).with(|project| {
            project.prefix = Some(key.to_owned());
            project.max_files = Some(1000);
        });
        builder.project(project).unwrap()
    })
}

async fn story(pipeline: &Pipeline, clock: &Clock) -> Told {
    let mut told = Told::default();
    let take = async |pieces| {
        let incoming = upload(pieces).of_project(EARLY);
        pipeline
            .ingest(incoming, UploadOptions::default())
            .await
            .map(|record| record.id)
    };
    quarantined(pipeline, &mut told).await;
    // The project is not known before the bytes, so they are moved at the commit.
    let moved = match pipeline.admit(upload(GOOD)).await {
        Ok(admitted) => admitted.commit(of(LATE)).await,
        Err(error) => Err(error),
    };
    told.accepted.extend(moved.ok().map(|record| record.id));
    told.accepted.extend(take(GOOD).await.ok());
    assert!(
        take(&[b"some ", b"bad content"]).await.is_err(),
        "refused while its bytes arrive"
    );
    assert!(take(&[b"even ", b"worse content"]).await.is_err(), "refused at the end");
    assert!(
        pipeline.ingest(broken_upload(GOOD), of(LATE)).await.is_err(),
        "its bytes broke off"
    );
    if let Ok(admitted) = pipeline.admit(upload(GOOD)).await {
        // The process dies between the two calls.
        drop(admitted);
    }
    together(pipeline, &mut told).await;
    in_parts(pipeline, &mut told).await;
    pulled(pipeline, &mut told).await;
    if let Ok(id) = take(GOOD).await {
        match pipeline.delete(id).await {
            Ok(()) => told.removed.push(id),
            Err(_) => told.doubtful.push(id),
        }
    }
    let _faults = pipeline.sweep().await;
    clock.advance(OVER_LEASE);
    let _faults = pipeline.resume().await;
    let _faults = pipeline.fetch_due().await;
    let _faults = pipeline.sweep().await;
    told.accepted.extend(take(GOOD).await.ok());
    clock.advance(OVER_NOTE);
    let _faults = pipeline.sweep().await;
    told
}

/// Uploads that are put into quarantine: one that is refused and stays there, one that is released, one that is deleted, and one
/// that is acknowledged and waits for a scanner.
async fn quarantined(pipeline: &Pipeline, told: &mut Told) {
    let take = async |name: &str| {
        let mut incoming = upload(GOOD).of_project(EARLY);
        incoming.declared = Declared::named(name);
        let id = incoming.id;
        (id, pipeline.ingest(incoming, UploadOptions::default()).await)
    };
    for decide in ["nothing", "release", "delete"] {
        let (id, taken) = take(Gate::SHADY).await;
        assert!(taken.is_err(), "it is refused");
        match decide {
            "release" => match pipeline.release(id, "an operator").await {
                Ok(_) => told.accepted.push(id),
                Err(_) => told.doubtful.push(id),
            },
            "delete" if pipeline.discard_quarantined(id, "an operator").await.is_ok() => told.removed.push(id),
            _ => {}
        }
    }
    let (id, taken) = take(Gate::FLAKY).await;
    match taken {
        Ok(_) => told.accepted.push(id),
        Err(_) => told.doubtful.push(id),
    }
    let _faults = pipeline.rescan_pending().await;
}

/// A scanner whose refusals and faults put uploads into quarantine.
#[derive(Debug)]
struct Gate {
    is_down: bool,
}

impl Gate {
    const SHADY: &str = "shady";
    const FLAKY: &str = "flaky";

    fn add_to(builder: Builder, is_down: bool) -> Builder {
        let policy = ScanPolicy::default().with(|policy| {
            (policy.on_infected, policy.on_fault) = (OnInfected::Quarantine, OnFault::Quarantine);
        });
        builder.scanner_with(policy, "gate", Self { is_down })
    }
}

#[async_trait]
impl Scanner for Gate {
    async fn open(&self, head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        let name = head.upload.declared.name.as_deref();
        if self.is_down && name == Some(Self::FLAKY) {
            return Err(Fault::new(codes::TIMED_OUT, "the scanner is down"));
        }
        Ok(Box::new(GateScan {
            is_shady: name == Some(Self::SHADY),
        }))
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

struct GateScan {
    is_shady: bool,
}

#[async_trait]
impl Scan for GateScan {
    async fn feed(&mut self, _chunk: &Bytes) -> Result<Verdict, Fault> {
        Ok(Verdict::Accept)
    }

    async fn finish(self: Box<Self>) -> Result<Report, Fault> {
        Ok(match self.is_shady {
            true => Report::new(Verdict::reject(BAD, "shady"), Coverage::Whole),
            false => Report::clean(),
        })
    }
}

/// The metadata of the files of one request: either all of these files are readable or none.
const TOGETHER: &str = "together";

async fn together(pipeline: &Pipeline, told: &mut Told) {
    let mut admitted = Vec::new();
    for _ in 0..3 {
        match pipeline.admit(upload(GOOD)).await {
            Ok(file) => admitted.push(file),
            // The request is then refused with all its files.
            Err(_) => break,
        }
    }
    if admitted.len() < 3 {
        for file in admitted {
            file.discard(Rejection::new(codes::FAULT, "another file of the request failed"))
                .await;
        }
        return;
    }
    let ids: Vec<_> = admitted.iter().map(Admitted::id).collect();
    let options = of(LATE).with(|options| options.metadata = BTreeMap::from([(TOGETHER.to_owned(), String::new())]));
    match pipeline.commit_together(admitted, options).await {
        Ok(records) => {
            assert_eq!(records.iter().map(|record| record.id).collect::<Vec<_>>(), ids);
            told.accepted.extend(ids);
        }
        Err(_) => told.doubtful.extend(ids),
    }
}

/// Multipart uploads: a good one, one that a stage refuses, one with a missing part, one that is abandoned, and one whose node
/// crashes.
async fn in_parts(pipeline: &Pipeline, told: &mut Told) {
    let whole = GOOD.concat();
    if let Some(id) = put_parts(pipeline, &whole, 3).await {
        match pipeline.complete(id).await {
            Ok(_) => told.accepted.push(id),
            Err(_) => told.doubtful.push(id),
        }
    }
    if let Some(id) = put_parts(pipeline, b"even worse content", 3).await {
        assert!(pipeline.complete(id).await.is_err(), "refused when it is completed");
    }
    if let Some(id) = put_parts(pipeline, &whole, 2).await {
        assert!(pipeline.complete(id).await.is_err(), "a part is missing");
    }
    put_parts(pipeline, &whole, 1).await;
    if let Some(id) = put_parts(pipeline, &whole, 3).await {
        told.doubtful.push(id);
        let mut completing = Box::pin(pipeline.complete(id));
        // It runs until it has to wait, which may be to its end.
        if let Some(Ok(_)) = (&mut completing).now_or_never() {
            told.doubtful.pop();
            told.accepted.push(id);
        }
    }
}

/// An ordered source is fetched, although its node may crash meanwhile.
async fn pulled(pipeline: &Pipeline, told: &mut Told) {
    let options = of(EARLY).with(|options| options.source_key = Some(PULLED.to_owned()));
    let Ok(job) = pipeline
        .queue_fetch(NewFetch::new(FetchJob::new("good"), options))
        .await
    else {
        // The fetch job may be recorded although its call failed.
        told.doubtful.push(UploadId::random());
        return;
    };
    let _fault = pipeline.fetch_due().await;
    match pipeline.status(job.id).await {
        Ok(Some(Record {
            state: State::Fetched,
            fetch_job: Some(fetch_job),
            ..
        })) => told.accepted.extend(fetch_job.upload),
        _ => told.doubtful.push(job.id),
    }
}

/// The name of the fetched upload: no source is fetched twice.
const PULLED: &str = "pulled";

/// A fetcher that returns good content for every source.
#[derive(Debug)]
struct Good;

#[async_trait]
impl Fetcher for Good {
    async fn judge(&self, _source: &str) -> Result<(), Error> {
        Ok(())
    }
    async fn receive(&self, _source: &str) -> Result<Incoming, Error> {
        Ok(upload(GOOD))
    }
    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// Starts a multipart upload with parts of six bytes, and sends the first `count` of them.
async fn put_parts(pipeline: &Pipeline, whole: &[u8], count: u16) -> Option<UploadId> {
    let new_multipart = new_multipart(whole.len(), 6).with(|new| new.options = of(EARLY));
    let opened = pipeline.start_multipart(new_multipart).await.ok()?;
    for (number, part) in (1..=count).zip(whole.chunks(6)) {
        let body = part_of(part);
        pipeline.put_part(&opened, number, None, body).await.ok()?;
    }
    Some(opened.id)
}

/// Runs the story with a plan of failures, then makes everything work again, lets time pass, and checks the result.
async fn run<S: Seen>(plan: Plan) -> usize {
    let (store, recorder, clock) = (S::default(), MemoryRecorder::default(), Clock::default());
    let broken = builder(
        Faulty::new(store.clone(), &plan),
        Faulty::new(recorder.clone(), &plan),
        &clock,
    );
    let broken = with_projects(Gate::add_to(broken, true))
        .fetcher("good", Good)
        .build()
        .unwrap();
    let told = story(&broken, &clock).await;

    plan.heal();
    let reborn = builder(store.clone(), recorder.clone(), &clock).fetcher("good", Good);
    let reborn = with_projects(Gate::add_to(reborn, false)).build().unwrap();
    for id in &told.removed {
        assert!(
            matches!(reborn.get(*id).await, Err(Error::NotFound(_))),
            "{id} was removed and is readable"
        );
    }
    for _ in 0..2 {
        clock.advance(OVER_LEASE);
        reborn.resume().await.unwrap();
        reborn.fetch_due().await.unwrap();
        reborn.rescan_pending().await.unwrap();
        reborn.sweep().await.unwrap();
    }
    clock.advance(OVER_OPEN);
    reborn.sweep().await.unwrap();
    for _ in 0..2 {
        clock.advance(OVER_NOTE);
        reborn.sweep().await.unwrap();
    }

    for id in &told.accepted {
        let bytes = reborn
            .read(*id, None)
            .await
            .unwrap_or_else(|error| panic!("{id} was acknowledged: {error}"));
        assert_eq!(collect(bytes).await, GOOD.concat(), "{id} was acknowledged");
    }
    let records: BTreeMap<_, _> = recorder
        .records()
        .into_iter()
        .map(|record| (record.id, record))
        .collect();
    for record in records.values() {
        assert_eq!(
            record.state,
            State::Ready,
            "{} never ends and is not readable",
            record.id
        );
        let bytes = collect(reborn.read(record.id, None).await.unwrap()).await;
        assert_eq!(
            bytes.len() as u64,
            record.facts.as_ref().unwrap().size,
            "{} is readable and not whole",
            record.id
        );
    }
    let together = records
        .values()
        .filter(|record| record.options.metadata.contains_key(TOGETHER));
    let together = together.count();
    assert!(
        [0, 3].contains(&together),
        "{together} of 3 files of one request are readable"
    );
    let pulled = records
        .values()
        .filter(|record| record.options.source_key.as_deref() == Some(PULLED));
    assert!(pulled.count() <= 1, "one order was fetched into two uploads");
    for key in store.seen() {
        let is_of = |record: &Record| Key::whole(record.id).with_prefix(record.location.prefix.as_deref()) == key;
        assert!(records.values().any(is_of), "the bytes under {key} have no record");
    }
    for project in [EARLY, LATE] {
        let of_project = records
            .values()
            .filter(|record| record.options.project.as_deref() == Some(project));
        let sizes: Vec<_> = of_project.map(|record| record.facts.as_ref().unwrap().size).collect();
        let there = Usage {
            files: sizes.len() as u64,
            bytes: sizes.iter().sum(),
        };
        let booked = recorder.usage(&Account::project(project)).await.unwrap();
        assert_eq!(booked, there, "the account of {project} does not match its files");
        let refused = [Account::refused(Some(project)), Account::refused(None)];
        for account in refused
            .into_iter()
            .chain([Account::unfinished(project), Account::fetches(project)])
        {
            let left = recorder.usage(&account).await.unwrap();
            assert_eq!(
                left,
                Usage::default(),
                "{account:?} is not at zero, although nothing is in progress"
            );
        }
        let daily_usage = recorder
            .daily_usage(Some(project), Day(0)..=Day(i64::MAX))
            .await
            .unwrap();
        let sum = |of: fn(&DailyUsage) -> u64| daily_usage.iter().map(of).sum::<u64>();
        assert_eq!(
            sum(|daily_usage| daily_usage.received) - sum(|daily_usage| daily_usage.removed),
            there.files
        );
        assert_eq!(
            sum(|daily_usage| daily_usage.received_bytes) - sum(|daily_usage| daily_usage.removed_bytes),
            there.bytes
        );
    }
    let sender = recorder.usage(&Account::sender(SENDER)).await.unwrap();
    assert_eq!(
        sender,
        Usage::default(),
        "the account of a sender has an upload that ended"
    );
    assert!(
        records.len() <= told.accepted.len() + told.doubtful.len() + 5,
        "more uploads are readable than were sent"
    );
    told.accepted.len()
}

async fn every_step<S: Seen>() {
    let flawless = Plan::flawless();
    let accepted = run::<S>(flawless.clone()).await;
    assert!(
        accepted >= 5,
        "only {accepted} uploads were accepted although nothing failed"
    );
    let steps = flawless.calls();
    assert!(steps >= 100, "the story has only {steps} steps");
    for step in 0..steps {
        for moment in [Moment::Before, Moment::After] {
            run::<S>(Plan::once(step, moment)).await;
            run::<S>(Plan::from(step, moment)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_failing_step_costs_a_file_or_leaves_one_on_a_store_that_shows_bytes_while_writing() {
    every_step::<InPlace>().await;
}

#[tokio::test(start_paused = true)]
async fn no_failing_step_costs_a_file_or_leaves_one_on_a_store_that_shows_bytes_at_commit() {
    every_step::<MemoryStore>().await;
}
