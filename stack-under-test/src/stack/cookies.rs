//! SYN cookies: a handshake that is remembered by the peer alone.
//!
//! As in Linux the sequence number carries a minute, a size and a secret of both; window scale and SACK travel in the
//! lowest bits of the timestamp, if there is one.

use core::time::Duration;

use super::{Stack, ports};
use crate::counters::Counter;
use crate::socket::{Socket, SocketId};
use crate::tcp::connection::Connection;
use crate::tcp::flow::{Flow, Outbox};
use crate::tcp::syn_received::SynReceived;
use crate::wire::flags::Flags;
use crate::wire::options::Options;
use crate::wire::seq::SeqNum;
use crate::wire::tcp::Segment;

/// A cookie is good for this minute and the next.
const PERIOD: Duration = Duration::from_secs(60);
const PERIODS: u32 = 2;
/// Sizes that a cookie can express.
const SIZES_V4: [u16; 4] = [536, 1300, 1440, 1460];
const SIZES_V6: [u16; 4] = [1220, 1420, 1440, 8940];
/// In the timestamp: the window scale, all ones if there is none, and bits for SACK and ECN.
const OPTION_BITS: u32 = 6;
const NO_SCALE: u32 = 0xf;
const SACK: u32 = 1 << 4;
const ECN: u32 = 1 << 5;

fn sizes(flow: Flow) -> [u16; 4] {
    if flow.remote.address.is_ipv4() { SIZES_V4 } else { SIZES_V6 }
}

impl Stack {
    fn cookie_minute(&self) -> u32 {
        (self.now.as_millis() / PERIOD.as_millis() as u64) as u32
    }

    fn cookie_secret(&self, flow: Flow, irs: SeqNum, minute: u32) -> u32 {
        ports::mix(self.flow_secret(flow), &[irs.0.into(), minute.into()]) as u32 & 0x00ff_ffff
    }

    /// Answers a SYN with a cookie. RFC4987/4a
    pub(super) fn answer_with_cookie(&mut self, listener: SocketId, flow: Flow, syn: &Segment<'_>) {
        let sizes = sizes(flow);
        let mss = syn.options.mss.unwrap_or(536);
        let index = sizes.iter().rposition(|size| *size <= mss).unwrap_or(0) as u32;
        let minute = self.cookie_minute();
        let low = (self.cookie_secret(flow, syn.seq, minute) + index) & 0x00ff_ffff;
        let isn = SeqNum((minute << 24) | low) + syn.seq.0;
        let mut heard = syn.clone();
        if heard.options.timestamps.is_none() {
            heard.options = Options { mss: heard.options.mss, ..Options::default() };
        }
        let (env, sockets, _) = self.split();
        let Some(socket) = sockets.get_mut(&listener) else { return };
        let mut request = SynReceived::new(&env, flow, socket.knobs.clone(), isn, &heard);
        request.negotiated.ecn &= heard.options.timestamps.is_some();
        let now = env.now;
        let clock = env.clock;
        let mut sent = Outbox::new();
        request.answer(&env, &mut sent);
        let scale = request.negotiated.scales.map_or(NO_SCALE, |scales| u32::from(scales.send));
        let bits = scale
            | if request.negotiated.sack { SACK } else { 0 }
            | if request.negotiated.ecn { ECN } else { 0 };
        if let Some(listen) = socket.listener_mut() {
            listen.last_cookie = Some(now);
        }
        for departure in &mut sent {
            if let Some(timestamps) = &mut departure.segment.options.timestamps {
                let ticks = timestamps.value.wrapping_sub(clock.offset);
                let marked = ((ticks >> OPTION_BITS) << OPTION_BITS) | bits;
                let marked = if marked > ticks { marked.wrapping_sub(1 << OPTION_BITS) } else { marked };
                timestamps.value = marked.wrapping_add(clock.offset);
            }
        }
        self.outbox.append(&mut sent);
        self.tally.count(Counter::SyncookiesSent);
    }

    /// An acknowledgement that belongs to no handshake: if it brings back a cookie it makes a connection. Returns
    /// whether it was taken.
    pub(super) fn take_cookie(&mut self, listener: SocketId, flow: Flow, segment: &Segment<'_>) -> bool {
        let recent = |at| self.now - at < PERIOD * PERIODS;
        let fits = segment.flags.ack() && !segment.flags.rst() && !segment.flags.syn();
        let Some(listen) = self.sockets.get(&listener).and_then(Socket::listener) else { return false };
        if self.config.settings.syn_cookies == 0 || !fits || !listen.last_cookie.is_some_and(recent) {
            return false;
        }
        let full = listen.is_full();
        let (isn, irs) = (segment.ack - 1, segment.seq - 1);
        let Some(mss) = self.size_in_cookie(flow, isn, irs) else {
            self.tally.count(Counter::SyncookiesFailed);
            return false;
        };
        self.tally.count(Counter::SyncookiesRecv);
        if full {
            self.tally.count(Counter::ListenOverflows);
            self.tally.count(Counter::ListenDrops);
            return true;
        }
        let (options, ecn) = self.options_in_cookie(mss, segment);
        let syn = Segment { seq: irs, flags: Flags::SYN, options, payload: &[], ..segment.clone() };
        let (env, sockets, _) = self.split();
        let Some(socket) = sockets.get_mut(&listener) else { return false };
        let mut request = SynReceived::new(&env, flow, socket.knobs.clone(), isn, &syn);
        // When the SYN-ACK was sent is forgotten.
        request.repeated = true;
        request.negotiated.ecn = ecn;
        let connection = Connection::open(&env, request.into_opening(&env, segment));
        let id = self.queue_connection(listener, connection);
        self.continue_with(id, segment);
        true
    }

    fn size_in_cookie(&self, flow: Flow, isn: SeqNum, irs: SeqNum) -> Option<u16> {
        let value = isn.0.wrapping_sub(irs.0);
        let now = self.cookie_minute();
        let age = (now.wrapping_sub(value >> 24)) & 0xff;
        let minute = now.checked_sub(age).filter(|_| age < PERIODS)?;
        let index = (value & 0x00ff_ffff).wrapping_sub(self.cookie_secret(flow, irs, minute)) & 0x00ff_ffff;
        sizes(flow).get(index as usize).copied()
    }

    /// What the peer had offered.
    fn options_in_cookie(&self, mss: u16, segment: &Segment<'_>) -> (Options, bool) {
        let settings = &self.config.settings;
        let timestamps = segment.options.timestamps.filter(|_| settings.timestamps);
        let bits = timestamps.map_or(NO_SCALE, |stamps| stamps.echo.wrapping_sub(self.env().clock.offset));
        let scale = bits & NO_SCALE;
        let options = Options {
            mss: Some(mss),
            window_scale: u8::try_from(scale).ok().filter(|scale| u32::from(*scale) != NO_SCALE),
            sack_permitted: bits & SACK != 0,
            timestamps,
            ..Options::default()
        };
        (options, timestamps.is_some() && bits & ECN != 0 && settings.ecn != 0)
    }
}
