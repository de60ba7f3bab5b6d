//! A packet arrives: whose is it?

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::reassembly::Outcome;
use super::{Output, Owner, Stack};
use crate::counters::Counter;
use crate::socket::{Socket, SocketId, Tcp};
use crate::tcp::connection::{Connection, Ending, Fate};
use crate::tcp::flow::{Endpoint, Flow, reset_for};
use crate::tcp::journal::Cause;
use crate::tcp::listen::ListenDisposition;
use crate::tcp::state::TcpState;
use crate::tcp::syn_received::SynReceivedDisposition;
use crate::tcp::syn_sent::SynSentDisposition;
use crate::tcp::time_wait::TimeWaitDisposition;
use crate::wire::drops::DropReason;
use crate::wire::flags::Flags;
use crate::wire::icmp::{self, IcmpError};
use crate::wire::ip::{self, Arrival, Packet};
use crate::wire::seq::SeqNum;
use crate::wire::tcp::{self, Segment};

impl Stack {
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<(), DropReason> {
        self.tally.journal.because_of(Cause::Icmp);
        let arrival = Arrival::parse(bytes)?;
        let packet = arrival.packet();
        // RFC9293/MUST-57
        if !self.config.is_local(packet.destination) {
            return Err(DropReason::NotOurs);
        }
        if !ip::is_valid_source(packet.source) || self.config.is_local(packet.source) {
            return Err(DropReason::BadSource);
        }
        match arrival {
            Arrival::Whole(packet) => self.receive_whole(&packet),
            Arrival::Fragment(fragment) => {
                match self.reassembly.take(self.now, &self.config.settings, &fragment) {
                    Outcome::Kept => Ok(()),
                    Outcome::Complete(whole) => self.receive_whole(&whole.packet()?),
                    Outcome::Dropped => Err(DropReason::Fragment),
                    Outcome::Answered(complaint) => {
                        self.output.push_back(Output::Transmit(complaint));
                        Err(DropReason::Fragment)
                    }
                }
            }
        }
    }

    fn receive_whole(&mut self, packet: &Packet<'_>) -> Result<(), DropReason> {
        match packet.protocol {
            tcp::PROTOCOL => {
                let segment = Segment::parse(packet)?;
                let flow = Flow {
                    local: Endpoint::new(packet.destination, segment.destination_port),
                    remote: Endpoint::new(packet.source, segment.source_port),
                };
                let cause = if segment.flags.rst() { Cause::Reset } else { Cause::Segment };
                self.tally.journal.because_of(cause);
                self.deliver(flow, &segment);
            }
            icmp::PROTOCOL_V4 if packet.destination.is_ipv4() => {
                self.report(&IcmpError::parse(packet)?);
            }
            icmp::PROTOCOL_V6 if packet.destination.is_ipv6() => {
                self.report(&IcmpError::parse(packet)?);
            }
            _ => return Err(DropReason::Protocol),
        }
        Ok(())
    }

    fn deliver(&mut self, flow: Flow, segment: &Segment<'_>) {
        match self.flows.get(&flow).copied() {
            Some(Owner::Socket(id)) => self.deliver_to_socket(id, segment),
            Some(Owner::Request(listener)) => self.deliver_to_request(listener, flow, segment),
            Some(Owner::TimeWait) => self.deliver_to_remains(flow, segment),
            None => self.deliver_to_listener(flow, segment, None),
        }
    }

    pub(super) fn refuse(&mut self, flow: Flow, segment: &Segment<'_>) {
        if let Some(reset) = reset_for(segment) {
            self.send_stateless(flow, reset);
        }
    }

    fn deliver_to_socket(&mut self, id: SocketId, segment: &Segment<'_>) {
        let (env, sockets, out) = self.split();
        let Some(socket) = sockets.get_mut(&id) else {
            return;
        };
        match &mut socket.tcp {
            Tcp::Synchronized(connection) if connection.is_unconfirmed() => {
                self.deliver_to_unconfirmed(id, segment);
            }
            Tcp::Synchronized(connection) => {
                let disposition = connection.on_segment(&env, segment);
                let fate = connection.apply(&env, segment, disposition, out);
                self.meet_fate(id, fate, Some(segment));
            }
            Tcp::SynSent(_) => self.deliver_to_open(id, segment),
            Tcp::SynReceived(_) => self.deliver_to_crossed(id, segment),
            Tcp::Closed(_) | Tcp::Listen(_) => {
                unreachable!("a flow leads to a socket with a connection")
            }
        }
    }

    fn deliver_to_open(&mut self, id: SocketId, segment: &Segment<'_>) {
        let (env, sockets, out) = self.split();
        let Some(Socket { tcp, .. }) = sockets.get_mut(&id) else {
            return;
        };
        let Tcp::SynSent(open) = tcp else { return };
        match open.on_segment(&env, segment) {
            SynSentDisposition::Ignore => {}
            SynSentDisposition::Refuse => {
                open.hurry(&env, segment);
                let flow = open.flow;
                self.refuse(flow, segment);
            }
            SynSentDisposition::Refused => self.meet_fate(id, Fate::Ended(Ending::Refused), None),
            SynSentDisposition::Establish => self.finish_open(id, segment),
            SynSentDisposition::Cross => {
                // RFC9293/MUST-10
                let crossed = open.as_ref().clone().cross(&env, segment, out);
                env.tally.journal.note(crossed.flow, TcpState::SynRecv);
                *tcp = Tcp::SynReceived(Box::new(crossed));
            }
        }
    }

    fn deliver_to_crossed(&mut self, id: SocketId, segment: &Segment<'_>) {
        let (env, sockets, out) = self.split();
        let Some(Socket { tcp, shut_early, .. }) = sockets.get_mut(&id) else {
            return;
        };
        let Tcp::SynReceived(crossed) = tcp else {
            return;
        };
        match crossed.on_segment(&env, segment) {
            SynReceivedDisposition::Ignore => {}
            SynReceivedDisposition::AnswerAgain => crossed.answer_again(&env, out),
            SynReceivedDisposition::Rebuke | SynReceivedDisposition::Abandon => {
                crossed.rebuke(&env, out);
            }
            SynReceivedDisposition::Refuse => {
                let flow = crossed.flow;
                self.refuse(flow, segment);
            }
            // RFC9293/3.10.7.4-rst-synrcvd
            SynReceivedDisposition::Reset => self.meet_fate(id, Fate::Ended(Ending::Reset), None),
            SynReceivedDisposition::Establish => {
                let opening = crossed.as_ref().clone().into_opening(&env, segment);
                env.tally.journal.note(opening.flow, TcpState::Established);
                let mut connection = Connection::open(&env, opening);
                if shut_early.0 {
                    connection.shut_read();
                }
                if shut_early.1 {
                    connection.shut_write(&env, out);
                }
                *tcp = Tcp::Synchronized(Box::new(connection));
                self.continue_with(id, segment);
            }
        }
    }

    /// The segment that completed a handshake may carry more. RFC9293/3.10.7.4-fin-synrcvd
    pub(super) fn continue_with(&mut self, id: SocketId, segment: &Segment<'_>) {
        if !segment.flags.syn() {
            self.deliver_to_socket(id, segment);
            return;
        }
        let bare = Segment {
            seq: segment.seq + 1,
            flags: Flags(segment.flags.0 & !Flags::SYN.0),
            ..segment.clone()
        };
        self.deliver_to_socket(id, &bare);
        let (env, sockets, out) = self.split();
        if let Some(connection) = sockets.get_mut(&id).and_then(Socket::connection_mut) {
            connection.note_repeated(segment);
            connection.owe_ack(&env, out);
        }
    }

    /// Of several that share a port (`SO_REUSEPORT`) each gets its part of the flows.
    fn listener_for(&self, flow: Flow) -> Option<SocketId> {
        let heard = self.sockets.iter().filter_map(|(id, socket)| Some((socket.hears(flow.local)?, *id)));
        let heard: Vec<(u8, SocketId)> = heard.collect();
        let best = heard.iter().map(|(exactness, _)| *exactness).max()?;
        let group: Vec<SocketId> =
            heard.iter().filter(|(exactness, _)| *exactness == best).map(|(_, id)| *id).collect();
        let turn = if group.len() > 1 { self.share_of(flow) % group.len() } else { 0 };
        group.get(turn).copied()
    }

    /// `isn` is given where the remains of an earlier connection demand one.
    fn deliver_to_listener(&mut self, flow: Flow, segment: &Segment<'_>, isn: Option<SeqNum>) {
        // RFC9293/3.10.7.1-closed-discard
        let Some(id) = self.listener_for(flow) else {
            return self.refuse(flow, segment);
        };
        let isn = isn.unwrap_or_else(|| self.isn(flow));
        let (env, sockets, _) = self.split();
        let Some(listen) = sockets.get_mut(&id).and_then(Socket::listener_mut) else {
            return;
        };
        match listen.on_segment(&env, segment) {
            ListenDisposition::Ignore => {}
            ListenDisposition::Refuse => {
                if !self.take_cookie(id, flow, segment) {
                    self.refuse(flow, segment);
                }
            }
            ListenDisposition::Cookie => {
                env.tally.count(Counter::ReqQFullDoCookies);
                self.answer_with_cookie(id, flow, segment);
            }
            ListenDisposition::Overflow => {
                env.tally.count(Counter::ListenOverflows);
                env.tally.count(Counter::ListenDrops);
            }
            ListenDisposition::Crowded => {
                env.tally.count(Counter::ReqQFullDrop);
                env.tally.count(Counter::ListenDrops);
            }
            ListenDisposition::Begin => self.begin(id, flow, isn, segment),
        }
    }

    fn deliver_to_request(&mut self, listener: SocketId, flow: Flow, segment: &Segment<'_>) {
        let (env, sockets, out) = self.split();
        let Some(listen) = sockets.get_mut(&listener).and_then(Socket::listener_mut) else {
            return;
        };
        let full = listen.is_full();
        let Some(request) = listen.requests.get_mut(&flow) else {
            return;
        };
        match request.on_segment(&env, segment) {
            SynReceivedDisposition::Ignore => {}
            SynReceivedDisposition::AnswerAgain => request.answer_again(&env, out),
            SynReceivedDisposition::Rebuke => request.rebuke(&env, out),
            SynReceivedDisposition::Refuse => self.refuse(flow, segment),
            SynReceivedDisposition::Reset => self.drop_request(listener, flow),
            SynReceivedDisposition::Abandon => {
                self.refuse(flow, segment);
                self.drop_request(listener, flow);
            }
            SynReceivedDisposition::Establish if request.is_deferred(segment) => {
                request.bare_ack_came = true;
            }
            // The peer believes that it is connected; it will repeat itself until there is room.
            SynReceivedDisposition::Establish if full => {
                env.tally.count(Counter::ListenOverflows);
                env.tally.count(Counter::ListenDrops);
                if env.settings.abort_on_overflow {
                    self.refuse(flow, segment);
                    self.drop_request(listener, flow);
                }
            }
            SynReceivedDisposition::Establish => {
                let opening = request.clone().into_opening(&env, segment);
                let connection = Connection::open(&env, opening);
                self.forget_request(listener, flow);
                let id = self.queue_connection(listener, connection);
                self.continue_with(id, segment);
            }
        }
    }

    fn deliver_to_remains(&mut self, flow: Flow, segment: &Segment<'_>) {
        let has_listener = self.listener_for(flow).is_some();
        let (env, out) =
            (super::env_of(&self.config, self.clock, self.now, (&self.tally, &self.paths)), &mut self.outbox);
        let Some(remains) = self.time_waits.get_mut(&flow) else {
            return;
        };
        match remains.on_segment(&env, segment) {
            TimeWaitDisposition::Ignore => {}
            TimeWaitDisposition::Vanish => self.forget_remains(flow),
            TimeWaitDisposition::Restart => {
                remains.take_timestamp(env.now, segment);
                remains.restart(&env);
            }
            TimeWaitDisposition::Acknowledge { restart } => {
                remains.rebuked(&env);
                if restart {
                    remains.restart(&env);
                }
                remains.acknowledge(&env, out);
            }
            TimeWaitDisposition::Finish => {
                env.tally.journal.note(flow, TcpState::TimeWait);
                remains.finish(&env, segment, out);
            }
            TimeWaitDisposition::Refuse => {
                self.refuse(flow, segment);
                self.forget_remains(flow);
            }
            TimeWaitDisposition::Reopen(isn) if has_listener => {
                self.forget_remains(flow);
                self.deliver_to_listener(flow, segment, Some(isn));
            }
            TimeWaitDisposition::Reopen(_) => remains.acknowledge(&env, out),
        }
    }
}
