//! Against the strict codec of the bundled stack: two codecs that share no code say the same of every segment.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;
use stack_under_test::codec::Plain;
use tcpdrill::wire::{Body, Checksum, Ip, Ipv4, Ipv6, Lies, Packet, Tcp, TcpOption, build, parse};

use super::strategies::tcp;

fn headers() -> impl Strategy<Value = Ip> {
    any::<bool>().prop_map(|v6| {
        if v6 {
            let local = Ipv6Addr::new(0xfd3d, 0xa0b, 0x17d6, 0, 0, 0, 0, 1);
            Ip::V6(Ipv6::new(Ipv6Addr::new(0xfd3d, 0xfa7b, 0xd17d, 0, 0, 0, 0, 1), local))
        } else {
            Ip::V4(Ipv4::new(Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 168, 0, 1)))
        }
    })
}

fn plain() -> impl Strategy<Value = Plain> {
    let numbers = any::<(u32, u32, u8, u16, u16, u16)>();
    let options = any::<(Option<u16>, Option<u8>, bool, Option<(u32, u32)>)>();
    // As much as fits beside all others.
    let fast_open = proptest::option::of(select(
        [(Vec::new(), false), (Vec::new(), true), (std::vec![1, 2, 3, 4], false)].to_vec(),
    ));
    let lists = (vec(any::<(u32, u32)>(), 0..=1), vec(any::<u8>(), 0..=100));
    (numbers, options, fast_open, lists, headers()).prop_map(
        |(
            (seq, ack, flags, window, sport, dport),
            (mss, shift, sack_permitted, timestamps),
            fast_open,
            (sack, payload),
            ip,
        )| Plain {
            source: SocketAddr::new(ip.src(), sport),
            destination: SocketAddr::new(ip.dst(), dport),
            seq,
            ack,
            flags,
            window,
            mss,
            window_scale: shift.map(|shift| shift % 15),
            sack_permitted,
            timestamps,
            sack,
            fast_open,
            payload,
        },
    )
}

/// The last option of its kind counts, as everywhere.
fn last<T>(tcp: &Tcp, wanted: impl Fn(&TcpOption) -> Option<T>) -> Option<T> {
    tcp.options.iter().take_while(|option| **option != TcpOption::Eol).filter_map(wanted).last()
}

proptest! {
    #[test]
    fn what_the_harness_builds_the_stack_reads(ip in headers(), tcp in tcp()) {
        let packet = Packet { ip, body: Body::Tcp(tcp.clone()) };
        let bytes = build(&packet, &Lies::default()).concat();
        let read = Plain::read(&bytes).expect("a well-formed segment is not dropped");
        prop_assert_eq!(read.source, packet.endpoints().unwrap().src);
        prop_assert_eq!(read.destination, packet.endpoints().unwrap().dst);
        prop_assert_eq!((read.seq, read.ack, read.window), (tcp.seq, tcp.ack, tcp.win));
        prop_assert_eq!(u16::from(read.flags), tcp.flags.bits() & 0xff);
        let mss = last(&tcp, |option| if let TcpOption::Mss(mss) = option { Some(*mss) } else { None });
        let mss = mss.filter(|mss| *mss != 0);
        prop_assert_eq!(read.mss, mss);
        let stamps = last(&tcp, |option| if let TcpOption::Ts { val, ecr } = option { Some((*val, *ecr)) } else { None });
        prop_assert_eq!(read.timestamps, stamps);
        prop_assert_eq!(read.payload, tcp.payload);
    }

    #[test]
    fn what_the_stack_writes_the_harness_reads(plain in plain(), id in any::<u16>()) {
        let parsed = parse(&plain.write(id)).expect("the stack writes packets");
        prop_assert!(parsed.faults.is_empty(), "{:?}", parsed.faults);
        let ends = parsed.packet.endpoints().expect("of TCP");
        prop_assert_eq!((ends.src, ends.dst), (plain.source, plain.destination));
        let tcp = parsed.packet.tcp().unwrap();
        prop_assert_eq!((tcp.seq, tcp.ack, tcp.win), (plain.seq, plain.ack, plain.window));
        prop_assert_eq!(tcp.flags.bits(), u16::from(plain.flags));
        prop_assert_eq!(tcp.mss(), plain.mss);
        prop_assert_eq!(tcp.wscale(), plain.window_scale);
        prop_assert_eq!(tcp.sack_ok(), plain.sack_permitted);
        prop_assert_eq!(tcp.timestamps(), plain.timestamps);
        let sack = tcp.options.iter().find_map(|option| if let TcpOption::Sack(blocks) = option { Some(blocks.clone()) } else { None });
        prop_assert_eq!(sack.unwrap_or_default(), plain.sack);
        let cookie = tcp.options.iter().find_map(|option| match option {
            TcpOption::FastOpen(cookie) => Some((cookie.clone(), false)),
            TcpOption::FastOpenExp(cookie) => Some((cookie.clone(), true)),
            _ => None,
        });
        prop_assert_eq!(cookie, plain.fast_open.clone());
        prop_assert_eq!(&tcp.payload, &plain.payload);
    }

    #[test]
    fn a_bad_checksum_is_bad_for_both(ip in headers(), tcp in tcp()) {
        let packet = Packet { ip, body: Body::Tcp(tcp) };
        let lies = Lies { checksum: Checksum::Bad, ..Lies::default() };
        let bytes = build(&packet, &lies).concat();
        prop_assert!(Plain::read(&bytes).is_err());
        prop_assert!(!parse(&bytes).unwrap().faults.is_empty());
    }
}
