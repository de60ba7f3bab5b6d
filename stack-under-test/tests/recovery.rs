//! What is lost is found by what arrives, and repeated before its time is out.

mod util;

use stack_under_test::{Fd, Syscall, TcpInfo};
use util::World;

/// SACK permitted, and an MSS of 1000.
const SACK: [u8; 8] = [2, 4, 3, 232, 4, 2, 1, 1];

fn sack(world: &World, blocks: &[(u32, u32)]) -> Vec<u8> {
    let base = world.target_isn.expect("a connection");
    let mut option = vec![1, 1, 5, (blocks.len() * 8 + 2) as u8];
    for (start, end) in blocks {
        option.extend(base.wrapping_add(*start).to_be_bytes());
        option.extend(base.wrapping_add(*end).to_be_bytes());
    }
    option
}

fn inject_sack(world: &mut World, text: &str, blocks: &[(u32, u32)]) {
    let option = sack(world, blocks);
    world.inject_with(text, &option);
}

fn info(world: &World, fd: Fd) -> TcpInfo {
    world.stack.tcp_info(fd).expect("a descriptor")
}

/// A connection on which `segments` of 1000 bytes are in flight.
fn in_flight(options: &[u8], segments: u32) -> (World, Fd) {
    let mut world = World::new();
    let fd = world.server_with(options, 32792);
    world.write(fd, segments as usize * 1000).expect("written");
    for index in 0..segments {
        let (at, seen) = world.sent.pop_front().expect("a segment");
        assert_eq!((at, seen.payload.len()), (10, 1000), "{index}: {}", seen.text);
    }
    world.wait(10);
    (world, fd)
}

#[test]
fn three_segments_beyond_a_hole_bring_the_missing_one_at_once() {
    let (mut world, fd) = in_flight(&SACK, 5);
    inject_sack(&mut world, ". 1:1(0) ack 1 win 32792", &[(1001, 2001)]);
    inject_sack(&mut world, ". 1:1(0) ack 1 win 32792", &[(1001, 3001)]);
    world.quiet();
    assert_eq!(info(&world, fd).ca_state, 1);
    inject_sack(&mut world, ". 1:1(0) ack 1 win 32792", &[(1001, 4001)]);
    world.expect_at(20, ". 1:1001(1000) ack 1");
    let seen = info(&world, fd);
    assert_eq!((seen.retrans, seen.lost, seen.sacked, seen.ca_state), (1, 1, 3, 3));
    assert_eq!(seen.snd_ssthresh, 5);
    world.wait(10);
    world.inject(". 1:1(0) ack 5001 win 32792");
    world.silent(100_000);
    assert_eq!(info(&world, fd).ca_state, 0);
}

#[test]
fn one_segment_beyond_a_hole_needs_a_quarter_of_the_round_trip() {
    let (mut world, _) = in_flight(&SACK, 3);
    inject_sack(&mut world, ". 1:1(0) ack 1 win 32792", &[(1001, 2001)]);
    // 10 ms / 4, and two more.
    world.silent(4);
    world.wait(1);
    world.expect_at(24, ". 1:1001(1000) ack 1");
    world.quiet();
}

#[test]
fn what_was_reported_is_not_repeated_after_a_time_out() {
    let (mut world, fd) = in_flight(&SACK, 4);
    inject_sack(&mut world, ". 1:1(0) ack 1 win 32792", &[(1001, 2001)]);
    world.wait(5);
    world.expect_at(24, ". 1:1001(1000) ack 1");
    world.wait(300);
    // The last two were never reported: only the oldest is repeated, in slow start.
    let rto = info(&world, fd).rto.as_millis() as u64 / 2;
    let (at, _) = world.expect(". 1:1001(1000) ack 1");
    assert!(at.abs_diff(24 + rto) <= 1, "{at} {rto}");
    assert_eq!((info(&world, fd).snd_cwnd, info(&world, fd).ca_state), (1, 4));
    world.inject(". 1:1(0) ack 2001 win 32792");
    world.expect(". 2001:3001(1000) ack 1");
    world.expect("P. 3001:4001(1000) ack 1");
    world.quiet();
    world.inject(". 1:1(0) ack 4001 win 32792");
    world.silent(100_000);
}

#[test]
fn the_third_duplicate_brings_the_missing_segment_and_the_first_two_bring_new_ones() {
    let (mut world, fd) = in_flight(&[2, 4, 3, 232], 10);
    world.write(fd, 10_000).expect("written");
    world.quiet();
    world.inject(". 1:1(0) ack 1 win 32792");
    world.expect(". 10001:11001(1000) ack 1");
    world.wait(1);
    world.inject(". 1:1(0) ack 1 win 32792");
    world.expect(". 11001:12001(1000) ack 1");
    world.quiet();
    world.inject(". 1:1(0) ack 1 win 32792");
    world.expect(". 1:1001(1000) ack 1");
    world.quiet();
    let seen = info(&world, fd);
    assert_eq!((seen.ca_state, seen.snd_ssthresh, seen.retrans, seen.sacked), (3, 5, 1, 3));
    // What arrives beyond the hole lets new segments go, about one for two.
    for _ in 0..7 {
        world.inject(". 1:1(0) ack 1 win 32792");
    }
    assert!((3..=5).contains(&world.sent.len()), "{}", world.sent.len());
    world.sent.clear();
    // A partial acknowledgement: the next hole is repeated at once.
    world.wait(10);
    world.inject(". 1:1(0) ack 3001 win 32792");
    world.expect(". 3001:4001(1000) ack 1");
    // Everything up to where recovery began; without SACK the state is kept until something beyond it is.
    world.sent.clear();
    world.inject(". 1:1(0) ack 12001 win 32792");
    assert_eq!(info(&world, fd).ca_state, 3);
    world.sent.clear();
    world.inject(". 1:1(0) ack 14001 win 32792");
    let seen = info(&world, fd);
    assert_eq!((seen.ca_state, seen.snd_ssthresh), (0, 5));
    assert!((5..=6).contains(&seen.snd_cwnd), "{}", seen.snd_cwnd);
}

#[test]
fn two_duplicates_are_not_enough() {
    let (mut world, _) = in_flight(&[2, 4, 3, 232], 3);
    world.inject(". 1:1(0) ack 1 win 32792");
    world.inject(". 1:1(0) ack 1 win 32792");
    world.silent(199);
    world.wait(1);
    world.expect_at(220, ". 1:1001(1000) ack 1");
}

#[test]
fn a_new_window_and_data_are_no_duplicates() {
    let (mut world, _) = in_flight(&[2, 4, 3, 232], 5);
    for (index, win) in [32_793, 32_794, 32_795].into_iter().enumerate() {
        world.inject(&format!(". {0}:{0}(0) ack 1 win {win}", index + 1));
        world.inject(&format!(". {}:{}(1) ack 1 win {win}", index + 1, index + 2));
        world.expect(&format!(". 5001:5001(0) ack {}", index + 2));
    }
    world.silent(100);
}

#[test]
fn the_tail_is_probed_where_sack_can_tell() {
    let (mut world, fd) = in_flight(&SACK, 3);
    world.wait(30);
    // Twice the round trip and 2 ms after the last segment left.
    world.expect_at(32, "P. 2001:3001(1000) ack 1");
    world.silent(190);
    world.wait(2);
    world.expect_at(242, ". 1:1001(1000) ack 1");
    world.inject(". 1:1(0) ack 3001 win 32792");
    world.silent(100_000);
    world.set("net.ipv4.tcp_early_retrans", "0");
    world.write(fd, 1000).expect("written");
    let (at, _) = world.expect("P. 3001:4001(1000) ack 1");
    world.wait(1000);
    let (again, _) = world.expect("P. 3001:4001(1000) ack 1");
    assert!(again >= at + 200, "no probe");
}

#[test]
fn a_probe_that_repaired_a_loss_halves_the_window() {
    let (mut world, fd) = in_flight(&SACK, 3);
    world.inject(". 1:1(0) ack 2001 win 32792");
    world.wait(300);
    world.expect("P. 2001:3001(1000) ack 1");
    world.sent.clear();
    world.write(fd, 1000).expect("written");
    world.sent.clear();
    world.inject(". 1:1(0) ack 4001 win 32792");
    assert!(info(&world, fd).snd_cwnd <= 6, "{}", info(&world, fd).snd_cwnd);
}

#[test]
fn a_report_of_what_arrived_twice_says_nothing_of_loss() {
    let (mut world, _) = in_flight(&SACK, 5);
    world.inject(". 1:1(0) ack 2001 win 32792");
    for _ in 0..5 {
        inject_sack(&mut world, ". 1:1(0) ack 2001 win 32792", &[(1, 1001)]);
    }
    world.silent(20);
}

#[test]
fn a_peer_that_takes_its_reports_back_gets_everything_again() {
    let (mut world, _) = in_flight(&SACK, 4);
    inject_sack(&mut world, ". 1:1(0) ack 1 win 32792", &[(1001, 3001)]);
    world.wait(5);
    world.expect(". 1:1001(1000) ack 1");
    world.inject(". 1:1(0) ack 1001 win 32792");
    world.wait(11);
    world.expect(". 1001:2001(1000) ack 1");
}

#[test]
fn unbounded_reports_are_ignored() {
    let (mut world, fd) = in_flight(&SACK, 3);
    inject_sack(&mut world, ". 1:1(0) ack 1 win 32792", &[(3001, 9001)]);
    inject_sack(&mut world, ". 1:1(0) ack 1 win 32792", &[(2001, 1001)]);
    assert_eq!(info(&world, fd).sacked, 0);
    assert!(world.call(Syscall::Close { fd }).is_ok());
}

#[test]
fn a_time_out_that_proves_needless_is_taken_back() {
    let (mut world, fd) = in_flight(&[2, 4, 3, 232], 10);
    world.write(fd, 10_000).expect("written");
    world.wait(300);
    world.expect(". 1:1001(1000) ack 1");
    assert_eq!((info(&world, fd).snd_cwnd, info(&world, fd).ca_state), (1, 4));
    world.inject(". 1:1(0) ack 1001 win 32792");
    world.expect(". 10001:11001(1000) ack 1");
    world.expect(". 11001:12001(1000) ack 1");
    world.quiet();
    world.wait(1);
    world.inject(". 1:1(0) ack 2001 win 32792");
    let seen = info(&world, fd);
    assert_eq!((seen.snd_cwnd, seen.snd_ssthresh, seen.ca_state, seen.lost), (11, 0x7fff_ffff, 0, 0));
    assert_eq!(world.stack.counter("TcpExtTCPSpuriousRTOs"), Some(1));
}

#[test]
fn without_f_rto_everything_goes_again() {
    let (mut world, fd) = in_flight(&[2, 4, 3, 232], 10);
    world.set("net.ipv4.tcp_frto", "0");
    world.write(fd, 10_000).expect("written");
    world.wait(300);
    world.expect(". 1:1001(1000) ack 1");
    world.inject(". 1:1(0) ack 1001 win 32792");
    world.expect(". 1001:2001(1000) ack 1");
    world.expect(". 2001:3001(1000) ack 1");
    world.quiet();
}

#[test]
fn a_report_on_an_acknowledgement_already_passed_still_counts() {
    let (mut world, fd) = in_flight(&SACK, 5);
    inject_sack(&mut world, ". 1:1(0) ack 1 win 32792", &[(1001, 4001)]);
    world.expect(". 1:1001(1000) ack 1");
    world.wait(5);
    world.inject(". 1:1(0) ack 4001 win 32792");
    assert_eq!((info(&world, fd).snd_ssthresh, info(&world, fd).ca_state), (5, 3));
    inject_sack(&mut world, ". 1:1(0) ack 1001 win 32792", &[(1, 1001)]);
    assert_eq!((info(&world, fd).snd_ssthresh, info(&world, fd).ca_state), (0x7fff_ffff, 0));
    assert_eq!(world.stack.counter("TcpExtTCPDSACKUndo"), Some(1));
    assert_eq!(info(&world, fd).snd_cwnd, 10);
}

#[test]
fn the_rest_of_a_burst_waits_for_the_acknowledgement_that_is_about_to_come() {
    let (mut world, fd) = in_flight(&SACK, 10);
    world.write(fd, 10_000).expect("written");
    inject_sack(&mut world, ". 1:1(0) ack 1 win 32792", &[(1001, 2001)]);
    world.expect(". 10001:11001(1000) ack 1");
    inject_sack(&mut world, ". 1:1(0) ack 1 win 32792", &[(1001, 3001)]);
    world.quiet();
    world.wait(1);
    inject_sack(&mut world, ". 1:1(0) ack 1 win 32792", &[(1001, 3001)]);
    world.expect(". 11001:12001(1000) ack 1");
    world.quiet();
}
