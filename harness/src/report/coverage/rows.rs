//! Sums: for each level of RFC 9293, for each other document, and for all.

use crate::run::Testable;

use super::{Coverage, Covered, Outlook};

/// The document that is shown by levels; the others are about a part of TCP each.
const BY_LEVEL: &str = "RFC9293";
/// Levels in the order of how much they ask.
const LEVELS: [&str; 6] = ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "RECOMMENDED", "MAY"];

/// One line of the summary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) document: String,
    pub(super) level: String,
    pub(super) testable: usize,
    pub(super) asserted: usize,
    /// Named by cases, and checked by no step.
    pub(super) named_only: usize,
    /// In no case at all.
    pub(super) absent: usize,
    pub(super) untestable: usize,
    /// For each target: passing, failing, skipped, unknown.
    pub(super) targets: Vec<[usize; 4]>,
}

impl Row {
    fn count(&mut self, covered: &Covered<'_>, coverage: &Coverage<'_>) {
        if covered.requirement.testable == Testable::No {
            self.untestable += 1;
            return;
        }
        self.testable += 1;
        match (covered.asserted.is_empty(), covered.named.is_empty()) {
            (false, _) => self.asserted += 1,
            (true, false) => self.named_only += 1,
            (true, true) => self.absent += 1,
        }
        self.targets.resize(coverage.targets.len(), [0; 4]);
        for (counts, (_, verdicts)) in self.targets.iter_mut().zip(coverage.targets) {
            let [passing, failing, skipped, unknown] = counts;
            match covered.outlook(verdicts) {
                None => {}
                Some(Outlook::Passing) => *passing += 1,
                Some(Outlook::Failing) => *failing += 1,
                Some(Outlook::Skipped) => *skipped += 1,
                Some(Outlook::Unknown) => *unknown += 1,
            }
        }
    }
}

/// The document and the level of a requirement's row.
fn place(covered: &Covered<'_>) -> (String, String) {
    let document = covered.requirement.document();
    let level = covered.requirement.level.as_deref().filter(|_| document == BY_LEVEL);
    (document.to_owned(), level.unwrap_or_default().to_owned())
}

/// All rows, [`BY_LEVEL`] first, the sum last.
pub(super) fn rows(coverage: &Coverage<'_>) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut total = Row { document: "total".to_owned(), ..Row::default() };
    for covered in &coverage.requirements {
        total.count(covered, coverage);
        let (document, level) = place(covered);
        let at = rows.iter().position(|row| (&row.document, &row.level) == (&document, &level));
        let at = at.unwrap_or_else(|| {
            rows.push(Row { document, level, ..Row::default() });
            rows.len() - 1
        });
        if let Some(row) = rows.get_mut(at) {
            row.count(covered, coverage);
        }
    }
    let rank = |row: &Row| LEVELS.iter().position(|level| *level == row.level);
    // Stable: the other documents stay in their order.
    rows.sort_by_key(|row| (row.document != BY_LEVEL, rank(row)));
    rows.push(total);
    rows
}
