//! Contents that a scanner did not look at completely.

use intake_core::inspection::{Engine, Extent, ScanLimits, Walked};
use intake_core::memory::{MemoryRecorder, MemoryStore};
use intake_core::{
    Bytes, Coverage, Error, Fault, Head, Incoming, Objection, OnFault, OnPartial, Pipeline, Report, Scan, ScanPolicy,
    Scanner, UploadOptions, Verdict, async_trait, codes,
};

use crate::support::{Clock, builder, upload};

/// Reports what it is told to.
#[derive(Clone, Debug, Default)]
struct Says {
    coverage: Option<&'static str>,
    walked: Walked,
    limits: Option<ScanLimits>,
    /// After how many bytes it knows that it will not look at all of them.
    gap_after: Option<u64>,
    fails: bool,
    /// Refuses what it does not look at completely.
    is_strict: bool,
}

struct SaysScan(Says, u64);

#[async_trait]
impl Scanner for Says {
    async fn open(&self, _head: &Head<'_>) -> Result<Box<dyn Scan>, Fault> {
        Ok(Box::new(SaysScan(self.clone(), 0)))
    }

    fn on_partial(&self) -> OnPartial {
        match self.is_strict {
            true => OnPartial::Refuse,
            false => OnPartial::Accept,
        }
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

#[async_trait]
impl Scan for SaysScan {
    async fn feed(&mut self, chunk: &Bytes) -> Result<Verdict, Fault> {
        self.1 += chunk.len() as u64;
        Ok(Verdict::Accept)
    }

    fn gap(&self) -> Option<String> {
        let after = self.0.gap_after?;
        (self.1 > after).then(|| "the rest".to_owned())
    }

    async fn finish(self: Box<Self>) -> Result<Report, Fault> {
        if self.0.fails {
            return Err(Fault::new(codes::TIMED_OUT, "no answer"));
        }
        let coverage = self
            .0
            .coverage
            .map_or(Coverage::Whole, |gap| Coverage::Partial(gap.to_owned()));
        Ok(Report::new(Verdict::Accept, coverage).with(|report| {
            (report.walked, report.limits) = (self.0.walked, self.0.limits);
            report.bytes = Some(self.1);
            report.engine = Some(Engine::named("engine"));
        }))
    }
}

fn with(scanners: Vec<(&'static str, Box<dyn Scanner>)>) -> Pipeline {
    let first = builder(MemoryStore::default(), MemoryRecorder::default(), &Clock::default());
    let all = scanners
        .into_iter()
        .fold(first, |builder, (name, scanner)| builder.scanner(name, scanner));
    all.build().unwrap()
}

fn strict(mut says: Says) -> Box<dyn Scanner> {
    says.is_strict = true;
    Box::new(says)
}

async fn coverage(pipeline: &Pipeline, incoming: Incoming, stage: &str) -> Result<Coverage, Error> {
    let record = pipeline.ingest(incoming, UploadOptions::default()).await?;
    Ok(record.facts.unwrap().coverage(stage).unwrap().clone())
}

fn is_incomplete(ended: Result<Coverage, Error>, gap: &str) {
    let Err(Error::Rejected { by, rejection }) = ended else {
        panic!("{ended:?}")
    };
    assert_eq!((&*by, rejection.code), ("says", codes::SCAN_INCOMPLETE));
    assert!(rejection.message.contains(gap), "{}", rejection.message);
}

#[tokio::test]
async fn what_was_partly_looked_at_is_accepted_or_refused_as_it_is_set() {
    let says = Says {
        coverage: Some("not the end"),
        ..Says::default()
    };
    let content = || upload(&[b"content"]);
    let lenient = with(vec![("says", Box::new(says.clone()))]);
    let partial = Coverage::Partial("not the end".to_owned());
    assert_eq!(coverage(&lenient, content(), "says").await.unwrap(), partial);
    let refused = coverage(&with(vec![("says", strict(says.clone()))]), content(), "says").await;
    is_incomplete(refused, "not the end");
    // The policy counts more than what the scanner proposes.
    for (says, on_partial) in [
        (Box::new(says.clone()) as Box<dyn Scanner>, OnPartial::Refuse),
        (strict(says), OnPartial::Accept),
    ] {
        let policy = ScanPolicy::default().with(|policy| policy.on_partial = Some(on_partial));
        let pipeline = builder(MemoryStore::default(), MemoryRecorder::default(), &Clock::default())
            .scanner_with(policy, "says", says)
            .build()
            .unwrap();
        let ended = coverage(&pipeline, content(), "says").await;
        assert_eq!(ended.is_ok(), on_partial == OnPartial::Accept);
    }
}

#[tokio::test]
async fn a_scanner_that_failed_and_may_is_no_reason_to_refuse() {
    let says = Says {
        fails: true,
        ..Says::default()
    };
    let policy = ScanPolicy::default().with(|policy| policy.on_fault = OnFault::Accept);
    let pipeline = builder(MemoryStore::default(), MemoryRecorder::default(), &Clock::default())
        .scanner_with(policy, "says", strict(says))
        .build()
        .unwrap();
    let partial = Coverage::Partial("the scanner failed: timed_out".to_owned());
    assert_eq!(
        coverage(&pipeline, upload(&[b"content"]), "says").await.unwrap(),
        partial
    );
}

#[tokio::test]
async fn an_upload_that_will_be_refused_is_not_read_to_its_end() {
    let says = Says {
        gap_after: Some(4),
        ..Says::default()
    };
    // The head is one piece, so the piece behind it is the first that need not be read.
    let pieces = (0..3).map(|_| Ok(Bytes::from(vec![b'x'; 10_000])));
    let broken = pieces.chain([Err(Fault::new(codes::FAULT, "it was read to its end"))]);
    let body = futures_util::stream::iter(broken);
    let incoming = Incoming::from_stream(intake_core::Declared::default(), body);
    let refused = coverage(&with(vec![("says", strict(says))]), incoming, "says").await;
    is_incomplete(refused, "the rest");
}

/// A ZIP, by its first bytes.
const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a";

#[tokio::test]
async fn the_limits_of_one_scanner_are_compared_with_what_another_one_found() {
    let extent = Extent::default().with(|extent| {
        (extent.largest_member, extent.inflated, extent.members, extent.depth) = (1000, 2000, 2, 1);
    });
    let archive = Walked::Archive(extent);
    let enough = ScanLimits::default().with(|limits| (limits.member, limits.inflated) = (1000, 2100));
    let too_small = enough.with(|limits| limits.member = 999);
    let walks = |walked| -> Box<dyn Scanner> {
        Box::new(Says {
            walked,
            ..Says::default()
        })
    };
    let limited = |limits| {
        strict(Says {
            limits: Some(limits),
            ..Says::default()
        })
    };
    let unknown = Some("how much is in it is not known");
    for (content, walked, limits, gap) in [
        (ZIP, archive, enough, None),
        (ZIP, archive, too_small, Some("1000 bytes")),
        (ZIP, Walked::NoArchive, too_small, None),
        (ZIP, Walked::Not, enough, unknown),
        (b"no archive", Walked::Not, too_small, None),
        (b"Rar!", Walked::Unknown, enough, unknown),
    ] {
        // Whichever comes first.
        for turned in [false, true] {
            let mut scanners = vec![("walks", walks(walked)), ("says", limited(limits))];
            if turned {
                scanners.reverse();
            }
            let ended = coverage(&with(scanners), upload(&[content]), "says").await;
            match gap {
                None => assert_eq!(ended.unwrap(), Coverage::Whole),
                Some(gap) => is_incomplete(ended, gap),
            }
        }
    }
}

#[tokio::test]
async fn what_a_scanner_found_counts_more_than_that_another_one_did_not_look_at_everything() {
    let partly = Says {
        coverage: Some("not the end"),
        ..Says::default()
    };
    let early = Says {
        gap_after: Some(0),
        ..Says::default()
    };
    for (says, content) in [(&partly, "worse"), (&early, "bad")] {
        let pipeline = Pipeline::builder()
            .scanner("says", strict(says.clone()))
            .scanner("words", crate::support::Words)
            .store(MemoryStore::default())
            .recorder(MemoryRecorder::default())
            .expirer(intake_core::memory::KeepAll)
            .build()
            .unwrap();
        let Err(Error::Rejected { by, .. }) = coverage(&pipeline, upload(&[content.as_bytes()]), "says").await else {
            panic!("{content} was accepted")
        };
        assert_eq!(by, "words");
    }
}

#[tokio::test]
async fn a_record_keeps_what_each_stage_said() {
    let pipeline = with(vec![("says", Box::new(Says::default()))]);
    let record = pipeline
        .ingest(upload(&[b"content"]), UploadOptions::default())
        .await
        .unwrap();
    let inspections = record.facts.unwrap().inspections;
    let stages: Vec<_> = inspections.iter().map(|said| said.stage.as_str()).collect();
    assert_eq!(stages, ["manners", "words", "says"]);
    let says = &inspections[2];
    assert_eq!(
        (says.bytes, says.engine.clone()),
        (Some(7), Some(Engine::named("engine")))
    );
}

#[tokio::test]
async fn an_explanation_has_every_stage_and_keeps_nothing() {
    let fails = Says {
        fails: true,
        ..Says::default()
    };
    let partly = Says {
        coverage: Some("not the end"),
        ..Says::default()
    };
    let pipeline = with(vec![
        ("fails", Box::new(fails)),
        ("partly", Box::new(partly.clone())),
        ("says", strict(partly)),
    ]);
    let incoming = upload(&[b"some bad content"]);
    let id = incoming.id;
    let explanation = pipeline.explain(incoming).await.unwrap();
    assert!(!explanation.is_accepted());
    assert_eq!(explanation.facts.unwrap().size, 16);
    let said = explanation.opinions.iter().map(|opinion| {
        let said = match &opinion.said {
            Ok(inspection) => format!("{:?}", inspection.coverage),
            Err(Objection::Refusal(rejection)) => rejection.code.to_string(),
            Err(Objection::Fault(fault)) => format!("fault {}", fault.code),
            Err(_) => String::new(),
        };
        (opinion.stage.as_str(), said)
    });
    let expected = [
        ("receive", "Whole"),
        ("manners", "Whole"),
        ("words", "bad_word"),
        ("fails", "fault timed_out"),
        ("partly", "Partial(\"not the end\")"),
        ("says", "scan_incomplete"),
    ];
    assert_eq!(
        said.collect::<Vec<_>>(),
        expected.map(|(stage, said)| (stage, said.to_owned()))
    );
    assert!(pipeline.status(id).await.unwrap().is_none());
}

#[tokio::test]
async fn an_explanation_has_the_limits_of_an_upload() {
    let pipeline = with(Vec::new());
    let endless = futures_util::stream::repeat_with(|| Ok::<_, Fault>(Bytes::from(vec![b'x'; 100_000])));
    let incoming = Incoming::from_stream(intake_core::Declared::default(), endless);
    let explanation = pipeline.explain(incoming).await.unwrap();
    assert!(explanation.facts.is_none());
    let Err(Objection::Refusal(rejection)) = &explanation.opinions[0].said else {
        panic!("{explanation:?}")
    };
    assert_eq!(
        (&*explanation.opinions[0].stage, rejection.code.clone()),
        ("receive", codes::TOO_LARGE)
    );
}
