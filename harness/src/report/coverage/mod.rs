//! Which requirements of the catalogue cases are about, and how the targets did in those.

mod json;
mod rows;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use crate::case::{Case, split_id};
use crate::run::{Requirement, Testable};

pub use json::{coverage_lines, tests_lines};
pub use text::{Show, coverage_text, requirements_text, tests_text};

/// How a target did in each test: `pass`, `fail`, `inconclusive`, `skipped`, by the test's id.
#[derive(Clone, Debug, Default)]
pub struct Verdicts(BTreeMap<String, &'static str>);

/// The words of verdicts, the one that counts most of several runs of a test first.
const WEIGHT: [&str; 4] = ["fail", "inconclusive", "pass", "skipped"];

impl Verdicts {
    /// Whether this is the word of a verdict that a run can come to.
    #[must_use]
    pub fn is_verdict(word: &str) -> bool {
        WEIGHT.contains(&word)
    }

    /// Notes the verdict of a run; what is none is passed over.
    pub fn note(&mut self, test: &str, verdict: &str) {
        let weight = |verdict: &str| WEIGHT.iter().position(|word| *word == verdict);
        let Some(new) = weight(verdict) else { return };
        let old = self.0.get(test).and_then(|old| weight(old)).unwrap_or(WEIGHT.len());
        if let Some(word) = WEIGHT.get(new.min(old)) {
            self.0.insert(test.to_owned(), word);
        }
    }

    fn of(&self, test: &str) -> Option<&'static str> {
        self.0.get(test).copied()
    }
}

/// Everything at once.
#[derive(Clone, Debug)]
pub struct Coverage<'a> {
    /// Each requirement, in the order of the catalogue's numbers.
    pub requirements: Vec<Covered<'a>>,
    /// The tests that were looked at.
    pub cases: &'a [Case],
    /// How each target did, by its name.
    pub targets: &'a [(String, Verdicts)],
}

/// One requirement.
#[derive(Clone, Debug)]
pub struct Covered<'a> {
    /// Which.
    pub requirement: &'a Requirement,
    /// The tests that name it as a whole.
    pub named: Vec<&'a str>,
    /// The tests of which a step checks it.
    pub asserted: Vec<&'a str>,
}

/// What the tests that check a requirement say of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// One passes and none fails.
    Passing,
    /// One fails.
    Failing,
    /// All are skipped.
    Skipped,
    /// Nothing is known: they were not run, or were inconclusive.
    Unknown,
}

impl Outlook {
    /// As JSON has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passing => "passing",
            Self::Failing => "failing",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }
}

impl Covered<'_> {
    /// Whether it could be checked and no step does.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.asserted.is_empty() && self.requirement.testable != Testable::No
    }

    /// How a target does; `None` where no test checks the requirement.
    #[must_use]
    pub fn outlook(&self, verdicts: &Verdicts) -> Option<Outlook> {
        let has = |word: &str| self.asserted.iter().any(|test| verdicts.of(test) == Some(word));
        let all_skipped = || self.asserted.iter().all(|test| verdicts.of(test) == Some("skipped"));
        (!self.asserted.is_empty()).then(|| {
            if has("fail") {
                Outlook::Failing
            } else if has("pass") {
                Outlook::Passing
            } else if all_skipped() {
                Outlook::Skipped
            } else {
                Outlook::Unknown
            }
        })
    }
}

impl<'a> Coverage<'a> {
    /// Finds out. Faults, which a catalogue may hold too, are no requirements.
    #[must_use]
    pub fn of(
        catalogue: &BTreeMap<&str, &'a Requirement>,
        cases: &'a [Case],
        targets: &'a [(String, Verdicts)],
    ) -> Self {
        let mut named: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut asserted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for case in cases {
            for id in case.covers.iter().map(String::as_str).collect::<BTreeSet<_>>() {
                named.entry(id).or_default().push(&case.id);
            }
            for id in case.asserts() {
                asserted.entry(id).or_default().push(&case.id);
            }
        }
        let mut requirements: Vec<Covered<'a>> = catalogue
            .iter()
            .filter(|(_, requirement)| !requirement.is_fault())
            .map(|(id, requirement)| Covered {
                requirement,
                named: named.remove(id).unwrap_or_default(),
                asserted: asserted.remove(id).unwrap_or_default(),
            })
            .collect();
        requirements.sort_by_cached_key(|covered| natural(&covered.requirement.id));
        Self { requirements, cases, targets }
    }
}

/// A key by which `MUST-9` comes before `MUST-10`, and documents of numbers before others.
fn natural(id: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let mut rest = id;
    while !rest.is_empty() {
        let text = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (before, after) = rest.split_at(text);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(digits);
        parts.push((number.parse().unwrap_or(0), before.to_owned()));
        rest = after;
    }
    // Names before numbers: the text in front decides first.
    parts.into_iter().flat_map(|(number, text)| [(0, text), (number, String::new())]).collect()
}

/// The files of tests, each once, with its tests.
fn files<'a>(tests: &[&'a str]) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut files: Vec<(&str, Vec<&str>)> = Vec::new();
    for test in tests {
        let (file, _) = split_id(test);
        match files.last_mut() {
            Some((last, tests)) if *last == file => tests.push(test),
            _ => files.push((file, vec![test])),
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::{Verdicts, files, natural};

    #[test]
    fn ids_are_in_the_order_of_their_numbers() {
        let mut ids = [
            "RFC9293/SHLD-2",
            "RFC9293/MUST-10",
            "folklore/S0-1",
            "RFC9293/MUST-9",
            "RFC793/3.9",
            "RFC9293/3.10-a",
        ];
        ids.sort_by_cached_key(|id| natural(id));
        let wanted = [
            "RFC793/3.9",
            "RFC9293/3.10-a",
            "RFC9293/MUST-9",
            "RFC9293/MUST-10",
            "RFC9293/SHLD-2",
            "folklore/S0-1",
        ];
        assert_eq!(ids, wanted);
    }

    #[test]
    fn of_several_runs_the_worst_counts() {
        let mut verdicts = Verdicts::default();
        for verdict in ["skipped", "pass", "inconclusive", "fail", "pass"] {
            verdicts.note("a/b", verdict);
        }
        assert_eq!(verdicts.of("a/b"), Some("fail"));
        verdicts.note("a/c", "invalid");
        assert_eq!(verdicts.of("a/c"), None);
    }

    #[test]
    fn tests_of_a_file_stand_together() {
        let found = files(&["a/b[ip=v4]", "a/b[ip=v6]", "a/c"]);
        assert_eq!(found, [("a/b", vec!["a/b[ip=v4]", "a/b[ip=v6]"]), ("a/c", vec!["a/c"])]);
    }
}
