//! `poll`, `select`, `epoll`.

#![expect(unsafe_code, reason = "system calls are made with what the case says")]

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use super::lifecycle::refused;
use super::{Context, Outcome, Stage};
use crate::case::{DescriptorId, EventData, PollFd, Value};
use crate::target::linux::descriptors::NEVER;
use crate::time::Span;

/// The length of the kernel's signal masks, for calls that can take one and get none.
const SIGSET: usize = 8;
const MOST_EVENTS: usize = 4096;

/// `poll`. Gives entries that have something.
pub(super) fn poll(
    stage: &mut Stage<'_>,
    context: &Context,
    entries: &[PollFd<i64>],
    timeout: Option<Span>,
) -> Outcome {
    let mut fds: Vec<libc::pollfd> = entries
        .iter()
        .map(|entry| libc::pollfd {
            fd: context.descriptors.number(entry.fd),
            events: entry.events as i16,
            revents: 0,
        })
        .collect();
    let mut time = timeout.and_then(timespec);
    let arguments = [fds.as_mut_ptr() as usize, fds.len(), pointer(&mut time), 0, SIGSET];
    // SAFETY: the kernel writes into `fds`, whose length it is told, and into `time`.
    let result = unsafe { stage.call(libc::SYS_ppoll, &arguments) };
    Outcome::giving(result, || {
        let ready = entries.iter().zip(&fds).filter(|(_, fd)| fd.revents != 0);
        let item = |(entry, fd): (&PollFd<i64>, &libc::pollfd)| {
            Value::Map(BTreeMap::from([
                ("fd".to_owned(), Value::Descriptor(entry.fd)),
                ("revents".to_owned(), Value::Int(i64::from(fd.revents.cast_unsigned()))),
            ]))
        };
        Some(Value::List(ready.map(item).collect()))
    })
}

/// `select`. Gives the lists of those that are ready.
pub(super) fn select(
    stage: &mut Stage<'_>,
    context: &Context,
    sets: [&[DescriptorId]; 3],
    timeout: Option<Span>,
) -> Outcome {
    let numbers =
        sets.map(|set| set.iter().map(|id| context.descriptors.number(*id)).collect::<Vec<RawFd>>());
    if numbers.iter().flatten().any(|number| *number == NEVER) {
        // The number of a closed descriptor is too large for a bit in a set; this is what its bit would give.
        return refused(libc::EBADF);
    }
    // The kernel takes sets of any size; those of libc end at 1024.
    let most = numbers.iter().flatten().max().map_or(0, |most| *most as usize + 1);
    let mut bits = numbers.clone().map(|set| {
        let mut words = vec![0_u64; most.div_ceil(64)];
        for number in set {
            words[number as usize / 64] |= 1 << (number as usize % 64);
        }
        words
    });
    let [read, write, except] = bits.each_mut().map(|words| words.as_mut_ptr() as usize);
    let mut time = timeout.and_then(timespec);
    let arguments = [most, read, write, except, pointer(&mut time), 0];
    // SAFETY: each set has room for `most` bits; the kernel writes there and into `time`.
    let result = unsafe { stage.call(libc::SYS_pselect6, &arguments) };
    Outcome::giving(result, || {
        let ready = |n: usize| {
            let set = numbers[n].iter().zip(sets[n]);
            let is_set = |number: RawFd| bits[n][number as usize / 64] >> (number as usize % 64) & 1 == 1;
            set.filter(|(number, _)| is_set(**number)).map(|(_, id)| Value::Descriptor(*id)).collect()
        };
        let names = ["read", "write", "except"];
        let lists = names.into_iter().enumerate();
        Some(Value::Map(lists.map(|(n, name)| (name.to_owned(), Value::List(ready(n)))).collect()))
    })
}

/// `epoll_create`; where there is only its successor, with the one check that it makes.
pub(super) fn epoll_create(stage: &mut Stage<'_>, size: i64) -> Outcome {
    if size <= 0 {
        return refused(libc::EINVAL);
    }
    // SAFETY: takes no pointers.
    Outcome::descriptor(unsafe { stage.call(libc::SYS_epoll_create1, &[0]) })
}

/// `epoll_ctl`
pub(super) fn epoll_ctl(
    stage: &mut Stage<'_>,
    ep: RawFd,
    operation: i64,
    fd: RawFd,
    (events, data): (i64, EventData),
) -> Outcome {
    let mut event = libc::epoll_event { events: events as u32, u64: data.to_bits() };
    let arguments = [ep as usize, operation as usize, fd as usize, &raw mut event as usize];
    // SAFETY: the kernel reads one `epoll_event`.
    Outcome::plain(unsafe { stage.call(libc::SYS_epoll_ctl, &arguments) })
}

/// `epoll_wait`
pub(super) fn epoll_wait(stage: &mut Stage<'_>, ep: RawFd, max: i64, timeout: Option<Span>) -> Outcome {
    let room = usize::try_from(max).unwrap_or(0).min(MOST_EVENTS);
    let max = if max > 0 { room as i64 } else { max };
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; room];
    // Milliseconds, rounded up so that it never waits less than told.
    let timeout = timeout.map_or(-1, |span| {
        if span.0 < 0 { -1 } else { span.0.div_euclid(1_000_000) + i64::from(span.0 % 1_000_000 != 0) }
    });
    let arguments = [ep as usize, events.as_mut_ptr() as usize, max as usize, timeout as usize, 0, SIGSET];
    // SAFETY: the kernel writes at most `max` events, for which there is room.
    let result = unsafe { stage.call(libc::SYS_epoll_pwait, &arguments) };
    Outcome::giving(result, || {
        let ready = events.iter().take(usize::try_from(result.ok()?).ok()?);
        let item = |event: &libc::epoll_event| {
            let (bits, data) = (event.events, event.u64);
            Value::Map(BTreeMap::from([
                ("events".to_owned(), Value::Int(i64::from(bits))),
                EventData::given(data),
            ]))
        };
        Some(Value::List(ready.map(item).collect()))
    })
}

/// A time to wait; a negative one is for ever.
fn timespec(span: Span) -> Option<libc::timespec> {
    (span.0 >= 0)
        .then_some(libc::timespec { tv_sec: span.0 / 1_000_000_000, tv_nsec: span.0 % 1_000_000_000 })
}

/// A pointer to it, or null.
fn pointer(time: &mut Option<libc::timespec>) -> usize {
    time.as_mut().map_or(0, |time| &raw mut *time as usize)
}
