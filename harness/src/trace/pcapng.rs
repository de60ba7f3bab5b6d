//! Captures in pcapng: written for people with Wireshark, and read back.
//!
//! Times are nanoseconds since an epoch of the caller's choice. The same packets give the same bytes, on every host.

use std::borrow::Cow;
use std::io::{Read, Write};
use std::net::IpAddr;

use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::name_resolution::{Ipv4Record, Ipv6Record, NameResolutionBlock, Record};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{Block, PcapNgReader, PcapNgWriter};
use pcap_file::{DataLink, Endianness, PcapError};
use thiserror::Error;

/// The resolution option's value for nanoseconds: powers of ten.
const NANOSECONDS: u8 = 9;
/// What it means when there is none: microseconds.
const DEFAULT_RESOLUTION: u8 = 6;
/// Lengths of options have 16 bits; longer texts are cut.
const LONGEST_TEXT: usize = 0xffff;
/// Which way a packet went, in the lowest two bits of its flags.
const DIRECTION_BITS: u32 = 3;

/// Which way a packet went, seen from the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Injected.
    Inbound,
    /// Emitted.
    Outbound,
}

impl Direction {
    fn flags(self) -> u32 {
        match self {
            Self::Inbound => 1,
            Self::Outbound => 2,
        }
    }

    fn from_flags(flags: u32) -> Option<Self> {
        match flags & DIRECTION_BITS {
            1 => Some(Self::Inbound),
            2 => Some(Self::Outbound),
            _ => None,
        }
    }
}

/// A capture file could not be written or read.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// The disk's fault.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The file is no pcapng, or one of another kind.
    #[error("not a capture that can be read: {0}")]
    Format(String),
}

impl From<PcapError> for CaptureError {
    fn from(error: PcapError) -> Self {
        match error {
            PcapError::IoError(error) => Self::Io(error),
            other => Self::Format(other.to_string()),
        }
    }
}

/// What stands at the top of a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heading {
    /// Name of the interface, e.g. the target's.
    pub interface: String,
    /// About the interface; empty for none.
    pub description: String,
    /// The operating system that the target is, or runs on; empty for none.
    pub os: String,
    /// About the whole capture, e.g. the case's id.
    pub comments: Vec<String>,
    /// Names for addresses.
    pub names: Vec<(IpAddr, String)>,
}

/// Writes a capture. Every packet is given to the writer as it comes; nothing has to be finished.
pub struct CaptureWriter<W: Write> {
    writer: PcapNgWriter<W>,
}

impl<W: Write> CaptureWriter<W> {
    /// Starts a capture.
    ///
    /// # Errors
    /// If `writer` cannot be written to.
    pub fn new(writer: W, heading: &Heading) -> Result<Self, CaptureError> {
        let comment = |comment: &String| SectionHeaderOption::Comment(text(comment).into_owned().into());
        let mut options: Vec<_> = heading.comments.iter().map(comment).collect();
        if !heading.os.is_empty() {
            options.push(SectionHeaderOption::OS(text(&heading.os).into_owned().into()));
        }
        let application = concat!("tcpdrill ", env!("CARGO_PKG_VERSION"));
        options.push(SectionHeaderOption::UserApplication(application.into()));
        // Not the host's byte order, so that captures of the same case can be compared as files.
        let section =
            SectionHeaderBlock { endianness: Endianness::Little, options, ..SectionHeaderBlock::default() };
        let mut writer = PcapNgWriter::with_section_header(writer, section)?;
        let mut options = vec![
            InterfaceDescriptionOption::IfName(text(&heading.interface)),
            InterfaceDescriptionOption::IfTsResol(NANOSECONDS),
        ];
        if !heading.description.is_empty() {
            options.push(InterfaceDescriptionOption::IfDescription(text(&heading.description)));
        }
        let interface = InterfaceDescriptionBlock { linktype: DataLink::RAW, snaplen: 0, options };
        writer.write_pcapng_block(interface)?;
        if let Some(names) = name_resolution(&heading.names) {
            writer.write_pcapng_block(names)?;
        }
        Ok(Self { writer })
    }

    /// Adds a packet that starts with its IP header, at `time` nanoseconds, with its comments.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn packet(
        &mut self,
        time: u64,
        direction: Direction,
        bytes: &[u8],
        comments: &[String],
    ) -> Result<(), CaptureError> {
        let mut options: Vec<_> =
            comments.iter().map(|comment| EnhancedPacketOption::Comment(text(comment))).collect();
        options.push(EnhancedPacketOption::Flags(direction.flags()));
        self.writer.write_pcapng_block(EnhancedPacketBlock {
            interface_id: 0,
            // pcap-file writes the nanoseconds as they are, in units of the resolution.
            timestamp: std::time::Duration::from_nanos(time),
            original_len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            data: Cow::Borrowed(bytes),
            options,
        })?;
        Ok(())
    }

    /// The writer, flushed.
    ///
    /// # Errors
    /// If flushing fails.
    pub fn finish(self) -> Result<W, CaptureError> {
        let mut writer = self.writer.into_inner();
        writer.flush()?;
        Ok(writer)
    }
}

fn name_resolution(names: &[(IpAddr, String)]) -> Option<NameResolutionBlock<'static>> {
    // pcap-file ends the list by itself.
    let records: Vec<Record<'static>> = names
        .iter()
        .filter(|(_, name)| !name.is_empty() && !name.contains('\0') && name.len() < LONGEST_TEXT / 2)
        .map(|(address, name)| {
            let names = vec![Cow::Owned(name.clone())];
            match address {
                IpAddr::V4(ip) => Record::Ipv4(Ipv4Record { ip_addr: ip.octets().to_vec().into(), names }),
                IpAddr::V6(ip) => Record::Ipv6(Ipv6Record { ip_addr: ip.octets().to_vec().into(), names }),
            }
        })
        .collect();
    (!records.is_empty()).then(|| NameResolutionBlock { records, options: Vec::new() })
}

/// A text as long as an option can be.
fn text(text: &str) -> Cow<'_, str> {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Borrowed(&text[..end])
}

/// A packet of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// Nanoseconds since the epoch of the capture.
    pub time: u64,
    /// Which way it went, if the capture says so.
    pub direction: Option<Direction>,
    /// Its comments, in order.
    pub comments: Vec<String>,
    /// Its bytes, from the IP header on.
    pub bytes: Vec<u8>,
}

/// Reads the packets of a capture of raw IP packets, in order.
pub struct CaptureReader<R: Read> {
    reader: PcapNgReader<R>,
}

impl<R: Read> CaptureReader<R> {
    /// Starts reading.
    ///
    /// # Errors
    /// If it cannot be read, or is not pcapng.
    pub fn new(reader: R) -> Result<Self, CaptureError> {
        Ok(Self { reader: PcapNgReader::new(reader)? })
    }

    fn next_packet(&mut self) -> Result<Option<Captured>, CaptureError> {
        loop {
            let packet = match self.reader.next_block() {
                None => return Ok(None),
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(Block::EnhancedPacket(packet))) => packet.into_owned(),
                Some(Ok(_)) => continue,
            };
            let interface =
                usize::try_from(packet.interface_id).ok().and_then(|id| self.reader.interfaces().get(id));
            let interface = interface.ok_or_else(|| {
                CaptureError::Format(format!("a packet of interface {}", packet.interface_id))
            })?;
            if interface.linktype != DataLink::RAW {
                return Err(CaptureError::Format(format!("link type {:?}, not raw IP", interface.linktype)));
            }
            return Ok(Some(captured(&packet, interface)));
        }
    }
}

impl<R: Read> Iterator for CaptureReader<R> {
    type Item = Result<Captured, CaptureError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_packet().transpose()
    }
}

fn captured(packet: &EnhancedPacketBlock<'_>, interface: &InterfaceDescriptionBlock<'_>) -> Captured {
    let mut direction = None;
    let mut comments = Vec::new();
    for option in &packet.options {
        match option {
            EnhancedPacketOption::Comment(comment) => comments.push(comment.to_string()),
            EnhancedPacketOption::Flags(flags) => direction = Direction::from_flags(*flags),
            EnhancedPacketOption::Hash(_)
            | EnhancedPacketOption::DropCount(_)
            | EnhancedPacketOption::CustomBinary(_)
            | EnhancedPacketOption::CustomUtf8(_)
            | EnhancedPacketOption::Unknown(_) => {}
        }
    }
    Captured {
        time: nanoseconds(packet.timestamp.as_nanos(), interface),
        direction,
        comments,
        bytes: packet.data.to_vec(),
    }
}

/// pcap-file hands out the units of the file as if they were nanoseconds.
fn nanoseconds(units: u128, interface: &InterfaceDescriptionBlock<'_>) -> u64 {
    let mut resolution = DEFAULT_RESOLUTION;
    let mut offset_seconds = 0;
    for option in &interface.options {
        match option {
            InterfaceDescriptionOption::IfTsResol(value) => resolution = *value,
            InterfaceDescriptionOption::IfTsOffset(value) => offset_seconds = *value,
            _ => {}
        }
    }
    let exponent = u32::from(resolution & 0x7f);
    let base: u128 = if resolution & 0x80 == 0 { 10 } else { 2 };
    // A resolution too fine for 128 bits: less than a nanosecond in any case.
    let units_per_second = base.checked_pow(exponent).unwrap_or(u128::MAX);
    let time = units.saturating_mul(1_000_000_000) / units_per_second;
    let time = time.saturating_add(u128::from(offset_seconds) * 1_000_000_000);
    u64::try_from(time).unwrap_or(u64::MAX)
}
