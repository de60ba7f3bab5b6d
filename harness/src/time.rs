//! Time as numbers. Nothing here reads a clock: a target supplies every moment.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub};

/// A length of time in nanoseconds; negative where one moment lies before another.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Span(pub i64);

/// A moment: nanoseconds since the target was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A length in microseconds.
    #[must_use]
    pub const fn micros(n: i64) -> Self {
        Self(n.saturating_mul(1_000))
    }

    /// A length in milliseconds.
    #[must_use]
    pub const fn millis(n: i64) -> Self {
        Self(n.saturating_mul(1_000_000))
    }

    /// A length in seconds.
    #[must_use]
    pub const fn seconds(n: i64) -> Self {
        Self(n.saturating_mul(1_000_000_000))
    }

    /// The length without its sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }
}

impl Timestamp {
    /// The moment the target was made.
    pub const START: Self = Self(0);
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Span {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Sub for Timestamp {
    type Output = Span;
    fn sub(self, other: Self) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

/// Written as a case writes it: the largest unit that needs at most three decimals, `10ms`, `1.5s`, `2us`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0;
        if nanos == 0 {
            return f.write_str("0");
        }
        let (unit, name) = match nanos.unsigned_abs() {
            n if n >= 1_000_000_000 => (1_000_000_000, "s"),
            n if n >= 1_000_000 => (1_000_000, "ms"),
            n if n >= 1_000 => (1_000, "us"),
            _ => (1, "ns"),
        };
        let sign = if nanos < 0 { "-" } else { "" };
        let whole = nanos.unsigned_abs() / unit;
        let thousandths = (nanos.unsigned_abs() % unit) * 1_000 / unit;
        write!(f, "{sign}{whole}")?;
        if thousandths > 0 {
            let text = format!("{thousandths:03}");
            write!(f, ".{}", text.trim_end_matches('0'))?;
        }
        f.write_str(name)
    }
}

/// Seconds with six decimals, as a trace or a ladder shows a moment.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0 / 1_000;
        write!(f, "{}.{:06}", micros / 1_000_000, (micros % 1_000_000).abs())
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn spans_are_written_as_a_case_writes_them() {
        for (nanos, text) in [
            (0, "0"),
            (10_000_000, "10ms"),
            (1_500_000_000, "1.5s"),
            (210_000_000, "210ms"),
            (-4_050_000, "-4.05ms"),
            (2_000, "2us"),
            (7, "7ns"),
        ] {
            assert_eq!(Span(nanos).to_string(), text);
        }
    }
}
