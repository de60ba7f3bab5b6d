//! What is said of calls that make no sense, or that the harness has not.

use tcpdrill::front::pkt::{Options, from_bytes};

/// A script of one call on a socket.
fn script(call: &str) -> String {
    format!("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 {call}\n")
}

#[test]
fn calls_that_make_no_sense_are_wrong() {
    for (call, expected) in [
        ("listen(3) = 0", "listen takes 2 arguments"),
        ("listen(4, 1) = 0", "no open descriptor 4 at this point"),
        ("socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "descriptor 3 is open already"),
        ("listen(3, SOMAXCON) = 0", "unknown symbol \"SOMAXCON\""),
        ("listen(3, 4294967296) = 0", "4294967296 has more than 32 bits"),
        ("listen(3, 1) = -1 EWRONG (x)", "unknown errno \"EWRONG\""),
        ("bind(3, AF_INET, ...) = 0", "a structure is needed here"),
        ("read(3, 5, 10) = 10", "a buffer is `...` or NULL"),
        ("readv(3, [{..., 10}], 2) = 10", "2 is not how many buffers there are: 1"),
        ("getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [8]) = 0", "the value has 4 bytes, not 8"),
        ("getsockopt(3, SOL_SOCKET, SO_ERROR, ..., [4]) = 0", "cannot be left open"),
        ("poll([{fd=3, events=POLLIN}], 2, 0) = 0", "the list has a length of 1"),
        ("epoll_wait(3, {events=EPOLLIN, fd=3}, 1, 0) = 0", "only {events=0, ptr=0} comes back"),
        ("splice(3, 5, 3, NULL, 10, 0) = 10", "only NULL can stand here"),
        ("recvmsg(3, {msg_name(...)=..., msg_iov(2)=[{..., 1}], msg_flags=0}, 0) = 1", "there are 1 buffers"),
        (
            "recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 1}], msg_flags=0, msg_control=[{cmsg_level=SOL_TCP, \
            cmsg_type=TCP_CM_INQ, cmsg_data={scm_sec=1, scm_nsec=1}}]}, 0) = 1",
            "moments belong to SOL_SOCKET and SCM_TIMESTAMPING",
        ),
        (
            "sendmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 1}], msg_flags=MSG_EOR}, 0) = 1",
            "msg_flags of a message that is sent is 0",
        ),
    ] {
        let text = match from_bytes("t.pkt", "t", script(call).as_bytes(), &Options::default(), &()) {
            Ok(_) => panic!("nothing is wrong with {call}"),
            Err(wrong) => wrong.render(false),
        };
        assert!(text.contains(expected), "{call}\n{text}");
    }
}

#[test]
fn calls_that_the_harness_has_not_are_named() {
    for (call, expected) in [
        ("cap_set(CAP_EFFECTIVE, CAP_NET_ADMIN, CAP_CLEAR) = 0", "the call cap_set"),
        ("open(\"/tmp/unknown\", O_RDONLY) = 4", "the file /tmp/unknown"),
        ("fcntl(3, 0, 5) = 5", "a descriptor that fcntl makes"),
        ("listen(3, 1) = 0 EAGAIN (x)", "an errno beside a result other than -1"),
    ] {
        let variants = from_bytes("t.pkt", "t", script(call).as_bytes(), &Options::default(), &());
        let variants = variants.unwrap_or_else(|wrong| panic!("{}", wrong.render(false)));
        let lacking: Vec<&str> = variants
            .cases
            .iter()
            .flat_map(|case| &case.lacking)
            .map(|lacking| lacking.what.as_str())
            .collect();
        assert_eq!(lacking, [expected; 3], "{call}");
    }
}
