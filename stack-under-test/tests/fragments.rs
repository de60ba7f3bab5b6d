//! Packets that come in fragments.

mod util;

use proptest::prelude::*;
use stack_under_test::DropReason;
use util::{World, data, fragment, packet};

fn segment(world: &World, len: usize) -> Vec<u8> {
    let ack = world.target_isn.unwrap_or(0).wrapping_add(1);
    packet(world.remote, world.local, 1, ack, 24, 5000, &[], &vec![7; len])
}

#[test]
fn what_waits_is_given_up_in_time_and_only_a_first_fragment_is_answered() {
    for (mut world, seconds, answer) in [(World::new(), 30, "icmp 11 1 0"), (World::v6(), 60, "icmp 3 1 0")] {
        world.server();
        let whole = segment(&world, 1000);
        world.raw(&fragment(&whole, 1, (0, 640), true));
        world.raw(&fragment(&whole, 2, (640, 380), false));
        let due = 10 + seconds * 1000;
        world.silent(seconds * 1000 - 1);
        world.wait(1);
        let quoted = world.expect_at(due, answer).payload;
        assert!(quoted.len() > 500, "as much as fits");
        world.silent(100_000);
        assert_eq!(world.stack.poll_timeout(), None, "nothing waits any more");
    }
}

#[test]
fn headers_must_be_in_the_first_fragment_of_ipv6_and_lengths_multiples_of_eight() {
    let mut world = World::v6();
    world.server();
    let whole = segment(&world, 100);
    world.raw(&fragment(&whole, 1, (0, 16), true));
    world.expect("icmp 4 3 0");
    world.raw(&fragment(&whole, 2, (0, 44), true));
    world.expect("icmp 4 0 4");
    world.raw(&fragment(&whole, 3, (65528, 0), true));
    world.quiet();
    let mut beyond = fragment(&whole, 4, (0, 64), true);
    beyond[42..44].copy_from_slice(&0xfff8u16.to_be_bytes());
    world.raw(&beyond);
    world.expect("icmp 4 0 42");
}

#[test]
fn fragments_of_many_packets_do_not_take_more_memory_than_they_may() {
    let mut world = World::new();
    let listener = world.server();
    world.set("net.ipv4.ipfrag_high_thresh", "100000");
    let whole = segment(&world, 1000);
    let dropped = |world: &World| world.stack.dropped().get(DropReason::Fragment);
    let mut taken = 0;
    for id in 0..200 {
        world.raw(&fragment(&whole, id, (0, 640), true));
        taken += u32::from(dropped(&world) == 0);
    }
    // A fragment of 660 bytes costs 2304.
    assert_eq!(taken, 100_000 / 2304 + 1);
    world.raw(&fragment(&whole, 0, (640, 380), false));
    world.expect(". 1:1(0) ack 1001");
    assert_eq!(data(world.read_now(listener)), 1000);
    // The others are given up, and there is room again.
    world.wait(30_000);
    world.sent.clear();
    let before = dropped(&world);
    world.raw(&fragment(&whole, 250, (0, 640), true));
    assert_eq!(dropped(&world), before);
}

#[test]
fn a_packet_larger_than_any_is_dropped_when_it_is_complete() {
    let mut world = World::new();
    world.server();
    let whole = segment(&world, 1000);
    let part = |offset: usize, more| {
        let mut bytes = fragment(&whole, 1, (0, 1016), true);
        let place = (offset / 8) as u16 | if more { 0x2000 } else { 0 };
        bytes[6..8].copy_from_slice(&place.to_be_bytes());
        bytes[10..12].fill(0);
        let check = util::checksum(&bytes[..20]);
        bytes[10..12].copy_from_slice(&check);
        bytes
    };
    for index in 0..64 {
        world.raw(&part(index * 1016, true));
    }
    world.raw(&part(64 * 1016, false));
    assert_eq!(world.stack.dropped().get(DropReason::Fragment), 1);
    world.silent(40_000);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn pieces_in_any_order_make_the_packet(
        v6 in any::<bool>(),
        cuts in proptest::collection::btree_set(1usize..127, 0..20),
        order in any::<u64>(),
    ) {
        let mut world = if v6 { World::v6() } else { World::new() };
        let fd = world.server();
        let whole = segment(&world, 1000);
        let mut edges: Vec<usize> = cuts.iter().map(|cut| cut * 8).collect();
        edges.retain(|edge| !v6 || *edge >= 24);
        edges.insert(0, 0);
        edges.push(1020);
        let mut pieces: Vec<(usize, usize)> = edges.windows(2).map(|pair| (pair[0], pair[1] - pair[0])).collect();
        pieces.sort_by_key(|piece| (piece.0 as u64 + 1).wrapping_mul(order | 1).rotate_left(20));
        for piece in pieces {
            world.quiet();
            world.raw(&fragment(&whole, 9, piece, piece.0 + piece.1 < 1020));
        }
        world.expect(". 1:1(0) ack 1001");
        prop_assert_eq!(data(world.read_now(fd)), 1000);
    }
}
