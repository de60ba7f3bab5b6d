//! Every mistake in a script is told at the words at fault. The committed snapshots show how.

use crate::{check, read};

/// What is told of each of these scripts.
fn told(scripts: &[&str]) -> String {
    let mut out = String::new();
    for script in scripts {
        match read(script) {
            Err(found) => out += &format!("{}\n", found.render(false)),
            Ok(_) => panic!("no mistake in {script}"),
        }
    }
    out
}

/// The same of events behind one that is right.
fn told_of_events(events: &[&str]) -> String {
    let scripts: Vec<String> = events.iter().map(|event| format!("0 close(9) = 0\n{event}\n")).collect();
    told(&scripts.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn in_the_file() {
    let scripts = [
        "",
        "// nothing\n",
        "--mtu=1000\n",
        "`true`\n",
        "1 close(3) = 0\n",
        "--mtu 1000\n0 close(3) = 0\n",
        "--mtu=\n0 close(3) = 0\n",
        "--=5\n0 close(3) = 0\n",
        "--tolerance_percent=12.5\n0 close(3) = 0\n",
        "--remote_ip=192.0.2.1/24\n0 close(3) = 0\n",
        "--ip_version=ipv4-mapped-ipv6\n0 close(3) = 0\n",
        "--define=A\n0 close(3) = 0\n",
        "--define\n0 close(3) = 0\n",
        "--define=5=A\n0 close(3) = 0\n",
        "--define=A=5\n0 close(3) = 0\n",
        "--mtu=!\n0 close(3) = 0\n",
        "0 close(3) = 0\n--mtu=1000\n",
        "`true`\n`true`\n0 close(3) = 0\n",
        "0 close(3) = 0\n`true`\n`true`\n",
        "0 close(3) = 0\n# comment\n",
        "0 close(3) = 0\n#ifdef A\n+0 close(4) = 0\n",
        "0 close(3) = 0\n+0 open(\"a, 0) = 3\n+0 close(3) = 0\n",
        "0 `true\n+0 close(3) = 0\n",
        "0 %{ assert 1 == 1\n+0 close(3) = 0\n",
        "0 close(3) = 0 /* here\n+0 close(3) = 0\n",
        "0 close(3) = 0 \u{7}\n",
        "0 close(3) =\r 0\n",
        "\u{0}\u{1}\u{2}",
        "0 close(3) = \u{e9}\n",
    ];
    check("mistakes_in_the_file.txt", &told(&scripts));
}

#[test]
fn in_times() {
    let events = [
        "< . 1:1(0) ack 1 win 5",
        "close(3) = 0",
        "`true`\n+0 close(3) = 0",
        "%{ 1 }%",
        ") 5",
        "-1 close(3) = 0",
        "+-.5 close(3) = 0",
        "1e3 close(3) = 0",
        "+0x5 close(3) = 0",
        "99999999999 close(3) = 0",
        "+1~2 > . 1:1(0) ack 1",
        "1~+2 > . 1:1(0) ack 1",
        "2~1 > . 1:1(0) ack 1",
        "* close(3) = 0",
        "1~2 < . 1:1(0) ack 1 win 5",
        "+1...+2 close(3) = 0",
        "+2...1 close(3) = 0",
        "+1~+2...3 close(3) = 0",
        "*...3 close(3) = 0",
        "+1...2 > . 1:1(0) ack 1",
        "+1...2 `true`",
        "+1 [",
        "+1",
    ];
    check("mistakes_in_times.txt", &told_of_events(&events));
}

#[test]
fn in_segments() {
    let events = [
        "+0 > X. 1:1(0) ack 1",
        "+0 > 5. 1:1(0) ack 1",
        "+0 > S9 1:1(0) ack 1",
        "+0 > S5.5 1:1(0) ack 1",
        "+0 > SW5. 1:1(0) ack 1",
        "+0 > S 1:1001(999)",
        "+0 > S 5:1(0)",
        "+0 > P. 4294967295:0(1)",
        "+0 > P. 1:70001(70000) ack 1",
        "+0 > P. 1:1001 ack 1",
        "+0 > P. 1:1001(1000 ack 1",
        "+0 > P. 1-1001(1000) ack 1",
        "+0 > P. ack 1",
        "+0 > P. 0x1:11(10) ack 1",
        "+0 > P. 1:11(10) ack",
        "+0 > P. 1:11(10) ack -1",
        "+0 > P. 1:11(10) ack 4294967296",
        "+0 > P. 1:11(10) akc 1",
        "+0 > P. 1:11(10) win 5 ack 1",
        "+0 > P. 1:11(10) ack 1 win 70000",
        "+0 > P. 1:11(10) ack 1 wim 700",
        "+0 > P. 1:11(10) ack 1 urg 3 win 5",
        "+0 > P. 1:11(10) ack 1 <nop> <nop>",
        "+0 < P. 1:11(10) ack 1",
        "+0 < P. 1:11(10) ack 1 <nop,nop,nop,nop>",
        "+0 < S 0:0(0) win 5 <...>",
        "+0 > P. 1:11(10) ack 1\n< . 1:1(0) ack 11 win 5",
        "+0 > 5000 > 80800 P. 1:11(10) ack 1",
        "+0 > . 1:1(0) ack 1 /udp(5)",
        "+0 P. 1:11(10) ack 1",
    ];
    check("mistakes_in_segments.txt", &told_of_events(&events));
}

#[test]
fn in_options() {
    let events = [
        "+0 > S 0:0(0) <>",
        "+0 > S 0:0(0) <mss>",
        "+0 > S 0:0(0) <mss 70000>",
        "+0 > S 0:0(0) <mss 0x10>",
        "+0 > S 0:0(0) <mms 1460>",
        "+0 > S 0:0(0) <sackok,nop,nop>",
        "+0 > S 0:0(0) <mss 1460\n+0 close(3) = 0",
        "+0 > S 0:0(0) <mss 1460;nop>",
        "+0 > S 0:0(0) <wscale 256,nop>",
        "+0 > S 0:0(0) <wscale 7>",
        "+0 > S 0:0(0) <sackOK,TS val 1 ecr 0,nop>",
        "+0 > . 1:1(0) ack 1 <sack>",
        "+0 > . 1:1(0) ack 1 <nop,nop,sack 1:2 3>",
        "+0 > . 1:1(0) ack 1 <nop,nop,sack 1:2 3:4 5:6 7:8 9:10>",
        "+0 > . 1:1(0) ack 1 <nop,nop,TS 1 ecr 2>",
        "+0 > . 1:1(0) ack 1 <nop,nop,TS val 1>",
        "+0 > S 0:0(0) <FO abc,nop>",
        "+0 > S 0:0(0) <FO TFO_COOKIE,nop,nop>",
        "+0 > S 0:0(0) <FO CODE,nop,nop>",
        "+0 > S 0:0(0) <md5 00112233445566778899aabbccddeeff00,nop>",
        "+0 > S 0:0(0) <md5>",
        "+0 > . 1:1(0) ack 1 <ECN>",
        "+0 > . 1:1(0) ack 1 <ECN ceb 1>",
        "+0 > . 1:1(0) ack 1 <ECN e0b 1 e1b 1>",
        "+0 > . 1:1(0) ack 1 <ECN e0b 16777216,nop,nop,nop>",
        "+0 > . 1:1(0) ack 1 <gen-300 aabb>",
        "+0 > . 1:1(0) ack 1 <gen aabb>",
        "+0 > . 1:1(0) ack 1 <exp-zz>",
        "+0 > . 1:1(0) ack 1 <AccECN0 ee0b 1 ee0b 1 ee0b 1 ee0b 1>",
    ];
    check("mistakes_in_options.txt", &told_of_events(&events));
}

#[test]
fn in_other_packets() {
    let events = [
        "+0 > udp 100",
        "+0 > udp (100",
        "+0 > udp (70000)",
        "+0 < icmp",
        "+0 < icmp unreachable host_unreachable mut 5",
        "+0 < icmp unreachable [1:1(0)",
        "+0 < icmp unreachable [raw (7)]",
        "+0 < icmp unreachable mtu -5",
        "+0 > [ect2] . 1:1(0) ack 1",
        "+0 > [ect0 . 1:1(0) ack 1",
        "+0 > [ect0) . 1:1(0) ack 1",
        "+0 > [] . 1:1(0) ack 1",
        "+0 > [tos 16] . 1:1(0) ack 1",
        "+0 > [tos 0x100] . 1:1(0) ack 1",
        "+0 > [ttl 256] . 1:1(0) ack 1",
        "+0 > [ecn maybe] . 1:1(0) ack 1",
        "+0 < [ect01] . 1:1(0) ack 1 win 5",
        "+0 < ipv4 2001:db8::1 > 192.0.2.1: . 1:1(0) ack 1 win 5",
        "+0 < ipv4 192.0.2.1: . 1:1(0) ack 1 win 5",
        "+0 < ipv4 192.0.2.1 > 192.0.2.2 . 1:1(0) ack 1 win 5",
        "+0 > gre: gre: gre: gre: gre: . 1:1(0) ack 1",
        "+0 > gre flags 0x2000, key 5: . 1:1(0) ack 1",
        "+0 > gre flags [keys present]: . 1:1(0) ack 1",
        "+0 > mpls (label 1048576, tc 8, ttl 256): . 1:1(0) ack 1",
        "+0 > mpls (label 1, tc 2, [S] ttl 3): . 1:1(0) ack 1",
        "+0 > mpls 5: . 1:1(0) ack 1",
        "+0 > !",
    ];
    check("mistakes_in_other_packets.txt", &told_of_events(&events));
}

#[test]
fn in_calls() {
    let nested = format!("+0 close({}", "[".repeat(1000));
    let events = [
        "+0 accept4(3, ..., ..., 0) = 4",
        "+0 sendt(3, ..., 5) = 4",
        "+0 close 3 = 4",
        "+0 clos 3 = 4",
        "+0 close(3 = 4",
        "+0 close(3\n+0 close(4) = 0",
        "+0 close(3))= 4",
        "+0 close(3, ) = 4",
        "+0 close(3 4) = 4",
        "+0 close(3)",
        "+0 close(3) = EBADF",
        "+0 close(3) = ...",
        "+0 close(3) = ?",
        "+0 close(3) = 99999999999999999999",
        "+0 close(3) = 0x10000000000000000",
        "+0 close(3) = -1 EBADF",
        "+0 close(3) = -1 EBADF (Bad\n+0 close(4) = 0",
        "+0 close(1.5) = 4",
        "+0 close([1) = 4",
        "+0 close({fd=1, events) = 4",
        "+0 close({fd=1 events=2}) = 4",
        "+0 close({fd=1, 5}) = 4",
        "+0 close({..., 5) = 4",
        "+0 close({msg_iov(1 =5}) = 4",
        "+0 close(A|) = 4",
        "+0 close(A|[1]) = 4",
        "+0 close(...|1) = 4",
        r#"+0 open("a\q", 0) = 4"#,
        r#"+0 open("a\x0g", 0) = 4"#,
        "+0 close({flags 5, sum 4}) = 4",
        "+0 close({(label 1}) = 4",
        nested.as_str(),
    ];
    check("mistakes_in_calls.txt", &told_of_events(&events));
}

#[test]
fn reading_goes_on_behind_a_mistake() {
    let script = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n\
        +0 bind(3, ..., ... = 0\n\
        +0 listen(3, 1) = 0\n\
        +0 < S 0:1(0) win 70000 <mss 1000,nop>\n\
        +0 > S. 0:0(0) ack 1 <mms 1460,\n     nop>\n\
        +0 accpt(3, ..., ...) = 4\n\
        < . 1:1(0) ack 1 win 5\n\
        +0 close(4) = 0\n";
    check("mistakes_in_many_events.txt", &told(&[script]));
}
