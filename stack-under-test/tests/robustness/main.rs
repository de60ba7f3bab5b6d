//! Whatever comes, the stack neither panics nor grows, and its books are right.

#[path = "../util/mod.rs"]
mod util;

mod driver;
mod grammar;

use arbitrary::{Arbitrary, Unstructured};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};
use stack_under_test::{DropReason, Syscall};

use grammar::{Event, Number, Segment, Story};
use util::{MAIN, World, packet};

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_makes_it_panic(bytes in vec(any::<u8>(), 1..1500)) {
        if let Ok(story) = Story::arbitrary(&mut Unstructured::new(&bytes)) {
            driver::tell(&story);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(opening in any::<u8>(), packets in vec(vec(any::<u8>(), 0..100), 0..10)) {
        driver::receive(opening, &packets);
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let run = |seed_of_world: fn() -> World| {
        let mut world = seed_of_world();
        let fd = world.socket();
        world.start(MAIN, Syscall::Connect { fd, addr: world.remote.into() });
        world.wait(10_000);
        world.sent.into_iter().map(|(at, seen)| (at, seen.bytes)).collect::<Vec<_>>()
    };
    assert_eq!(run(World::new), run(World::new));
}

#[test]
fn what_is_wrong_with_a_packet_is_counted() {
    let mut world = World::new();
    let good = packet(world.remote, world.local, 0, 0, 2, 100, &[], &[]);
    let mut wrong = |reason: DropReason, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        let before = world.stack.dropped().get(reason);
        world.raw(&bytes);
        assert_eq!(world.stack.dropped().get(reason), before + 1, "{reason:?}");
        world.quiet();
    };
    wrong(DropReason::Checksum, &|bytes| bytes[37] ^= 1);
    wrong(DropReason::DataOffset, &|bytes| bytes[32] = 0x40);
    wrong(DropReason::DataOffset, &|bytes| bytes[32] = 0xf0);
    wrong(DropReason::Truncated, &|bytes| bytes.truncate(30));
    wrong(DropReason::IpChecksum, &|bytes| bytes[8] = 3);
    wrong(DropReason::IpVersion, &|bytes| bytes[0] = 0x55);
    wrong(DropReason::IpHeader, &|bytes| bytes[0] = 0x44);
    let elsewhere = "192.168.0.77:8080".parse().expect("address");
    let stray = packet(world.remote, elsewhere, 0, 0, 2, 100, &[], &[]);
    world.raw(&stray);
    assert_eq!(world.stack.dropped().get(DropReason::NotOurs), 1);
}

/// A story that a fuzzer found, with what it found.
fn story(events: Vec<Event>) {
    driver::tell(&Story { opening: 2, events });
}

fn arrives(seq: i32, flags: u8, len: usize) -> Event {
    Event::Segment(Segment {
        seq: Number::Expected(seq),
        ack: Number::Expected(0),
        flags,
        win: 5000,
        options: vec![],
        len,
        peer: 0,
        elsewhere: false,
    })
}

/// The rest of a segment with a FIN lay inside what had come early, and was kept as a segment of no bytes.
#[test]
fn a_fin_inside_early_data() {
    story(vec![arrives(3, 16, 1071), arrives(1, 17, 769)]);
}
