//! Files, which the stack has not: all that a case does with one is open it, send from it and close it.

use std::collections::BTreeMap;

use crate::case::{DescriptorId, Submission, Syscall};
use crate::target::{Completion, TargetError};

/// Numbers of files; the stack's own descriptors stay far below.
const FIRST: i64 = 1_000_000;

/// The open files of a case: how many zeros each holds.
#[derive(Debug, Default)]
pub(super) struct Files(BTreeMap<DescriptorId, u64>);

impl Files {
    /// What a call comes back with that is about files alone; `None`: it is the stack's.
    pub(super) fn call(&mut self, submission: &Submission) -> Result<Option<Completion>, TargetError> {
        let result = match &submission.call {
            Syscall::Open { zeros } => {
                let number = FIRST + i64::try_from(self.0.len()).unwrap_or(0);
                self.0.extend(submission.binds.iter().map(|id| (*id, *zeros)));
                number
            }
            Syscall::Close { fd } if self.0.remove(fd).is_some() => 0,
            Syscall::Sendfile { fd, .. } if !self.0.contains_key(fd) => return Ok(None),
            call if call.descriptors().iter().any(|id| self.0.contains_key(id)) => {
                return Err(TargetError::Missing(format!("call {} on a file", call.name())));
            }
            _ => return Ok(None),
        };
        Ok(Some(Completion { result: Ok(result), data: Vec::new(), given: None }))
    }

    /// So many bytes of a file from there, or what there is of them.
    pub(super) fn part(&self, id: DescriptorId, offset: i64, count: i64) -> Result<Vec<u8>, TargetError> {
        let missing = || TargetError::Missing("call sendfile from what is no file".to_owned());
        let length = *self.0.get(&id).ok_or_else(missing)?;
        let wanted = [offset, count].map(|number| u64::try_from(number).unwrap_or(0));
        let left = length.saturating_sub(wanted[0]).min(wanted[1]);
        Ok(vec![0; usize::try_from(left).map_err(|_| missing())?])
    }
}
