//! Two stacks joined by a wire without delay: segments and handshakes per second, both ends counted.

#![expect(clippy::unwrap_used, clippy::panic, reason = "what goes wrong fails the benchmark")]

use std::net::SocketAddr;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use stack_under_test::syscall::constants::{
    AF_INET, IPPROTO_TCP, MSG_DONTWAIT, SO_LINGER, SOCK_STREAM, SOL_SOCKET, TCP_NODELAY,
};
use stack_under_test::{Config, Fd, Instant, OptionValue, Output, Reply, Stack, Syscall, ThreadId};

const BULK: usize = 4 << 20;
const REQUESTS: usize = 1000;
const HANDSHAKES: usize = 200;
const THREAD: ThreadId = ThreadId(0);

/// Two endpoints: 0 connects to 1.
struct Wire {
    ends: [Stack; 2],
    now: Instant,
    /// What calls returned.
    replies: [Vec<Reply>; 2],
    /// Segments that crossed.
    segments: u64,
}

fn address(end: usize) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, if end == 0 { 1 } else { 2 }], 80))
}

impl Wire {
    fn new() -> Self {
        let ends = [0, 1].map(|end| {
            let config = Config { local: vec![address(end).ip()], ..Config::default() };
            Stack::new(config, end as u64)
        });
        Self { ends, now: Instant::ZERO, replies: [Vec::new(), Vec::new()], segments: 0 }
    }

    /// Carries packets until there are none; whether there were any.
    fn carry(&mut self) -> bool {
        let mut any = false;
        loop {
            let before = self.segments;
            for end in [0, 1] {
                while let Some(output) = self.ends[end].poll_output() {
                    match output {
                        Output::Transmit(packet) => {
                            self.segments += 1;
                            self.ends[1 - end].handle_packet(self.now, &packet);
                        }
                        Output::Return { result, .. } => self.replies[end].extend(result.ok()),
                        Output::Signal { .. } => panic!("a signal"),
                    }
                }
            }
            if self.segments == before {
                return any;
            }
            any = true;
        }
    }

    /// Lets time pass until a timer fires.
    fn wait(&mut self) {
        let next = self.ends.iter().filter_map(Stack::poll_timeout).min().unwrap();
        self.now = self.now.max(next);
        for end in &mut self.ends {
            while end.poll_timeout().is_some_and(|due| due <= self.now) {
                end.handle_timeout(self.now);
            }
        }
        self.carry();
    }

    /// Makes a call; its reply, unless it fails or blocks.
    fn call(&mut self, end: usize, call: Syscall) -> Option<Reply> {
        self.ends[end].submit(self.now, THREAD, call).unwrap();
        self.carry();
        self.replies[end].pop()
    }

    fn value(&mut self, end: usize, call: Syscall) -> i64 {
        match self.call(end, call) {
            Some(Reply::Value(value)) => value,
            other => panic!("not a value: {other:?}"),
        }
    }

    fn socket(&mut self, end: usize) -> Fd {
        let call = Syscall::Socket { domain: AF_INET, kind: SOCK_STREAM, protocol: 0 };
        Fd(i32::try_from(self.value(end, call)).unwrap())
    }

    fn listener(&mut self) -> Fd {
        let fd = self.socket(1);
        self.value(1, Syscall::Bind { fd, addr: address(1).into() });
        self.value(1, Syscall::Listen { fd, backlog: 10 });
        fd
    }

    /// A connection: the descriptors of both ends.
    fn connect(&mut self, listener: Fd) -> [Fd; 2] {
        let fd = self.socket(0);
        self.value(0, Syscall::Connect { fd, addr: address(1).into() });
        match self.call(1, Syscall::Accept { fd: listener, flags: 0 }) {
            Some(Reply::Accepted { fd: accepted, .. }) => [fd, accepted],
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// What can be read now.
    fn read(&mut self, end: usize, fd: Fd) -> usize {
        match self.call(end, Syscall::Recv { fd, room: (1usize << 20).into(), flags: MSG_DONTWAIT }) {
            Some(Reply::Data(data)) => data.len(),
            None => 0,
            other => panic!("no data: {other:?}"),
        }
    }
}

/// One way, as much as the windows allow; the segments that it took.
fn bulk() -> u64 {
    let mut wire = Wire::new();
    let listener = wire.listener();
    let [from, to] = wire.connect(listener);
    let data = vec![7; 64 << 10];
    let mut read = 0;
    while read < BULK {
        wire.call(0, Syscall::Send { fd: from, data: data.clone().into(), flags: MSG_DONTWAIT });
        let count = wire.read(1, to);
        if count == 0 {
            wire.wait();
        }
        read += count;
    }
    wire.segments
}

/// A hundred bytes there and back, again and again.
fn requests() -> u64 {
    let mut wire = Wire::new();
    let listener = wire.listener();
    let fds = wire.connect(listener);
    for (end, fd) in fds.into_iter().enumerate() {
        let value = OptionValue::Int(1);
        wire.value(
            end,
            Syscall::Setsockopt { fd, level: IPPROTO_TCP, name: TCP_NODELAY, value: value.into() },
        );
    }
    for _ in 0..REQUESTS {
        for end in [0, 1] {
            wire.value(end, Syscall::Write { fd: fds[end], data: vec![7; 100].into() });
            assert_eq!(wire.read(1 - end, fds[1 - end]), 100);
        }
        wire.now = wire.now + Duration::from_micros(100);
    }
    wire.segments
}

/// Connections opened, accepted and reset.
fn handshakes() -> u64 {
    let mut wire = Wire::new();
    let listener = wire.listener();
    for _ in 0..HANDSHAKES {
        let [ours, theirs] = wire.connect(listener);
        let value = OptionValue::Linger { on: true, seconds: 0 };
        wire.value(
            0,
            Syscall::Setsockopt { fd: ours, level: SOL_SOCKET, name: SO_LINGER, value: value.into() },
        );
        wire.value(0, Syscall::Close { fd: ours });
        wire.value(1, Syscall::Close { fd: theirs });
    }
    HANDSHAKES as u64
}

fn main() {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let mut group = criterion.benchmark_group("stack");
    for (name, run) in [("bulk", bulk as fn() -> u64), ("requests", requests), ("handshakes", handshakes)] {
        group.throughput(Throughput::Elements(run()));
        group.bench_function(name, |bench| bench.iter(run));
    }
    group.finish();
    criterion.final_summary();
}
