//! What every scanner keeps to, on contents for which its author knows the verdict.

use bytes::Bytes;
use futures_util::future::join_all;

use super::noise;
use crate::sniff::sniff;
use crate::{Code, Coverage, Declared, Fault, HEAD_BYTES, Head, Rejection, Report, Scanner, Verdict};

/// A content, and what the scanner is to say to it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The content.
    pub content: Bytes,
    /// The code with which it is refused; `None` if it is accepted.
    pub refused: Option<Code>,
}

impl Sample {
    /// A content that is accepted.
    pub fn clean(content: impl Into<Bytes>) -> Self {
        Self {
            content: content.into(),
            refused: None,
        }
    }

    /// A content that is refused.
    pub fn refused(content: impl Into<Bytes>, code: Code) -> Self {
        Self {
            content: content.into(),
            refused: Some(code),
        }
    }
}

/// Checks every rule of [`Scanner`] on the samples, of which there should be some of both sorts.
///
/// # Panics
///
/// If a rule is broken.
pub async fn scanner(scanner: &dyn Scanner, samples: &[Sample]) {
    scanner.ready().await.expect("the scanner is ready");
    the_verdict_does_not_hang_on_how_the_bytes_were_cut(scanner, samples).await;
    uploads_at_the_same_time_do_not_mix(scanner, samples).await;
    a_scan_that_is_dropped_leaves_the_next_alone(scanner, samples).await;
    what_is_accepted_whole_has_nothing_left_unsaid(scanner, samples).await;
}

/// Scans a content in pieces of a size, as the pump would: the report, or the refusal that came before the end.
///
/// # Errors
///
/// The scanner's fault.
pub async fn scan(scanner: &dyn Scanner, content: &Bytes, piece: usize) -> Result<Report, Fault> {
    let declared = Declared::default();
    let first = content.slice(..content.len().min(HEAD_BYTES));
    let media_type = sniff(&first);
    let mut scan = scanner
        .open(&Head {
            declared: &declared,
            bytes: &first,
            media_type: media_type.as_ref(),
        })
        .await?;
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

async fn code(scanner: &dyn Scanner, content: &Bytes, piece: usize) -> Option<Code> {
    let report = scan(scanner, content, piece).await.expect("scans");
    report.verdict.rejection().map(|Rejection { code, .. }| code)
}

async fn the_verdict_does_not_hang_on_how_the_bytes_were_cut(scanner: &dyn Scanner, samples: &[Sample]) {
    for (at, sample) in samples.iter().enumerate() {
        for piece in [usize::MAX, 256 * 1024, 4096, 7, 1] {
            // A piece of a byte is for contents that end in this lifetime.
            if sample.content.len() / piece > 20_000 {
                continue;
            }
            assert_eq!(
                code(scanner, &sample.content, piece).await,
                sample.refused,
                "sample {at} in pieces of {piece}"
            );
        }
    }
}

async fn uploads_at_the_same_time_do_not_mix(scanner: &dyn Scanner, samples: &[Sample]) {
    let several: Vec<_> = samples.iter().cycle().take(samples.len() * 4).collect();
    let codes = join_all(several.iter().map(|sample| code(scanner, &sample.content, 1024))).await;
    for (sample, code) in several.iter().zip(codes) {
        assert_eq!(code, sample.refused, "a verdict for another upload");
    }
}

async fn a_scan_that_is_dropped_leaves_the_next_alone(scanner: &dyn Scanner, samples: &[Sample]) {
    for sample in samples {
        let declared = Declared::default();
        for fed in [0, 1] {
            let mut scan = scanner
                .open(&Head {
                    declared: &declared,
                    bytes: &[],
                    media_type: None,
                })
                .await
                .expect("opens");
            for _ in 0..fed {
                let _early = scan.feed(&noise(9, 1000)).await.expect("feeds");
            }
            drop(scan);
        }
        assert_eq!(
            code(scanner, &sample.content, 4096).await,
            sample.refused,
            "the verdict after scans that were dropped"
        );
    }
}

async fn what_is_accepted_whole_has_nothing_left_unsaid(scanner: &dyn Scanner, samples: &[Sample]) {
    for sample in samples.iter().filter(|sample| sample.refused.is_none()) {
        let report = scan(scanner, &sample.content, 4096).await.expect("scans");
        if let Coverage::Partial(why) = report.coverage {
            assert!(!why.trim().is_empty(), "partly covered, and not said why");
        }
    }
}
