//! Every file of the corpus gets the verdict that the tables name.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod core;
mod plugins;

use std::collections::BTreeSet;
use std::path::Path;

use intake_core::{Bytes, Pipeline};
use intake_corpus::{Case, Counts, Judgement, Said, cases, folder, judge, pipeline};
use serde_json::Value;

const PIECE: usize = 64 * 1024;
/// The most bytes of all files together: they are in the repository.
const MOST_BYTES: u64 = 3 * 1024 * 1024;

async fn said_of(pipeline: &Pipeline, case: &Case, piece: usize) -> Judgement {
    let content = Bytes::from(case.content().unwrap_or_else(|error| panic!("{}: {error}", case.path)));
    let declared = case.expected.declared.as_deref();
    judge(pipeline, case.name(), declared, &content, piece)
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", case.path))
}

/// Whether a stage says what is expected; if not, what is.
fn unlike(case: &Case, stage: &str, said: &Said) -> Option<String> {
    let expected = &case.expected;
    let exception = expected.exception(stage);
    let code = exception.map_or_else(|| expected.code(stage), |exception| exception.code.as_deref());
    let is_partial = expected.is_partial(stage);
    let is_expected = match said {
        Said::Refused(refused) => code == Some(refused),
        Said::Partial(_) => code.is_none() && is_partial,
        Said::Accepted => code.is_none() && !is_partial,
        _ => false,
    };
    let wanted = match (code, is_partial) {
        (Some(code), _) => code,
        (None, true) => "partial",
        (None, false) => "accepted",
    };
    (!is_expected).then(|| format!("{}: {stage} says {said:?}, expected {wanted}", case.path))
}

/// Whether everything that is expected is in what was found.
fn has(found: Option<&Value>, expected: &Value) -> bool {
    match (found, expected) {
        (Some(Value::Object(found)), Value::Object(expected)) => {
            expected.iter().all(|(key, expected)| has(found.get(key), expected))
        }
        (Some(Value::Array(found)), Value::Array(expected)) => {
            let pairs = || found.iter().zip(expected);
            found.len() == expected.len() && pairs().all(|(found, expected)| has(Some(found), expected))
        }
        // TOML has no null.
        (found, Value::String(expected)) if expected == "none" => found.is_none_or(Value::is_null),
        (found, expected) => found == Some(expected),
    }
}

fn wrong(case: &Case, judgement: &Judgement) -> Vec<String> {
    let said = judgement.said.iter();
    let mut wrong: Vec<_> = said.filter_map(|(stage, said)| unlike(case, stage, said)).collect();
    if judgement.media_type != case.expected.media_type {
        wrong.push(format!("{}: found to be {:?}", case.path, judgement.media_type));
    }
    for (subject, expected) in &case.expected.notes {
        let found = judgement.notes.get(subject);
        if !has(found, expected) {
            wrong.push(format!(
                "{}: the note {subject} is {found:?}, expected {expected}",
                case.path
            ));
        }
    }
    let refusing = case.expected.refused.keys();
    for stage in refusing.filter(|stage| !judgement.said.contains_key(*stage)) {
        wrong.push(format!("{}: there is no stage {stage}", case.path));
    }
    wrong
}

#[tokio::test]
async fn every_file_gets_the_verdict_of_the_table() {
    let pipeline = pipeline().unwrap();
    let (mut all, mut counts) = (Vec::new(), Counts::default());
    let cases = cases().unwrap();
    for case in &cases {
        let judgement = said_of(&pipeline, case, PIECE).await;
        counts.add(case, &judgement);
        all.extend(wrong(case, &judgement));
    }
    let harmless = cases.iter().filter(|case| case.expected.is_harmless()).count();
    let damaged = cases.iter().filter(|case| case.expected.damaged).count();
    let is_awaiting = |case: &&Case| case.expected.awaited.keys().any(|stage| !counts.0.contains_key(stage));
    let awaiting = cases.iter().filter(is_awaiting).count();
    println!(
        "{} files: {harmless} harmless, {damaged} damaged, {} attacks; {awaiting} await a stage that is not in the pipeline",
        cases.len(),
        cases.len() - harmless - damaged
    );
    println!("{counts}");
    assert_eq!(all, Vec::<String>::new());
}

#[tokio::test]
async fn how_a_content_is_cut_makes_no_difference() {
    let pipeline = pipeline().unwrap();
    for case in &cases().unwrap() {
        let whole = said_of(&pipeline, case, PIECE).await;
        for piece in [3, 1000] {
            let cut = said_of(&pipeline, case, piece).await;
            assert_eq!(cut, whole, "{} in pieces of {piece}", case.path);
        }
    }
}

fn names_below(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn each_file_is_in_a_table_and_all_are_small() {
    let cases = cases().unwrap();
    let listed: BTreeSet<_> = cases.iter().map(|case| case.path.clone()).collect();
    let files = folder().join("files");
    let mut there = BTreeSet::new();
    let mut bytes = 0;
    for group in names_below(&files) {
        for name in names_below(&files.join(&group)) {
            bytes += std::fs::metadata(files.join(&group).join(&name)).unwrap().len();
            there.insert(format!("{group}/{name}"));
        }
    }
    assert_eq!(there, listed, "files and rows");
    assert!(bytes < MOST_BYTES, "{bytes} bytes");
    let harmless = cases.iter().filter(|case| case.path.starts_with("odd/")).count();
    assert!(
        listed.len() >= 200 && harmless >= 60,
        "{} files, {harmless} odd",
        listed.len()
    );
}

#[test]
fn every_exception_has_a_reason_and_every_attack_somebody_who_refuses_it() {
    for case in cases().unwrap() {
        let expected = &case.expected;
        for (stage, exception) in &expected.exceptions {
            assert!(exception.why.len() > 20, "{}: {stage}", case.path);
            assert!(
                exception.code.as_deref() != expected.code(stage),
                "{}: {stage} says what it ought to say",
                case.path
            );
        }
        let has_refusal = !expected.refused.is_empty() || !expected.awaited.is_empty();
        assert!(
            expected.attack.is_none() || has_refusal,
            "{}: nobody ought to refuse it",
            case.path
        );
        assert!(
            !expected.is_harmless() || !has_lenient_refusal(&case),
            "{}: harmless, and refused",
            case.path
        );
    }
}

/// Whether a stage with its default settings ought to refuse it.
fn has_lenient_refusal(case: &Case) -> bool {
    case.expected.refused.keys().any(|stage| !stage.ends_with("-strict"))
}
