//! How often each stage is wrong.

use std::collections::BTreeMap;
use std::fmt;

use crate::judge::{Judgement, Said};
use crate::table::Case;

/// What a stage said of all files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Count {
    /// Attacks that it ought to refuse.
    pub attacks: usize,
    /// Attacks that it ought to refuse, and does not.
    pub false_acceptances: usize,
    /// Those of them for which the table has a reason.
    pub explained_acceptances: usize,
    /// Harmless files that it ought to accept.
    pub harmless: usize,
    /// Harmless files that it ought to accept, and does not.
    pub false_refusals: usize,
    /// Those of them for which the table has a reason.
    pub explained_refusals: usize,
}

/// The counts of all stages, by their names.
#[derive(Clone, Debug, Default)]
pub struct Counts(pub BTreeMap<String, Count>);

impl Counts {
    /// Counts what all stages said of a file.
    pub fn add(&mut self, case: &Case, judgement: &Judgement) {
        for (stage, said) in &judgement.said {
            let count = self.0.entry(stage.clone()).or_default();
            let is_refused = matches!(said, Said::Refused(_) | Said::Failed(_));
            let is_explained = usize::from(case.expected.exception(stage).is_some());
            if case.expected.code(stage).is_some() {
                count.attacks += 1;
                if !is_refused {
                    count.false_acceptances += 1;
                    count.explained_acceptances += is_explained;
                }
            } else if case.expected.is_harmless() {
                count.harmless += 1;
                if is_refused {
                    count.false_refusals += 1;
                    count.explained_refusals += is_explained;
                }
            }
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<20}{:>28}{:>28}", "", "false acceptances", "false refusals")?;
        for (stage, count) in &self.0 {
            let acceptances = cell(count.false_acceptances, count.attacks, count.explained_acceptances);
            let refusals = cell(count.false_refusals, count.harmless, count.explained_refusals);
            writeln!(f, "{stage:<20}{acceptances:>28}{refusals:>28}")?;
        }
        Ok(())
    }
}

fn cell(wrong: usize, of: usize, explained: usize) -> String {
    if wrong == 0 {
        format!("0 of {of}")
    } else {
        format!("{wrong} of {of} ({explained} explained)")
    }
}
