//! What the ledgers of the selected trees say of a target, and what became of it in a run.

use std::collections::{BTreeMap, BTreeSet};

use crate::case::Case;
use crate::front::{Diagnostic, Diagnostics};
use crate::run::{LedgerError, LoadError, Loaded, Tree, stale_diagnostics};
use crate::target::TargetInfo;
use crate::verdict::{Deviation, Ledger, Verdict};

/// The ledgers of one target.
pub(super) struct Known<'a> {
    version: String,
    /// Of each tree, its ledger.
    ledgers: Vec<(&'a Tree, Ledger)>,
    /// Entries that tests failed by, and those tests. An entry is the ledger's index and its own.
    failed: BTreeMap<(usize, usize), BTreeSet<String>>,
    /// Entries whose tests passed, and those tests.
    passed: BTreeMap<(usize, usize), BTreeSet<String>>,
}

/// Entries that match no test.
#[derive(Default)]
pub(super) struct Stale {
    /// Each with its line in the ledger.
    pub(super) entries: Vec<(Deviation, usize)>,
    /// Where they stand, ledger by ledger.
    pub(super) diagnostics: Vec<Diagnostics>,
}

impl<'a> Known<'a> {
    /// Reads the ledgers.
    pub(super) fn of(target: &TargetInfo, trees: &'a [Tree]) -> Result<Self, LedgerError> {
        let read = |tree: &'a Tree| Ok((tree, tree.ledger(&target.id)?));
        let ledgers: Result<Vec<_>, LedgerError> = trees.iter().map(read).collect();
        let version = target.version.clone();
        Ok(Self { version, ledgers: ledgers?, failed: BTreeMap::new(), passed: BTreeMap::new() })
    }

    /// What is known of a test.
    pub(super) fn deviation(&self, case: &Case) -> Option<&Deviation> {
        self.found(case).map(|(_, _, deviation)| deviation)
    }

    /// The ledger and the entry that apply to a test, by their places.
    fn found(&self, case: &Case) -> Option<(usize, usize, &Deviation)> {
        let index = self.ledgers.iter().position(|(tree, _)| tree.holds(case))?;
        let (_, ledger) = self.ledgers.get(index)?;
        let deviation = ledger.deviation(&case.id, &self.version)?;
        let entry = ledger.deviations.iter().position(|other| other.at == deviation.at)?;
        Some((index, entry, deviation))
    }

    /// What is known of a test that came to this verdict; it is remembered that it did.
    pub(super) fn meet(&mut self, case: &Case, verdict: &Verdict) -> Option<Deviation> {
        let (index, entry, deviation) = self.found(case)?;
        let deviation = deviation.clone();
        let met = match verdict {
            Verdict::Pass => &mut self.passed,
            Verdict::Fail(_) => &mut self.failed,
            Verdict::Inconclusive { .. } | Verdict::Skipped { .. } => return Some(deviation),
        };
        met.entry((index, entry)).or_default().insert(case.id.clone());
        Some(deviation)
    }

    /// The entries that tests failed by, and how many tests.
    pub(super) fn met(&self) -> Vec<(&Ledger, &Deviation, usize)> {
        let one = |((ledger, entry), tests): (&(usize, usize), &BTreeSet<String>)| {
            let (_, ledger) = self.ledgers.get(*ledger)?;
            Some((ledger, ledger.deviations.get(*entry)?, tests.len()))
        };
        self.failed.iter().filter_map(one).collect()
    }

    /// Entries whose tests passed, with those tests.
    pub(super) fn unexpected(&self, target: &str) -> Vec<Diagnostics> {
        let one = |(key, tests): (&(usize, usize), &BTreeSet<String>)| {
            let (_, ledger) = self.ledgers.get(key.0)?;
            let deviation = ledger.deviations.get(key.1)?;
            let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
            let text = format!("passed on {target} {}: {}", self.version, tests.join(", "));
            let help = "take the entry out, or narrow it to the tests and versions that still fail";
            let list = vec![Diagnostic::error(deviation.at, text).with_help(help)];
            Some(Diagnostics { sources: ledger.sources.clone(), list })
        };
        self.passed.iter().filter_map(one).collect()
    }

    /// Entries that match no test of their tree.
    pub(super) fn stale(&self, loaded: &Loaded) -> Result<Stale, LoadError> {
        let mut all = Stale::default();
        for (tree, ledger) in &self.ledgers {
            let stale = tree.stale(ledger, loaded)?;
            if stale.is_empty() {
                continue;
            }
            all.diagnostics.push(stale_diagnostics(ledger, &stale));
            let line = |deviation: &Deviation| ledger.sources.line_column(deviation.at).0;
            all.entries.extend(stale.into_iter().map(|deviation| (deviation.clone(), line(deviation))));
        }
        Ok(all)
    }
}
