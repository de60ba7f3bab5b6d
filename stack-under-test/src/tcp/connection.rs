//! A synchronized connection: its data.
//!
//! What is done with them stands in one file per question: is the sequence acceptable ([`super::acceptable`]), what
//! does the acknowledgement say ([`super::acknowledge`]), what of the text is new ([`super::text`]), what may be sent
//! next ([`super::transmit`]), what is lost ([`super::rack`], [`super::recovery`]), what is sent again
//! ([`super::retransmit`]), how is congestion told ([`super::ecn`]), when is an acknowledgement due
//! ([`super::delayed_ack`]), did it begin with the SYN ([`super::fast_open`]), how does it end ([`super::close`]). [`super::apply`] joins them.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use super::chronograph::Chronograph;
use super::congestion::{Algorithm, Congestion};
use super::delayed_ack::DelayedAck;
use super::ecn::Notification;
use super::env::Env;
use super::fast_open::{FastOpened, Unconfirmed};
use super::flow::{Flow, Outbox};
use super::handshake::{Knobs, Negotiated, TIMESTAMPS_LENGTH};
use super::rack::Recovery;
use super::receive_queue::ReceiveQueue;
use super::receive_space::ReceivePace;
use super::rtt::RttEstimator;
use super::send_queue::SendQueue;
use super::stamps::Stamps;
use super::timers::Timers;
use super::transition::SyncState;
use super::urgent::Mark;
use super::window::ReceiveWindow;
use crate::time::Instant;
use crate::wire::icmp::Trouble;
use crate::wire::seq::SeqNum;

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Both directions closed.
    Closed,
    /// The peer reset it.
    Reset,
    /// The peer reset it after its FIN had come.
    ResetAfterFin,
    /// The peer refused the SYN.
    Refused,
    /// The peer stopped answering.
    TimedOut,
    /// The network reported trouble.
    Unreachable(Trouble),
    /// The program gave it up.
    Aborted,
}

/// What becomes of a connection after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Lives,
    /// It leaves remains behind: both FINs were acknowledged.
    TimeWait,
    /// It leaves remains behind that still wait for the peer's FIN, so long.
    OrphanTimeWait(Duration),
    Ended(Ending),
    /// It ended, and the segment that ended it is answered with a reset.
    EndedWithReset(Ending),
}

/// Numbers for `TCP_INFO`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) segments_in: u32,
    pub(crate) segments_out: u32,
    pub(crate) data_segments_in: u32,
    pub(crate) data_segments_out: u32,
    pub(crate) bytes_acked: u64,
    pub(crate) bytes_received: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_retransmitted: u64,
    pub(crate) total_retransmits: u32,
    /// Times that the peer announced urgent data.
    pub(crate) marks: u64,
    pub(crate) last_data_sent: Instant,
    pub(crate) last_segment_sent: Instant,
    pub(crate) last_ack_received: Instant,
}

impl Counters {
    fn new(now: Instant) -> Self {
        Self { last_data_sent: now, last_segment_sent: now, last_ack_received: now, ..Self::default() }
    }
}

/// Numbers of the direction to the peer.
#[derive(Clone, Debug)]
pub(crate) struct SendState {
    /// The oldest number not acknowledged.
    pub(crate) una: SeqNum,
    /// The next number to be sent.
    pub(crate) nxt: SeqNum,
    /// The peer's window, in bytes. RFC9293/REC-1
    pub(crate) window: u32,
    /// The largest it ever was.
    pub(crate) max_window: u32,
    /// Sequence number of the segment that brought the window.
    pub(crate) wl1: SeqNum,
    /// The end of the last short segment, for Nagle's rule.
    pub(crate) small_end: SeqNum,
    /// The end of what was last pushed.
    pub(crate) pushed: SeqNum,
    /// The end of what is urgent.
    pub(crate) urgent: Option<SeqNum>,
}

impl SendState {
    /// The number after the last one that the peer takes.
    pub(crate) fn window_end(&self) -> SeqNum {
        self.una + self.window
    }
}

/// How repeating stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repetition {
    /// Time-outs in a row.
    pub(crate) retransmits: u32,
    /// Doublings of the time-out, or of the interval between probes.
    pub(crate) backoff: u32,
    /// Unanswered probes.
    pub(crate) probes: u32,
    /// When the first of the unanswered probes was due.
    pub(crate) probing_since: Option<Instant>,
    /// When the first of the repetitions was sent.
    pub(crate) since: Option<Instant>,
}

/// A connection in one of the synchronized states.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) flow: Flow,
    pub(super) state: SyncState,
    pub(super) negotiated: Negotiated,
    pub(crate) knobs: Knobs,
    pub(super) send: SendState,
    pub(super) queue: SendQueue,
    pub(super) window: ReceiveWindow,
    pub(super) received: ReceiveQueue,
    pub(super) pace: ReceivePace,
    pub(super) mark: Option<Mark>,
    pub(super) acking: DelayedAck,
    pub(super) notification: Notification,
    pub(super) rtt: RttEstimator,
    pub(super) congestion: Congestion,
    pub(super) recovery: Recovery,
    pub(super) repetition: Repetition,
    pub(super) chronograph: Chronograph,
    pub(crate) stamps: Stamps,
    pub(crate) timers: Timers,
    /// No descriptor refers to it any more.
    pub(super) orphan: bool,
    /// The program does not want to read any more.
    pub(super) read_shut: bool,
    /// The program does not want to write any more.
    pub(super) write_shut: bool,
    /// The peer's FIN came.
    pub(super) peer_closed: bool,
    /// When a segment out of place was last answered.
    pub(super) last_rebuke: Option<Instant>,
    /// Trouble that the network reported and that did not end the connection.
    pub(crate) soft_error: Option<Trouble>,
    pub(super) identification: u16,
    pub(crate) counters: Counters,
    /// The connection began with the peer's SYN, and the peer has not acknowledged ours.
    pub(crate) unconfirmed: Option<Box<Unconfirmed>>,
    pub(super) fast_opened: FastOpened,
}

/// What a handshake leaves behind for the connection.
#[derive(Clone, Debug)]
pub(crate) struct Opening {
    pub(crate) flow: Flow,
    pub(crate) negotiated: Negotiated,
    pub(crate) knobs: Knobs,
    /// Our first number.
    pub(crate) isn: SeqNum,
    pub(crate) window: ReceiveWindow,
    /// The peer's window, in bytes.
    pub(crate) peer_window: u32,
    /// The largest window seen before that one; 0 where none is remembered.
    pub(crate) max_window: u32,
    /// The sequence number that brought it.
    pub(crate) wl1: SeqNum,
    /// The time from SYN to answer, unless it was repeated.
    pub(crate) rtt: Option<Duration>,
    pub(crate) repeated: bool,
    pub(crate) identification: u16,
    /// Data that our SYN carried, and when it left.
    pub(crate) sent: Option<(Vec<u8>, Instant)>,
}

impl Connection {
    pub(crate) fn open(env: &Env<'_>, opening: Opening) -> Self {
        let Opening {
            flow,
            negotiated,
            knobs,
            isn,
            mut window,
            peer_window,
            max_window,
            wl1,
            rtt,
            repeated,
            identification,
            sent,
        } = opening;
        let next = isn + 1;
        let our_mss = u32::from(negotiated.our_mss) - negotiated.options_length();
        let hint = our_mss.min(negotiated.segment_size(env, flow, 0)).min(window.advertised / 2);
        window.establish(our_mss);
        let most = window.threshold().min(window.advertised);
        let pace = ReceivePace::new(env, window.nxt, our_mss, most);
        let algorithm = knobs.congestion.unwrap_or(env.settings.congestion);
        let mut connection = Self {
            flow,
            state: SyncState::Established,
            acking: DelayedAck::new(env.now, knobs.lazy_ack, hint),
            notification: Notification::default(),
            negotiated,
            knobs,
            send: SendState {
                una: next,
                nxt: next,
                window: peer_window,
                max_window: max_window.max(peer_window),
                wl1,
                small_end: next,
                pushed: next,
                urgent: None,
            },
            queue: SendQueue::new(next),
            window,
            received: ReceiveQueue::default(),
            pace,
            mark: None,
            rtt: RttEstimator::new(),
            congestion: Congestion::new(next, algorithm, env.now),
            recovery: Recovery::default(),
            repetition: Repetition::default(),
            chronograph: Chronograph::default(),
            stamps: Stamps::default(),
            timers: Timers::default(),
            orphan: false,
            read_shut: false,
            write_shut: false,
            peer_closed: false,
            last_rebuke: None,
            soft_error: None,
            identification,
            counters: Counters::new(env.now),
            unconfirmed: None,
            fast_opened: FastOpened::default(),
        };
        connection.learn_from_handshake(env, rtt, repeated);
        connection.arm_keep_alive(env);
        connection.begin_with_data(env, sent);
        connection
    }

    fn learn_from_handshake(&mut self, env: &Env<'_>, rtt: Option<Duration>, repeated: bool) {
        if let Some(rtt) = rtt {
            self.rtt.measure(rtt, self.send.una, self.send.nxt, env.settings);
        }
        if repeated {
            self.congestion.handshake_was_repeated();
        }
    }

    pub(crate) fn state(&self) -> SyncState {
        self.state
    }

    /// Whether reading ends with end-of-file once the queue is empty.
    pub(crate) fn read_closed(&self) -> bool {
        self.read_shut || self.peer_closed
    }

    pub(crate) fn write_closed(&self) -> bool {
        self.write_shut
    }

    pub(crate) fn peer_closed(&self) -> bool {
        self.peer_closed
    }

    /// Bytes written and not sent.
    pub(crate) fn unsent(&self) -> u32 {
        self.queue.end() - self.send.nxt
    }

    pub(crate) fn window_clamp(&self) -> u32 {
        self.window.clamp()
    }

    /// Bytes of memory for what the program has not read.
    pub(crate) fn receive_buffer(&self) -> u32 {
        self.window.buffer()
    }

    /// `setsockopt(SO_RCVBUF)`.
    pub(crate) fn set_receive_buffer(&mut self, buffer: u32) {
        self.window.set_buffer(buffer);
    }

    /// `setsockopt(TCP_WINDOW_CLAMP)`.
    pub(crate) fn set_window_clamp(&mut self, clamp: u32) {
        self.window.set_clamp(clamp);
    }

    /// `setsockopt(TCP_CONGESTION)`.
    pub(crate) fn set_congestion(&mut self, env: &Env<'_>, algorithm: Algorithm) {
        self.congestion.choose(algorithm, env.now, self.send.nxt);
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.congestion.algorithm()
    }

    /// Whether a segment that begins there is under way.
    pub(crate) fn is_in_flight(&self, seq: SeqNum) -> bool {
        let first = self.unconfirmed.as_ref().map_or(self.send.una, |waiting| waiting.request.isn);
        seq.within(first, self.send.nxt)
    }

    pub(crate) fn oldest_unacknowledged(&self) -> SeqNum {
        self.send.una
    }

    /// The number after the last byte written.
    pub(crate) fn written_end(&self) -> SeqNum {
        self.queue.data_end()
    }

    pub(crate) fn next_to_send(&self) -> SeqNum {
        self.send.nxt
    }

    /// Bytes written and not acknowledged; a FIN counts, as in Linux.
    pub(crate) fn unacknowledged(&self) -> u32 {
        self.queue.end() - self.send.una
    }

    pub(crate) fn into_unread(self) -> VecDeque<u8> {
        self.received.into_unread()
    }

    /// Takes bytes for the program, and tells the peer of the room they leave. `began` if the program has some already.
    /// Also returns whether reading stops here, at the mark of urgent data.
    pub(crate) fn read(
        &mut self,
        env: &Env<'_>,
        count: usize,
        (peek, began): (bool, bool),
        out: &mut Outbox,
    ) -> (Vec<u8>, bool) {
        let before = self.received.unread();
        let pieces = self.received.pieces(count);
        let (bytes, stops) = self.read_to_mark(count, peek, began);
        if !peek {
            self.adjust_space(env, &pieces);
            self.after_read(env, before - self.received.unread(), out);
        }
        (bytes, stops)
    }

    /// The largest payload to send now. SACK blocks take room from data.
    pub(crate) fn segment_size(&self, env: &Env<'_>) -> u32 {
        let blocks = self.sack_blocks(env).len() as u32;
        let sack = if blocks == 0 { 0 } else { 4 + 8 * blocks };
        let size = self.negotiated.segment_size(env, self.flow, sack);
        bound_to_half(size, self.send.max_window, self.negotiated.options_length())
    }

    /// What remains send: numbers and window for TIME-WAIT.
    pub(crate) fn remains(&self) -> (SeqNum, &ReceiveWindow, &Negotiated) {
        (self.send.nxt, &self.window, &self.negotiated)
    }
}

/// With a peer whose windows are small, no segment takes more than half of the largest window seen, so that there are
/// always two to acknowledge. RFC9293/MUST-38
pub(super) fn bound_to_half(size: u32, max_window: u32, options: u32) -> u32 {
    const DEFAULT_MSS: u32 = 536;
    let cutoff = if max_window > DEFAULT_MSS { max_window / 2 } else { max_window };
    if cutoff != 0 && size > cutoff { cutoff.max(48 - options.min(TIMESTAMPS_LENGTH)) } else { size }
}
