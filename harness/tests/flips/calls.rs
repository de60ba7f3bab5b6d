//! Flips of what calls must come back with.

use tcpdrill::case::{Errno, Num, Outcome, Payload, ResultSpec, Scalar, Signal, Syscall, ValueSpec};
use tcpdrill::time::Span;

use super::numbers::number;

/// Changed outcomes, each with what was changed.
pub(crate) fn flips(
    outcome: &Outcome,
    call: Option<&Syscall<Scalar>>,
    exempt: &mut usize,
) -> Vec<(String, Outcome)> {
    let mut found = Vec::new();
    let other = match &outcome.result {
        ResultSpec::Success => Some(ResultSpec::Fails(vec![Errno(5)])),
        ResultSpec::Any => None,
        ResultSpec::Value(num) => number(num).map(ResultSpec::Value),
        ResultSpec::Fails(errnos) => Some(ResultSpec::Fails(vec![unlike(errnos)])),
    };
    match other {
        Some(result) => found.push(("returns".to_owned(), Outcome { result, ..outcome.clone() })),
        None => *exempt += 1,
    }
    if matches!(outcome.result, ResultSpec::Fails(_)) {
        let result = ResultSpec::Value(Num::exactly(0));
        found.push(("returns success".to_owned(), Outcome { result, ..outcome.clone() }));
    }
    let raises = if outcome.raises.is_some() { None } else { Some(Signal::Pipe) };
    found.push(("raises".to_owned(), Outcome { raises, ..outcome.clone() }));
    if let Some(spec) = &outcome.gives {
        for (what, spec) in values(spec, exempt) {
            found.push((format!("gives {what}"), Outcome { gives: Some(spec), ..outcome.clone() }));
        }
    }
    if reads_bytes(outcome, call) {
        let data = if are_zeros(&outcome.data) { Payload::Pattern(None) } else { Payload::Zeros };
        found.push(("data".to_owned(), Outcome { data, ..outcome.clone() }));
    }
    found
}

/// Whether all bytes are zero, however that is written.
fn are_zeros(data: &Payload) -> bool {
    match data {
        Payload::Zeros => true,
        Payload::Bytes(bytes) => bytes.iter().all(|byte| *byte == 0),
        Payload::Pattern(_) | Payload::Any => false,
    }
}

/// Whether the call gives bytes that the case checks. Of a `returns` step the call is not known here: only a
/// positive count says so.
fn reads_bytes(outcome: &Outcome, call: Option<&Syscall<Scalar>>) -> bool {
    if outcome.data == Payload::Any || call.is_some_and(|call| call.receives_on().is_none()) {
        return false;
    }
    match &outcome.result {
        ResultSpec::Success => call.is_some(),
        ResultSpec::Value(num) => num.known().is_some_and(|count| count > 0),
        ResultSpec::Any | ResultSpec::Fails(_) => false,
    }
}

fn unlike(errnos: &[Errno]) -> Errno {
    [Errno(5), Errno(12), Errno(28)].into_iter().find(|errno| !errnos.contains(errno)).unwrap_or(Errno(1))
}

fn values(spec: &ValueSpec, exempt: &mut usize) -> Vec<(String, ValueSpec)> {
    match spec {
        ValueSpec::Int(num) => match number(num) {
            Some(other) => vec![("number".to_owned(), ValueSpec::Int(other))],
            None => {
                *exempt += 1;
                Vec::new()
            }
        },
        ValueSpec::Flags { bits, more } => {
            vec![("flags".to_owned(), ValueSpec::Flags { bits: bits ^ 0x4000, more: *more })]
        }
        ValueSpec::Time(from, to) => {
            let by = *to - *from + Span::seconds(1);
            vec![("time".to_owned(), ValueSpec::Time(*from + by, *to + by))]
        }
        ValueSpec::Address(ip, from, to) => {
            // A range of half of all ports or more has no other of its size.
            let size = (to - from).saturating_add(1);
            let (low, high) = (from.checked_sub(size), to.checked_add(size));
            let other = low.map(|low| (low, from - 1)).or_else(|| high.map(|high| (to + 1, high)));
            *exempt += usize::from(other.is_none());
            other
                .map(|(from, to)| ("port".to_owned(), ValueSpec::Address(*ip, from, to)))
                .into_iter()
                .collect()
        }
        ValueSpec::Any | ValueSpec::Descriptor(_) => Vec::new(),
        ValueSpec::Moment(at, tolerance) => {
            vec![("moment".to_owned(), ValueSpec::Moment(*at + *tolerance + Span::seconds(1), *tolerance))]
        }
        ValueSpec::First(inner) => values(inner, exempt)
            .into_iter()
            .map(|(what, inner)| (what, ValueSpec::First(Box::new(inner))))
            .collect(),
        ValueSpec::Bytes(bytes) => {
            let mut bytes = bytes.clone();
            bytes.push(0);
            vec![("bytes".to_owned(), ValueSpec::Bytes(bytes))]
        }
        ValueSpec::Map(fields) => fields
            .iter()
            .enumerate()
            .flat_map(|(index, (name, inner))| {
                values(inner, exempt)
                    .into_iter()
                    .map(|(what, inner)| {
                        let mut fields = fields.clone();
                        fields[index] = (name.clone(), inner);
                        (format!("{name} {what}"), ValueSpec::Map(fields))
                    })
                    .collect::<Vec<_>>()
            })
            .collect(),
        ValueSpec::List(list) => list_values(list, exempt),
    }
}

fn list_values(list: &[ValueSpec], exempt: &mut usize) -> Vec<(String, ValueSpec)> {
    let mut fewer = list.to_vec();
    let shorter = fewer.pop().map(|_| ("one less".to_owned(), ValueSpec::List(fewer)));
    let inner = list.iter().enumerate().flat_map(|(index, inner)| {
        values(inner, exempt)
            .into_iter()
            .map(|(what, inner)| {
                let mut list = list.to_vec();
                list[index] = inner;
                (what, ValueSpec::List(list))
            })
            .collect::<Vec<_>>()
    });
    inner.chain(shorter).collect()
}
