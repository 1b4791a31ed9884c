//! Applies the rules to one content.

use std::time::Duration;

use intake_core::{Coverage, Rejection, Verdict};
use yara_x::{MatchingRules, Rule, Rules, ScanError, ScanResults, Scanner};

use crate::codes::YARA_MATCH;
use crate::note::{MatchedRule, YaraNote};

/// How many rules are noted.
const MOST_NOTED: usize = 64;
/// How many tags of a rule are noted.
const MOST_TAGS: usize = 16;

/// What bounds a scan, and what its matches mean.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) timeout: Duration,
    pub(crate) max_matches: usize,
    pub(crate) note_tags: Vec<String>,
}

/// What the rules say of a content.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) verdict: Verdict,
    pub(crate) note: YaraNote,
    pub(crate) coverage: Coverage,
}

/// Scans a content, on the thread of the caller.
///
/// # Errors
///
/// If it takes too long, or a module fails.
pub(crate) fn look(rules: &Rules, terms: &Terms, content: &[u8]) -> Result<Looked, ScanError> {
    /// The library counts the ticks of a clock that ticks once a second, the first one at any moment within the second.
    const FIRST_TICK: Duration = Duration::from_secs(1);

    let mut scanner = Scanner::new(rules);
    scanner
        .set_timeout(terms.timeout.saturating_add(FIRST_TICK))
        .max_matches_per_pattern(terms.max_matches)
        // Of strings that no rule counts, one match is enough, and takes less memory than all.
        .fast_scan(true);
    let results = scanner.scan(content)?;
    let note = note(results.matching_rules(), &terms.note_tags);
    Ok(Looked {
        verdict: verdict(&note),
        note,
        coverage: coverage(rules, &results, terms.max_matches),
    })
}

fn note(rules: MatchingRules<'_, '_>, note_tags: &[String]) -> YaraNote {
    let matched = rules.map(|rule| {
        let is_noted = rule
            .tags()
            .any(|tag| note_tags.iter().any(|noted| noted == tag.identifier()));
        let tags = rule.tags().take(MOST_TAGS).map(|tag| tag.identifier().to_owned());
        MatchedRule {
            name: name(&rule),
            tags: tags.collect(),
            refuses: !is_noted,
        }
    });
    let mut rules: Vec<_> = matched.collect();
    rules.sort_by(|one, other| (!one.refuses, &one.name).cmp(&(!other.refuses, &other.name)));
    let more = rules.len().saturating_sub(MOST_NOTED) as u64;
    rules.truncate(MOST_NOTED);
    YaraNote { rules, more }
}

fn verdict(note: &YaraNote) -> Verdict {
    let refusing = note.rules.first().filter(|rule| rule.refuses);
    refusing.map_or(Verdict::Accept, |rule| {
        let message = "the content matches a rule for harmful or unwanted content";
        Verdict::Reject(Rejection::new(YARA_MATCH, message).with_subject(&*rule.name))
    })
}

/// The library stops to count at the limit and says nothing: a rule that counts may then match, or not, by mistake.
fn coverage(rules: &Rules, results: &ScanResults<'_, '_>, max_matches: usize) -> Coverage {
    let is_crowded = |rule: &Rule<'_, '_>| {
        let mut patterns = rule.patterns().include_private(true);
        patterns.any(|pattern| pattern.matches().nth(max_matches - 1).is_some())
    };
    let matching = results.matching_rules().include_private(true);
    let others = results.non_matching_rules().include_private(true);
    let others = can_be_listed(rules, results).then_some(others);
    let crowded = matching.chain(others.into_iter().flatten()).filter(is_crowded);
    crowded.map(|rule| name(&rule)).min().map_or(Coverage::Whole, |rule| {
        Coverage::Partial(format!(
            "not counted: matches of a string of the rule {rule} beyond {max_matches}"
        ))
    })
}

/// The library counts a private rule that it skips by the first bytes or the size of the content (1.22.1) not as one that does
/// not match. To list those is then a subtraction below zero, which only builds for tests notice.
fn can_be_listed(rules: &Rules, results: &ScanResults<'_, '_>) -> bool {
    if !cfg!(debug_assertions) {
        return true;
    }
    let private = rules.iter().filter(Rule::is_private).count();
    let matching = results.matching_rules().include_private(true).len() - results.matching_rules().len();
    let others = results.non_matching_rules().include_private(true).len() - results.non_matching_rules().len();
    private == matching + others
}

fn name(rule: &Rule<'_, '_>) -> String {
    format!("{}:{}", rule.namespace(), rule.identifier())
}
