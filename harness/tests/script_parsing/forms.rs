//! Every form of the language, and the tree it becomes.

use tcpdrill::front::pkt::script::Script;

use crate::{check, read};

/// The events of a script without places, an event on a line.
pub(crate) fn tree(script: &Script) -> String {
    let options = script.options.iter().map(|option| format!("{option:?}"));
    let events =
        script.events.iter().map(|event| format!("{:?} {:?} {:?}", event.time, event.until, event.kind));
    let lines: Vec<String> = options.chain(events).map(|line| bare(&line)).collect();
    lines.join("\n")
}

/// A tree's text without its places, and without what only holds them.
fn bare(tree: &str) -> String {
    let mut out = String::new();
    let mut rest = tree;
    while let Some(at) = rest.find(", at: Location {") {
        out.push_str(&rest[..at]);
        let end = rest[at..].find('}').expect("a place ends") + at + 1;
        rest = rest[end..].strip_prefix(" }").expect("a node ends with its place");
    }
    out.push_str(rest);
    out.replace("Node { value: ", "")
}

/// Each line of a table is an event: it, and what it becomes.
fn shown(events: &[&str]) -> String {
    let mut out = String::new();
    for event in events {
        // The first event is at time 0.
        let script = read(&format!("0 close(9) = 0\n{event}\n"));
        let script = script.unwrap_or_else(|found| panic!("{event}\n{}", found.render(false)));
        let tree = tree(&script);
        let (_, tree) = tree.split_once('\n').expect("two events");
        out += &format!("{event}\n    {tree}\n");
    }
    out
}

#[test]
fn times() {
    let rows = [
        "1.25 close(3) = 0",
        "3 close(3) = 0",
        ".5 close(3) = 0",
        "+.25 close(3) = 0",
        "+ .25 close(3) = 0",
        "0.0000019 close(3) = 0",
        "* > . 1:1(0) ack 1",
        "1.2~1.4 > . 1:1(0) ack 1",
        "+.2~+.25 > . 1:1(0) ack 1",
        "+.2 ~ + .25 > . 1:1(0) ack 1",
        "1.0...1.5 close(3) = 0",
        "+.1...0.4 close(3) = 0",
        "+0 ... .4 close(3) = 0",
        "0...0 close(3) = 0",
    ];
    check("times.txt", &shown(&rows));
}

#[test]
fn segments() {
    let rows = [
        "+0 > S 0:0(0)",
        "+0 > - 1:1(0)",
        "+0 > . 1:1(0) ack 1",
        "+0 > S . 1:1(0) ack 1",
        "+0 > FPU. 1:1(0) ack 1 win 5 urg 6",
        "+0 > SEWA 1:1(0) ack 1",
        "+0 > .5 1:1(0) ack 1",
        "+0 > P.3 1:1(0) ack 1",
        "+0 > SP5. 1:1(0) ack 1",
        "+0 > S0 1:1(0) ack 1",
        "+0 > . 5 1:1(0) ack 1",
        "+0 > P. 4294967295:4294967295(0) ack 4294967295",
        "+0 > P. 1:65536(65535) ack 1",
        "+0 < 5000 > 8080 R. 1:1(0) ack 1 win 0",
        "+0 > P. 1:11(10)! ack 1",
        "+0 > P. ...(10) ack 1",
        "+0 > . 1:1(0) ack 1 /udp(5000 > 9899)",
        "+0 < . 1:1(0) ack 1 win COUNT",
    ];
    check("segments.txt", &shown(&rows));
}

#[test]
fn options() {
    let rows = [
        "+0 > S 0:0(0) <...>",
        "+0 > S 0:0(0) < mss 1460 , nop , wscale 7 >",
        "+0 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>",
        "+0 > S 0:0(0) <nop,eol,nop,eol>",
        "+0 > . 1:1(0) ack 1 <nop,nop,sack 1:2 3:4 5:6>",
        "+0 > . 1:1(0) ack 1 <md5 00112233445566778899aabbccddeeff,nop,nop>",
        "+0 > . 1:1(0) ack 1 <md5 valid,nop,nop>",
        "+0 > S 0:0(0) <FO,nop,nop>",
        "+0 > S 0:0(0) <FO COOKIE,nop,nop>",
        "+0 > S 0:0(0) <FO 12345678,nop,nop>",
        "+0 > S 0:0(0) <FOEXP>",
        "+0 > S 0:0(0) <FOEXP COOKIE>",
        "+0 > . 1:1(0) ack 1 <ECN e0b 1 ceb 2 e1b 3,nop>",
        "+0 > . 1:1(0) ack 1 <ECN e1b 1 ceb 2,nop,nop,nop,nop>",
        "+0 > . 1:1(0) ack 1 <ECN e0b 1,nop,nop,nop>",
        "+0 > . 1:1(0) ack 1 <AccECN0 eceb 2,nop,nop,nop>",
        "+0 > . 1:1(0) ack 1 <AccECN1,nop,nop>",
        "+0 > . 1:1(0) ack 1 <exp-AccECN0 ee0b 1 ee1b 2,nop,nop>",
        "+0 > . 1:1(0) ack 1 <gen-253 aabb>",
        "+0 > . 1:1(0) ack 1 <gen-0x1e aabb>",
        "+0 > . 1:1(0) ack 1 <exp-f989 aabbccdd>",
        "+0 > . 1:1(0) ack 1 <exp-1234>",
        "+0 > . 1:1(0) ack 1 <exp-00ab>",
        "+0 > . 1:1(0) ack 1 <exp-FO aabb,nop,nop>",
        "+0 > . 1:1(0) ack 1 <exp-tarr>",
        "+0 > . 1:1(0) ack 1 <nop,nop,TS val ... ecr 7>",
        "+0 > . 1:1(0) ack 1 <nop,nop,TS val 5 ecr 7!>",
    ];
    check("options.txt", &shown(&rows));
}

#[test]
fn other_packets() {
    let rows = [
        "+0 > udp (100)",
        "+0 < udp 5000 > 8080 (0)",
        "+0 < icmp unreachable",
        "+0 < icmp unreachable CODE [1:1(0)]",
        "+0 < icmp unreachable frag_needed mtu 1200 [1:1001(1000)]",
        "+0 < icmp packet_too_big mtu 1280 [udp (5)]",
        "+0 > icmp echo_request id 7 [raw (20)]",
        "+0 > [ect0] . 1:1(0) ack 1",
        "+0 > (noecn) . 1:1(0) ack 1",
        "+0 > [ect1] . 1:1(0) ack 1",
        "+0 > [ce] . 1:1(0) ack 1",
        "+0 > [ect01] . 1:1(0) ack 1",
        "+0 > [tos 0xb8] . 1:1(0) ack 1",
        "+0 > (tos 0xb8, flowlabel 0x3) P. 1:11(10) ack 1",
        "+0 > [ttl 64] . 1:1(0) ack 1",
        "+0 > [flowlabel 0xfffff] . 1:1(0) ack 1",
        "+0 > [hlim 64, class 0x2, dscp 0x2e, ecn ce] . 1:1(0) ack 1",
        "+0 < [ect1] 5000 > 8080 S 0:0(0) win 1000 <mss 1460>",
    ];
    check("other_packets.txt", &shown(&rows));
}

#[test]
fn headers_around() {
    let rows = [
        "+0 < ipv4 198.51.100.1 > 198.51.100.2: . 1:1(0) ack 1 win 10",
        "+0 < ipv6 [ce] 2001:db8::1 > 2001:db8::2: . 1:1(0) ack 1 win 10",
        "+0 < ipv6 ::ffff:192.0.2.1 > 1:2:3:4:5:6:7:8: . 1:1(0) ack 1 win 10",
        "+0 < ipv4 198.51.100.1 > 198.51.100.2: gre: [ect0] . 1:1(0) ack 1 win 10",
        "+0 > gre flags 0x2000 sum 0 off 0 key 5 seq 0: . 1:1(0) ack 1",
        "+0 > gre, flags [checksum present, key present], sum 0x7, off 1, key=0x5, seq 9: . 1:1(0) ack 1",
        "+0 > GREv0 flags [none], sum 0, off 0, key 0, seq 0: . 1:1(0) ack 1",
        "+0 > gre flags [sequence# present], sum 0, off 0, key 0, seq 4: . 1:1(0) ack 1",
        "+0 > mpls (label 1, tc 2, ttl 3) (label 1048575, tc 7, [S], ttl 255): . 1:1(0) ack 1",
        "+0 > mpls: . 1:1(0) ack 1",
    ];
    check("headers_around.txt", &shown(&rows));
}

#[test]
fn calls() {
    let rows = [
        "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
        "+0 accept(3, ..., ...) = -1 EAGAIN (Resource temporarily unavailable)",
        "+0 fcntl(3, F_GETFL) = 2 (flags O_RDWR)",
        "+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK|0x4|1) = 0",
        "+0 read(3, ..., 0x10) = 0xa",
        "+0 write(3, NULL, -1) = -1 EFAULT (Bad address, or so)",
        "+0 close(3) = 0xffffffffffffffff",
        "+0 open(NAME, O_RDONLY) = 4",
        r#"+0 setsockopt(3, SOL_TCP, 1, "ab" "\x00\f\n\r\t\v\\\"" "é", 3) = 0"#,
        "+0 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, 8) = 0",
        r#"+0 setsockopt(3, SOL_IPV6, 1, inet6_addr("2001:db8::1"), 16) = 0"#,
        "+0 setsockopt(3, SOL_IP, 5, {flags 0x2000, sum 0, off 0, key 5, seq 0}, 4) = 0",
        "+0 setsockopt(3, SOL_IP, 5, {(label 1, tc 0, [S], ttl 1)}, 4) = 0",
        "+0 getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0",
        "+0 ioctl(3, SIOCINQ, [1000]) = 0",
        "+0 readv(3, [{..., 10}, {..., 20}], 2) = 30",
        "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}, {fd=5, events=0}], 2, 0) = 1",
        "+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = 0",
        "+0 epoll_wait(5, {events=0, ptr=0}, 1, 0) = 0",
        "+0 epoll_wait(5, {events=1, u64=18}, 1, 0) = 1",
        "+0 pipe([5, 6]) = 0",
        "+0 splice(5, NULL, 6, NULL, 10, 0) = 10",
        "+0 sendfile(4, 5, [0], 10) = 10",
        "+0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=MSG_TRUNC, \
            msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=10}]}, 0) = 10",
        "+0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=0, msg_control=[\
            {cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, cmsg_data={scm_sec=0,scm_nsec=5}},\
            {cmsg_level=SOL_IP, cmsg_type=IP_RECVERR, cmsg_data={ee_errno=ENOMSG, ee_origin=4, ee_type=0, \
            ee_code=0, ee_info=SCM_TSTAMP_SND, ee_data=9}},\
            {cmsg_level=SOL_SOCKET, cmsg_type=2, cmsg_data={TCP_NLA_BUSY=1, TCP_NLA_DELIVERY_RATE=...}}]}, 0) = 0",
        "+0 cap_set(CAP_EFFECTIVE, CAP_NET_ADMIN, CAP_CLEAR) = 0",
        r#"+0 bind(3, {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr("192.0.2.9")}, ...) = 0"#,
        "+0 listen(3, {}, [], [...]) = 0",
    ];
    check("calls.txt", &shown(&rows));
}

#[test]
fn commands_and_code() {
    let rows =
        ["+0 `sysctl -q \\\n a=\"b\"`", "+0 ``", "+0 %{ assert 1 == 1 }%", "+0 %{\nx = 2\n print(x)\t}%"];
    check("commands_and_code.txt", &shown(&rows));
}

#[test]
fn whole_scripts() {
    let options = "--mtu=1000\n--strict_segments --local_ip=fd::1 --remote_ip=\"192.0.2.1/24\" --ip_version=ipv4\n\
        --D=A=b\n--define=B=\"x y\"\n--define=C=`true`\n";
    let body = "/* two\nlines */ `before`\n0 open(B, A) = 0 // here\n+0 C `after`";
    let mut out = String::new();
    for text in [
        format!("{options}{body}"),
        "0 close(3) = 0\n#ifdef COUNT\n+1 close(4) = 0\n#endif\n#ifdef NOTHING\n+1 < ! no script\n#endif\n"
            .to_owned(),
        "+0 > S 0:0(0)\n// no newline".to_owned(),
        "0 close(3) = 0 /***/ +1 close(4) = 0 /****/".to_owned(),
    ] {
        let script = read(&text).unwrap_or_else(|found| panic!("{text}\n{}", found.render(false)));
        let comments: Vec<&str> = script.comments.iter().map(|comment| comment.value.as_str()).collect();
        out += &format!("{text}\n----\n{}\n{comments:?}\n\n", tree(&script));
    }
    check("whole_scripts.txt", &out);
}

#[test]
fn the_command_line_has_the_last_word_on_a_name() {
    let text = "--define=COUNT=b\n--define=win=c\n0 close(COUNT, COUNTS, win, \"COUNT\") = 0\n";
    let tree = tree(&read(text).expect("a script"));
    let arguments = tree.split("arguments: ").nth(1).expect("a call");
    assert!(
        arguments.starts_with(r#"[Int(16), Word("COUNTS"), Word("win"), Text([67, 79, 85, 78, 84])]"#),
        "{arguments}"
    );
}

#[test]
fn other_protocols_are_named_and_nothing_else_is_read() {
    for (text, protocol) in [
        ("--psp_udp_port=1000\n0 x(3) = 0\n", "PSP"),
        ("0 psp_rx_assoc(4, [7]) = 0\n", "PSP"),
        ("0 close(3) = 0\n+0 < encap psp spi 7 . 1:1(0) ack 1 win 5\n", "PSP"),
        ("0 socket(..., SOCK_STREAM, IPPROTO_SCTP) = 3\n", "SCTP"),
        ("0 sctp_peeloff(3, 1) = 0\n", "SCTP"),
        ("0 close(3) = 0\n+0 < sctp: INIT[flgs=0, tag=1]\n", "SCTP"),
        ("0 close(3) = 0\n+0 < udplite (10, 8)\n", "UDP-Lite"),
    ] {
        let script = read(text).unwrap_or_else(|found| panic!("{}", found.render(false)));
        assert_eq!(script.out_of_scope.map(|part| part.value), Some(protocol), "{text}");
        assert!(script.events.is_empty() && script.options.is_empty());
    }
}
