//! `poll` and `epoll`.

use crate::case::{EventData, PollFd, Scalar, Syscall, ValueSpec, constant};
use crate::front::pkt::script::{Node, Value};

use super::Asked;
use super::arguments::{Arguments, Fault, Members, Read, int, wide};

const POLLED: &str = "{fd=4, events=POLLIN, revents=POLLIN}";
const EVENT: &str = "{events=EPOLLIN, fd=4}";
/// What an event can carry.
const DATA: [&str; 4] = ["fd", "ptr", "u32", "u64"];

fn exactly(bits: i64) -> ValueSpec {
    ValueSpec::Flags { bits, more: false }
}

impl Arguments<'_, '_, '_> {
    /// All that are ready, each with exactly what is written.
    pub(super) fn poll(&mut self) -> Read<Asked> {
        let argument = self.get(0)?;
        let Value::List(items) = &argument.value else {
            return Err(Fault::wrong(argument.at, "a list is needed here").help(format!("as in [{POLLED}]")));
        };
        if i64::try_from(items.len()) != Ok(self.number(1)?) {
            return Err(Fault::wrong(self.at(1), format!("the list has a length of {}", items.len())));
        }
        let (mut fds, mut ready) = (Vec::new(), Vec::new());
        for item in items {
            let members = Members::of(item, &["fd", "events", "revents"], POLLED)?;
            let fd = self.descriptor(members.needed("fd")?)?;
            fds.push(PollFd { fd, events: Scalar::Known(members.int("events")?) });
            let revents = members.int("revents")?;
            if revents != 0 {
                let fields = [("fd", ValueSpec::Descriptor(fd)), ("revents", exactly(revents))];
                ready.push(ValueSpec::Map(fields.map(|(name, spec)| (name.to_owned(), spec)).to_vec()));
            }
        }
        Ok((Syscall::Poll { fds, timeout: self.timeout(2)? }, Some(ValueSpec::List(ready))))
    }

    pub(super) fn epoll_ctl(&mut self) -> Read<Syscall<Scalar>> {
        let (ep, operation, fd) = (self.fd(0)?, self.number(1)?, self.fd(2)?);
        let argument = self.get(3)?;
        let deletes = Some(operation) == constant("EPOLL_CTL_DEL");
        let (events, data) = match &argument.value {
            Value::Fields(_) => self.event(argument)?,
            _ if deletes => (0, EventData::Descriptor(fd)),
            _ => {
                return Err(
                    Fault::wrong(argument.at, "an event is needed here").help(format!("as in {EVENT}"))
                );
            }
        };
        if matches!(data, EventData::Descriptor(id) if id != fd) {
            return Err(Fault::wrong(argument.at, "the event names another descriptor than the call"));
        }
        let (operation, events) = (Scalar::Known(operation), Scalar::Known(events));
        Ok(Syscall::EpollCtl { ep, operation, fd, events, data })
    }

    /// The first event is compared; if there is none, zeros are.
    pub(super) fn epoll_wait(&mut self) -> Read<Asked> {
        let ep = self.fd(0)?;
        let argument = self.get(1)?;
        let (events, data) = self.event(argument)?;
        let call = Syscall::EpollWait { ep, max: self.int(2)?, timeout: self.timeout(3)? };
        if self.call.result.value == 0 {
            if events != 0 || data != EventData::Number(0) {
                let text = "without an event, only {events=0, ptr=0} comes back";
                return Err(Fault::wrong(argument.at, text));
            }
            return Ok((call, Some(ValueSpec::List(Vec::new()))));
        }
        let data = match data {
            EventData::Descriptor(id) => ("fd", ValueSpec::Descriptor(id)),
            EventData::Number(number) => {
                ("data", ValueSpec::Int(crate::case::Num::exactly(number.cast_signed())))
            }
        };
        let fields = [("events", exactly(events)), data];
        let first = ValueSpec::Map(fields.map(|(name, spec)| (name.to_owned(), spec)).to_vec());
        Ok((call, Some(ValueSpec::First(Box::new(first)))))
    }

    fn event(&mut self, argument: &Node<Value>) -> Read<(i64, EventData)> {
        let members = Members::of(argument, &["events", "fd", "ptr", "u32", "u64"], EVENT)?;
        let events = int(members.needed("events")?)?;
        let mut written = DATA.into_iter().filter_map(|name| Some((name, members.get(name)?)));
        let data = match (written.next(), written.next()) {
            (Some(("fd", fd)), None) => EventData::Descriptor(self.descriptor(fd)?),
            (Some(("u32", number)), None) => EventData::Number(int(number)?.cast_unsigned() & 0xffff_ffff),
            (Some((_, number)), None) => EventData::Number(wide(number)?.cast_unsigned()),
            _ => {
                let text = "an event carries one of fd, ptr, u32 and u64";
                return Err(Fault::wrong(argument.at, text).help(format!("as in {EVENT}")));
            }
        };
        Ok((events, data))
    }
}
