//! Capture files: what is written comes back, to the nanosecond.

use std::borrow::Cow;
use std::time::Duration;

use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::name_resolution::Record;
use pcap_file::pcapng::blocks::section_header::SectionHeaderOption;
use pcap_file::pcapng::{Block, PcapNgReader, PcapNgWriter};
use pcap_file::{DataLink, Endianness};
use tcpdrill::trace::pcapng::{CaptureError, CaptureReader, CaptureWriter, Captured, Direction, Heading};

fn heading() -> Heading {
    Heading {
        interface: "bundled".to_owned(),
        description: "at the target".to_owned(),
        os: "none".to_owned(),
        comments: vec!["connect/refused[ip=v4]".to_owned(), "pass".to_owned()],
        names: vec![
            ("192.168.0.1".parse().unwrap(), "local".to_owned()),
            ("192.0.2.1".parse().unwrap(), "remote".to_owned()),
            ("fd00::1".parse().unwrap(), "local".to_owned()),
            ("fd00::2".parse().unwrap(), String::new()),
        ],
    }
}

fn packets() -> Vec<Captured> {
    let captured = |time, direction, comments: &[&str], bytes: &[u8]| Captured {
        time,
        direction: Some(direction),
        comments: comments.iter().map(ToString::to_string).collect(),
        bytes: bytes.to_vec(),
    };
    vec![
        captured(0, Direction::Inbound, &[], &[0x45, 1, 2]),
        captured(1, Direction::Outbound, &["line 4: expect", "wrong"], &[0x60; 41]),
        captured(1_700_000_000_123_456_789, Direction::Inbound, &["ünïcödé"], &[]),
        captured(u64::MAX, Direction::Outbound, &[], &[0x45; 1500]),
    ]
}

fn written() -> Vec<u8> {
    let mut writer = CaptureWriter::new(Vec::new(), &heading()).unwrap();
    for packet in packets() {
        writer.packet(packet.time, packet.direction.unwrap(), &packet.bytes, &packet.comments).unwrap();
    }
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> Vec<Captured> {
    CaptureReader::new(bytes).unwrap().map(Result::unwrap).collect()
}

#[test]
fn packets_come_back() {
    assert_eq!(read(&written()), packets());
}

#[test]
fn the_same_packets_give_the_same_bytes() {
    assert_eq!(written(), written());
    assert_eq!(written()[8..12], [0x4d, 0x3c, 0x2b, 0x1a], "little endian on every host");
}

#[test]
fn the_heading_is_there() {
    let bytes = written();
    let mut reader = PcapNgReader::new(bytes.as_slice()).unwrap();
    let options = reader.section().options.clone();
    assert!(options.contains(&SectionHeaderOption::Comment("connect/refused[ip=v4]".into())));
    assert!(options.contains(&SectionHeaderOption::Comment("pass".into())));
    assert!(options.contains(&SectionHeaderOption::OS("none".into())));
    let application = format!("tcpdrill {}", env!("CARGO_PKG_VERSION"));
    assert!(options.contains(&SectionHeaderOption::UserApplication(application.into())));
    let mut names = Vec::new();
    while let Some(block) = reader.next_block() {
        match block.unwrap() {
            Block::InterfaceDescription(interface) => {
                assert_eq!((interface.linktype, interface.snaplen), (DataLink::RAW, 0));
                assert!(interface.options.contains(&InterfaceDescriptionOption::IfName("bundled".into())));
                assert!(interface.options.contains(&InterfaceDescriptionOption::IfTsResol(9)));
                let description = InterfaceDescriptionOption::IfDescription("at the target".into());
                assert!(interface.options.contains(&description));
            }
            Block::NameResolution(block) => {
                names.extend(block.records.iter().map(|record| match record {
                    Record::Ipv4(record) => (record.ip_addr.to_vec(), record.names[0].to_string()),
                    Record::Ipv6(record) => (record.ip_addr.to_vec(), record.names[0].to_string()),
                    other => panic!("{other:?}"),
                }));
            }
            _ => {}
        }
    }
    let names: Vec<(usize, &str)> =
        names.iter().map(|(address, name)| (address.len(), name.as_str())).collect();
    assert_eq!(names, [(4, "local"), (4, "remote"), (16, "local")]);
}

/// A capture of one packet at `units`, with these options of its interface.
fn foreign(linktype: DataLink, options: Vec<InterfaceDescriptionOption<'static>>, units: u64) -> Vec<u8> {
    let mut writer = PcapNgWriter::with_endianness(Vec::new(), Endianness::Big).unwrap();
    writer.write_pcapng_block(InterfaceDescriptionBlock { linktype, snaplen: 0, options }).unwrap();
    let packet = EnhancedPacketBlock {
        interface_id: 0,
        timestamp: Duration::from_nanos(units),
        original_len: 1,
        data: Cow::Borrowed(&[0x45]),
        options: vec![],
    };
    writer.write_pcapng_block(packet).unwrap();
    writer.into_inner()
}

#[test]
fn times_of_other_resolutions_are_multiplied() {
    let resolution = |value| vec![InterfaceDescriptionOption::IfTsResol(value)];
    let table = [
        (vec![], 1, 1000),
        (resolution(6), 2, 2000),
        (resolution(9), 1, 1),
        (resolution(3), 1, 1_000_000),
        (resolution(12), 1999, 1),
        (resolution(0), 7, 7_000_000_000),
        (resolution(0x80 | 10), 1024, 1_000_000_000),
        (resolution(0x7f), u64::MAX, 0),
        (resolution(0), u64::MAX, u64::MAX),
        (vec![InterfaceDescriptionOption::IfTsOffset(3)], 1, 3_000_001_000),
    ];
    for (options, units, want) in table {
        let read = read(&foreign(DataLink::RAW, options.clone(), units));
        assert_eq!((read[0].time, read[0].direction), (want, None), "{units} units, {options:?}");
    }
}

#[test]
fn what_is_no_capture_of_ip_is_refused() {
    let ethernet = foreign(DataLink::ETHERNET, vec![], 1);
    let read: Vec<_> = CaptureReader::new(ethernet.as_slice()).unwrap().collect();
    assert!(matches!(read[..], [Err(CaptureError::Format(_))]), "{read:?}");
    assert!(CaptureReader::new(b"GIF89a but long enough to be a block header".as_slice()).is_err());
}

#[test]
fn overlong_comments_are_cut_between_characters() {
    let mut writer = CaptureWriter::new(Vec::new(), &Heading::default()).unwrap();
    writer.packet(0, Direction::Inbound, &[], &["ü".repeat(40_000)]).unwrap();
    let read = read(&writer.finish().unwrap());
    assert_eq!(read[0].comments, ["ü".repeat(0xffff / 2)]);
}
