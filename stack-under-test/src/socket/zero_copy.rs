//! `MSG_ZEROCOPY`: a program lends its memory, and is told in the error queue when it has it back.
//!
//! As with a TUN device in Linux what is sent is copied nevertheless, which the report says.

use alloc::collections::VecDeque;

use super::errors::Report;
use super::{Socket, Tcp};
use crate::syscall::ExtendedError;
use crate::syscall::constants::{SO_EE_CODE_ZEROCOPY_COPIED, SO_EE_ORIGIN_ZEROCOPY};
use crate::wire::seq::SeqNum;

/// Calls whose memory comes back together.
#[derive(Clone, Copy, Debug)]
struct Loan {
    first: u32,
    last: u32,
    /// The number after the last byte lent.
    end: SeqNum,
    /// The last of the calls has not returned.
    open: bool,
}

/// What is lent, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loans {
    next: u32,
    loans: VecDeque<Loan>,
}

impl Socket {
    /// A call wrote something more of the memory it lends; `loan` numbers the call, once it has written something.
    /// `done` if it returns now.
    pub(crate) fn lend(&mut self, loan: &mut Option<u32>, done: bool) {
        let (end, sent) = match &self.tcp {
            Tcp::Synchronized(connection) => (connection.written_end(), connection.next_to_send()),
            Tcp::SynSent(open) => (open.end(), open.end()),
            Tcp::Closed(_) | Tcp::Listen(_) | Tcp::SynReceived(_) => return,
        };
        let loans = &mut self.loans;
        let number = *loan.get_or_insert_with(|| {
            let number = loans.next;
            loans.next = loans.next.wrapping_add(1);
            match loans.loans.back_mut() {
                // What was not sent yet leaves together with this.
                Some(last) if last.end.after(sent) && last.last.wrapping_add(1) == number => {
                    last.last = number;
                }
                _ => loans.loans.push_back(Loan { first: number, last: number, end, open: true }),
            }
            number
        });
        if let Some(own) = loans.loans.iter_mut().find(|own| own.last == number) {
            own.end = end;
            own.open = !done;
        }
    }

    /// A call returns for some other reason than that it wrote everything.
    pub(crate) fn end_loan(&mut self, loan: Option<u32>) {
        for own in self.loans.loans.iter_mut().filter(|own| Some(own.last) == loan) {
            own.open = false;
        }
    }

    /// Reports what came back: what was acknowledged, or will never be sent.
    pub(crate) fn report_loans(&mut self) {
        while let Some(loan) = self.loans.loans.front().copied() {
            let out = match &self.tcp {
                Tcp::Synchronized(connection) => loan.end.after(connection.oldest_unacknowledged()),
                Tcp::SynSent(_) | Tcp::SynReceived(_) => true,
                Tcp::Closed(_) | Tcp::Listen(_) => false,
            };
            if out || loan.open {
                return;
            }
            self.loans.loans.pop_front();
            self.reports += 1;
            let Loan { first, last, .. } = loan;
            // One entry tells of as many calls in a row as there are when it is read.
            if let Some(Report { entry, .. }) = self.errors.back_mut()
                && entry.origin == SO_EE_ORIGIN_ZEROCOPY
                && entry.data.wrapping_add(1) == first
            {
                entry.data = last;
                continue;
            }
            let entry = ExtendedError {
                errno: 0,
                origin: SO_EE_ORIGIN_ZEROCOPY,
                kind: 0,
                code: SO_EE_CODE_ZEROCOPY_COPIED,
                info: first,
                data: last,
                offender: None,
            };
            self.errors.push_back(Report::of(entry));
        }
    }
}
