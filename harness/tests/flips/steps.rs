//! Flips of steps: each expectation of one, changed in each way it can be.

use tcpdrill::case::{
    Action, Blocks, Case, Expected, Expr, Num, PacketSpec, Scalar, Step, Syscall, TcpSpec, ThreadId,
    Transport,
};
use tcpdrill::wire::Flags;

use super::{Flip, Tally, calls, numbers, packets, peers};

/// Every flip of one step.
pub(crate) fn flips(case: &Case, index: usize, tally: &mut Tally) -> Vec<Flip> {
    let step = &case.steps[index];
    let (line, _) = case.sources.line_column(step.origin.at);
    changed(case, index, step, &mut tally.exempt)
        .into_iter()
        .map(|(what, step)| {
            let mut case = case.clone();
            let text = step.origin.text.clone();
            case.steps[index] = step;
            Flip { what: format!("step {index}, line {line}, {text}: {what}"), case }
        })
        .collect()
}

fn changed(case: &Case, index: usize, step: &Step, exempt: &mut usize) -> Vec<(String, Step)> {
    let mut found = Vec::new();
    let mut with = |what: String, action: Action| found.push((what, Step { action, ..step.clone() }));
    let mut timed = false;
    match &step.action {
        Action::Expect { flow, expected, isn } => {
            for (what, expected) in expectations(expected, exempt) {
                with(what, Action::Expect { flow: *flow, expected, isn: *isn });
            }
            timed = !matches!(expected, Expected::Nothing);
            if timed {
                with("deleted".to_owned(), Action::Set(Vec::new()));
            }
        }
        Action::Returns { thread, outcome } => {
            let call = blocked(case, index, *thread);
            for (what, outcome) in calls::flips(outcome, call, exempt) {
                with(what, Action::Returns { thread: *thread, outcome });
            }
            timed = true;
        }
        Action::Call { .. } => {
            made_calls(&step.action, exempt).into_iter().for_each(|(what, call)| with(what, call));
            if let Some(call) = peers::other_bytes(case, index) {
                with("sends other bytes".to_owned(), call);
            }
        }
        Action::Peer { flow, mode } => with("the other".to_owned(), peers::other(*flow, *mode)),
        Action::Assert(claims) => {
            for index in 0..claims.len() {
                let mut claims = claims.clone();
                claims[index].truth = Expr::Not(Box::new(claims[index].truth.clone()));
                with("not".to_owned(), Action::Assert(claims));
            }
        }
        Action::AnyOrder(members) => {
            for place in 0..members.len() {
                // Members have no times of their own.
                let flips = changed(case, index, &members[place], exempt);
                for (what, member) in
                    flips.into_iter().filter(|(_, member)| member.when == members[place].when)
                {
                    let mut members = members.clone();
                    members[place] = member;
                    with(what, Action::AnyOrder(members));
                }
            }
        }
        Action::Inject { .. }
        | Action::Silent { .. }
        | Action::Allow { .. }
        | Action::Set(_)
        | Action::Link(_)
        | Action::Signal { .. } => {}
    }
    if timed {
        match numbers::window(&step.when) {
            Some(when) => found.push(("a second later".to_owned(), Step { when, ..step.clone() })),
            None => *exempt += 1,
        }
    }
    found
}

/// The call that a `returns` step ends: the last one that its thread made.
fn blocked(case: &Case, index: usize, thread: ThreadId) -> Option<&Syscall<Scalar>> {
    case.steps[..index].iter().rev().find_map(|step| match &step.action {
        Action::Call { thread: made_by, call, .. } if *made_by == thread => Some(call),
        _ => None,
    })
}

/// A call that returns or blocks otherwise.
fn made_calls(action: &Action, exempt: &mut usize) -> Vec<(String, Action)> {
    let Action::Call { thread, call, data, binds, blocks, outcome } = action else { return Vec::new() };
    let make = |blocks: &Blocks, outcome| Action::Call {
        thread: *thread,
        call: call.clone(),
        data: data.clone(),
        binds: binds.clone(),
        blocks: blocks.clone(),
        outcome,
    };
    let mut found = Vec::new();
    if matches!(blocks, Blocks::No | Blocks::For { .. }) {
        for (what, outcome) in calls::flips(outcome, Some(call), exempt) {
            found.push((what, make(blocks, outcome)));
        }
    }
    if let Blocks::For { from, to } = blocks
        && let Some((from, to)) = numbers::times(from, to)
    {
        found.push(("blocks for longer".to_owned(), make(&Blocks::For { from, to }, outcome.clone())));
    }
    let other = if *blocks == Blocks::No { Blocks::Forever } else { Blocks::No };
    found.push(("blocks".to_owned(), make(&other, outcome.clone())));
    found
}

fn expectations(expected: &Expected, exempt: &mut usize) -> Vec<(String, Expected)> {
    match expected {
        Expected::Packet(packet) => packets::flips(packet, exempt)
            .into_iter()
            .map(|(what, packet)| (what, Expected::Packet(Box::new(packet))))
            .collect(),
        Expected::Nothing => vec![("something".to_owned(), Expected::Packet(Box::new(bare_ack())))],
        // All alternatives must go at once: each packet is changed, and silence is asked for no more.
        Expected::OneOf(several) => {
            let changed: Option<Vec<Expected>> = several
                .iter()
                .filter(|one| !matches!(one, Expected::Nothing))
                .map(|one| expectations(one, exempt).into_iter().next().map(|(_, one)| one))
                .collect();
            changed
                .map(|several| ("every alternative".to_owned(), Expected::OneOf(several)))
                .into_iter()
                .collect()
        }
    }
}

/// `. 1:1(0) ack 1`
fn bare_ack() -> PacketSpec {
    let bare = TcpSpec::bare(Flags::ACK, Num::exactly(1), Num::exactly(0));
    PacketSpec::plain(Transport::Tcp(TcpSpec { ack: Some(Num::exactly(1)), ..bare }))
}
