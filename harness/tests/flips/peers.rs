//! Flips of peers that answer by themselves: a script that has nothing to say in their place, and bytes they must not
//! take.

use tcpdrill::case::{Action, Case, FlowId, Payload, PeerMode};

/// The other peer.
pub(crate) fn other(flow: FlowId, mode: PeerMode) -> Action {
    let mode = match mode {
        PeerMode::Auto => PeerMode::Scripted,
        PeerMode::Scripted => PeerMode::Auto,
    };
    Action::Peer { flow, mode }
}

/// The call with other bytes, where what it sends goes to a peer that answers by itself and nobody else looks.
pub(crate) fn other_bytes(case: &Case, index: usize) -> Option<Action> {
    let mode = case.steps[..index].iter().rev().find_map(|step| match &step.action {
        Action::Peer { mode, .. } => Some(*mode),
        _ => None,
    });
    let Action::Call { thread, call, data: Payload::Pattern(None), binds, blocks, outcome } =
        &case.steps[index].action
    else {
        return None;
    };
    if mode != Some(PeerMode::Auto) || call.sends_on().is_none() {
        return None;
    }
    Some(Action::Call {
        thread: *thread,
        call: call.clone(),
        data: Payload::Zeros,
        binds: binds.clone(),
        blocks: blocks.clone(),
        outcome: outcome.clone(),
    })
}
