//! The lossless codec: packets of all sizes built and read.

#![expect(clippy::unwrap_used, reason = "what goes wrong fails the benchmark")]

use std::hint::black_box;
use std::net::{Ipv4Addr, Ipv6Addr};

use criterion::{Criterion, Throughput};
use tcpdrill::wire::notation::{Bases, packet_text};
use tcpdrill::wire::{Body, Flags, Ip, Ipv4, Ipv6, Lies, Packet, Tcp, TcpOption, build, parse};

/// A segment with timestamps and so many bytes.
fn packet(ip: Ip, length: usize) -> Packet {
    let body = Body::Tcp(Tcp {
        sport: 8080,
        dport: 8080,
        seq: 1,
        ack: 1,
        flags: Flags::PSH | Flags::ACK,
        win: 1000,
        options: vec![TcpOption::Nop, TcpOption::Nop, TcpOption::Ts { val: 1, ecr: 2 }],
        payload: vec![7; length],
        ..Tcp::default()
    });
    Packet { ip, body }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let v4 = Ip::V4(Ipv4::new(Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 168, 0, 1)));
    let v6 = Ip::V6(Ipv6::new(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST));
    for (name, ip, length) in [("v4-empty", &v4, 0), ("v4-full", &v4, 1448), ("v6-full", &v6, 1428)] {
        let packet = packet(ip.clone(), length);
        let bytes = build(&packet, &Lies::default()).remove(0);
        let mut group = criterion.benchmark_group(format!("wire/{name}"));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("build", |bench| {
            bench.iter(|| build(black_box(&packet), &Lies::default()));
        });
        group.bench_function("parse", |bench| bench.iter(|| parse(black_box(&bytes)).unwrap()));
        group.bench_function("text", |bench| {
            bench.iter(|| packet_text(black_box(&packet), &Bases::default()));
        });
        group.finish();
    }
    criterion.final_summary();
}
