//! `pipe`, and reading and writing its ends.

use super::dispatch::CallResult;
use super::{Reply, Room, Signal, ThreadId};
use crate::socket::errors::Errno;
use crate::socket::pipe::{End, Pipe, PipeId};
use crate::socket::table::File;
use crate::stack::Stack;

impl Stack {
    pub(super) fn pipe(&mut self) -> CallResult {
        let id = PipeId(self.next_pipe);
        let read = self.descriptors.insert(File::Pipe(id, End::Read))?;
        let write = match self.descriptors.insert(File::Pipe(id, End::Write)) {
            Ok(write) => write,
            Err(errno) => {
                self.descriptors.remove(read)?;
                return Err(errno.into());
            }
        };
        self.next_pipe += 1;
        self.pipes.insert(id, Pipe::default());
        Ok(Reply::Pipe([read, write]))
    }

    pub(super) fn try_pipe_read(&mut self, id: PipeId, room: Room) -> Option<CallResult> {
        let count = usize::try_from(room.length).unwrap_or(0);
        let pipe = self.pipes.get_mut(&id)?;
        if count == 0 {
            return Some(Ok(Reply::Data(alloc::vec::Vec::new())));
        }
        if pipe.len() == 0 && !pipe.write_closed {
            return None;
        }
        if room.nowhere && pipe.len() > 0 {
            return Some(Err(Errno::EFAULT.into()));
        }
        Some(Ok(Reply::Data(pipe.read(count))))
    }

    pub(super) fn try_pipe_write(
        &mut self,
        thread: ThreadId,
        id: PipeId,
        data: &[u8],
        written: &mut usize,
    ) -> Option<CallResult> {
        if data.is_empty() {
            return Some(Ok(Reply::Value(0)));
        }
        let pipe = self.pipes.get_mut(&id)?;
        if pipe.read_closed {
            let result =
                if *written > 0 { Ok(Reply::Value(*written as i64)) } else { Err(Errno::EPIPE.into()) };
            self.raise(thread, Signal::Sigpipe);
            return Some(result);
        }
        *written += pipe.write(data.get(*written..).unwrap_or_default());
        (*written == data.len()).then_some(Ok(Reply::Value(*written as i64)))
    }

    pub(super) fn close_pipe_end(&mut self, id: PipeId, end: End) {
        let Some(pipe) = self.pipes.get_mut(&id) else { return };
        match end {
            End::Read => pipe.read_closed = true,
            End::Write => pipe.write_closed = true,
        }
        if pipe.read_closed && pipe.write_closed {
            self.pipes.remove(&id);
        }
    }
}
