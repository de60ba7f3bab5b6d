//! What comes back from the stack, in the case's words.

use std::collections::BTreeMap;
use std::time::Duration;

use stack_under_test as sut;

use super::{Bundled, NO_FD, Pending};
use crate::case::{DescriptorId, Errno, ThreadId, Value};
use crate::target::{Completion, TargetError};
use crate::time::Span;

impl Bundled {
    pub(super) fn complete(
        &mut self,
        thread: ThreadId,
        result: Result<sut::Reply, sut::Failure>,
    ) -> Result<Completion, TargetError> {
        let Some(pending) = self.calls.remove(&thread) else {
            return Err(TargetError::Broken("the stack returned from a call that nobody made".to_owned()));
        };
        let reply = match result {
            Ok(reply) => reply,
            Err(sut::Failure::Unsupported(what)) => return Err(TargetError::Missing(what.to_owned())),
            Err(sut::Failure::Errno(errno)) => {
                return Ok(Completion { result: Err(Errno(errno.0)), data: Vec::new(), given: None });
            }
        };
        if let Some(closed) = pending.closes {
            self.fds.insert(closed, NO_FD);
        }
        let mut completion = Completion { result: Ok(0), data: Vec::new(), given: None };
        match reply {
            sut::Reply::Value(value) if pending.is_ioctl => completion.given = Some(Value::Int(value)),
            sut::Reply::Value(value) => {
                completion.result = Ok(value);
                self.bind(&pending.binds, value);
            }
            sut::Reply::Data(data) => {
                completion.result = Ok(i64::try_from(data.len()).unwrap_or(i64::MAX));
                completion.data = data;
                completion.given = pending.message.map(message);
            }
            sut::Reply::Accepted { fd, peer } => {
                completion.result = Ok(i64::from(fd.0));
                completion.given = Some(Value::Address(peer));
                self.bind(&pending.binds, i64::from(fd.0));
            }
            sut::Reply::Address(address) => completion.given = Some(Value::Address(address)),
            sut::Reply::Option(value) => completion.given = Some(option_value(&value)),
            sut::Reply::Poll(revents) => give_list(&mut completion, polled(&pending, &revents)),
            sut::Reply::Select(found) => {
                let sets = [("read", found.read), ("write", found.write), ("except", found.except)];
                let count: usize = sets.iter().map(|(_, fds)| fds.len()).sum();
                let sets = sets.map(|(name, fds)| (name.to_owned(), Value::List(self.names(&pending, &fds))));
                completion.result = Ok(i64::try_from(count).unwrap_or(i64::MAX));
                completion.given = Some(Value::Map(BTreeMap::from(sets)));
            }
            sut::Reply::Epoll(events) => {
                let item = |(events, data): &(u32, u64)| {
                    let fd = DescriptorId(usize::try_from(*data).unwrap_or(usize::MAX));
                    Value::Map(BTreeMap::from([
                        ("events".to_owned(), Value::Int(i64::from(*events))),
                        ("fd".to_owned(), Value::Descriptor(fd)),
                    ]))
                };
                give_list(&mut completion, events.iter().map(item).collect());
            }
        }
        Ok(completion)
    }

    /// The case's names of descriptors that the stack found.
    fn names(&self, pending: &Pending, fds: &[sut::Fd]) -> Vec<Value> {
        let name = |fd: &sut::Fd| pending.polled.iter().find(|id| self.fd(**id) == *fd);
        fds.iter().filter_map(name).map(|id| Value::Descriptor(*id)).collect()
    }
}

/// What `recvmsg` gives beside the bytes: no control messages come with a stream.
fn message(flags: i64) -> Value {
    Value::Map(BTreeMap::from([
        ("flags".to_owned(), Value::Int(flags)),
        ("control".to_owned(), Value::List(Vec::new())),
    ]))
}

/// A list, the length of which is what the call returns.
fn give_list(completion: &mut Completion, list: Vec<Value>) {
    completion.result = Ok(i64::try_from(list.len()).unwrap_or(i64::MAX));
    completion.given = Some(Value::List(list));
}

fn polled(pending: &Pending, revents: &[i16]) -> Vec<Value> {
    let ready = pending.polled.iter().zip(revents).filter(|(_, revents)| **revents != 0);
    let item = |(fd, revents): (&DescriptorId, &i16)| {
        Value::Map(BTreeMap::from([
            ("fd".to_owned(), Value::Descriptor(*fd)),
            ("revents".to_owned(), Value::Int(i64::from(*revents))),
        ]))
    };
    ready.map(item).collect()
}

fn span(duration: Duration) -> Value {
    Value::Time(Span(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
}

fn option_value(value: &sut::OptionValue) -> Value {
    match value {
        sut::OptionValue::Int(number) => Value::Int(*number),
        sut::OptionValue::Timeval(duration) => span(*duration),
        sut::OptionValue::Linger { on, seconds } => Value::Map(BTreeMap::from([
            ("l_onoff".to_owned(), Value::Int(i64::from(*on))),
            ("l_linger".to_owned(), Value::Int(i64::from(*seconds))),
        ])),
        sut::OptionValue::Info(info) => tcp_info(info),
    }
}

/// `struct tcp_info` under the names that Linux gives its fields.
pub(super) fn tcp_info(info: &sut::TcpInfo) -> Value {
    let int = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let mut fields = BTreeMap::new();
    for (name, value) in [
        ("tcpi_state", Value::Int(info.state as i64)),
        ("tcpi_ca_state", int(info.ca_state.into())),
        ("tcpi_retransmits", int(info.retransmits.into())),
        ("tcpi_probes", int(info.probes.into())),
        ("tcpi_backoff", int(info.backoff.into())),
        ("tcpi_options", int(info.options.into())),
        ("tcpi_snd_wscale", int(info.snd_wscale.into())),
        ("tcpi_rcv_wscale", int(info.rcv_wscale.into())),
        ("tcpi_rto", span(info.rto)),
        ("tcpi_ato", span(info.ato)),
        ("tcpi_snd_mss", int(info.snd_mss.into())),
        ("tcpi_rcv_mss", int(info.rcv_mss.into())),
        ("tcpi_unacked", int(info.unacked.into())),
        ("tcpi_sacked", int(info.sacked.into())),
        ("tcpi_lost", int(info.lost.into())),
        ("tcpi_retrans", int(info.retrans.into())),
        ("tcpi_last_data_sent", span(info.last_data_sent)),
        ("tcpi_last_data_recv", span(info.last_data_recv)),
        ("tcpi_last_ack_recv", span(info.last_ack_recv)),
        ("tcpi_pmtu", int(info.pmtu.into())),
        ("tcpi_rcv_ssthresh", int(info.rcv_ssthresh.into())),
        ("tcpi_rtt", span(info.rtt)),
        ("tcpi_rttvar", span(info.rttvar)),
        ("tcpi_snd_ssthresh", int(info.snd_ssthresh.into())),
        ("tcpi_snd_cwnd", int(info.snd_cwnd.into())),
        ("tcpi_advmss", int(info.advmss.into())),
        ("tcpi_reordering", int(info.reordering.into())),
        ("tcpi_total_retrans", int(info.total_retrans.into())),
        ("tcpi_bytes_acked", int(info.bytes_acked)),
        ("tcpi_bytes_received", int(info.bytes_received)),
        ("tcpi_segs_out", int(info.segs_out.into())),
        ("tcpi_segs_in", int(info.segs_in.into())),
        ("tcpi_notsent_bytes", int(info.notsent_bytes.into())),
        ("tcpi_min_rtt", span(info.min_rtt)),
        ("tcpi_data_segs_in", int(info.data_segs_in.into())),
        ("tcpi_data_segs_out", int(info.data_segs_out.into())),
        ("tcpi_bytes_sent", int(info.bytes_sent)),
        ("tcpi_bytes_retrans", int(info.bytes_retrans)),
        ("tcpi_snd_wnd", int(info.snd_wnd.into())),
        ("tcpi_rcv_wnd", int(info.rcv_wnd.into())),
        ("tcpi_rcv_rtt", span(info.rcv_rtt)),
        ("tcpi_rcv_space", int(info.rcv_space.into())),
    ] {
        fields.insert(name.to_owned(), value);
    }
    Value::Map(fields)
}
