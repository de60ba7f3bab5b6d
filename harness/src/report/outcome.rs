//! How a verdict compares with what is known of a target, and how many there are of each.

use crate::verdict::Verdict;

/// What a run of a case means for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Passed; or failed, as the ledger says.
    AsExpected,
    /// Failed.
    UnexpectedFail,
    /// Passed where the ledger says that it fails.
    UnexpectedPass,
    /// Not a run: an entry of the ledger matches no test.
    StaleLedger,
    /// The machine got in the way every time.
    Inconclusive,
    /// The target lacks something. No ledger speaks of that.
    Skipped,
    /// The file is wrong.
    Invalid,
}

impl Outcome {
    /// Of a verdict, where the ledger says that the test fails or says nothing.
    #[must_use]
    pub const fn of(verdict: &Verdict, is_known: bool) -> Self {
        match (verdict, is_known) {
            (Verdict::Pass, false) | (Verdict::Fail(_), true) => Self::AsExpected,
            (Verdict::Pass, true) => Self::UnexpectedPass,
            (Verdict::Fail(_), false) => Self::UnexpectedFail,
            (Verdict::Inconclusive { .. }, _) => Self::Inconclusive,
            (Verdict::Skipped { .. }, _) => Self::Skipped,
        }
    }

    /// As JSON has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsExpected => "as-expected",
            Self::UnexpectedFail => "unexpected-fail",
            Self::UnexpectedPass => "unexpected-pass",
            Self::StaleLedger => "stale-ledger",
            Self::Inconclusive => "inconclusive",
            Self::Skipped => "skipped",
            Self::Invalid => "invalid",
        }
    }
}

/// How many runs had which verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each counts the verdict it names")]
pub struct Tally {
    pub pass: usize,
    pub fail: usize,
    pub inconclusive: usize,
    pub skipped: usize,
    pub invalid: usize,
    /// Runs that were made again, because they were disturbed or late.
    pub repeated: usize,
    /// Of those that failed: known deviations.
    pub known: usize,
    /// Of those that passed: known deviations that are none any more.
    pub unexpected_pass: usize,
    /// Entries of the ledger that match no test.
    pub stale: usize,
    /// Runs that were cut short or never began.
    pub not_run: usize,
}

impl Tally {
    /// Counts one run.
    pub const fn count(&mut self, verdict: &Verdict, is_known: bool) {
        match verdict {
            Verdict::Pass => {
                self.pass += 1;
                self.unexpected_pass += is_known as usize;
            }
            Verdict::Fail(_) => {
                self.fail += 1;
                self.known += is_known as usize;
            }
            Verdict::Inconclusive { .. } => self.inconclusive += 1,
            Verdict::Skipped { .. } => self.skipped += 1,
        }
    }

    /// All runs that came to a verdict, and files that are wrong.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.pass + self.fail + self.inconclusive + self.skipped + self.invalid
    }

    /// The exit status of the command line: 2 where a file is wrong or nothing was selected, 1 where something
    /// was not as expected, 4 where something stayed inconclusive, 3 where everything was skipped, else 0.
    #[must_use]
    pub const fn exit_status(&self) -> u8 {
        if self.invalid > 0 || self.total() == 0 {
            2
        } else if self.fail > self.known || self.unexpected_pass > 0 || self.stale > 0 {
            1
        } else if self.inconclusive > 0 {
            4
        } else if self.pass + self.fail == 0 {
            3
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Tally};
    use crate::verdict::Verdict;

    #[test]
    fn exit_statuses() {
        let tally = |pass, fail, inconclusive, skipped, invalid| Tally {
            pass,
            fail,
            inconclusive,
            skipped,
            invalid,
            ..Tally::default()
        };
        for (tally, status) in [
            (tally(1, 0, 0, 0, 0), 0),
            (tally(1, 0, 0, 5, 0), 0),
            (tally(1, 1, 1, 1, 0), 1),
            (tally(1, 1, 1, 1, 1), 2),
            (tally(0, 0, 0, 0, 0), 2),
            (tally(0, 0, 0, 3, 0), 3),
            (tally(1, 0, 1, 0, 0), 4),
            (Tally { known: 1, ..tally(0, 1, 0, 1, 0) }, 0),
            (Tally { known: 1, ..tally(1, 2, 0, 0, 0) }, 1),
            (Tally { known: 1, ..tally(1, 1, 1, 0, 0) }, 4),
            (Tally { unexpected_pass: 1, ..tally(2, 0, 0, 0, 0) }, 1),
            (Tally { stale: 1, ..tally(2, 0, 1, 0, 0) }, 1),
            (Tally { stale: 1, ..tally(0, 0, 0, 1, 0) }, 1),
            (Tally { stale: 1, ..tally(1, 0, 0, 0, 1) }, 2),
        ] {
            assert_eq!(tally.exit_status(), status, "{tally:?}");
        }
    }

    #[test]
    fn outcomes() {
        let inconclusive = Verdict::Inconclusive { why: String::new() };
        let skipped = Verdict::Skipped { missing: String::new() };
        for (verdict, unknown, known) in [
            (Verdict::Pass, "as-expected", "unexpected-pass"),
            (Verdict::Fail(Vec::new()), "unexpected-fail", "as-expected"),
            (inconclusive, "inconclusive", "inconclusive"),
            (skipped, "skipped", "skipped"),
        ] {
            assert_eq!(Outcome::of(&verdict, false).name(), unknown);
            assert_eq!(Outcome::of(&verdict, true).name(), known);
        }
    }
}
