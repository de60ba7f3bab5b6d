//! What ICMP says about segments that we sent.

use core::time::Duration;

use super::{Owner, Stack};
use crate::counters::Counter;
use crate::socket::errors::{Quoted, Report};
use crate::socket::{Socket, SocketId, Tcp, errors};
use crate::syscall::ExtendedError;
use crate::syscall::constants::{SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6};
use crate::tcp::connection::{Ending, Fate};
use crate::tcp::env::Path;
use crate::tcp::flow::{Endpoint, Flow};
use crate::tcp::transition::SyncState;
use crate::wire::icmp::{IcmpError, Trouble};

/// Linux forgets what it learnt of a path after ten minutes.
const PATH_LIFE: Duration = Duration::from_secs(600);
/// Smaller packets are not believed in, which for IPv6 is a rule and for IPv4 Linux's `min_pmtu`.
const LEAST_V4: u16 = 552;
const LEAST_V6: u16 = 1280;

impl Stack {
    /// RFC9293/MUST-54
    pub(super) fn report(&mut self, error: &IcmpError<'_>) {
        let flow = Flow {
            local: Endpoint::new(error.local.0, error.local.1),
            remote: Endpoint::new(error.remote.0, error.remote.1),
        };
        match self.flows.get(&flow).copied() {
            Some(Owner::Socket(id)) => self.report_to_socket(id, flow, error),
            Some(Owner::Request(listener)) => self.report_to_request(listener, flow, error),
            Some(Owner::TimeWait) | None => {}
        }
    }

    fn report_to_request(&mut self, listener: SocketId, flow: Flow, error: &IcmpError<'_>) {
        let request = self.sockets.get(&listener).and_then(Socket::listener);
        let isn = request.and_then(|listen| Some(listen.requests.get(&flow)?.isn));
        if isn != Some(error.seq) {
            self.tally.count(Counter::OutOfWindowIcmps);
        } else if error.ends_request {
            self.drop_request(listener, flow);
            self.tally.count(Counter::ListenDrops);
        }
    }

    /// The quoted sequence number must be one that is under way, so that a blind attacker has to guess it.
    fn report_to_socket(&mut self, id: SocketId, flow: Flow, error: &IcmpError<'_>) {
        let Some(socket) = self.sockets.get(&id) else { return };
        let (fits, opens) = match &socket.tcp {
            Tcp::SynSent(open) => (error.seq.within(open.isn, open.end()), true),
            Tcp::SynReceived(crossed) => (error.seq.within(crossed.isn, crossed.isn + 1), true),
            // With Fast Open, as with any open that nobody holds yet.
            Tcp::Synchronized(connection) => {
                let opens = connection.state() == SyncState::SynReceived && self.is_queued(id);
                (connection.is_in_flight(error.seq), opens)
            }
            Tcp::Closed(_) | Tcp::Listen(_) => (false, false),
        };
        if !fits {
            if !matches!(socket.tcp, Tcp::Listen(_)) {
                self.tally.count(Counter::OutOfWindowIcmps);
            }
            return;
        }
        if let Trouble::TooBig(mtu) = error.trouble {
            if socket.knobs.header(flow).may_be_cut {
                return;
            }
            return self.path_shrank(id, flow, mtu);
        }
        if opens {
            self.queue_error(id, flow, error);
            // Trouble that ICMP reports about our SYN ends the open, also where RFC9293/MUST-56 wants it to go on.
            return self.meet_fate(id, Fate::Ended(Ending::Unreachable(error.trouble)), None);
        }
        let sockets = &mut self.sockets;
        let Some(connection) = sockets.get_mut(&id).and_then(Socket::connection_mut) else { return };
        if connection.knobs.header(flow).report_errors {
            // Told at once, though the connection goes on; Linux puts it into the queue only during an open.
            if let Some(socket) = sockets.get_mut(&id) {
                socket.error = Some(errors::from_icmp(error.trouble));
            }
        } else {
            connection.soft_error = Some(error.trouble);
        }
        let (env, sockets, out) = self.split();
        let Some(connection) = sockets.get_mut(&id).and_then(Socket::connection_mut) else { return };
        if error.explains_timeout && !connection.is_unconfirmed() {
            let fate = connection.revert_backoff(&env, error.seq, out);
            self.meet_fate(id, fate, None);
        }
    }

    /// Keeps an error for `MSG_ERRQUEUE`.
    fn queue_error(&mut self, id: SocketId, flow: Flow, error: &IcmpError<'_>) {
        let Some(socket) = self.sockets.get_mut(&id) else { return };
        let is_v4 = flow.remote.address.is_ipv4();
        // Linux queues what IPv4 reports without being asked to.
        if !is_v4 && !socket.knobs.header(flow).report_errors {
            return;
        }
        let entry = ExtendedError {
            errno: errors::from_icmp(error.trouble).0.unsigned_abs(),
            origin: if is_v4 { SO_EE_ORIGIN_ICMP } else { SO_EE_ORIGIN_ICMP6 },
            kind: error.kind,
            code: error.code,
            info: error.info,
            data: 0,
            offender: Some(socket.present(Endpoint::new(error.reporter, 0))),
        };
        let name = socket.present(flow.remote);
        let quoted = Quoted::Bytes(error.quoted.to_vec());
        socket.errors.push_back(Report { quoted, name: Some(name), ..Report::of(entry) });
    }

    /// RFC8201/4a
    fn path_shrank(&mut self, id: SocketId, flow: Flow, mtu: u32) {
        let mtu = u16::try_from(mtu).unwrap_or(u16::MAX);
        let known = self.env().path_mtu(flow.remote.address);
        let mtu = if flow.remote.address.is_ipv4() { mtu.max(LEAST_V4) } else { mtu };
        if mtu >= known || (flow.remote.address.is_ipv6() && mtu < LEAST_V6) {
            return;
        }
        self.paths.insert(flow.remote.address, Path { mtu, until: self.now + PATH_LIFE });
        let (env, sockets, out) = self.split();
        match sockets.get_mut(&id).map(|socket| &mut socket.tcp) {
            Some(Tcp::Synchronized(connection)) => connection.path_shrank(&env, out),
            Some(Tcp::SynSent(open)) => open.path_shrank(&env, out),
            Some(Tcp::SynReceived(_) | Tcp::Listen(_) | Tcp::Closed(_)) | None => {}
        }
    }
}
