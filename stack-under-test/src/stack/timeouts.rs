//! Timers: which is due first, and whose.

use super::{Output, Owner, Stack, reassembly};
use crate::socket::{Socket, SocketId, Tcp};
use crate::tcp::connection::{Ending, Fate};
use crate::tcp::flow::Flow;
use crate::tcp::timers::{Timer, Timers};
use crate::time::Instant;

/// What a timer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    Socket(SocketId, Timer),
    Request(SocketId, Flow),
    Remains(Flow),
    /// A packet whose fragments did not all come.
    Fragments(reassembly::Key),
    /// A call that waits no longer than this: the index of its record.
    Call(usize),
}

impl Stack {
    /// The timer that is due first. Of several at one moment, always the same.
    pub(super) fn first_timer(&self) -> Option<(Instant, Alarm)> {
        let sockets = self.sockets.iter().filter_map(|(id, socket)| {
            let (due, timer) = socket.timers()?.next()?;
            Some((due, Alarm::Socket(*id, timer)))
        });
        let requests = self.sockets.iter().filter_map(|(id, socket)| Some((*id, socket.listener()?)));
        let requests = requests.flat_map(|(id, listen)| {
            listen.requests.iter().filter_map(move |(flow, request)| {
                let (due, _) = request.timers.next()?;
                Some((due, Alarm::Request(id, *flow)))
            })
        });
        let remains = self.time_waits.iter().filter_map(|(flow, remains)| {
            let (due, _) = Timers::next(&remains.timers)?;
            Some((due, Alarm::Remains(*flow)))
        });
        let calls = self.blocked.iter().enumerate();
        let calls = calls.filter_map(|(index, call)| Some((call.deadline?, Alarm::Call(index))));
        let fragments = self.reassembly.next().map(|(due, key)| (due, Alarm::Fragments(key)));
        sockets.chain(requests).chain(remains).chain(calls).chain(fragments).min()
    }

    pub(super) fn fire_first_timer(&mut self) {
        let Some((due, alarm)) = self.first_timer() else {
            return;
        };
        if due > self.now {
            return;
        }
        match alarm {
            Alarm::Socket(id, timer) => self.fire_socket_timer(id, timer),
            Alarm::Request(listener, flow) => self.fire_request_timer(listener, flow),
            // RFC9293/3.10.8-tw-timeout
            Alarm::Remains(flow) => self.forget_remains(flow),
            Alarm::Fragments(key) => {
                if let Some(packet) = self.reassembly.expire(key) {
                    self.output.push_back(Output::Transmit(packet));
                }
            }
            Alarm::Call(index) => self.end_wait(index),
        }
    }

    fn fire_socket_timer(&mut self, id: SocketId, timer: Timer) {
        let (env, sockets, out) = self.split();
        let Some(socket) = sockets.get_mut(&id) else {
            return;
        };
        let or_give_up = |goes_on: bool| {
            if goes_on { Fate::Lives } else { Fate::Ended(Ending::TimedOut) }
        };
        let fate = match &mut socket.tcp {
            Tcp::Synchronized(connection) => connection.on_timer(&env, timer, out),
            Tcp::SynSent(open) => or_give_up(open.on_timeout(&env, out)),
            Tcp::SynReceived(crossed) => or_give_up(crossed.on_timeout(&env, env.settings.syn_retries, out)),
            Tcp::Closed(_) | Tcp::Listen(_) => unreachable!("no timer runs without a connection"),
        };
        self.meet_fate(id, fate, None);
    }

    fn fire_request_timer(&mut self, listener: SocketId, flow: Flow) {
        debug_assert_eq!(
            self.flows.get(&flow),
            Some(&Owner::Request(listener)),
            "every handshake has its flow"
        );
        let (env, sockets, out) = self.split();
        let Some(listen) = sockets.get_mut(&listener).and_then(Socket::listener_mut) else {
            return;
        };
        let Some(request) = listen.requests.get_mut(&flow) else {
            return;
        };
        if !request.on_timeout(&env, env.settings.synack_retries, out) {
            self.drop_request(listener, flow);
        }
    }
}
