//! The ledger of a target: the tests that it is known to fail, and the versions that the cases were verified on.

use crate::case::{Location, Sources, TestPattern};

/// What is known of a target.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Known deviations, as written. Of several that apply to a test, the first counts.
    pub deviations: Vec<Deviation>,
    /// The versions that the cases were verified on; empty if all are as good.
    pub verified: Vec<Version>,
    /// The text of the ledger.
    pub sources: Sources,
}

/// Tests that a target is known to fail.
#[derive(Clone, Debug)]
pub struct Deviation {
    /// The tests, as written.
    pub text: String,
    /// The tests.
    pub tests: TestPattern,
    /// What is to become of it.
    pub kind: DeviationKind,
    /// The versions it is true of; all, without one.
    pub condition: Option<Condition>,
    /// Why, for a person.
    pub reason: String,
    /// Where more is said.
    pub link: Option<String>,
    /// Where the pattern stands.
    pub at: Location,
}

/// What is to become of a deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeviationKind {
    /// The target does otherwise on purpose, and will not change.
    Never,
    /// The target lacks it, or has it wrong, and should change.
    NotYet,
    /// Whether the case or the target is right is disputed.
    Disputed,
}

impl DeviationKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Never, Self::NotYet, Self::Disputed];

    /// As a ledger writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::NotYet => "not-yet",
            Self::Disputed => "disputed",
        }
    }
}

/// The leading numbers of a version: `6.18` of `6.18.4-generic`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(Vec<u32>);

impl Version {
    /// The numbers that a text starts with; what follows them is left out. `None` without any.
    #[must_use]
    pub fn leading(text: &str) -> Option<Self> {
        let mut numbers = Vec::new();
        for part in text.split('.') {
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            let Ok(number) = part[..digits].parse() else { break };
            numbers.push(number);
            if digits < part.len() {
                break;
            }
        }
        (!numbers.is_empty()).then_some(Self(numbers))
    }

    /// The version that a text is as a whole: `6.18`.
    #[must_use]
    pub fn exact(text: &str) -> Option<Self> {
        let numbers: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        let plain = text.chars().all(|c| c.is_ascii_digit() || c == '.');
        numbers.ok().filter(|_| plain).map(Self)
    }

    /// Compares with a version that may be shorter: 6.18.4 is equal to 6.18, and more than 6.17.
    fn compare(&self, with: &Self) -> std::cmp::Ordering {
        let own = self.0.iter().copied().chain(std::iter::repeat(0));
        own.take(with.0.len()).cmp(with.0.iter().copied())
    }

    /// Whether it is this version or one below it: 6.18.4 is one of 6.18.
    #[must_use]
    pub fn is_of(&self, series: &Self) -> bool {
        self.compare(series).is_eq()
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        formatter.write_str(&numbers.join("."))
    }
}

/// How two versions must compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

impl Comparison {
    /// All signs; none begins with an earlier one.
    pub const SIGNS: [(&'static str, Self); 6] = [
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
        }
    }
}

/// Which versions something is true of: one of the lists, with all that it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition(pub Vec<Vec<(Comparison, Version)>>);

impl Condition {
    /// Whether it is true of a version. A target that does not tell its version in numbers meets no condition.
    #[must_use]
    pub fn holds(&self, version: &str) -> bool {
        let Some(version) = Version::leading(version) else { return false };
        let met = |(how, with): &(Comparison, Version)| how.holds(version.compare(with));
        self.0.iter().any(|all| all.iter().all(met))
    }
}

impl Ledger {
    /// What is known of a test on this version of the target.
    #[must_use]
    pub fn deviation(&self, id: &str, version: &str) -> Option<&Deviation> {
        self.deviations.iter().find(|deviation| {
            deviation.tests.matches(id)
                && deviation.condition.as_ref().is_none_or(|condition| condition.holds(version))
        })
    }

    /// Whether the cases were verified on this version of the target.
    #[must_use]
    pub fn is_verified(&self, version: &str) -> bool {
        let known = Version::leading(version);
        self.verified.is_empty()
            || self.verified.iter().any(|series| known.as_ref().is_some_and(|known| known.is_of(series)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Condition, Ledger, Version};

    #[test]
    fn versions_are_read() {
        for (text, leading, exact) in [
            ("6.18", Some("6.18"), true),
            ("6.18.4", Some("6.18.4"), true),
            ("6.18.4-generic.5", Some("6.18.4"), false),
            ("6", Some("6"), true),
            ("6.", Some("6"), false),
            ("6.+1", Some("6"), false),
            ("v6", None, false),
            ("", None, false),
        ] {
            let shown = Version::leading(text).map(|version| version.to_string());
            assert_eq!(shown.as_deref(), leading, "{text}");
            assert_eq!(Version::exact(text).is_some(), exact, "{text}");
        }
    }

    #[test]
    fn a_version_is_compared_as_far_as_it_is_written() {
        use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        for (version, how, with, holds) in [
            ("6.4.9", Less, "6.5", true),
            ("6.5.0", Less, "6.5", false),
            ("6.10", Less, "6.5", false),
            ("6.5.3", LessOrEqual, "6.5", true),
            ("6.5.3", LessOrEqual, "6.5.2", false),
            ("6.5.3", Greater, "6.5", false),
            ("6.6", Greater, "6.5", true),
            ("6.5.3", GreaterOrEqual, "6.5", true),
            ("6", GreaterOrEqual, "6.1", false),
            ("6.5.3", Equal, "6.5", true),
            ("6.5.3", NotEqual, "6.5", false),
            ("unknown", NotEqual, "6.5", false),
        ] {
            let condition = Condition(vec![vec![(how, Version::exact(with).unwrap())]]);
            assert_eq!(condition.holds(version), holds, "{version} {how:?} {with}");
        }
    }

    #[test]
    fn verified_versions() {
        let verified = |series: &[&str]| Ledger {
            verified: series.iter().filter_map(|text| Version::exact(text)).collect(),
            ..Ledger::default()
        };
        for (series, version, is) in [
            (&[][..], "6.1", true),
            (&["6.18"], "6.18.44-vm", true),
            (&["6.18"], "6.1.8", false),
            (&["6.17", "6.18.2"], "6.18.2", true),
            (&["6.17", "6.18.2"], "6.18.3", false),
            (&["6.17"], "unknown", false),
        ] {
            assert_eq!(verified(series).is_verified(version), is, "{version} in {series:?}");
        }
    }
}
