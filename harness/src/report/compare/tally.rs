//! How many tests were equal, and how the others differed.

use std::collections::BTreeMap;

use crate::compare::Class;

use super::CompareFinding;

/// Counts of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompareTally {
    /// Nothing differs.
    pub equal: usize,
    /// Something does: by the class of what differs first.
    pub differ: BTreeMap<Class, usize>,
    /// Something does, and a ledger knows.
    pub known: usize,
    /// Not compared.
    pub skipped: usize,
    /// The machine got in the way.
    pub inconclusive: usize,
    /// Files or traces that are wrong.
    pub invalid: usize,
}

impl CompareTally {
    /// Counts one test.
    pub fn count(&mut self, finding: &CompareFinding) {
        match finding {
            CompareFinding::Equal(_) => self.equal += 1,
            CompareFinding::Differs(comparison) => {
                let class = comparison.first().map_or(Class::Verdict, |(_, first)| first.class);
                *self.differ.entry(class).or_default() += 1;
            }
            CompareFinding::Known(..) => self.known += 1,
            CompareFinding::Skipped(_) => self.skipped += 1,
            CompareFinding::Inconclusive(_) => self.inconclusive += 1,
        }
    }

    /// How many differ without being known to.
    #[must_use]
    pub fn differing(&self) -> usize {
        self.differ.values().sum()
    }

    /// All tests.
    #[must_use]
    pub fn total(&self) -> usize {
        self.equal + self.differing() + self.known + self.skipped + self.inconclusive + self.invalid
    }

    /// As of a run: 2 where something is wrong or nothing was selected, 1 where something differs, 4 where
    /// something stayed inconclusive, 3 where nothing was compared, else 0.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        if self.invalid > 0 || self.total() == 0 {
            2
        } else if self.differing() > 0 {
            1
        } else if self.inconclusive > 0 {
            4
        } else if self.equal + self.known == 0 {
            3
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::CompareTally;
    use crate::compare::Class;

    #[test]
    fn exit_statuses() {
        let none = CompareTally::default();
        let equal = CompareTally { equal: 1, ..none.clone() };
        let differ = BTreeMap::from([(Class::Field, 1)]);
        for (tally, status) in [
            (none.clone(), 2),
            (equal.clone(), 0),
            (CompareTally { known: 1, ..none.clone() }, 0),
            (CompareTally { skipped: 1, ..none.clone() }, 3),
            (CompareTally { skipped: 1, ..equal.clone() }, 0),
            (CompareTally { inconclusive: 1, ..equal.clone() }, 4),
            (CompareTally { differ: differ.clone(), inconclusive: 1, ..equal.clone() }, 1),
            (CompareTally { differ, invalid: 1, ..equal }, 2),
        ] {
            assert_eq!(tally.exit_status(), status, "{tally:?}");
        }
    }
}
