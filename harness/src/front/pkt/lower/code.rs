//! Code blocks: assertions and variables.

use crate::front::pkt::script::Node;

use super::{Context, Effect};

/// Lowers a block of code to steps, in order. It looks at the socket under test ([`Context::descriptor_under_test`]).
pub(super) fn code(context: &mut Context<'_>, code: &Node<String>) -> Vec<Effect> {
    context.lacks(code.at, "code blocks");
    Vec::new()
}
