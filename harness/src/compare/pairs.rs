//! Which happenings of two runs belong together, and what a pair has that differs.

use std::collections::BTreeMap;

use crate::case::{Action, Blocks, Case, When};
use crate::engine::{Event, Seen, Status, Worth};
use crate::target::Timing;
use crate::time::{Span, Timestamp};
use crate::wire::{Flags, Parsed, Tcp};

use super::align::{Pair, align};
use super::calls::{Returns, same_time};
use super::happenings::{Happening, Matter, Place, horizon};
use super::times::apart;
use super::{Class, Difference, Kind, Side, packets};

/// Two runs and which of their happenings are partners.
pub(super) struct Pairing<'p> {
    case: &'p Case,
    pub(super) a: Side<'p>,
    pub(super) b: Side<'p>,
    pub(super) one: &'p [Happening<'p>],
    pub(super) other: &'p [Happening<'p>],
    /// Of each happening of the first run its partner in the second, and the other way round.
    partners: (Vec<Option<usize>>, Vec<Option<usize>>),
    /// Of each run and flow the moment of its first timestamp.
    clocks: (Clocks, Clocks),
}

type Clocks = BTreeMap<Option<usize>, Timestamp>;

impl<'p> Pairing<'p> {
    pub(super) fn new(
        case: &'p Case,
        (a, one): (Side<'p>, &'p [Happening<'p>]),
        (b, other): (Side<'p>, &'p [Happening<'p>]),
    ) -> Self {
        let partners = (vec![None; one.len()], vec![None; other.len()]);
        let mut pairing = Self { case, a, b, one, other, partners, clocks: (clocks(one), clocks(other)) };
        let mut lanes: BTreeMap<&Place, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for (index, happening) in one.iter().enumerate() {
            lanes.entry(&happening.place).or_default().0.push(index);
        }
        for (index, happening) in other.iter().enumerate() {
            lanes.entry(&happening.place).or_default().1.push(index);
        }
        for (place, (in_a, in_b)) in lanes {
            let pairs = match place {
                Place::Key(_) => vec![(in_a.first().map(|_| 0), in_b.first().map(|_| 0))],
                Place::Lane(_) => align((in_a.len(), in_b.len()), |i, j| pairing.cost(in_a[i], in_b[j])),
            };
            for (i, j) in pairs {
                if let (Some(i), Some(j)) = (i.map(|i| in_a[i]), j.map(|j| in_b[j])) {
                    pairing.partners.0[i] = Some(j);
                    pairing.partners.1[j] = Some(i);
                }
            }
        }
        pairing
    }

    /// All happenings in the order of the first run; what only the second has follows what it follows there.
    pub(super) fn order(&self) -> Vec<Pair> {
        let mut after: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
        let mut latest = None;
        for (index, partner) in self.partners.1.iter().enumerate() {
            match partner {
                Some(partner) => latest = Some(*partner),
                None => after.entry(latest).or_default().push(index),
            }
        }
        let alone = |anchor: Option<usize>| {
            after.get(&anchor).into_iter().flatten().map(|index| (None, Some(*index))).collect::<Vec<Pair>>()
        };
        let mut order = alone(None);
        for (index, partner) in self.partners.0.iter().enumerate() {
            order.push((Some(index), *partner));
            order.extend(alone(Some(index)));
        }
        order
    }

    /// What differs in a pair, or that one is alone.
    pub(super) fn differences(&self, i: Option<usize>, j: Option<usize>) -> Vec<Difference> {
        match (i, j) {
            (Some(i), Some(j)) => match (self.one.get(i), self.other.get(j)) {
                (Some(a), Some(b)) => {
                    let mut list = self.content(a, b);
                    list.extend(self.timing(i, j, a, b));
                    list
                }
                _ => Vec::new(),
            },
            (Some(i), None) => self.alone(i, true).into_iter().collect(),
            (None, Some(j)) => self.alone(j, false).into_iter().collect(),
            (None, None) => Vec::new(),
        }
    }

    /// Something has no partner. It says nothing if the other run was over before it could have come.
    fn alone(&self, index: usize, is_a: bool) -> Option<Difference> {
        let (mine, other) = if is_a { (self.one, self.b) } else { (self.other, self.a) };
        let happening = mine.get(index)?;
        if matches!(happening.what, Matter::Peer) {
            return None;
        }
        let base = (0..index).rev().find_map(|before| {
            let partner = if is_a { self.partners.0[before] } else { self.partners.1[before] }?;
            let theirs = if is_a { self.other } else { self.one };
            Some((mine.get(before)?.at, theirs.get(partner)?.at))
        });
        let (base_mine, base_theirs) = base.unwrap_or((self.zero(is_a), self.zero(!is_a)));
        let wait = happening.at - base_mine;
        let is_act = matches!(happening.what, Matter::Act | Matter::Seen(_));
        if !is_act && base_theirs + wait + other.report.clock.late(wait) > horizon(&other) {
            return None;
        }
        let class = match (&happening.what, is_a) {
            (Matter::Changed | Matter::Seen(_), _) => Class::State,
            (Matter::Signalled, _) => Class::Signal,
            (_, true) => Class::Missing,
            (_, false) => Class::Extra,
        };
        let (text, nothing) = (happening.text.clone(), "nothing".to_owned());
        let (a, b) = if is_a { (text, nothing) } else { (nothing, text) };
        Some(Difference { class, what: noun(happening.kind).to_owned(), a, b })
    }

    fn zero(&self, is_a: bool) -> Timestamp {
        if is_a { self.a.report.zero } else { self.b.report.zero }
    }

    fn clock(&self) -> (Timing, Timing) {
        (self.a.report.clock, self.b.report.clock)
    }

    /// What a pair is, apart from when.
    fn content(&self, a: &Happening<'_>, b: &Happening<'_>) -> Vec<Difference> {
        match (&a.what, &b.what) {
            (Matter::Emitted(Some(one), event_a), Matter::Emitted(Some(other), event_b)) => {
                let side =
                    |parsed, event, clocks: &Clocks, timing| self.packet(parsed, event, clocks, timing);
                let (timing_a, timing_b) = self.clock();
                let a = side(one, event_a, &self.clocks.0, timing_a);
                let b = side(other, event_b, &self.clocks.1, timing_b);
                packets::differences(a, b)
            }
            (Matter::Returned(one, chance), Matter::Returned(other, _)) => {
                Returns { case: self.case, chance: *chance, clocks: self.clock() }.differences(one, other)
            }
            (Matter::Seen(one), Matter::Seen(other)) => self.sights(one, other).into_iter().collect(),
            (Matter::Act | Matter::Peer, _) => Vec::new(),
            (Matter::Signalled, _) => differ(Class::Signal, "raises", a, b),
            (Matter::Changed, _) => differ(Class::State, "state", a, b),
            _ => differ(Class::Field, "packet", a, b),
        }
    }

    fn packet<'x>(
        &self,
        parsed: &'x Parsed,
        event: &Event,
        clocks: &Clocks,
        timing: Timing,
    ) -> packets::Side<'x> {
        let first = clocks.get(&event.flow.map(|flow| flow.0)).copied().unwrap_or(event.at);
        packets::Side {
            parsed,
            bases: event.bases,
            is_numbered: event.flow.is_some(),
            age: event.at - first,
            timing,
        }
    }

    fn sights(&self, a: &Seen, b: &Seen) -> Option<Difference> {
        let (timing_a, timing_b) = self.clock();
        let equal = match (&a.worth, &b.worth) {
            (Worth::Time(a), Worth::Time(b)) => same_time((*a, timing_a), (*b, timing_b)),
            (a, b) => a == b,
        };
        (!equal).then(|| Difference::new(Class::State, &a.place, a.worth.to_string(), b.worth.to_string()))
    }

    /// Whether one of a pair came later than the other, counted from what both runs did before.
    fn timing(&self, i: usize, j: usize, a: &Happening<'_>, b: &Happening<'_>) -> Option<Difference> {
        if !matches!(a.what, Matter::Emitted(..) | Matter::Returned(..) | Matter::Signalled)
            || self.is_pinned(a, b)
        {
            return None;
        }
        let latest = self.common(i, j, |_, _| true)?;
        let again = self.common(i, j, |before, _| is_again(before, a));
        let wait = |base: (usize, usize)| (a.at - self.one[base.0].at, b.at - self.other[base.1].at);
        let (timing_a, timing_b) = self.clock();
        let is_apart = |base: (usize, usize)| {
            let (wait_a, wait_b) = wait(base);
            apart((wait_a, timing_a), (wait_b, timing_b))
        };
        if is_apart(latest) && again.is_none_or(is_apart) {
            let (wait_a, wait_b) = wait(latest);
            let what = format!("after {}", self.one[latest.0].text);
            let round = |span: Span| Span(span.0 / 1_000 * 1_000).to_string();
            return Some(Difference::new(Class::Timing, what, round(wait_a), round(wait_b)));
        }
        // Where nothing takes time, only the order tells what came of what.
        let acts = |list: &[Happening<'_>], end: usize| -> Option<(usize, String)> {
            let mut acts = list[..end].iter().filter(|before| matches!(before.what, Matter::Act));
            let count = acts.clone().count();
            Some((count, acts.next_back()?.text.clone()))
        };
        let (count_a, last_a) = acts(self.one, i)?;
        let (count_b, last_b) = acts(self.other, j)?;
        let is_exact = matches!((timing_a, timing_b), (Timing::Virtual, Timing::Virtual));
        (is_exact && count_a != count_b).then(|| {
            Difference::new(Class::Timing, "order", format!("after {last_a}"), format!("after {last_b}"))
        })
    }

    /// The latest pair before both of these that is wanted.
    fn common(
        &self,
        i: usize,
        j: usize,
        is_wanted: impl Fn(&Happening<'_>, &Happening<'_>) -> bool,
    ) -> Option<(usize, usize)> {
        (0..i).rev().find_map(|before| {
            let partner = self.partners.0[before].filter(|partner| *partner < j)?;
            let (a, b) = (self.one.get(before)?, self.other.get(partner)?);
            let counts = !matches!(a.what, Matter::Seen(_) | Matter::Changed);
            (counts && is_wanted(a, b)).then_some((before, partner))
        })
    }

    /// Whether the case itself says to the moment when it happens, and was content with both.
    fn is_pinned(&self, a: &Happening<'_>, b: &Happening<'_>) -> bool {
        if a.step != b.step || a.status != Status::Expected || b.status != Status::Expected {
            return false;
        }
        let Some(step) = a.step.and_then(|step| self.case.steps.get(step)) else { return false };
        match &step.action {
            Action::Call { blocks, .. } => match blocks {
                Blocks::No => true,
                Blocks::For { from, to } => from == to,
                Blocks::UntilReturns | Blocks::Forever => false,
            },
            _ => matches!(&step.when, When::Window { from, to, .. } if from == to),
        }
    }

    /// How ill two happenings of a lane fit.
    fn cost(&self, i: usize, j: usize) -> u32 {
        let (Some(a), Some(b)) = (self.one.get(i), self.other.get(j)) else { return u32::MAX };
        let (Matter::Emitted(Some(one), event_a), Matter::Emitted(Some(other), event_b)) = (&a.what, &b.what)
        else {
            return if a.text == b.text { 0 } else { 4 };
        };
        let (timing_a, timing_b) = self.clock();
        let since = |happening: &Happening<'_>, side: Side<'_>| happening.at - side.report.zero;
        let is_apart = apart((since(a, self.a), timing_a), (since(b, self.b), timing_b));
        let mut cost = u32::from(is_apart);
        if a.step != b.step {
            cost += if a.step.is_some() && b.step.is_some() { 2 } else { 1 };
        }
        cost += match (one.packet.tcp(), other.packet.tcp()) {
            (Some(one), Some(other)) => segment_cost((event_a, one), (event_b, other)),
            (None, None) => 3 * u32::from(a.text != b.text),
            _ => 8,
        };
        // What answers the same step is the same thing, however wrong.
        let is_answer = a.step.is_some() && a.step == b.step && event_a.flow.is_some();
        if is_answer { cost.min(3) } else { cost }
    }
}

fn segment_cost((event_a, a): (&Event, &Tcp), (event_b, b): (&Event, &Tcp)) -> u32 {
    let flags = |tcp: &Tcp| tcp.flags.without(Flags::PSH);
    let seq = |event: &Event, tcp: &Tcp| tcp.seq.wrapping_sub(event.bases.seq);
    let ack = |event: &Event, tcp: &Tcp| tcp.ack.wrapping_sub(event.bases.ack);
    let is_numbered = event_a.flow.is_some();
    3 * u32::from(flags(a) != flags(b))
        + 3 * u32::from(is_numbered && seq(event_a, a) != seq(event_b, b))
        + 2 * u32::from(a.payload.len() != b.payload.len())
        + u32::from(is_numbered && ack(event_a, a) != ack(event_b, b))
        + u32::from(a.win != b.win || a.payload != b.payload || a.options.len() != b.options.len())
}

/// Of each flow the moment of its first timestamp.
fn clocks(list: &[Happening<'_>]) -> Clocks {
    let mut clocks = Clocks::new();
    for happening in list {
        if let Matter::Emitted(Some(parsed), event) = &happening.what
            && parsed.packet.tcp().is_some_and(|tcp| tcp.timestamps().is_some())
        {
            clocks.entry(event.flow.map(|flow| flow.0)).or_insert(happening.at);
        }
    }
    clocks
}

/// Whether the second is the first sent again.
fn is_again(before: &Happening<'_>, now: &Happening<'_>) -> bool {
    let (Matter::Emitted(Some(before), first), Matter::Emitted(Some(now), second)) =
        (&before.what, &now.what)
    else {
        return false;
    };
    let (Some(before), Some(now)) = (before.packet.tcp(), now.packet.tcp()) else { return false };
    first.flow == second.flow
        && now.seq_len() > 0
        && (before.seq, before.seq_len()) == (now.seq, now.seq_len())
}

fn differ(class: Class, what: &str, a: &Happening<'_>, b: &Happening<'_>) -> Vec<Difference> {
    if a.text == b.text { Vec::new() } else { vec![Difference::new(class, what, &a.text, &b.text)] }
}

fn noun(kind: Kind) -> &'static str {
    match kind {
        Kind::Injected | Kind::Emitted => "segment",
        Kind::Called => "call",
        Kind::Returned => "return",
        Kind::Signalled => "signal",
        Kind::Did => "act",
        Kind::Seen => "assert",
        Kind::State => "state",
        Kind::Verdict => "verdict",
    }
}
