//! Waiting: until something happens, or a moment has come.

use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::{Pin, pin};
use std::task::Poll;

use tokio::io::unix::AsyncFd;

use super::driver::LinuxTarget;
use super::faults::broken;
use super::sys;
use super::tap::Reading;
use crate::target::{Observation, TargetError};
use crate::time::{Span, Timestamp};

/// Something that happened is known to us this long after it happened, at the latest: packets are stamped before they
/// are queued, and calls are timed before their results are left. Observations wait so long for earlier ones.
const SETTLED: Span = Span::micros(100);

/// So long before a moment nobody sleeps any more where acts are to be prompt: a processor that sleeps may take that
/// long to wake.
const AWAKE: Span = Span::micros(300);

/// Observations not yet given, in the order in which they happened.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: BTreeMap<(Timestamp, u64), Observation>,
    count: u64,
}

impl Queue {
    /// Adds one, behind those of the same moment.
    pub(super) fn add(&mut self, observation: Observation) {
        self.count += 1;
        self.waiting.insert((observation.at(), self.count), observation);
    }

    /// Takes all.
    pub(super) fn take(&mut self) -> Vec<Observation> {
        std::mem::take(&mut self.waiting).into_values().collect()
    }

    fn earliest(&self) -> Option<Timestamp> {
        self.waiting.keys().next().map(|(at, _)| *at)
    }

    fn pop(&mut self) -> Option<Observation> {
        self.waiting.pop_first().map(|(_, observation)| observation)
    }
}

/// Becomes ready at a moment of CLOCK_MONOTONIC.
#[derive(Debug)]
pub(super) struct Timer {
    timer: AsyncFd<OwnedFd>,
}

impl Timer {
    /// To be called within a tokio runtime.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { timer: sys::watch(sys::timer()?)? })
    }

    /// Waits until then and for nothing else.
    pub(super) async fn wait(&self, nanos: i64) -> io::Result<()> {
        self.set(nanos)?;
        self.ready().await
    }

    fn set(&self, nanos: i64) -> io::Result<()> {
        sys::set_timer(self.timer.get_ref().as_fd(), nanos)
    }

    async fn ready(&self) -> io::Result<()> {
        self.timer.readable().await.map(|mut ready| ready.clear_ready())
    }
}

impl LinuxTarget {
    /// Gives the earliest observation up to `until`, or up to now if that is later. `None` when `until` has come and
    /// nothing that happened before it can be on its way to us any more.
    pub(super) fn wait(&mut self, until: Timestamp) -> Result<Option<Observation>, TargetError> {
        let horizon = until.max(self.clock.now());
        let settled = if self.prompt { Span::ZERO } else { SETTLED };
        loop {
            let now = self.clock.now();
            self.collect()?;
            let wake = match self.queue.earliest() {
                Some(at) if at <= horizon => {
                    if now >= at + settled {
                        return Ok(self.queue.pop());
                    }
                    at + settled
                }
                _ if now >= until + settled => return Ok(None),
                _ => until + settled,
            };
            self.sleep(wake).map_err(|error| broken(format!("waiting failed: {error}")))?;
        }
    }

    /// Takes in all that is there.
    pub(super) fn collect(&mut self) -> Result<(), TargetError> {
        let Some(wires) = &mut self.wires else {
            return Ok(());
        };
        let (queue, clock) = (&mut self.queue, self.clock);
        let mut any = false;
        wires
            .tap
            .read(|reading| {
                any = true;
                queue.add(match reading {
                    Reading::Packet(at, packet) => Observation::Emitted { at, packet },
                    Reading::Disturbed(by) => Observation::Disturbed { at: clock.now(), by },
                });
            })
            .map_err(|error| broken(format!("the packet socket failed: {error}")))?;
        if any {
            wires.tun.drain();
        }
        for observation in self.inbox.take() {
            self.queue.add(observation);
        }
        Ok(())
    }

    /// Sleeps until a packet or a result comes, or the moment does.
    fn sleep(&self, until: Timestamp) -> io::Result<()> {
        let until = if self.prompt { until - AWAKE } else { until };
        if until <= self.clock.now() {
            return Ok(());
        }
        self.timer.set(self.clock.absolute(until))?;
        let tap = self.wires.as_ref().map(|wires| &wires.tap);
        self.runtime.block_on(async {
            let timer = pin!(self.timer.ready());
            let arrival = pin!(async {
                self.inbox.arrival().await;
                Ok(())
            });
            let packet = pin!(async {
                match tap {
                    Some(tap) => tap.readable().await,
                    None => pending().await,
                }
            });
            first([timer, arrival, packet]).await
        })
    }
}

/// What the first of several comes to.
async fn first<const N: usize>(
    mut futures: [Pin<&mut dyn Future<Output = io::Result<()>>>; N],
) -> io::Result<()> {
    poll_fn(|context| {
        futures
            .iter_mut()
            .map(|future| future.as_mut().poll(context))
            .find(Poll::is_ready)
            .unwrap_or(Poll::Pending)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::Queue;
    use crate::target::Observation;
    use crate::time::Timestamp;

    #[test]
    fn observations_come_in_the_order_of_their_times_and_then_of_their_arrival() {
        let mut queue = Queue::default();
        for (at, packet) in [(5, b'a'), (3, b'b'), (5, b'c'), (4, b'd')] {
            let at = Timestamp(at);
            queue.add(Observation::Emitted { at, packet: vec![packet] });
        }
        assert_eq!(queue.earliest(), Some(Timestamp(3)));
        let order: Vec<u8> = queue
            .take()
            .into_iter()
            .map(|observation| match observation {
                Observation::Emitted { packet, .. } => packet[0],
                _ => 0,
            })
            .collect();
        assert_eq!(order, b"bdac");
    }
}
