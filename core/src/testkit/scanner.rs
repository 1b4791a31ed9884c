//! The rules of every scanner, checked with contents of which its author knows the verdict.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;

use super::broken::{Answers, broken};
use super::content::{Answer, FINELY, PIECE, Upload, cuts, is_cut_in_part, refused};
use super::noise;
use super::trial::{Checked, Patience, Trial};
use crate::contract::report::Report;
use crate::contract::stages::{Scan, Scanner};
use crate::value::error::Fault;
use crate::value::evidence::{Declared, HEAD_BYTES};
use crate::value::inspection::Coverage;
use crate::value::sniff::sniff;
use crate::value::upload_info::{Head, UploadInfo};
use crate::value::verdict::{Code, Verdict};

/// A content, and the verdict that the scanner must give.
///
/// If a scanner refuses the content at any place in a file, say so with [`within`](Self::within): the suite then checks that the
/// scanner reads everything that it claims to cover.
///
/// ```
/// use intake_core::Code;
/// use intake_core::testkit::{Sample, noise};
///
/// const INFECTED: Code = Code::new("infected");
/// let samples = [
///     Sample::clean("hello"),
///     Sample::refused("MARKER", INFECTED).within(noise(1, 1 << 20)),
/// ];
/// # let _ = samples;
/// ```
#[derive(Clone, Debug)]
pub struct Sample {
    /// The content.
    pub content: Bytes,
    /// The code of the refusal. `None` if the content is accepted.
    pub refused: Option<Code>,
    within: Option<Bytes>,
}

impl Sample {
    /// A content that is accepted.
    pub fn clean(content: impl Into<Bytes>) -> Self {
        Self {
            content: content.into(),
            refused: None,
            within: None,
        }
    }

    /// A content that is refused.
    pub fn refused(content: impl Into<Bytes>, code: Code) -> Self {
        Self {
            content: content.into(),
            refused: Some(code),
            within: None,
        }
    }

    /// Declares that the content is refused at any place in a file: before, amid and after these bytes, and across every cut. The
    /// suite tries all of them. A scanner that does not read so far must report [`Coverage::Partial`]. It has no effect on a sample
    /// that is accepted.
    #[must_use]
    pub fn within(mut self, others: impl Into<Bytes>) -> Self {
        self.within = Some(others.into());
        self
    }
}

/// Checks every rule of [`Scanner`] with these samples, on a thread and a runtime of its own. Some samples should be accepted, and
/// some refused.
///
/// # Panics
///
/// If a rule is broken, with the rule, what was asked, what was expected and what was seen.
pub async fn scanner(scanner: impl Scanner + 'static, samples: &[Sample]) -> Checked {
    Patience::default().scanner(scanner, samples).await
}

impl Patience {
    /// As [`scanner`](super::scanner()), with other limits.
    ///
    /// # Panics
    ///
    /// If a rule is broken.
    pub async fn scanner(self, scanner: impl Scanner + 'static, samples: &[Sample]) -> Checked {
        let samples = samples.to_vec();
        let suite = |trial: Trial| async move { Suite::new(trial, Arc::new(scanner), &samples).check().await };
        Trial::new(self).apart(suite).await
    }
}

/// Scans a content in pieces of a size, as the pipeline does. Returns the report, or the refusal that came before the end.
///
/// # Errors
///
/// The scanner's fault.
pub async fn scan(scanner: &dyn Scanner, content: &Bytes, piece: usize) -> Result<Report, Fault> {
    let declared = Declared::default();
    let first = content.slice(..content.len().min(HEAD_BYTES));
    let media_type = sniff(&first);
    let head = Head::new(UploadInfo::new(&declared), &first, media_type.as_ref());
    let mut scan = scanner.open(&head).await?;
    for piece in content.chunks(piece) {
        if let Verdict::Reject(rejection) = scan.feed(&content.slice_ref(piece)).await? {
            return Ok(Report {
                verdict: Verdict::Reject(rejection),
                ..Report::clean()
            });
        }
    }
    scan.finish().await
}

struct Suite<'a> {
    trial: Trial,
    scanner: Arc<dyn Scanner>,
    samples: &'a [Sample],
    uploads: Vec<Upload>,
}

impl<'a> Suite<'a> {
    fn new(trial: Trial, scanner: Arc<dyn Scanner>, samples: &'a [Sample]) -> Self {
        let samples_named = samples.iter().enumerate();
        let mut uploads: Vec<_> = samples_named
            .map(|(at, sample)| Upload::new(format!("sample {at}"), sample.content.clone()))
            .collect();
        // Neighbours with any verdict, as long as it stays the same.
        let neighbours = [noise(7, 3_000), Bytes::from(vec![b'.'; 20_000])];
        uploads.extend(
            neighbours
                .into_iter()
                .enumerate()
                .map(|(at, content)| Upload::new(format!("neighbour {at}"), content)),
        );
        Self {
            trial,
            scanner,
            samples,
            uploads,
        }
    }

    async fn check(mut self) {
        let trial = self.trial.clone();
        trial.rule("it_is_ready", false, self.it_is_ready()).await;
        let name = "a_content_gets_the_verdict_that_its_author_expects";
        trial.rule(name, false, self.learns_what_each_gets_alone()).await;
        let name = "the_answer_does_not_depend_on_how_the_bytes_are_cut";
        trial.rule(name, false, self.cuts_in_many_ways()).await;
        let name = "uploads_at_the_same_time_do_not_mix";
        trial.rule(name, false, self.scans_all_at_the_same_time()).await;
        let name = "a_stalled_upload_does_not_hold_up_others";
        trial.rule(name, true, self.scans_while_one_stands_still()).await;
        let name = "a_dropped_scan_does_not_disturb_the_next";
        trial.rule(name, true, self.scans_after_drops()).await;
        let name = "whole_coverage_means_that_all_bytes_were_read";
        trial.rule(name, false, self.looks_everywhere()).await;
    }

    async fn it_is_ready(&self) {
        self.trial.call("ready", self.scanner.ready()).await.answers();
    }

    async fn learns_what_each_gets_alone(&mut self) {
        for at in 0..self.uploads.len() {
            let answer = self.scan(&self.uploads[at], usize::MAX).await;
            if let Some(sample) = self.samples.get(at) {
                expect_verdict(sample, &self.uploads[at].name, &answer);
            }
            let again = self.scan(&self.uploads[at], usize::MAX).await;
            let upload = &mut self.uploads[at];
            upload.has_steady_notes = again == answer;
            upload.answer = Some(answer);
            upload.expect_again(again);
            if !upload.has_steady_notes {
                let left_out = format!("notes on {}: they differ from scan to scan", upload.name);
                self.trial.leave_out(left_out);
            }
        }
        let has = |is_refused| self.samples.iter().any(|sample| sample.refused.is_some() == is_refused);
        for (sort, is_there) in [("refused", has(true)), ("accepted", has(false))] {
            if !is_there {
                self.trial.leave_out(format!("verdicts: no sample is {sort}"));
            }
        }
    }

    async fn cuts_in_many_ways(&self) {
        for upload in &self.uploads {
            for piece in [PIECE, 4096, 1024, 7, 1] {
                upload.expect_again(self.scan(upload, piece).await);
                if is_cut_in_part(upload.content.len(), piece) {
                    self.trial.leave_out(format!(
                        "pieces of {piece} bytes: of {}, only the first and the last {FINELY} bytes were cut so",
                        upload.name
                    ));
                }
            }
        }
    }

    async fn scans_all_at_the_same_time(&self) {
        for pieces in [3, 8] {
            let there = self.uploads.iter().chain(self.uploads.iter().rev());
            let scans = there.clone().map(|upload| {
                let piece = (upload.content.len() / pieces).max(1);
                self.scan(upload, piece)
            });
            for (upload, answer) in there.clone().zip(join_all(scans).await) {
                upload.expect_again(answer);
            }
        }
    }

    async fn scans_while_one_stands_still(&self) {
        for still in &self.uploads {
            let half = still.content.len() / 2;
            let mut scan = self.open(still, "to be fed half of it").await;
            if half > 0 && self.feed(&mut scan, still, 0..half).await.is_some() {
                continue;
            }
            for other in self.uploads.iter().take(4) {
                other.expect_again(self.scan(other, PIECE).await);
            }
            let answer = match self.feed(&mut scan, still, half..still.content.len()).await {
                Some(refused) => refused,
                None => self.finish(scan, still).await,
            };
            still.expect_again(answer);
        }
    }

    async fn scans_after_drops(&self) {
        for fed in [0, 1] {
            for _ in 0..16 {
                let upload = &self.uploads[self.uploads.len() - 1];
                let mut scan = self.open(upload, "to be dropped").await;
                if fed > 0 {
                    let _early = self.feed(&mut scan, upload, 0..1000).await;
                }
            }
        }
        for upload in &self.uploads {
            upload.expect_again(self.scan(upload, 4096).await);
        }
    }

    async fn looks_everywhere(&self) {
        /// Places at which a content is cut in two, at most.
        const CUTS: usize = 16;
        let mut is_tried = false;
        for (at, sample) in self.samples.iter().enumerate() {
            let (Some(others), Some(code)) = (&sample.within, &sample.refused) else {
                continue;
            };
            is_tried = true;
            for before in [0, others.len() / 2, others.len()] {
                let content = [&others[..before], &sample.content[..], &others[before..]].concat();
                let upload = Upload::new(format!("sample {at} behind {before} other bytes"), content.into());
                self.expect_no(&upload, code, self.scan(&upload, PIECE).await);
                let len = sample.content.len();
                for cut in (1..len).step_by(len.div_ceil(CUTS).max(1)) {
                    let ends = [before + cut, upload.content.len()];
                    self.expect_no(&upload, code, self.scan_cut_at(&upload, &ends).await);
                }
            }
        }
        if !is_tried {
            let why = "no sample is refused wherever it stands, see `Sample::within`";
            self.trial.leave_out(format!("whether all bytes were read: {why}"));
        }
    }

    fn expect_no(&self, upload: &Upload, code: &Code, answer: Answer) {
        if let Answer::Accepted { coverage, .. } = answer
            && coverage == Coverage::Whole
        {
            broken(
                format!(
                    "{} is refused ({code}), or accepted with Coverage::Partial",
                    upload.name
                ),
                "accepted with Coverage::Whole, although it did not read all bytes",
            );
        }
    }
}

impl Suite<'_> {
    async fn scan(&self, upload: &Upload, piece: usize) -> Answer {
        let ends: Vec<_> = cuts(upload.content.len(), piece).iter().map(|cut| cut.end).collect();
        self.scan_cut_at(upload, &ends).await
    }

    async fn scan_cut_at(&self, upload: &Upload, ends: &[usize]) -> Answer {
        let how = format!("to be fed in {} pieces", ends.len());
        let mut scan = self.open(upload, &how).await;
        let mut start = 0;
        for end in ends {
            if let Some(refused) = self.feed(&mut scan, upload, start..*end).await {
                return refused;
            }
            start = *end;
            // Yields, so that uploads at the same time take turns.
            tokio::task::yield_now().await;
        }
        self.finish(scan, upload).await
    }

    async fn open(&self, upload: &Upload, how: &str) -> Box<dyn Scan> {
        let declared = Declared::default();
        let bytes = upload.content.slice(..upload.content.len().min(HEAD_BYTES));
        let media_type = sniff(&bytes);
        let head = Head::new(UploadInfo::new(&declared), &bytes, media_type.as_ref());
        let asked = format!("open for {}, {how}", upload.name);
        self.trial.call(asked, self.scanner.open(&head)).await.answers()
    }

    /// The refusal, if there is one.
    async fn feed(&self, scan: &mut Box<dyn Scan>, upload: &Upload, range: Range<usize>) -> Option<Answer> {
        if range.is_empty() {
            return None;
        }
        let asked = format!("feed with bytes {range:?} of {}", upload.name);
        let piece = upload.content.slice(range);
        let verdict = self.trial.call(asked, scan.feed(&piece)).await.answers();
        refused(verdict)
    }

    async fn finish(&self, scan: Box<dyn Scan>, upload: &Upload) -> Answer {
        let asked = format!("finish for {}", upload.name);
        let report = self.trial.call(asked, scan.finish()).await.answers();
        let Report {
            verdict,
            coverage,
            notes,
            ..
        } = report;
        if let Coverage::Partial(why) = &coverage
            && why.trim().is_empty()
        {
            broken("Coverage::Partial with a reason", "Coverage::Partial without a reason");
        }
        refused(verdict).unwrap_or(Answer::Accepted { coverage, notes })
    }
}

fn expect_verdict(sample: &Sample, name: &str, answer: &Answer) {
    let seen = match answer {
        Answer::Refused(code) => Some(code),
        Answer::Accepted { .. } => None,
    };
    if seen != sample.refused.as_ref() {
        let say = |code: Option<&Code>| code.map_or("accepted".to_owned(), |code| format!("refused: {code}"));
        broken(format!("{name} is {}", say(sample.refused.as_ref())), say(seen));
    }
}
