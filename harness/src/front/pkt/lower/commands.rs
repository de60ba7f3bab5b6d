//! Shell commands: what they are known to do is done without a shell.

use crate::front::pkt::script::Node;

use super::{Context, Effect};

/// Which place in a script a command has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Before the first event.
    Before,
    /// An event.
    Event,
    /// After the last event.
    After,
}

/// Lowers a command to what it does, in order; nothing where it does nothing that matters.
pub(super) fn command(context: &mut Context<'_>, command: &Node<String>, _place: Place) -> Vec<Effect> {
    context.lacks(command.at, format!("the command `{}`", command.value));
    Vec::new()
}
