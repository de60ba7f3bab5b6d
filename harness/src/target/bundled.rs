//! The bundled stack as a target: the only file that knows the crate `stack-under-test`.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use stack_under_test as sut;

use crate::case::{
    Capability, DescriptorId, Errno, OptionValue, PollFd, Setting, Signal, Submission, Syscall, ThreadId,
    Value,
};
use crate::time::{Span, Timestamp};

use super::{
    Completion, Inspection, Observation, Target, TargetError, TargetFactory, TargetInfo, Timing, World,
};

/// So many timers at one moment mean that time stands still.
const TIMERS_AT_ONCE: usize = 100_000;
/// A descriptor that no stack gives out: what a name stands for that was never bound, or was closed.
const NO_FD: sut::Fd = sut::Fd(-1);

/// Makes bundled stacks.
pub struct BundledFactory {
    info: TargetInfo,
}

impl Default for BundledFactory {
    fn default() -> Self {
        Self::new()
    }
}

impl BundledFactory {
    /// The bundled stack, on a virtual clock.
    #[must_use]
    pub fn new() -> Self {
        let capabilities = [
            Capability::Ipv6,
            Capability::Sack,
            Capability::Timestamps,
            Capability::Signals,
            Capability::Inspect,
            Capability::LocalIsn,
            Capability::RawIp,
            Capability::VirtualClock,
        ];
        Self {
            info: TargetInfo {
                id: "bundled".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                capabilities: capabilities.into_iter().collect(),
                timing: Timing::Virtual,
            },
        }
    }
}

impl TargetFactory for BundledFactory {
    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn open(&self, world: &World) -> Result<Box<dyn Target>, TargetError> {
        if world.link.offload != crate::case::Offload::None {
            return Err(TargetError::Missing("segmentation offload".to_owned()));
        }
        let config = sut::Config { mtu: world.link.mtu, ..sut::Config::default() };
        let mut stack = sut::Stack::new(config, world.seed);
        for setting in &world.settings {
            set(&mut stack, setting)?;
        }
        for flow in &world.flows {
            if let Some(isn) = flow.local_isn {
                stack.force_isn(flow.local, flow.remote, isn);
            }
        }
        Ok(Box::new(Bundled {
            info: self.info.clone(),
            stack,
            now: Timestamp::START,
            seen: VecDeque::new(),
            calls: BTreeMap::new(),
            fds: BTreeMap::new(),
        }))
    }
}

fn set(stack: &mut sut::Stack, setting: &Setting) -> Result<(), TargetError> {
    stack.set(&setting.name, &setting.value).map_err(|error| {
        TargetError::Missing(match error {
            sut::SettingError::Unknown => format!("setting {}", setting.name),
            sut::SettingError::Invalid => format!("setting {} = {}", setting.name, setting.value),
        })
    })
}

/// One case's stack.
struct Bundled {
    info: TargetInfo,
    stack: sut::Stack,
    now: Timestamp,
    /// What happened and was not handed over.
    seen: VecDeque<Observation>,
    /// Calls that have not returned.
    calls: BTreeMap<ThreadId, Pending>,
    fds: BTreeMap<DescriptorId, sut::Fd>,
}

/// A call that has not returned.
struct Pending {
    binds: Vec<DescriptorId>,
    polled: Vec<DescriptorId>,
    closes: Option<DescriptorId>,
    /// Its value comes back through a pointer.
    is_ioctl: bool,
}

impl Target for Bundled {
    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn now(&mut self) -> Timestamp {
        self.now
    }

    fn configure(&mut self, setting: &Setting) -> Result<Timestamp, TargetError> {
        set(&mut self.stack, setting)?;
        Ok(self.now)
    }

    fn inject(&mut self, packet: &[u8]) -> Result<Timestamp, TargetError> {
        self.stack.handle_packet(instant(self.now), packet);
        self.drain()?;
        Ok(self.now)
    }

    fn submit(&mut self, submission: &Submission) -> Result<Timestamp, TargetError> {
        let call = self.convert(submission)?;
        let polled = match &submission.call {
            Syscall::Poll { fds, .. } => fds.iter().map(|entry| entry.fd).collect(),
            _ => Vec::new(),
        };
        let closes = match &submission.call {
            Syscall::Close { fd } => Some(*fd),
            _ => None,
        };
        let is_ioctl = matches!(submission.call, Syscall::Ioctl { .. });
        let pending = Pending { binds: submission.binds.clone(), polled, closes, is_ioctl };
        self.calls.insert(submission.thread, pending);
        self.stack.submit(instant(self.now), sut_thread(submission.thread), call).map_err(
            |sut::ThreadBusy| TargetError::Broken("the stack says that the thread is busy".to_owned()),
        )?;
        self.drain()?;
        Ok(self.now)
    }

    fn signal(&mut self, thread: ThreadId, _signal: Signal, restart: bool) -> Result<Timestamp, TargetError> {
        // A handler with SA_RESTART lets the call go on: nothing is to be seen of it.
        if !restart {
            self.stack.interrupt(instant(self.now), sut_thread(thread));
            self.drain()?;
        }
        Ok(self.now)
    }

    fn inspect(&mut self, what: &Inspection) -> Result<Value, TargetError> {
        match what {
            Inspection::FlowState { local, remote, .. } => {
                Ok(Value::Int(self.stack.tcp_state(*local, *remote) as i64))
            }
            Inspection::Descriptor(id, field) => {
                let missing = || TargetError::Missing(format!("inspection of {field}"));
                let info = self.stack.tcp_info(self.fd(*id)).ok_or_else(missing)?;
                let Value::Map(mut fields) = tcp_info(&info) else { return Err(missing()) };
                let name = if field == "state" { "tcpi_state" } else { field.as_str() };
                fields.remove(name).ok_or_else(missing)
            }
            Inspection::Counter(name) => Err(TargetError::Missing(format!("counter.{name}"))),
        }
    }

    fn advance(&mut self, until: Timestamp) -> Result<Option<Observation>, TargetError> {
        for _ in 0..TIMERS_AT_ONCE {
            if let Some(observation) = self.seen.pop_front() {
                return Ok(Some(observation));
            }
            let timer = self.stack.poll_timeout().map(timestamp);
            let Some(due) = timer.filter(|due| *due <= until.max(self.now)) else {
                self.now = self.now.max(until);
                return Ok(None);
            };
            self.now = self.now.max(due);
            self.stack.handle_timeout(instant(self.now));
            self.drain()?;
        }
        Err(TargetError::Broken(format!("the stack's timers make no progress at {}", self.now)))
    }

    fn finish(self: Box<Self>) -> Result<Vec<Observation>, TargetError> {
        Ok(Vec::new())
    }
}

impl Bundled {
    /// Takes everything that the stack put out at this moment.
    fn drain(&mut self) -> Result<(), TargetError> {
        let at = self.now;
        while let Some(output) = self.stack.poll_output() {
            let observation = match output {
                sut::Output::Transmit(packet) => Observation::Emitted { at, packet },
                sut::Output::Signal { thread, signal: sut::Signal::Sigpipe } => {
                    Observation::Signalled { at, thread: our_thread(thread), signal: Signal::Pipe }
                }
                sut::Output::Return { thread, result } => {
                    let thread = our_thread(thread);
                    let completion = self.complete(thread, result)?;
                    Observation::Returned { at, thread, completion }
                }
            };
            self.seen.push_back(observation);
        }
        Ok(())
    }

    fn complete(
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
            }
            sut::Reply::Accepted { fd, peer } => {
                completion.result = Ok(i64::from(fd.0));
                completion.given = Some(Value::Address(peer));
                self.bind(&pending.binds, i64::from(fd.0));
            }
            sut::Reply::Address(address) => completion.given = Some(Value::Address(address)),
            sut::Reply::Option(value) => completion.given = Some(option_value(&value)),
            sut::Reply::Poll(revents) => {
                let ready: Vec<Value> = pending
                    .polled
                    .iter()
                    .zip(&revents)
                    .filter(|(_, revents)| **revents != 0)
                    .map(|(fd, revents)| {
                        Value::Map(BTreeMap::from([
                            ("fd".to_owned(), Value::Descriptor(*fd)),
                            ("revents".to_owned(), Value::Int(i64::from(*revents))),
                        ]))
                    })
                    .collect();
                completion.result = Ok(i64::try_from(ready.len()).unwrap_or(i64::MAX));
                completion.given = Some(Value::List(ready));
            }
        }
        Ok(completion)
    }

    fn bind(&mut self, binds: &[DescriptorId], fd: i64) {
        if let ([id], Ok(fd)) = (binds, i32::try_from(fd)) {
            self.fds.insert(*id, sut::Fd(fd));
        }
    }

    fn fd(&self, id: DescriptorId) -> sut::Fd {
        self.fds.get(&id).copied().unwrap_or(NO_FD)
    }

    /// The call in the stack's words.
    fn convert(&self, submission: &Submission) -> Result<sut::Syscall, TargetError> {
        let data = || submission.data.clone();
        Ok(match &submission.call {
            Syscall::Socket { domain, kind, protocol } => {
                sut::Syscall::Socket { domain: int(*domain)?, kind: int(*kind)?, protocol: int(*protocol)? }
            }
            Syscall::Bind { fd, addr, lie: None } => sut::Syscall::Bind { fd: self.fd(*fd), addr: *addr },
            Syscall::Listen { fd, backlog } => {
                sut::Syscall::Listen { fd: self.fd(*fd), backlog: int(*backlog)? }
            }
            Syscall::Accept { fd } => sut::Syscall::Accept { fd: self.fd(*fd), flags: 0 },
            Syscall::Accept4 { fd, flags } => sut::Syscall::Accept { fd: self.fd(*fd), flags: int(*flags)? },
            Syscall::Connect { fd, addr, lie: None } => {
                sut::Syscall::Connect { fd: self.fd(*fd), addr: *addr }
            }
            Syscall::Shutdown { fd, how } => sut::Syscall::Shutdown { fd: self.fd(*fd), how: int(*how)? },
            Syscall::Close { fd } => sut::Syscall::Close { fd: self.fd(*fd) },
            Syscall::Dup { fd } => sut::Syscall::Dup { fd: self.fd(*fd) },
            Syscall::Read { fd, count, lie: None } => {
                sut::Syscall::Read { fd: self.fd(*fd), count: size(*count)? }
            }
            Syscall::Recv { fd, count, flags, lie: None } => {
                sut::Syscall::Recv { fd: self.fd(*fd), count: size(*count)?, flags: int(*flags)? }
            }
            Syscall::Write { fd, lie: None, .. } => sut::Syscall::Write { fd: self.fd(*fd), data: data() },
            Syscall::Send { fd, flags, lie: None, .. } => {
                sut::Syscall::Send { fd: self.fd(*fd), data: data(), flags: int(*flags)? }
            }
            other => return self.convert_option(other),
        })
    }

    /// Calls that read or set something of a socket; the last place where a call can turn out to be unknown.
    fn convert_option(&self, call: &Syscall) -> Result<sut::Syscall, TargetError> {
        let missing = || TargetError::Missing(format!("call {}", call.name()));
        Ok(match call {
            Syscall::Setsockopt { fd, level, name, value, lie: None } => sut::Syscall::Setsockopt {
                fd: self.fd(*fd),
                level: int(*level)?,
                name: int(*name)?,
                value: match value {
                    OptionValue::Int(number) => sut::OptionValue::Int(*number),
                    OptionValue::Time(span) => sut::OptionValue::Timeval(duration(*span)),
                    OptionValue::Linger { on, seconds } => {
                        sut::OptionValue::Linger { on: *on != 0, seconds: int(*seconds)? }
                    }
                    OptionValue::Bytes(_) => return Err(missing()),
                },
            },
            Syscall::Getsockopt { fd, level, name, lie: None } => {
                sut::Syscall::Getsockopt { fd: self.fd(*fd), level: int(*level)?, name: int(*name)? }
            }
            Syscall::Getsockname { fd } => sut::Syscall::Getsockname { fd: self.fd(*fd) },
            Syscall::Getpeername { fd } => sut::Syscall::Getpeername { fd: self.fd(*fd) },
            Syscall::Fcntl { fd, command, argument } => {
                sut::Syscall::Fcntl { fd: self.fd(*fd), cmd: int(*command)?, arg: argument.unwrap_or(0) }
            }
            Syscall::Ioctl { fd, request, argument: None } => sut::Syscall::Ioctl {
                fd: self.fd(*fd),
                request: u64::try_from(*request).map_err(|_| missing())?,
            },
            Syscall::Poll { fds, timeout } => sut::Syscall::Poll {
                fds: fds
                    .iter()
                    .map(|PollFd { fd, events }| {
                        Ok((self.fd(*fd), i16::try_from(*events).map_err(|_| missing())?))
                    })
                    .collect::<Result<_, TargetError>>()?,
                timeout: timeout.map(duration),
            },
            _ => return Err(missing()),
        })
    }
}

fn int(number: i64) -> Result<i32, TargetError> {
    i32::try_from(number).map_err(|_| TargetError::Missing(format!("an int argument of {number}")))
}

fn size(number: i64) -> Result<usize, TargetError> {
    usize::try_from(number).map_err(|_| TargetError::Missing(format!("a size argument of {number}")))
}

fn duration(span: Span) -> Duration {
    Duration::from_nanos(u64::try_from(span.0).unwrap_or(0))
}

fn span(duration: Duration) -> Value {
    Value::Time(Span(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)))
}

fn instant(at: Timestamp) -> sut::Instant {
    sut::Instant::from_nanos(u64::try_from(at.0).unwrap_or(0))
}

fn timestamp(at: sut::Instant) -> Timestamp {
    Timestamp(i64::try_from(at.as_nanos()).unwrap_or(i64::MAX))
}

fn sut_thread(thread: ThreadId) -> sut::ThreadId {
    sut::ThreadId(u32::try_from(thread.0).unwrap_or(u32::MAX))
}

fn our_thread(thread: sut::ThreadId) -> ThreadId {
    ThreadId(usize::try_from(thread.0).unwrap_or(usize::MAX))
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
fn tcp_info(info: &sut::TcpInfo) -> Value {
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
    ] {
        fields.insert(name.to_owned(), value);
    }
    Value::Map(fields)
}
