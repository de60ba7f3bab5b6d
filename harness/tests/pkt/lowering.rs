//! What packets, times and sockets of a script become.

use tcpdrill::case::{
    Action, Base, Blocks, Case, Expected, IcmpSpec, IpVersion, Isn, Num, OptionsSpec, PacketSpec, Quote,
    Rules, Syscall, TcpSpec, TimeSpec, Transport, When, render_packet,
};
use tcpdrill::front::pkt::{Options, Variants, from_bytes};
use tcpdrill::time::Span;

const LISTENS: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n\
    +0 bind(3, ..., ...) = 0\n\
    +0 listen(3, 1) = 0\n";

const CONNECTS: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n\
    +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n\
    +0 connect(3, ..., ...) = -1 EINPROGRESS (now)\n";

fn variants(id: &str, script: &str) -> Variants {
    match from_bytes("t.pkt", id, script.as_bytes(), &Options::default(), &()) {
        Ok(variants) => variants,
        Err(wrong) => panic!("{}", wrong.render(false)),
    }
}

/// The script as IPv4.
fn case(script: &str) -> Case {
    let case = variants("t", script).cases.into_iter().next().expect("an IPv4 variant");
    assert_eq!(case.lacking, [], "nothing is lacking");
    case
}

fn wrong(script: &str) -> String {
    match from_bytes("t.pkt", "t", script.as_bytes(), &Options::default(), &()) {
        Ok(_) => panic!("nothing is wrong"),
        Err(wrong) => wrong.render(false),
    }
}

fn packet(case: &Case, text: &str) -> (usize, PacketSpec) {
    let found = case.steps.iter().find(|step| step.origin.text == text);
    match found.map(|step| &step.action) {
        Some(Action::Inject { flow, packet, .. }) => (flow.0, packet.clone()),
        Some(Action::Expect { flow, expected: Expected::Packet(packet), .. }) => (flow.0, (**packet).clone()),
        other => panic!("{text}: {other:?}"),
    }
}

fn segment(case: &Case, text: &str) -> TcpSpec {
    match packet(case, text).1.transport {
        Transport::Tcp(tcp) => tcp,
        other => panic!("{other:?}"),
    }
}

fn message(case: &Case, text: &str) -> IcmpSpec {
    match packet(case, text).1.transport {
        Transport::Icmp(icmp) => icmp,
        other => panic!("{other:?}"),
    }
}

/// All packets, each with its flow.
fn lines(case: &Case) -> Vec<String> {
    let line = |action: &Action| match action {
        Action::Inject { flow, packet, .. } => Some(format!("{} < {}", flow.0, render_packet(packet))),
        Action::Expect { flow, expected: Expected::Packet(packet), isn } => {
            let learns = if matches!(isn, Some(Isn::As(_))) { " new" } else { "" };
            Some(format!("{} > {}{learns}", flow.0, render_packet(packet)))
        }
        _ => None,
    };
    case.steps.iter().filter_map(|step| line(&step.action)).collect()
}

#[test]
fn numbers_of_a_passive_connection_count_from_its_syns() {
    let case = case(&format!(
        "{LISTENS}\
        +0 < S 500:500(0) win 1000 <mss 1000,sackOK,nop,nop>\n\
        +0 > S. 7000:7000(0) ack 501 <mss 1460>\n\
        +0 < . 1:1(0) ack 1 win 1000\n\
        +0 < P. 11:21(10) ack 1 win 1000\n\
        +0 > . 1:1(0) ack 1 <nop,nop,sack 11:21>\n\
        +0 < . 21:21(0) ack 9 win 1000 <nop,nop,sack 3:5>\n\
        +0 < S. 500:500(0) ack 7001 win 1000\n\
        +0 > R 1:1(0)\n"
    ));
    assert_eq!(case.flows.len(), 1);
    assert_eq!(case.flows[0].isn, 500);
    assert_eq!(case.flows[0].local, Some("192.168.0.1:8080".parse().expect("an end")));
    assert_eq!(
        lines(&case),
        [
            "0 < (ttl 255) S 0:0(0) ack 0! win 1000 urg 0 <mss 1000,sackOK,nop,nop>",
            "0 > S. 0:0(0) ack 1 urg 0 <mss 1460> new",
            "0 < (ttl 255) . 1:1(0) ack 1 win 1000 urg 0 <>",
            "0 < (ttl 255) P. 11:21(10) ack 1 win 1000 urg 0 <>",
            "0 > . 1:1(0) ack 1 urg 0 <nop,nop,sack 11:21>",
            "0 < (ttl 255) . 21:21(0) ack 9 win 1000 urg 0 <nop,nop,sack 3:5>",
            "0 < (ttl 255) S. 0:0(0) ack 1 win 1000 urg 0 <>",
            "0 > R 1:1(0) ack 0! urg 0 <>",
        ]
    );
}

#[test]
fn before_an_initial_number_is_known_numbers_are_those_of_the_wire() {
    let case = case(&format!(
        "{LISTENS}\
        +0 < S 9:9(0) win 1000\n\
        +0 > R. 0:0(0) ack 1\n"
    ));
    assert_eq!(
        lines(&case),
        ["0 < (ttl 255) S 0:0(0) ack 0! win 1000 urg 0 <>", "0 > R. 0!(0) ack 1 urg 0 <>"]
    );
}

#[test]
fn numbers_of_an_active_connection_count_from_syn_and_syn_ack() {
    let case = case(&format!(
        "{CONNECTS}\
        +0 > S 100:100(0) <...>\n\
        +0 < R. 5:5(0) ack 101 win 0\n\
        +0 < S. 40:40(0) ack 101 win 1000\n\
        +0 > . 1:1(0) ack 1\n\
        +0 < S. 40:40(0) ack 101 win 1000\n"
    ));
    assert_eq!((case.flows[0].isn, case.flows[0].local), (40, None));
    assert_eq!(
        lines(&case),
        [
            "0 > S 0:0(0) ack 0! urg 0 new",
            "0 < (ttl 255) R. 5!(0) ack 101 win 0 urg 0 <>",
            "0 < (ttl 255) S. 0:0(0) ack 1 win 1000 urg 0 <>",
            "0 > . 1:1(0) ack 1 urg 0 <>",
            "0 < (ttl 255) S. 0:0(0) ack 1 win 1000 urg 0 <>",
        ]
    );
}

#[test]
fn each_connection_is_a_flow_of_its_own() {
    let case = case(&format!(
        "{LISTENS}\
        +0 < S 0:0(0) win 1000\n\
        +0 > S. 0:0(0) ack 1 <...>\n\
        +0 < . 1:1(0) ack 1 win 1000\n\
        +0 accept(3, ..., ...) = 4\n\
        +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 5\n\
        +0 connect(5, ..., ...) = -1 EINPROGRESS (now)\n\
        +0 > S 0:0(0) <...>\n\
        +0 connect(5, AF_UNSPEC, ...) = 0\n\
        +0 connect(5, ..., ...) = -1 EINPROGRESS (now)\n\
        +0 > S 0:0(0) <...>\n\
        +0 close(3) = 0\n\
        +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n\
        +0 bind(3, ..., ...) = 0\n\
        +0 listen(3, 1) = 0\n\
        +0 < S 0:0(0) win 1000\n"
    ));
    let flows: Vec<&str> = case.flows.iter().map(|flow| flow.name.as_str()).collect();
    assert_eq!(flows, ["main", "flow2", "flow3", "flow4"]);
    let of_packets: Vec<String> =
        lines(&case).iter().map(|line| line.chars().take(1).collect::<String>()).collect();
    assert_eq!(of_packets, ["0", "0", "0", "1", "2", "3"]);
    let remotes: Vec<u16> = case.flows.iter().map(|flow| flow.remote.port()).collect();
    assert_eq!(remotes, [50_000, 8080, 8080, 50_003]);
    assert_eq!(case.descriptors, ["fd3", "fd4", "fd5", "fd3_2"]);
}

#[test]
fn what_is_not_written_of_a_packet_is_known() {
    let case = case(&format!("{LISTENS}+0 < S 0:0(0) win 1000\n+0 > SP. 0:0(0) ack 1\n"));
    let (_, injected) = packet(&case, "< S 0:0(0) win 1000");
    assert_eq!(injected.ip.ttl, Some(Num::exactly(255)));
    let (_, expected) = packet(&case, "> SP. 0:0(0) ack 1");
    assert_eq!(expected.ip.ttl, None);
    let tcp = segment(&case, "> SP. 0:0(0) ack 1");
    assert_eq!(tcp.options, OptionsSpec::Exactly(Vec::new()));
    assert_eq!((tcp.push, tcp.win), (Some(true), None));
}

#[test]
fn attributes_of_the_ip_header_are_lowered() {
    let case = case(&format!(
        "{LISTENS}\
        +0 < (tos 0xb9) S 0:0(0) win 1000\n\
        +0 > [ect01] S. 0:0(0) ack 1\n\
        +0 < [ce] . 1:1(0) ack 1 win 9\n\
        +0 > [ttl 64] . 1:1(0) ack 1\n\
        +0 < [ttl 255] . 1:1(0) ack 1 win 8\n"
    ));
    let ip = |text: &str| packet(&case, text).1.ip;
    let tos = ip("< (tos 0xb9) S 0:0(0) win 1000");
    assert_eq!((tos.dscp, tos.ecn), (Some(Num::exactly(0x2e)), Some(Num::exactly(1))));
    assert_eq!(ip("> [ect01] S. 0:0(0) ack 1").ecn.expect("written").to_string(), "1 or 2");
    assert_eq!(ip("< [ce] . 1:1(0) ack 1 win 9").ecn, Some(Num::exactly(3)));
    assert_eq!(ip("> [ttl 64] . 1:1(0) ack 1").ttl, Some(Num::exactly(64)));
    assert_eq!(ip("< [ttl 255] . 1:1(0) ack 1 win 8").ttl, Some(Num::exactly(255)));
}

#[test]
fn times_count_from_the_start_or_from_the_event_before() {
    let case = case(&format!(
        "{LISTENS}\
        +.1...0.4 accept(3, ..., ...) = 4\n\
        +.25 < S 0:0(0) win 1000\n\
        1~1.5 > S. 0:0(0) ack 1\n\
        +.1~+.2 > . 1:1(0) ack 1\n\
        * > . 1:1(0) ack 2\n\
        2 < . 1:1(0) ack 1 win 9\n"
    ));
    let ms = |n| TimeSpec::Known(Span::millis(n));
    let window = |base, from, to| When::Window { base, from: ms(from), to: ms(to) };
    let whens: Vec<When> = case.steps.iter().skip(3).map(|step| step.when.clone()).collect();
    assert_eq!(
        whens,
        [
            window(Base::Previous, 100, 100),
            window(Base::Previous, 250, 250),
            window(Base::Reached(0), 1000, 1500),
            window(Base::Previous, 100, 200),
            When::Any,
            window(Base::Reached(0), 2000, 2000),
        ]
    );
    let Action::Call { blocks, thread, .. } = &case.steps[3].action else { panic!("a call") };
    assert_eq!(*blocks, Blocks::For { from: ms(300), to: ms(300) });
    assert_eq!(case.threads[thread.0], "blocking");
}

#[test]
fn icmp_errors_quote_the_beginning_of_a_segment() {
    let case = case(&format!(
        "{CONNECTS}\
        +0 > S 0:0(0) <...>\n\
        +0 < S. 0:0(0) ack 1 win 1000\n\
        +0 > . 1:1(0) ack 1\n\
        +0 < icmp unreachable frag_needed mtu 1200 [1:1001(1000)]\n\
        +0 < icmp unreachable\n\
        +0 < icmp type_11 code_1 [raw (20)]\n\
        +0 < icmp echo_reply id 7 [raw (8)]\n"
    ));
    let icmp = message(&case, "< icmp unreachable frag_needed mtu 1200 [1:1001(1000)]");
    let numbers = [icmp.kind, icmp.code, icmp.mtu].map(|number| number.and_then(|number| number.known()));
    assert_eq!(numbers, [Some(3), Some(4), Some(1200)]);
    assert_eq!(icmp.quote_length, Some(28));
    let Quote::Packet(quoted) = icmp.quote else { panic!("a packet is quoted") };
    assert_eq!(render_packet(&quoted), "(ttl 255) none 1:1001(1000)");
    let Quote::Packet(quoted) = message(&case, "< icmp unreachable").quote else { panic!("one is quoted") };
    assert_eq!(render_packet(&quoted), "(ttl 255) none 0:0(0)");
    let raw = message(&case, "< icmp type_11 code_1 [raw (20)]");
    assert_eq!(raw.quote_length, Some(12));
    let echo = message(&case, "< icmp echo_reply id 7 [raw (8)]");
    assert_eq!((echo.id, echo.quote_length), (Some(7), Some(0)));
}

#[test]
fn a_variant_may_be_wrong_alone() {
    let script = format!("{LISTENS}+0 < S 0:0(0) win 1000\n+0 < icmp unreachable host_unreachable\n");
    let variants = variants("t", &script);
    let ids: Vec<&str> = variants.cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids, ["t[ipv4]", "t[ipv4-mapped-ipv6]"]);
    assert_eq!(variants.cases[1].ip, IpVersion::V4Mapped);
    let (id, wrong) = variants.invalid.first().expect("it is wrong as IPv6");
    assert_eq!(id, "t[ipv6]");
    let text = wrong.render(false);
    assert!(text.contains("host_unreachable is no code of the ICMP type unreachable in IPv6"), "{text}");
}

#[test]
fn a_name_may_restrict_the_variants() {
    let ids =
        |id: &str| -> Vec<String> { variants(id, LISTENS).cases.into_iter().map(|case| case.id).collect() };
    assert_eq!(ids("a/b-v4"), ["a/b-v4[ipv4]", "a/b-v4[ipv4-mapped-ipv6]"]);
    assert_eq!(ids("a/b-v6"), ["a/b-v6[ipv6]"]);
}

#[test]
fn options_make_the_world() {
    let script = format!(
        "--tolerance_usecs=8000\n--tolerance_percent=\"20.5\"\n--bind_port=99\n--connect_port=98\n--mtu=1400\n\
        --tcp_ts_tick_usecs=1000\n--strict_segments\n--tcp_ts_ecr_scaled\n--non_fatal=packet\n{LISTENS}\
        +0 < S 0:0(0) win 1000\n"
    );
    let variants = variants("t", &script);
    let Rules::Packetdrill(rules) = variants.cases[0].rules else { panic!("not by its rules") };
    assert_eq!((rules.tolerance, rules.per_million), (Span::millis(8), 205_000));
    assert_eq!(rules.tick, Span::millis(1));
    assert!(rules.whole_segments && rules.scaled_echo && rules.lenient && !rules.strict);
    assert_eq!(variants.cases[0].link.mtu, 1400);
    assert_eq!(variants.cases[2].link.mtu, 1520, "the command line of the variant wins");
    assert_eq!(variants.cases[0].flows[0].local, Some("192.168.0.1:99".parse().expect("an end")));
}

#[test]
fn the_command_line_wins() {
    let mut options = Options::default();
    for (name, value) in [("tolerance_usecs", "9000"), ("mtu", "1300"), ("local_ip", "10.1.1.1")] {
        options.settings.insert(name.to_owned(), value.to_owned());
    }
    let script = format!("--tolerance_usecs=8000\n{LISTENS}");
    let variants = from_bytes("t.pkt", "t", script.as_bytes(), &options, &()).expect("nothing is wrong");
    let Rules::Packetdrill(rules) = variants.cases[2].rules else { panic!("not by its rules") };
    assert_eq!((rules.tolerance, variants.cases[2].link.mtu), (Span::millis(9), 1300));
    assert_eq!(variants.cases[0].lacking[0].what, "the local address 10.1.1.1");
}

#[test]
fn tunnels_are_bytes_in_front() {
    let case = case(&format!(
        "{LISTENS}\
        +0 < ipv4 198.51.100.1 > 198.51.100.2: gre flags [key present], sum 0, off 0, key=7, seq 0: S 0:0(0) win 10 <mss 1000>\n"
    ));
    let found = case.steps.last().expect("a step");
    let Action::Inject { packet, .. } = &found.action else { panic!("injected") };
    let [ip, gre] = packet.ip.encapsulation.as_slice() else { panic!("two headers") };
    // 20 of this header, 8 of GRE, 20 + 24 of the segment.
    assert_eq!((ip.len(), u16::from_be_bytes([ip[2], ip[3]]), ip[9]), (20, 72, 47));
    assert_eq!(gre.as_slice(), [0x20, 0, 8, 0, 0, 0, 0, 7]);
}

#[test]
fn what_makes_no_sense_is_said() {
    for (script, expected) in [
        ("+0 > S 0:0(0)\n".to_owned(), "no socket is under test at this point"),
        ("1 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n".to_owned(), "the first event is not at time 0"),
        (format!("{LISTENS}2 listen(3, 1) = 0\n1 listen(3, 1) = 0\n"), "time goes backwards"),
        (format!("{LISTENS}+0 > S 0:0(0)\n"), "the socket under test has no connection"),
        (format!("{LISTENS}+0 accept(3, ..., ...) = 4\n"), "no connection that was sent a SYN-ACK"),
        (format!("{LISTENS}+0 < S 0:0(0) win 1\n+0 < icmp redirect mtu 9\n"), "this ICMP message has no MTU"),
        (format!("{LISTENS}+0 < S 0:0(0) win 1\n+0 < icmp nothing\n"), "nothing is no ICMP type in IPv4"),
        (format!("{LISTENS}+0 < S 0:0(0) win 1\n+0 < udp (10)\n"), "none of IPPROTO_UDP"),
        (format!("{LISTENS}+0 < S 0:0(0) win 1\n+0 > icmp echo_reply\n"), "none of IPPROTO_ICMP"),
    ] {
        let text = wrong(&script);
        assert!(text.contains(expected), "{script}{text}");
    }
}

#[test]
fn accept_alone_may_bind_a_number_twice() {
    let connection = "+0 < S 0:0(0) win 9\n+0 > S. 0:0(0) ack 1\n+0 < . 1:1(0) ack 1 win 9\n";
    let script = format!(
        "{LISTENS}{connection}+0 accept(3, ..., ...) = 4\n\
        +0 close(3) = 0\n+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 1) = 0\n\
        {connection}+0 accept(3, ..., ...) = 4\n+0 close(4) = 0\n+0 close(4) = 0\n"
    );
    let closed: Vec<_> = case(&script)
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::Call { call: Syscall::Close { fd }, .. } => Some(fd.0),
            _ => None,
        })
        .collect();
    assert_eq!(closed, [0, 3, 1]);
    let text = wrong(&format!("{script}+0 close(4) = 0\n"));
    assert!(text.contains("no open descriptor 4 at this point"), "{text}");
    let text = wrong(&format!("{LISTENS}+0 epoll_create(1) = 3\n"));
    assert!(text.contains("descriptor 3 is open already"), "{text}");
}
