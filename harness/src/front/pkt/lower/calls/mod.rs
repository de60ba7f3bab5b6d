//! System calls: their arguments, what they must return, and what must come back through pointers.

use crate::case::{DescriptorId, Outcome, Payload, Scalar, Syscall};
use crate::front::pkt::script::Call;

use super::Context;

/// A call as it goes into a step. When it is made and whether it blocks is its event's affair; so is what its success
/// means for the sockets of the script.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// The call.
    pub(super) call: Syscall<Scalar>,
    /// The bytes it sends.
    pub(super) data: Payload,
    /// Descriptors that it makes.
    pub(super) binds: Vec<DescriptorId>,
    /// What it must return.
    pub(super) outcome: Outcome,
}

/// Lowers a call. Nothing where that cannot be: then it is said in the context, as something that lacks or as a mistake.
pub(super) fn call(context: &mut Context<'_>, call: &Call) -> Option<Made> {
    context.lacks(call.name.at, format!("the call {}", call.name.value));
    None
}
