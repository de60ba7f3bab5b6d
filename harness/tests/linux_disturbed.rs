//! Runs on Linux that say nothing: packets lost on their way to us, acts that came too late.

#![cfg(all(feature = "linux", target_os = "linux"))]

mod engine_support;
mod linux_support;

use std::time::Duration;

use engine_support::case;
use linux_support::{Rig, SYN, factory};
use tcpdrill::case::{IpVersion, Setting, Signal, Submission, ThreadId, Value};
use tcpdrill::run::{RunOptions, run_case};
use tcpdrill::target::{
    Inspection, Observation, Target, TargetError, TargetFactory, TargetInfo, Timing, World,
};
use tcpdrill::time::Timestamp;
use tcpdrill::verdict::Verdict;

/// More answers than the packet socket has room for.
const MANY: u32 = 120_000;

#[test]
fn packets_that_find_no_room_on_their_way_to_us_disturb_the_run() {
    let Some(factory) = factory() else { return };
    for (count, is_disturbed) in [(1_000, false), (MANY, true)] {
        let mut rig = Rig::open(factory, IpVersion::V4);
        // Nobody listens, so each SYN is answered with a reset, which nobody reads yet.
        let syn = rig.segment(SYN, 0, 0);
        for _ in 0..count {
            rig.inject(&syn);
        }
        let until = rig.target.now();
        let mut resets = 0;
        let mut why = Vec::new();
        while let Some(observation) = rig.target.advance(until).unwrap() {
            match observation {
                Observation::Emitted { .. } => resets += 1,
                Observation::Disturbed { by, .. } => why.push(by),
                other => panic!("{other:?}"),
            }
        }
        if is_disturbed {
            assert!(resets < count, "the packet socket had room for all {count}");
            assert_eq!(why, ["packets were lost on the way from the kernel"]);
        } else {
            assert_eq!((resets, why.len()), (count, 0));
        }
        rig.target.finish().unwrap();
    }
}

/// A Linux target that a busy machine keeps from acting in time: each act comes so much later.
struct Held(Box<dyn Target>, Duration);

impl Held {
    #[expect(clippy::disallowed_methods, reason = "the machine is busy with something else")]
    fn wait(&self) {
        std::thread::sleep(self.1);
    }
}

impl Target for Held {
    fn info(&self) -> &TargetInfo {
        self.0.info()
    }

    fn now(&mut self) -> Timestamp {
        self.0.now()
    }

    fn configure(&mut self, setting: &Setting) -> Result<Timestamp, TargetError> {
        self.0.configure(setting)
    }

    fn resize(&mut self, mtu: u16) -> Result<Timestamp, TargetError> {
        self.0.resize(mtu)
    }

    fn inject(&mut self, packet: &[u8]) -> Result<Timestamp, TargetError> {
        self.wait();
        self.0.inject(packet)
    }

    fn submit(&mut self, submission: &Submission) -> Result<Timestamp, TargetError> {
        self.0.submit(submission)
    }

    fn signal(&mut self, thread: ThreadId, signal: Signal, restart: bool) -> Result<Timestamp, TargetError> {
        self.0.signal(thread, signal, restart)
    }

    fn inspect(&mut self, what: &Inspection) -> Result<Value, TargetError> {
        self.0.inspect(what)
    }

    fn advance(&mut self, until: Timestamp) -> Result<Option<Observation>, TargetError> {
        self.0.advance(until)
    }

    fn finish(self: Box<Self>) -> Result<Vec<Observation>, TargetError> {
        self.0.finish()
    }
}

/// Makes them.
struct Holding(&'static dyn TargetFactory, Duration);

impl TargetFactory for Holding {
    fn info(&self) -> &TargetInfo {
        self.0.info()
    }

    fn open(&self, world: &World) -> Result<Box<dyn Target>, TargetError> {
        Ok(Box::new(Held(self.0.open(world)?, self.1)))
    }
}

#[test]
fn an_act_that_comes_too_late_disturbs_the_run_and_it_is_made_again() {
    let Some(factory) = factory() else { return };
    let Timing::Real(tolerance) = factory.info().timing else { panic!("a kernel has a real clock") };
    let syn = "  - inject: S 0:0(0)\n  - expect: R. 0:0(0) ack 1\n";
    let case = case(&format!("{syn}  - after: 10ms\n    inject: S 0:0(0)\n  - expect: R. 0:0(0) ack 1\n"));
    let run = |lateness| run_case(&case, &Holding(factory, lateness), RunOptions::default());
    assert_eq!(run(Duration::ZERO).report.verdict, Verdict::Pass);
    let late = run(Duration::from_nanos(tolerance.late.unsigned_abs()) + Duration::from_millis(2));
    let Verdict::Inconclusive { why } = &late.report.verdict else { panic!("{:?}", late.report.verdict) };
    assert!(why.starts_with("an action came "), "{why}");
    assert_eq!((late.attempts, late.repeated.len()), (6, 5));
}
