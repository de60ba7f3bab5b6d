//! TCP options: what is written against what stands in a segment.

use crate::case::{Alt, Num, OptionItem, OptionSpec, OptionsSpec, render_options};
use crate::engine::build;
use crate::engine::eval::EvalError;
use crate::target::Timing;
use crate::time::Span;
use crate::wire::notation::{option_text, options_text};
use crate::wire::{TcpOption, encode_options};

use super::{Findings, Scale};

/// Whether options are compared byte by byte: some are written as bytes, or have a length that lies, and then what is
/// read as options says nothing.
pub(super) fn are_bytes(spec: &OptionsSpec) -> bool {
    match spec {
        OptionsSpec::Unwritten => false,
        OptionsSpec::Raw(_) => true,
        OptionsSpec::Exactly(items) | OptionsSpec::Including(items) => items.iter().any(is_bytes),
    }
}

fn is_bytes(item: &OptionItem) -> bool {
    item.length.is_some() || matches!(item.option, OptionSpec::Raw(_))
}

impl Findings<'_> {
    pub(super) fn options(&mut self, spec: &OptionsSpec, actual: &[TcpOption]) -> Result<(), EvalError> {
        let view = self.view;
        let fits = match spec {
            OptionsSpec::Unwritten => true,
            OptionsSpec::Raw(bytes) => encode_options(actual) == *bytes,
            OptionsSpec::Exactly(_) if are_bytes(spec) => {
                let expected = build::options(spec, &view.bases, view.known)?;
                encode_options(actual) == encode_options(&expected)
            }
            OptionsSpec::Exactly(items) => {
                let same_kinds = items.len() == actual.len()
                    && items.iter().zip(actual).all(|(item, option)| same_kind(&item.option, option));
                if same_kinds {
                    items.iter().zip(actual).try_for_each(|(item, option)| self.option(item, option))?;
                }
                same_kinds
            }
            OptionsSpec::Including(items) => {
                self.including(items, actual)?;
                true
            }
        };
        if !fits {
            let expected = render_options(spec).unwrap_or_default();
            self.note("options", expected, options_text(actual, &view.bases));
        }
        Ok(())
    }

    /// Each item is one of the options, and no two are the same one.
    fn including(&mut self, items: &[OptionItem], actual: &[TcpOption]) -> Result<(), EvalError> {
        let view = self.view;
        let mut left: Vec<&TcpOption> = actual.iter().collect();
        for item in items {
            if is_bytes(item) {
                let bytes = encode_options(&[build::option(item, &view.bases, view.known)?]);
                if !encode_options(actual).windows(bytes.len().max(1)).any(|window| window == bytes) {
                    self.note("options", item.to_string(), options_text(actual, &view.bases));
                }
                continue;
            }
            let mut nearest = None;
            for (index, option) in left.iter().enumerate() {
                if !same_kind(&item.option, option) {
                    continue;
                }
                let mut found = Findings { view, list: Vec::new() };
                found.option(item, option)?;
                let fits = found.list.is_empty();
                if fits || nearest.is_none() {
                    nearest = Some((index, found.list));
                }
                if fits {
                    break;
                }
            }
            match nearest {
                Some((index, differences)) => {
                    left.remove(index);
                    self.list.extend(differences);
                }
                None => self.note("options", item.to_string(), options_text(actual, &view.bases)),
            }
        }
        Ok(())
    }

    fn option(&mut self, item: &OptionItem, actual: &TcpOption) -> Result<(), EvalError> {
        let bases = self.view.bases;
        match (&item.option, actual) {
            (OptionSpec::Mss(mss), TcpOption::Mss(found)) => {
                self.number("mss", mss, u32::from(*found), &Scale::Plain)
            }
            (OptionSpec::Wscale(shift), TcpOption::Wscale(found)) => {
                self.number("wscale", shift, u32::from(*found), &Scale::Plain)
            }
            (OptionSpec::Timestamps { val, ecr }, TcpOption::Ts { val: found, ecr: echo }) => {
                self.timestamp(val, *found)?;
                self.number("TS ecr", ecr, *echo, &Scale::Circle(bases.ts_ecr))
            }
            (OptionSpec::Sack(blocks), TcpOption::Sack(found)) if blocks.len() == found.len() => {
                for ((left, right), (from, to)) in blocks.iter().zip(found) {
                    self.number("sack left edge", left, *from, &Scale::Circle(bases.sack))?;
                    self.number("sack right edge", right, *to, &Scale::Circle(bases.sack))?;
                }
                Ok(())
            }
            (OptionSpec::AccEcn { counters, .. }, TcpOption::AccEcn { counters: found, .. })
                if counters.len() == found.len() =>
            {
                counters
                    .iter()
                    .zip(found)
                    .try_for_each(|(num, at)| self.number("ECN counter", num, *at, &Scale::Plain))
            }
            (spec, found) => {
                if !same_bytes(spec, found) {
                    self.note("option", item.to_string(), option_text(found, &bases));
                }
                Ok(())
            }
        }
    }

    /// A timestamp of the target: exact on a virtual clock, within tolerance of the time it stands for on a real one.
    fn timestamp(&mut self, expected: &Num, value: u32) -> Result<(), EvalError> {
        let base = self.view.bases.ts_val;
        let relative = i64::from(value.wrapping_sub(base));
        if let Timing::Real(_) = self.view.timing {
            for alt in &expected.0 {
                let (low, high) = match alt {
                    Alt::Any => return Ok(()),
                    Alt::Between(low, high) => (*low, *high),
                    Alt::Is { term, absolute } => {
                        let number = self.term(term)?;
                        let base = if *absolute { base } else { 0 };
                        let nominal = i64::from(build::wrap(number).wrapping_sub(base));
                        (nominal, nominal)
                    }
                };
                if (low - self.ticks(low)..=high + self.ticks(high)).contains(&relative) {
                    return Ok(());
                }
            }
        }
        self.number("TS val", expected, value, &Scale::Circle(base))
    }

    /// By how much a timestamp may differ that stands for so many milliseconds.
    fn ticks(&self, nominal: i64) -> i64 {
        let timing = self.view.timing;
        (timing.late(Span::millis(nominal)) + timing.early()).0 / 1_000_000 + 1
    }
}

fn same_kind(spec: &OptionSpec, actual: &TcpOption) -> bool {
    match (spec, actual) {
        (OptionSpec::Nop, TcpOption::Nop)
        | (OptionSpec::Eol, TcpOption::Eol)
        | (OptionSpec::Mss(_), TcpOption::Mss(_))
        | (OptionSpec::Wscale(_), TcpOption::Wscale(_))
        | (OptionSpec::SackOk, TcpOption::SackOk)
        | (OptionSpec::Timestamps { .. }, TcpOption::Ts { .. })
        | (OptionSpec::FastOpen(_), TcpOption::FastOpen(_))
        | (OptionSpec::FastOpenExp(_), TcpOption::FastOpenExp(_))
        | (OptionSpec::Md5(_), TcpOption::Md5(_)) => true,
        (OptionSpec::Sack(blocks), TcpOption::Sack(found)) => blocks.len() == found.len(),
        (OptionSpec::AccEcn { order, .. }, TcpOption::AccEcn { order: found, .. }) => order == found,
        // Any kind can be written in bytes.
        (OptionSpec::Other { kind, .. }, found) => {
            encode_options(std::slice::from_ref(found)).first() == Some(kind)
        }
        _ => false,
    }
}

fn same_bytes(spec: &OptionSpec, actual: &TcpOption) -> bool {
    match (spec, actual) {
        (OptionSpec::FastOpen(a), TcpOption::FastOpen(b))
        | (OptionSpec::FastOpenExp(a), TcpOption::FastOpenExp(b)) => a == b,
        (OptionSpec::Md5(a), TcpOption::Md5(b)) => a.as_slice() == b.as_slice(),
        (OptionSpec::Other { kind, data }, found) => {
            let expected = TcpOption::Other { kind: *kind, data: data.clone() };
            encode_options(&[expected]) == encode_options(std::slice::from_ref(found))
        }
        (OptionSpec::Nop, TcpOption::Nop)
        | (OptionSpec::Eol, TcpOption::Eol)
        | (OptionSpec::SackOk, TcpOption::SackOk) => true,
        _ => false,
    }
}
