//! What comes back from the stack, in the case's words.

use std::collections::BTreeMap;
use std::time::Duration;

use stack_under_test as sut;

use super::{Bundled, NO_FD, Pending, timestamp};
use crate::case::{DescriptorId, Errno, EventData, ThreadId, Value};
use crate::target::{Completion, TargetError};
use crate::time::{Span, Timestamp};

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
            Err(sut::Failure::Unsupported(what)) => {
                return Err(TargetError::Missing(format!("{}: {what}", pending.what)));
            }
            Err(sut::Failure::Errno(errno)) => {
                return Ok(Completion { result: Err(Errno(errno.0)), data: Vec::new(), given: None });
            }
        };
        if let Some(closed) = pending.closes {
            self.fds.insert(closed, NO_FD);
        }
        let mut completion = Completion { result: Ok(0), data: Vec::new(), given: None };
        match reply {
            sut::Reply::Value(value) if pending.is_ioctl => {
                completion.given = (!pending.writes_value).then_some(Value::Int(value));
            }
            sut::Reply::Value(value) => {
                completion.result = Ok(value);
                if let Ok(fd) = i32::try_from(value) {
                    self.bind(&pending.binds, &[sut::Fd(fd)]);
                }
            }
            sut::Reply::Pipe(ends) => self.bind(&pending.binds, &ends),
            sut::Reply::Data(data) => {
                completion.result = Ok(length(data.len()));
                completion.data = data;
            }
            sut::Reply::Discarded(count) => completion.result = Ok(length(count)),
            sut::Reply::Message(message) => {
                completion.result = Ok(length(message.count));
                completion.given = if pending.is_recvfrom {
                    message.name.map(Value::Address)
                } else {
                    Some(message_fields(&message))
                };
                completion.data = message.data;
            }
            sut::Reply::Accepted { fd, peer } => {
                completion.result = Ok(i64::from(fd.0));
                completion.given = Some(Value::Address(peer));
                self.bind(&pending.binds, &[fd]);
            }
            sut::Reply::Address(address) => completion.given = Some(Value::Address(address)),
            sut::Reply::Option(value) => completion.given = Some(option_of(&value, &pending)?),
            sut::Reply::Poll(revents) => give_list(&mut completion, polled(&pending, &revents)),
            sut::Reply::Select(found) => self.give_sets(&mut completion, &pending, found),
            sut::Reply::Epoll(events) => {
                give_list(&mut completion, events.iter().map(event).collect());
            }
        }
        Ok(completion)
    }

    fn give_sets(&self, completion: &mut Completion, pending: &Pending, found: sut::Selected) {
        let sets = [("read", found.read), ("write", found.write), ("except", found.except)];
        let count: usize = sets.iter().map(|(_, fds)| fds.len()).sum();
        let sets = sets.map(|(name, fds)| (name.to_owned(), Value::List(self.names(pending, &fds))));
        completion.result = Ok(length(count));
        completion.given = Some(Value::Map(BTreeMap::from(sets)));
    }

    /// The case's names of descriptors that the stack found.
    fn names(&self, pending: &Pending, fds: &[sut::Fd]) -> Vec<Value> {
        let name = |fd: &sut::Fd| pending.polled.iter().find(|id| self.fd(**id) == *fd);
        fds.iter().filter_map(name).map(|id| Value::Descriptor(*id)).collect()
    }
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What `recvmsg` gives beside the bytes.
fn message_fields(message: &sut::Message) -> Value {
    let control = message.control.iter().map(|item| {
        let data = match &item.data {
            sut::ControlData::Bytes(bytes) => match <[u8; 4]>::try_from(bytes.as_slice()) {
                Ok(int) => Value::Int(i32::from_ne_bytes(int).into()),
                Err(_) => Value::Bytes(bytes.clone()),
            },
            sut::ControlData::Error(error) => extended_error(error),
            // One that is in software, and none of hardware.
            sut::ControlData::Stamp(at) => Value::List(vec![
                Value::Time(timestamp(*at) - Timestamp::START),
                Value::Time(Span::ZERO),
                Value::Time(Span::ZERO),
            ]),
        };
        Value::Map(BTreeMap::from([
            ("level".to_owned(), Value::Int(item.level.into())),
            ("type".to_owned(), Value::Int(item.kind.into())),
            ("data".to_owned(), data),
        ]))
    });
    let mut fields = BTreeMap::from([
        ("flags".to_owned(), Value::Int(message.flags.into())),
        ("control".to_owned(), Value::List(control.collect())),
    ]);
    if let Some(name) = message.name {
        fields.insert("name".to_owned(), Value::Address(name));
    }
    Value::Map(fields)
}

fn extended_error(error: &sut::ExtendedError) -> Value {
    let mut fields: BTreeMap<String, Value> = [
        ("ee_errno", i64::from(error.errno)),
        ("ee_origin", error.origin.into()),
        ("ee_type", error.kind.into()),
        ("ee_code", error.code.into()),
        ("ee_info", error.info.into()),
        ("ee_data", error.data.into()),
    ]
    .into_iter()
    .map(|(name, number)| (name.to_owned(), Value::Int(number)))
    .collect();
    if let Some(offender) = error.offender {
        fields.insert("offender".to_owned(), Value::Address(offender));
    }
    Value::Map(fields)
}

/// A list, the length of which is what the call returns.
fn give_list(completion: &mut Completion, list: Vec<Value>) {
    completion.result = Ok(i64::try_from(list.len()).unwrap_or(i64::MAX));
    completion.given = Some(Value::List(list));
}

fn event((events, data): &(u32, u64)) -> Value {
    let events = ("events".to_owned(), Value::Int(i64::from(*events)));
    Value::Map(BTreeMap::from([events, EventData::given(*data)]))
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
        sut::OptionValue::Bytes(bytes) => Value::Bytes(bytes.clone()),
    }
}

fn option_of(value: &sut::OptionValue, pending: &Pending) -> Result<Value, TargetError> {
    let Some(least) = pending.raw else { return Ok(option_value(value)) };
    let missing = || TargetError::Missing(format!("{}: the value as bytes", pending.what));
    let mut bytes = option_bytes(value).ok_or_else(missing)?;
    bytes.resize(bytes.len().max(least), 0);
    Ok(Value::Bytes(bytes))
}

/// The value of an option as it lies in memory.
fn option_bytes(value: &sut::OptionValue) -> Option<Vec<u8>> {
    Some(match value {
        sut::OptionValue::Int(number) => i32::try_from(*number).ok()?.to_ne_bytes().to_vec(),
        sut::OptionValue::Timeval(duration) => {
            let micros = i64::from(duration.subsec_micros());
            [i64::try_from(duration.as_secs()).ok()?.to_ne_bytes(), micros.to_ne_bytes()].concat()
        }
        sut::OptionValue::Linger { on, seconds } => {
            [i32::from(*on).to_ne_bytes(), seconds.to_ne_bytes()].concat()
        }
        sut::OptionValue::Bytes(bytes) => bytes.clone(),
        sut::OptionValue::Info(_) => return None,
    })
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
        ("tcpi_delivered", int(info.delivered.into())),
        ("tcpi_reord_seen", int(info.reord_seen.into())),
        ("tcpi_busy_time", span(info.busy_time)),
        ("tcpi_rwnd_limited", span(info.rwnd_limited)),
        ("tcpi_fastopen_client_fail", int(info.fastopen_client_fail.into())),
    ] {
        fields.insert(name.to_owned(), value);
    }
    Value::Map(fields)
}
