//! TCP Fast Open as the whole endpoint sees it: who may begin with the SYN.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Owner, Stack, ports};
use crate::counters::Counter;
use crate::socket::{Socket, SocketId, Tcp};
use crate::tcp::acknowledge::AckMeaning;
use crate::tcp::apply::Disposition;
use crate::tcp::connection::{Connection, Ending, Fate};
use crate::tcp::env::Env;
use crate::tcp::fast_open::{
    Attempt, CLIENT_WITHOUT_COOKIE, COOKIE_UNAVAILABLE, Key, SERVER, SERVER_WITHOUT_COOKIE, cookie,
};
use crate::tcp::flow::Flow;
use crate::tcp::handshake::link_mss;
use crate::tcp::state::TcpState;
use crate::tcp::syn_received::{SynReceived, SynReceivedDisposition};
use crate::tcp::transition::SyncState;
use crate::wire::options::Cookie;
use crate::wire::seq::SeqNum;
use crate::wire::tcp::Segment;

/// How long a connection that was reset before its handshake ended counts.
const RESET_LIFE: Duration = Duration::from_secs(60);
/// Room that Linux leaves in a SYN for options that somebody on the way may add.
const OPTION_SPACE: u16 = 40;

/// What a SYN gets.
enum Welcome {
    /// A handshake, with a cookie if one is due.
    Handshake(Option<Cookie>),
    /// A connection; a cookie if the client's is of the old key.
    AtOnce(Option<Cookie>),
}

impl Stack {
    /// The keys of a socket: its own, else the host's.
    pub(crate) fn fast_open_keys(&self, socket: &Socket) -> Vec<Key> {
        if !socket.fast_open.keys.is_empty() {
            return socket.fast_open.keys.clone();
        }
        if !self.config.settings.fast_open_keys.is_empty() {
            return self.config.settings.fast_open_keys.clone();
        }
        let [low, high] = [6, 7].map(|purpose| ports::mix(self.seed, &[purpose]).to_le_bytes());
        let mut key = Key::default();
        key.iter_mut().zip(low.into_iter().chain(high)).for_each(|(to, from)| *to = from);
        vec![key]
    }

    /// A listener heard a SYN, and has room.
    pub(super) fn begin(&mut self, listener: SocketId, flow: Flow, isn: SeqNum, syn: &Segment<'_>) {
        let welcome = self.welcome(listener, flow, syn);
        let (env, sockets, out) = self.split();
        let Some(socket) = sockets.get_mut(&listener) else { return };
        let request = SynReceived::new(&env, flow, socket.knobs.clone(), isn, syn);
        match welcome {
            Welcome::Handshake(cookie) => {
                request.answer_with(&env, cookie, out);
                env.tally.journal.note(flow, TcpState::SynRecv);
                if let Some(listen) = socket.listener_mut() {
                    listen.requests.insert(flow, request);
                }
                self.flows.insert(flow, Owner::Request(listener));
            }
            Welcome::AtOnce(cookie) => {
                env.tally.count(Counter::FastOpenPassive);
                let connection = Connection::open_at_once(&env, request, listener, (syn, cookie), out);
                self.queue_connection(listener, connection);
            }
        }
    }

    /// As Linux's `tcp_try_fastopen`. RFC7413/4.2.2c
    fn welcome(&mut self, listener: SocketId, flow: Flow, syn: &Segment<'_>) -> Welcome {
        let offered = syn.options.fast_open.as_ref();
        let asks = offered.is_some_and(|offered| offered.bytes.is_empty());
        if asks {
            self.tally.count(Counter::FastOpenCookieReqd);
        }
        let bits = self.config.settings.fast_open;
        let concerned = bits & SERVER != 0 && (!syn.payload.is_empty() || offered.is_some());
        if !concerned || !self.has_room(listener) {
            return Welcome::Handshake(None);
        }
        let Some(socket) = self.sockets.get(&listener) else { return Welcome::Handshake(None) };
        if bits & SERVER_WITHOUT_COOKIE != 0 || socket.knobs.fast_open.no_cookie {
            return Welcome::AtOnce(None);
        }
        let Some(offered) = offered else { return Welcome::Handshake(None) };
        let cookies = self.fast_open_keys(socket).into_iter().map(|key| cookie(key, flow));
        let cookies: Vec<[u8; 8]> = cookies.collect();
        let good = cookies.iter().position(|cookie| offered.bytes == *cookie);
        let fresh = cookies.first().map(|bytes| Cookie { bytes: bytes.to_vec(), ..offered.clone() });
        match good {
            Some(0) => Welcome::AtOnce(None),
            Some(_) => {
                self.tally.count(Counter::FastOpenPassiveAltKey);
                Welcome::AtOnce(fresh)
            }
            None => {
                if !asks {
                    self.tally.count(Counter::FastOpenPassiveFail);
                }
                Welcome::Handshake(fresh)
            }
        }
    }

    /// Whether one more connection of a listener may begin with a SYN. RFC7413/4.2b
    fn has_room(&mut self, listener: SocketId) -> bool {
        let begun = self.sockets.values().filter_map(Socket::connection);
        let begun = begun.filter_map(|connection| connection.unconfirmed.as_ref());
        let begun = begun.filter(|unconfirmed| unconfirmed.listener == listener).count();
        let now = self.now;
        let Some(socket) = self.sockets.get_mut(&listener) else { return false };
        let most = socket.fast_open.backlog as usize;
        let Some(listen) = socket.listener_mut() else { return false };
        if most == 0 {
            return false;
        }
        if begun + listen.reset_opens.len() < most {
            return true;
        }
        // Of those that were reset one makes room when its time is over.
        if listen.reset_opens.front().is_some_and(|until| *until <= now) {
            listen.reset_opens.pop_front();
            return true;
        }
        self.tally.count(Counter::FastOpenListenOverflow);
        false
    }

    /// A segment for a connection whose peer has not acknowledged our SYN: the order is that of Linux's
    /// `tcp_rcv_state_process`.
    pub(super) fn deliver_to_unconfirmed(&mut self, id: SocketId, segment: &Segment<'_>) {
        let (env, sockets, out) = self.split();
        let Some(connection) = sockets.get_mut(&id).and_then(Socket::connection_mut) else { return };
        let (flow, next) = (connection.flow, connection.next_to_send());
        let Some(unconfirmed) = &mut connection.unconfirmed else { return };
        let request = &mut unconfirmed.request;
        let listener = unconfirmed.listener;
        match request.check(&env, segment, None) {
            SynReceivedDisposition::Ignore => {}
            SynReceivedDisposition::AnswerAgain => request.answer_again(&env, out),
            SynReceivedDisposition::Rebuke => request.rebuke_from(&env, next, out),
            SynReceivedDisposition::Refuse | SynReceivedDisposition::Abandon => self.refuse(flow, segment),
            SynReceivedDisposition::Reset => {
                self.remember_reset(listener, id);
                self.meet_fate(id, Fate::Ended(Ending::Reset), None);
            }
            SynReceivedDisposition::Establish => {
                let disposition = connection.on_segment(&env, segment);
                let odd = matches!(
                    disposition,
                    Disposition::Take { ack: AckMeaning::Old | AckMeaning::TooOld | AckMeaning::Future, .. }
                );
                if odd && connection.state() == SyncState::SynReceived {
                    return self.refuse(flow, segment);
                }
                let fate = connection.apply(&env, segment, disposition, out);
                self.meet_fate(id, fate, Some(segment));
            }
        }
    }

    /// Only those count that were accepted.
    fn remember_reset(&mut self, listener: SocketId, child: SocketId) {
        let until = self.now + RESET_LIFE;
        if let Some(listen) = self.sockets.get_mut(&listener).and_then(Socket::listener_mut)
            && !listen.queue.contains(&child)
        {
            listen.reset_opens.push_back(until);
        }
    }

    /// Whether an open towards this peer may carry data in its SYN.
    pub(crate) fn may_fast_open(&self, socket: &Socket, flow: Flow) -> bool {
        let settings = &self.config.settings;
        if self.tally.fast_open_pause().lasts(self.now, settings.fast_open_pause) {
            return false;
        }
        let known = self.fast_opens.get(&(flow.local.address, flow.remote.address));
        settings.fast_open & CLIENT_WITHOUT_COOKIE != 0
            || socket.knobs.fast_open.no_cookie
            || known.is_some_and(|known| !known.cookie().bytes.is_empty())
    }

    /// What the first SYN carries, of this data. RFC7413/4.2.2a
    fn first_syn(&self, socket: &Socket, flow: Flow, data: &[u8]) -> Attempt {
        let settings = &self.config.settings;
        if self.tally.fast_open_pause().lasts(self.now, settings.fast_open_pause) {
            return Attempt::default();
        }
        let known =
            self.fast_opens.get(&(flow.local.address, flow.remote.address)).cloned().unwrap_or_default();
        if !self.may_fast_open(socket, flow) {
            return Attempt { option: Some(known.cookie()), data: Vec::new(), failure: COOKIE_UNAVAILABLE };
        }
        let bare = settings.fast_open & CLIENT_WITHOUT_COOKIE != 0 || socket.knobs.fast_open.no_cookie;
        let room = usize::from(room_in_syn(&self.env(), socket, flow, known.mss));
        Attempt {
            option: (!bare).then(|| known.cookie()),
            data: data.get(..room.min(data.len())).unwrap_or_default().to_vec(),
            failure: 0,
        }
    }

    /// Sends the first SYN of an open; returns how much of the data it carries, and whether it could have carried any.
    pub(crate) fn start_open(&mut self, id: SocketId, data: Option<&[u8]>) -> (usize, bool) {
        let nothing = (0, false);
        let Some(socket) = self.sockets.get(&id) else { return nothing };
        let Tcp::SynSent(open) = &socket.tcp else { return nothing };
        let flow = open.flow;
        let may = data.is_some() && self.may_fast_open(socket, flow);
        let attempt = data.map(|data| self.first_syn(socket, flow, data)).unwrap_or_default();
        let (env, sockets, out) = self.split();
        let Some(Socket { tcp: Tcp::SynSent(open), .. }) = sockets.get_mut(&id) else { return nothing };
        let carried = attempt.data.len();
        open.start(&env, attempt, out);
        (carried, may)
    }

    /// The peer accepted an open of ours.
    pub(super) fn finish_open(&mut self, id: SocketId, segment: &Segment<'_>) {
        let writes = self.blocked.iter().any(|call| call.writes_to(id));
        let (env, sockets, out) = self.split();
        let Some(Socket { tcp, .. }) = sockets.get_mut(&id) else { return };
        let Tcp::SynSent(open) = tcp else { return };
        let flow = open.flow;
        env.tally.journal.note(flow, TcpState::Established);
        let (connection, learnt) = open.as_ref().clone().establish(&env, segment, writes, out);
        *tcp = Tcp::Synchronized(Box::new(connection));
        if let Some(learnt) = learnt {
            self.fast_opens.entry((flow.local.address, flow.remote.address)).or_default().learn(learnt);
        }
    }
}

/// Bytes of data that fit into a SYN.
fn room_in_syn(env: &Env<'_>, socket: &Socket, flow: Flow, known: u16) -> u16 {
    let known = if known == 0 { u16::MAX } else { known };
    let most = known.min(socket.knobs.max_segment.unwrap_or(u16::MAX));
    let link = env.path_mtu(flow.remote.address).min(env.mtu) - (env.mtu - link_mss(env, flow));
    link.min(most).saturating_sub(OPTION_SPACE)
}
