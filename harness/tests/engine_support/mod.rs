//! Cases from a few lines, segments from a few numbers, and the names of what went wrong.

#![allow(dead_code, reason = "each test program uses some of it")]

use std::net::Ipv4Addr;
use std::sync::Arc;

use tcpdrill::case::{Case, ThreadId};
use tcpdrill::engine::{Act, Engine, Input, Report, Want};
use tcpdrill::front::{MemoryLibrary, yaml};
use tcpdrill::target::scripted::Scripted;
use tcpdrill::target::{Completion, Observation, Target, Timing, Tolerance};
use tcpdrill::time::Timestamp;
use tcpdrill::verdict::Problem;
use tcpdrill::wire::pattern::{self, Direction};
use tcpdrill::wire::{Body, Flags, Ip, Ipv4, Lies, Packet, Tcp, build};

pub(crate) const REAL: Timing = Timing::Real(Tolerance { early: 5_000_000, late: 4_500_000, divisor: 8 });

pub(crate) fn case(steps: &str) -> Case {
    lowered(&format!("title: a story\nsteps:\n{steps}"))
}

/// The first test of a whole case.
pub(crate) fn lowered(text: &str) -> Case {
    let lowered = yaml::lower("story.yaml", "story", Arc::from(text), &MemoryLibrary::default());
    let lowered = lowered.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)));
    lowered.cases.into_iter().next().expect("a story is one case")
}

/// `. seq:seq+length(length)` from the default flow of a target without ISN.
pub(crate) fn segment(ms: i64, flags: Flags, seq: u32, length: usize) -> Observation {
    to(8080, ms, flags, seq, length)
}

pub(crate) fn to(port: u16, ms: i64, flags: Flags, seq: u32, length: usize) -> Observation {
    let payload = pattern::fill(Direction::ToPeer, u64::from(seq) - 1, length);
    emitted(ms, Tcp { dport: port, seq, payload, ..bare(flags) })
}

/// `. 1:1(0) ack 1` with these flags.
pub(crate) fn bare(flags: Flags) -> Tcp {
    Tcp { sport: 8080, dport: 8080, seq: 1, ack: 1, flags, ..Tcp::default() }
}

/// From the target to the peer.
pub(crate) fn ip() -> Ipv4 {
    Ipv4::new(Ipv4Addr::new(192, 168, 0, 1), Ipv4Addr::new(192, 0, 2, 1))
}

pub(crate) fn emitted(ms: i64, tcp: Tcp) -> Observation {
    packet(ms, Packet { ip: Ip::V4(ip()), body: Body::Tcp(tcp) }, &Lies::default())
}

pub(crate) fn packet(ms: i64, packet: Packet, lies: &Lies) -> Observation {
    Observation::Emitted { at: Timestamp(ms * 1_000_000), packet: build(&packet, lies).concat() }
}

pub(crate) fn returned(ms: i64, value: i64) -> Observation {
    let completion = Completion { result: Ok(value), data: Vec::new(), given: None };
    Observation::Returned { at: Timestamp(ms * 1_000_000), thread: ThreadId(0), completion }
}

pub(crate) fn run(steps: &str, target: Scripted) -> Report {
    run_case(&case(steps), target)
}

pub(crate) fn run_case(case: &Case, mut target: Scripted) -> Report {
    run_on(case, &mut target, 0)
}

pub(crate) fn run_on(case: &Case, target: &mut dyn Target, seed: u64) -> Report {
    let mut engine = Engine::new(case, target.info().timing, seed);
    for _ in 0..100_000 {
        let input = match engine.poll() {
            Want::Done => return engine.report(),
            Want::Advance(until) => match target.advance(until) {
                Ok(Some(observation)) => Input::Observed(observation),
                Ok(None) => Input::Reached(until),
                Err(error) => Input::Refused(error),
            },
            Want::Act { act, .. } => {
                let at = match &act {
                    Act::Inject(packet) => target.inject(packet),
                    Act::Submit(submission) => target.submit(submission),
                    Act::Resize(mtu) => target.resize(*mtu),
                    Act::Configure(setting) => target.configure(setting),
                    Act::Signal { thread, signal, restart } => target.signal(*thread, *signal, *restart),
                };
                at.map_or_else(Input::Refused, |at| Input::Acted { at })
            }
            Want::Inspect(what) => Input::Inspected(target.inspect(&what).map_err(|error| error.to_string())),
        };
        engine.handle(input);
    }
    panic!("the engine does not come to an end");
}

/// The first step makes the flow's local port known.
pub(crate) const OPEN: &str = "  - inject: . 1:1(0) ack 1\n";

pub(crate) fn story(steps: &str, coming: Vec<Observation>) -> Report {
    run(&format!("{OPEN}{steps}"), Scripted::new(Timing::Virtual, coming))
}

/// Names of the problems, in order.
pub(crate) fn problems(report: &Report) -> Vec<&'static str> {
    report
        .verdict
        .mismatches()
        .iter()
        .map(|mismatch| match mismatch.problem {
            Problem::WrongPacket { .. } => "wrong",
            Problem::NothingCame { .. } => "nothing",
            Problem::UnexpectedPacket { .. } => "unexpected",
            Problem::NoFlow { .. } => "no flow",
            Problem::TooEarly { .. } => "early",
            Problem::TooLate { .. } => "late",
            Problem::StillBlocked { .. } => "blocked",
            Problem::DidNotBlock { .. } => "did not block",
            Problem::WrongResult { .. } => "result",
            Problem::NotTrue { .. } => "not true",
            Problem::InThePast { .. } => "past",
            Problem::Consequence { .. } => "consequence",
            Problem::Meaningless { .. } => "meaningless",
        })
        .collect()
}
