//! Fetchers that are wrong, each in one way.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use intake_core::testkit::Source;
use intake_core::{
    BoxError, Code, Declared, Error, Fault, Fetcher, Incoming, Interruption, Rejection, UploadId, async_trait, codes,
};

use super::{PATIENCE, caught_by};

const INSIDE: Code = Code::new("inside");
const ABSENT: Code = Code::new("absent");
const AWAY: Code = Code::new("away");

/// How a fetcher that knows four sources is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    JudgesNothing,
    JudgesOnly,
    LosesTheLastPiece,
    DeclaresAnotherSize,
    RefusesWhatMayPass,
    FaultsForWhatIsAbsent,
    BreaksOffWithoutReason,
    EndsWhereItBreaksOff,
    UsesOneIdForAll,
    MixesUploads,
    OpensTenAtMost,
    HangsAmidBytes,
    GivesEmptyPiecesForEver,
    NeverEnds,
    PanicsAtOddNames,
    FaultsAtOddNames,
}

#[derive(Debug)]
struct Shelf {
    wrong: Wrong,
    id: UploadId,
    opened: AtomicUsize,
}

fn no(code: Code, message: &str) -> Error {
    Error::Rejected {
        by: "shelf".to_owned(),
        rejection: Rejection::new(code, message),
    }
}

#[async_trait]
impl Fetcher for Shelf {
    async fn judge(&self, source: &str) -> Result<(), Error> {
        match (source, self.wrong) {
            ("inside", wrong) if wrong != Wrong::JudgesNothing => Err(no(INSIDE, "it is inside")),
            ("book", Wrong::RefusesWhatMayPass) => Err(no(INSIDE, "it is inside")),
            _ => Ok(()),
        }
    }

    async fn receive(&self, source: &str) -> Result<Incoming, Error> {
        let opened = self.opened.fetch_add(1, Ordering::SeqCst);
        if self.wrong == Wrong::OpensTenAtMost && opened > 10 {
            return Err(Fault::new(codes::TIMED_OUT, "no room").into());
        }
        if self.wrong == Wrong::PanicsAtOddNames {
            let _first = source.as_bytes()[0];
        }
        let mut pieces: Vec<Result<Bytes, BoxError>> = Vec::new();
        match source {
            "book" => pieces.extend([Ok(Bytes::from_static(b"once upon")), Ok(Bytes::from_static(b" a time"))]),
            "inside" if self.wrong != Wrong::JudgesOnly => return Err(no(INSIDE, "it is inside")),
            "inside" => {}
            "torn" => {
                let why = Interruption::new(Rejection::new(AWAY, "it is torn"));
                let why = match self.wrong {
                    Wrong::BreaksOffWithoutReason => "torn".into(),
                    _ => why.into(),
                };
                pieces.extend([Ok(Bytes::from_static(b"once")), Err(why)]);
            }
            "absent" if self.wrong == Wrong::FaultsForWhatIsAbsent => {
                return Err(Fault::new(codes::TIMED_OUT, "it is absent").into());
            }
            _ if self.wrong == Wrong::FaultsAtOddNames && source != "absent" => {
                return Err(Fault::new(codes::TIMED_OUT, "no such shelf").into());
            }
            _ => return Err(no(ABSENT, "there is no such book")),
        }
        if matches!(self.wrong, Wrong::LosesTheLastPiece | Wrong::EndsWhereItBreaksOff)
            && (source == "torn" || self.wrong == Wrong::LosesTheLastPiece)
        {
            pieces.pop();
        }
        if self.wrong == Wrong::MixesUploads && opened > 6 {
            pieces.reverse();
        }
        let mut body = stream::iter(pieces).boxed();
        if self.wrong == Wrong::HangsAmidBytes {
            body = body.chain(stream::once(pending())).boxed();
        }
        if self.wrong == Wrong::GivesEmptyPiecesForEver {
            body = body.chain(stream::repeat_with(|| Ok(Bytes::new()))).boxed();
        }
        if self.wrong == Wrong::NeverEnds {
            body = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 1 << 20]))).boxed();
        }
        let mut incoming = Incoming::new(Declared::default(), body);
        if self.wrong == Wrong::UsesOneIdForAll {
            incoming.id = self.id;
        }
        if self.wrong == Wrong::DeclaresAnotherSize {
            incoming.declared.size = Some(1);
        }
        Ok(incoming)
    }

    async fn ready(&self) -> Result<(), Fault> {
        Ok(())
    }
}

fn shelf(wrong: Wrong) -> Shelf {
    Shelf {
        wrong,
        id: UploadId::random(),
        opened: AtomicUsize::default(),
    }
}

fn sources() -> Vec<Source> {
    vec![
        Source::fetched("book", "once upon a time"),
        Source::forbidden("inside", INSIDE),
        Source::refused("absent", ABSENT),
        Source::interrupted("torn", AWAY),
    ]
}

const JUDGED: &str = "judge refuses sources that must not be fetched";
const ENDS: &str = "a source ends as its author expects";

#[tokio::test]
async fn wrong_receivers_are_caught_by_the_rule_that_they_break() {
    for (wrong, rule) in [
        (Wrong::JudgesNothing, JUDGED),
        (Wrong::RefusesWhatMayPass, JUDGED),
        (Wrong::JudgesOnly, ENDS),
        (Wrong::LosesTheLastPiece, ENDS),
        (Wrong::DeclaresAnotherSize, ENDS),
        (Wrong::FaultsForWhatIsAbsent, ENDS),
        (Wrong::BreaksOffWithoutReason, ENDS),
        (Wrong::EndsWhereItBreaksOff, ENDS),
        (Wrong::UsesOneIdForAll, "every upload has an id of its own"),
        (Wrong::MixesUploads, "sources at the same time do not mix"),
        (Wrong::OpensTenAtMost, "sources at the same time do not mix"),
        (Wrong::GivesEmptyPiecesForEver, ENDS),
        (Wrong::NeverEnds, ENDS),
        (Wrong::HangsAmidBytes, "every call answers in time"),
        (Wrong::PanicsAtOddNames, "no call panics"),
        (
            Wrong::FaultsAtOddNames,
            "names that are no source are refused with a reason",
        ),
    ] {
        let sources = sources();
        let suite = PATIENCE.fetcher(shelf(wrong), &sources);
        caught_by(rule, &format!("{wrong:?}"), suite).await;
    }
}

#[tokio::test]
async fn a_receiver_that_keeps_the_contract_passes() {
    let checked = PATIENCE.fetcher(shelf(Wrong::Nothing), &sources()).await;
    assert_eq!((checked.rules.len(), checked.left_out.len()), (7, 0), "{checked}");
    let checked = PATIENCE.fetcher(shelf(Wrong::Nothing), &sources()[..3]).await;
    assert_eq!(checked.left_out, ["endings: no source breaks off"]);
}
