//! How a verdict compares with what is known of a target, and how many there are of each.

use crate::verdict::Verdict;

/// What a run of a case means for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Passed.
    AsExpected,
    /// Failed.
    UnexpectedFail,
    /// The machine got in the way every time.
    Inconclusive,
    /// The target lacks something.
    Skipped,
    /// The file is wrong.
    Invalid,
}

impl Outcome {
    /// Of a verdict.
    #[must_use]
    pub const fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::AsExpected,
            Verdict::Fail(_) => Self::UnexpectedFail,
            Verdict::Inconclusive { .. } => Self::Inconclusive,
            Verdict::Skipped { .. } => Self::Skipped,
        }
    }

    /// As JSON has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsExpected => "as-expected",
            Self::UnexpectedFail => "unexpected-fail",
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
}

impl Tally {
    /// Counts one run.
    pub const fn count(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Pass => self.pass += 1,
            Verdict::Fail(_) => self.fail += 1,
            Verdict::Inconclusive { .. } => self.inconclusive += 1,
            Verdict::Skipped { .. } => self.skipped += 1,
        }
    }

    /// All of them.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.pass + self.fail + self.inconclusive + self.skipped + self.invalid
    }

    /// The exit status of the command line: 2 where a file is wrong or nothing was selected, 1 where something
    /// failed, 4 where something stayed inconclusive, 3 where everything was skipped, else 0.
    #[must_use]
    pub const fn exit_status(&self) -> u8 {
        if self.invalid > 0 || self.total() == 0 {
            2
        } else if self.fail > 0 {
            1
        } else if self.inconclusive > 0 {
            4
        } else if self.pass == 0 {
            3
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn exit_statuses() {
        let tally = |pass, fail, inconclusive, skipped, invalid| Tally {
            pass,
            fail,
            inconclusive,
            skipped,
            invalid,
            repeated: 0,
        };
        for (tally, status) in [
            (tally(1, 0, 0, 0, 0), 0),
            (tally(1, 0, 0, 5, 0), 0),
            (tally(1, 1, 1, 1, 0), 1),
            (tally(1, 1, 1, 1, 1), 2),
            (tally(0, 0, 0, 0, 0), 2),
            (tally(0, 0, 0, 3, 0), 3),
            (tally(1, 0, 1, 0, 0), 4),
        ] {
            assert_eq!(tally.exit_status(), status, "{tally:?}");
        }
    }
}
