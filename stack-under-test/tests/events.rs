//! `select` and `epoll`.

mod util;

use std::time::Duration;

use stack_under_test::syscall::constants::{
    EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLONESHOT, EPOLLOUT,
};
use stack_under_test::{Errno, Fd, Reply, Selected, Syscall};
use util::{MAIN, World};

fn list(world: &mut World) -> Fd {
    Fd(world.value(Syscall::EpollCreate { size: 1 }) as i32)
}

fn add(world: &mut World, ep: Fd, fd: Fd, events: u32) {
    world.value(Syscall::EpollCtl { ep, operation: EPOLL_CTL_ADD, fd, events, data: 77 });
}

fn ready(world: &mut World, ep: Fd) -> Vec<(u32, u64)> {
    match world.call(Syscall::EpollWait { ep, most: 10, timeout: Some(Duration::ZERO) }) {
        Ok(Reply::Epoll(events)) => events,
        other => panic!("epoll_wait: {other:?}"),
    }
}

fn arrive(world: &mut World, text: &str) {
    world.inject(text);
    world.sent.clear();
}

#[test]
fn an_edge_is_reported_once() {
    let mut world = World::new();
    let fd = world.server();
    let ep = list(&mut world);
    add(&mut world, ep, fd, EPOLLIN | EPOLLET);
    assert_eq!(ready(&mut world, ep), []);
    arrive(&mut world, "P. 1:101(100) ack 1");
    assert_eq!(ready(&mut world, ep), [(EPOLLIN, 77)]);
    assert_eq!(ready(&mut world, ep), []);
    world.call(Syscall::Read { fd, room: 50usize.into() }).expect("data");
    assert_eq!(ready(&mut world, ep), []);
    arrive(&mut world, "P. 101:201(100) ack 1");
    assert_eq!(ready(&mut world, ep), [(EPOLLIN, 77)]);
}

#[test]
fn a_level_is_reported_as_long_as_it_lasts() {
    let mut world = World::new();
    let fd = world.server();
    let ep = list(&mut world);
    add(&mut world, ep, fd, EPOLLIN);
    arrive(&mut world, "P. 1:101(100) ack 1");
    for _ in 0..3 {
        assert_eq!(ready(&mut world, ep), [(EPOLLIN, 77)]);
    }
    world.call(Syscall::Read { fd, room: 100usize.into() }).expect("data");
    assert_eq!(ready(&mut world, ep), []);
}

#[test]
fn one_shot_is_off_until_it_is_set_again() {
    let mut world = World::new();
    let fd = world.server();
    let ep = list(&mut world);
    add(&mut world, ep, fd, EPOLLIN | EPOLLONESHOT);
    arrive(&mut world, "P. 1:101(100) ack 1");
    assert_eq!(ready(&mut world, ep), [(EPOLLIN, 77)]);
    arrive(&mut world, "P. 101:201(100) ack 1");
    assert_eq!(ready(&mut world, ep), []);
    let events = EPOLLIN | EPOLLONESHOT;
    world.value(Syscall::EpollCtl { ep, operation: EPOLL_CTL_MOD, fd, events, data: 78 });
    assert_eq!(ready(&mut world, ep), [(EPOLLIN, 78)]);
}

#[test]
fn a_waiting_call_returns_with_the_event() {
    let mut world = World::new();
    let fd = world.server();
    let ep = list(&mut world);
    add(&mut world, ep, fd, EPOLLIN | EPOLLOUT | EPOLLET);
    assert_eq!(ready(&mut world, ep), [(EPOLLOUT, 77)], "writable from the start");
    world.start(MAIN, Syscall::EpollWait { ep, most: 1, timeout: Some(Duration::from_secs(1)) });
    world.wait(300);
    arrive(&mut world, "P. 1:101(100) ack 1");
    let (at, result) = world.returns();
    assert_eq!((at, result), (310, Ok(Reply::Epoll(vec![(EPOLLIN | EPOLLOUT, 77)]))));
    world.start(MAIN, Syscall::EpollWait { ep, most: 1, timeout: Some(Duration::from_secs(1)) });
    world.wait(2000);
    assert_eq!(world.returns(), (1310, Ok(Reply::Epoll(vec![]))));
}

#[test]
fn a_closed_descriptor_leaves_the_list() {
    let mut world = World::new();
    let fd = world.server();
    let ep = list(&mut world);
    add(&mut world, ep, fd, EPOLLIN);
    let again = Syscall::EpollCtl { ep, operation: EPOLL_CTL_ADD, fd, events: EPOLLIN, data: 0 };
    assert_eq!(world.errno(again), Errno::EEXIST);
    arrive(&mut world, "P. 1:101(100) ack 1");
    world.value(Syscall::Close { fd });
    world.sent.clear();
    assert_eq!(ready(&mut world, ep), []);
    let gone = Syscall::EpollCtl { ep, operation: EPOLL_CTL_DEL, fd, events: 0, data: 0 };
    assert_eq!(world.errno(gone), Errno::EBADF);
    let fresh = world.socket();
    let unknown = Syscall::EpollCtl { ep, operation: EPOLL_CTL_DEL, fd: fresh, events: 0, data: 0 };
    assert_eq!(world.errno(unknown), Errno::ENOENT);
    add(&mut world, ep, fresh, EPOLLIN);
    assert_eq!(ready(&mut world, ep), [(EPOLLHUP, 77)], "never connected");
    assert_eq!(world.errno(Syscall::EpollWait { ep: fresh, most: 1, timeout: None }), Errno::EINVAL);
    assert_eq!(world.errno(Syscall::EpollWait { ep, most: 0, timeout: None }), Errno::EINVAL);
    world.value(Syscall::Close { fd: ep });
    assert_eq!(world.errno(Syscall::EpollWait { ep, most: 1, timeout: None }), Errno::EBADF);
}

#[test]
fn a_listener_is_readable_with_each_connection() {
    let mut world = World::new();
    let fd = world.listener(10);
    let ep = list(&mut world);
    add(&mut world, ep, fd, EPOLLIN | EPOLLET);
    for port in 0..2 {
        world.remote.set_port(5000 + port);
        arrive(&mut world, "S 0:0(0) win 1000");
        assert_eq!(ready(&mut world, ep), []);
        arrive(&mut world, ". 1:1(0) ack 1");
        assert_eq!(ready(&mut world, ep), [(EPOLLIN, 77)]);
    }
}

#[test]
fn select_waits_for_sets() {
    let mut world = World::new();
    let fd = world.server();
    let timeout = Some(Duration::from_millis(500));
    let ask = Syscall::Select { read: vec![fd], write: vec![], except: vec![fd], timeout };
    world.start(MAIN, ask.clone());
    world.wait(600);
    assert_eq!(world.returns(), (510, Ok(Reply::Select(Selected::default()))));
    world.start(MAIN, ask);
    arrive(&mut world, "P. 1:11(10) ack 1");
    let found = Selected { read: vec![fd], ..Selected::default() };
    assert_eq!(world.returns(), (610, Ok(Reply::Select(found))));
    let both = Syscall::Select { read: vec![fd], write: vec![fd], except: vec![], timeout: None };
    let found = Selected { read: vec![fd], write: vec![fd], ..Selected::default() };
    assert_eq!(world.call(both), Ok(Reply::Select(found)));
    let bad = Syscall::Select { read: vec![Fd(99)], write: vec![], except: vec![], timeout: None };
    assert_eq!(world.errno(bad), Errno::EBADF);
}
