//! What we build, etherparse reads as the same; what etherparse builds, we read without faults.

use std::net::{IpAddr, SocketAddr};

use etherparse::checksum::Sum16BitWords;
use etherparse::{
    Icmpv6Slice, NetHeaders, PacketBuilder, PacketHeaders, TcpHeader, TransportHeader,
};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use tcpdrill::wire::{
    Body, Extension, Flags, Ip, Ipv4, Ipv6, Lies, Packet, Tcp, build, encode_options, parse,
    protocol,
};

use crate::strategies::{bare_ip, icmp, ipv4, ipv6, tcp};

fn built(packet: &Packet) -> Vec<u8> {
    build(packet, &Lies::default()).remove(0)
}

fn flags_of(header: &TcpHeader) -> Flags {
    let table = [
        (header.fin, Flags::FIN),
        (header.syn, Flags::SYN),
        (header.rst, Flags::RST),
        (header.psh, Flags::PSH),
        (header.ack, Flags::ACK),
        (header.urg, Flags::URG),
        (header.ece, Flags::ECE),
        (header.cwr, Flags::CWR),
        (header.ns, Flags::AE),
    ];
    table
        .iter()
        .filter(|(set, _)| *set)
        .fold(Flags::NONE, |flags, (_, flag)| flags | *flag)
}

fn assert_same_tcp(ours: &Tcp, header: &TcpHeader, payload: &[u8]) {
    assert_eq!(
        (header.source_port, header.destination_port),
        (ours.sport, ours.dport)
    );
    assert_eq!(
        (header.sequence_number, header.acknowledgment_number),
        (ours.seq, ours.ack)
    );
    assert_eq!(flags_of(header), ours.flags);
    assert_eq!(
        (header.window_size, header.urgent_pointer),
        (ours.win, ours.urg)
    );
    assert_eq!(header.options.as_slice(), encode_options(&ours.options));
    assert_eq!(payload, ours.payload);
}

fn assert_same_ipv4(ours: &Ipv4, header: &etherparse::Ipv4Header, length: usize) {
    assert_eq!(
        (header.source, header.destination),
        (ours.src.octets(), ours.dst.octets())
    );
    assert_eq!(
        (header.dscp.value(), header.ecn.value()),
        (ours.dscp, ours.ecn)
    );
    assert_eq!(
        (header.identification, header.time_to_live),
        (ours.id, ours.ttl)
    );
    assert_eq!(
        (header.dont_fragment, header.more_fragments),
        (ours.df, ours.mf)
    );
    assert_eq!(header.fragment_offset.value() * 8, ours.offset);
    assert_eq!(header.options.as_slice(), ours.options);
    assert_eq!(usize::from(header.total_len), length);
    assert_eq!(header.header_checksum, header.calc_header_checksum());
}

fn assert_same_ipv6(ours: &Ipv6, header: &etherparse::Ipv6Header, length: usize) {
    assert_eq!(
        (header.source, header.destination),
        (ours.src.octets(), ours.dst.octets())
    );
    assert_eq!(header.traffic_class, ours.dscp << 2 | ours.ecn);
    assert_eq!(
        (header.flow_label.value(), header.hop_limit),
        (ours.flow_label, ours.hop_limit)
    );
    assert_eq!(usize::from(header.payload_length), length - 40);
}

proptest! {
    #[test]
    fn etherparse_reads_our_tcp_over_ipv4(ip in ipv4(), tcp in tcp()) {
        let bytes = built(&Packet { ip: Ip::V4(ip.clone()), body: Body::Tcp(tcp.clone()) });
        let read = PacketHeaders::from_ip_slice(&bytes).unwrap();
        let Some(NetHeaders::Ipv4(header, _)) = read.net else { panic!("not IPv4: {:?}", read.net) };
        assert_same_ipv4(&ip, &header, bytes.len());
        let Some(TransportHeader::Tcp(segment)) = read.transport else { panic!("not TCP: {:?}", read.transport) };
        assert_same_tcp(&tcp, &segment, read.payload.slice());
        prop_assert_eq!(segment.checksum, segment.calc_checksum_ipv4(&header, read.payload.slice()).unwrap());
    }

    #[test]
    fn etherparse_reads_our_tcp_over_ipv6(mut ip in ipv6(0), tcp in tcp(), hop in any::<[u8; 6]>(), id in any::<u32>()) {
        ip.ext = vec![
            Extension::HopByHop(hop.to_vec()),
            Extension::Fragment { offset: 0, more: false, id },
        ];
        let bytes = built(&Packet { ip: Ip::V6(ip.clone()), body: Body::Tcp(tcp.clone()) });
        let read = PacketHeaders::from_ip_slice(&bytes).unwrap();
        let Some(NetHeaders::Ipv6(header, extensions)) = read.net else { panic!("not IPv6: {:?}", read.net) };
        assert_same_ipv6(&ip, &header, bytes.len());
        let options = extensions.hop_by_hop_options.unwrap();
        prop_assert_eq!(options.payload(), &hop);
        prop_assert_eq!(extensions.fragment.unwrap().identification, id);
        let Some(TransportHeader::Tcp(segment)) = read.transport else { panic!("not TCP: {:?}", read.transport) };
        assert_same_tcp(&tcp, &segment, read.payload.slice());
        prop_assert_eq!(segment.checksum, segment.calc_checksum_ipv6(&header, read.payload.slice()).unwrap());
    }

    #[test]
    fn etherparse_reads_our_icmp(ip in bare_ip(), icmp in icmp()) {
        let bytes = built(&Packet { ip: ip.clone(), body: Body::Icmp(icmp.clone()) });
        let message = &bytes[ip.version().header_len()..];
        prop_assert_eq!((message[0], message[1]), (icmp.kind, icmp.code));
        prop_assert_eq!(&message[4..8], &icmp.rest.to_be_bytes());
        prop_assert_eq!(&message[8..], &icmp.payload);
        match ip {
            Ip::V4(_) => {
                // Its own types of message drop the words that they do not use.
                let sum = Sum16BitWords::new().add_slice(message);
                prop_assert_eq!(sum.ones_complement(), 0);
            }
            Ip::V6(ip) => {
                let read = Icmpv6Slice::from_slice(message).unwrap();
                prop_assert!(read.is_checksum_valid(ip.src.octets(), ip.dst.octets()));
            }
        }
    }

    #[test]
    fn we_read_what_etherparse_builds(ip in bare_ip(), tcp in tcp()) {
        let start = match &ip {
            Ip::V4(ip) => PacketBuilder::ipv4(ip.src.octets(), ip.dst.octets(), ip.ttl),
            Ip::V6(ip) => PacketBuilder::ipv6(ip.src.octets(), ip.dst.octets(), ip.hop_limit),
        };
        let mut header = TcpHeader::new(tcp.sport, tcp.dport, tcp.seq, tcp.win);
        header.acknowledgment_number = tcp.ack;
        header.urgent_pointer = tcp.urg;
        header.set_options_raw(&encode_options(&tcp.options)).unwrap();
        for (flag, bit) in [
            (Flags::FIN, &mut header.fin),
            (Flags::SYN, &mut header.syn),
            (Flags::RST, &mut header.rst),
            (Flags::PSH, &mut header.psh),
            (Flags::ACK, &mut header.ack),
            (Flags::URG, &mut header.urg),
            (Flags::ECE, &mut header.ece),
            (Flags::CWR, &mut header.cwr),
            (Flags::AE, &mut header.ns),
        ] {
            *bit = tcp.flags.contains(flag);
        }
        let mut bytes = Vec::new();
        start.tcp_header(header).write(&mut bytes, &tcp.payload).unwrap();

        let parsed = parse(&bytes).unwrap();
        prop_assert_eq!(&parsed.faults, &vec![]);
        prop_assert_eq!(parsed.packet.tcp(), Some(&tcp));
        prop_assert_eq!(parsed.packet.ip.src(), ip.src());
        prop_assert_eq!(parsed.packet.ip.dst(), ip.dst());
        prop_assert_eq!(parsed.packet.ip.ttl(), ip.ttl());
        let ends = parsed.packet.endpoints().unwrap();
        prop_assert_eq!(ends.src, SocketAddr::new(ip.src(), tcp.sport));
        prop_assert_eq!(ends.reversed().src, SocketAddr::new(ip.dst(), tcp.dport));
    }

    #[test]
    fn we_read_the_pings_of_etherparse(ip in bare_ip(), id in any::<u16>(), seq in any::<u16>(), data in vec(any::<u8>(), 0..50)) {
        let mut bytes = Vec::new();
        let (kind, number) = match (ip.src(), ip.dst()) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let start = PacketBuilder::ipv4(src.octets(), dst.octets(), 64);
                start.icmpv4_echo_request(id, seq).write(&mut bytes, &data).unwrap();
                (8, protocol::ICMP)
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let start = PacketBuilder::ipv6(src.octets(), dst.octets(), 64);
                start.icmpv6_echo_request(id, seq).write(&mut bytes, &data).unwrap();
                (128, protocol::ICMPV6)
            }
            mixed => panic!("mixed versions: {mixed:?}"),
        };
        let parsed = parse(&bytes).unwrap();
        prop_assert_eq!(&parsed.faults, &vec![]);
        prop_assert_eq!(parsed.packet.protocol(), number);
        let icmp = parsed.packet.icmp().unwrap();
        prop_assert_eq!((icmp.kind, icmp.code, icmp.rest), (kind, 0, u32::from(id) << 16 | u32::from(seq)));
        prop_assert_eq!(&icmp.payload, &data);
    }
}
