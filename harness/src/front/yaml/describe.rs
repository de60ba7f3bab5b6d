//! What each key of a case is for, in a sentence: what an editor shows.

/// Descriptions by the map that a key belongs to.
const DESCRIPTIONS: [(&str, &[(&str, &str)]); 10] = [
    ("file", &FILE),
    ("kind", &KIND),
    ("step", &STEP),
    ("claim", &CLAIM),
    ("packet", &PACKET),
    ("icmp", &ICMP),
    ("ip", &IP),
    ("fragment", &FRAGMENT),
    ("flow", &FLOW),
    ("link", &LINK),
];

/// The description of a key.
pub(super) fn describe(section: &str, key: &str) -> Option<&'static str> {
    let (_, keys) = DESCRIPTIONS.iter().find(|(known, _)| *known == section)?;
    keys.iter().find(|(known, _)| *known == key).map(|(_, text)| *text)
}

const FILE: [(&str, &str); 24] = [
    ("title", "One sentence stating the behaviour: connect() to a closed port fails with ECONNREFUSED"),
    ("why", "For the person who sees it fail: the rule, or what breaks in practice"),
    ("covers", "Requirement ids that the case is about, from cases/requirements/"),
    ("tags", "Free words; slow: over 5 s of target time"),
    ("needs", "Capabilities of the target that cannot be seen in the steps"),
    ("matrix", "Every combination of these values is a test: { ip: [v4, v6] }"),
    (
        "table",
        "One test per row; columns are separated by ' | ', the first line names them, one is called name",
    ),
    ("grid", "One test per cell, $cell; the corner names rows and columns: segment \\ state"),
    ("let", "Names for texts that recur; used as $name"),
    ("flows", "Pairs of endpoints by name; without it one flow, main"),
    ("set", "Settings (sysctl names) made before the first step"),
    ("link", "MTU and impairment of the link between target and peer"),
    ("given", "Where the story starts: a fixture, or a list of them: server(win=1000)"),
    ("steps", "What is done and expected, from top to bottom"),
    ("packetdrill", "Judge by packetdrill's rules; only in imported scripts"),
    ("params", "Parameters of a fixture and their defaults; one without default is written required"),
    ("exports", "Descriptors that a fixture hands on, the main one first"),
    ("tolerance", "packetdrill's tolerance: an absolute bound on a difference of times"),
    ("percent", "packetdrill's tolerance in percent of the time waited"),
    ("tick", "What one tick of the target's timestamps stands for; without it they are not compared"),
    ("scaled_echo", "The echo of a timestamp that was not seen is computed from the first that was"),
    ("whole_segments", "An expected segment is one packet, never joined from several"),
    ("lenient", "A packet that differs is no failure"),
    ("strict", "What is emitted after the last expectation fails the case"),
];

const KIND: [(&str, &str); 13] = [
    ("call", "A socket call, made at this moment: s = accept(l)"),
    ("returns", "What a call returns: 0, 1..1000, any, -1 EAGAIN, -1 EPIPE or ECONNRESET"),
    ("inject", "A packet that arrives at the target, or a list: P. 1:1001(1000) ack 1 win 257 <mss 1460>"),
    ("expect", "What the target must emit: a packet, a list, one_of, or nothing"),
    ("silent", "For so long nothing may be emitted"),
    ("allow", "Segments like this may be emitted from here on, any number"),
    ("assert", "What must be true at this moment, or a list: s.tcpi_snd_cwnd == 10"),
    ("set", "Settings (sysctl names) changed at this moment"),
    ("link", "Changes of the link; what is not named stays"),
    ("peer", "auto: the peer acknowledges by itself from here on; scripted ends that"),
    ("signal", "A signal delivered to a thread: SIGUSR1"),
    ("any_order", "expect and returns steps that must all happen in the window, in any order"),
    ("repeat", "How often the steps below are done; $i counts from 0"),
];

const STEP: [(&str, &str); 17] = [
    ("note", "Shown on the failure page and in the capture"),
    ("covers", "Requirement ids that this step checks"),
    ("after", "Counted from the previous moment: 10ms, or 200ms..1s for what is expected"),
    ("at", "Counted from time 0; any (for imported scripts) accepts every time"),
    ("within", "No later than this after the previous moment"),
    ("since", "after and within count from the step with this name (as)"),
    ("flow", "Which flow, where there are several"),
    ("thread", "Which thread makes the call; main by default, others exist by being named"),
    ("data", "Bytes: text hello, hex 00 ff, pattern 1000, zeros, any; the pattern by default"),
    ("isn", "A new connection starts numbering: the peer's ISN, or new for the target's"),
    ("push", "Whether PSH must be set; not compared otherwise"),
    ("as", "A name for what happened: $name.win, $(name.win - 1)"),
    ("gives", "What comes back through pointers: an address, an option's value, events"),
    ("blocks", "How long the call blocks: 10ms, 1s..2s, true (a returns step ends it), forever"),
    ("raises", "The signal that the call raises"),
    ("restart", "Whether the interrupted call is restarted (SA_RESTART)"),
    ("steps", "What is repeated"),
];

const CLAIM: [(&str, &str); 2] = [
    ("that", "What must be true"),
    ("says", "What is said when it is not, values in $(..): rtt $(s.tcpi_rtt)"),
];

const PACKET: [(&str, &str); 19] = [
    ("segment", "The one-line form; other keys replace what it says"),
    ("flags", "F S R P . U E W A, a digit 0..7, or none"),
    ("length", "Bytes of payload"),
    ("sport", "Source port"),
    ("dport", "Destination port"),
    ("seq", "Sequence number, relative; absolute with !"),
    ("ack", "Acknowledgement number, relative; absolute with !"),
    ("win", "The 16-bit window field, not scaled"),
    ("urg", "The urgent pointer"),
    ("reserved", "The three reserved bits, 0..7"),
    ("data_offset", "The header length that is claimed, in words"),
    ("checksum", "good, bad, or a number; any in what is expected"),
    ("options", "<..> as in the line, or hex .. for all bytes"),
    ("ip", "Fields of the IP header"),
    ("fragments", "The finished packet is cut so; gaps, overlaps and any order are allowed"),
    ("truncate", "The finished packet ends after so many bytes"),
    ("bytes", "hex ..: the whole packet; no other key"),
    ("icmp", "An ICMP message by its fields"),
    ("one_of", "Packets and nothing; the first that matches counts. No other key"),
];

const ICMP: [(&str, &str); 8] = [
    ("type", "unreachable, packet_too_big, ..., type_N, or a number"),
    ("code", "port, host, ..., code_N, or a number"),
    ("mtu", "The MTU of packet_too_big"),
    ("id", "The identifier of an echo_request or echo_reply"),
    ("ptr", "The pointer of parameter_problem"),
    ("checksum", "good, bad, or a number"),
    ("quote", "The packet that is quoted: a line or a map; the last one emitted by default"),
    ("quote_length", "How many bytes of it"),
];

const IP: [(&str, &str); 17] = [
    ("src", "Source address: remote2, or a literal"),
    ("dst", "Destination address: local, or a literal"),
    ("ttl", "Time to live, or hop limit"),
    ("dscp", "The six bits of DSCP"),
    ("ecn", "The two bits of ECN"),
    ("df", "Don't fragment"),
    ("mf", "More fragments"),
    ("id", "Identification (IPv6: of a fragment header)"),
    ("protocol", "Protocol, or next header"),
    ("version", "The version that is claimed"),
    ("header_length", "The IPv4 header length that is claimed, in words"),
    ("total_length", "The total length (IPv6: payload length) that is claimed"),
    ("checksum", "The IPv4 header checksum: good, bad, or a number"),
    ("offset", "Fragment offset in bytes; the last three bits are not sent"),
    ("options", "hex ..: the IPv4 options"),
    ("flow_label", "The IPv6 flow label"),
    ("ext", "IPv6 extension headers: hop_by_hop, routing, destination, each with hex .."),
];

const FRAGMENT: [(&str, &str); 4] = [
    ("offset", "Where the fragment starts, in bytes"),
    ("length", "How long it is, in bytes"),
    ("more", "Whether the more-fragments bit is set"),
    ("ip", "Fields of its IP header that are not the packet's"),
];

const FLOW: [(&str, &str); 5] = [
    ("remote", "The peer's end: remote:5001"),
    ("local", "The target's end; learnt if it is not written"),
    ("isn", "The peer's first sequence number"),
    ("local_isn", "The target's first sequence number (capability local-isn)"),
    ("count", "So many flows, the name with 0, 1, ..; remote ports count up"),
];

const LINK: [(&str, &str); 9] = [
    ("mtu", "Largest packet in bytes"),
    ("offload", "none: segments of at most one MSS; tso: as a device with segmentation offload sees them"),
    (
        "joined_from",
        "What is injected counts as joined from segments of so many bytes (packetdrill's rules only)",
    ),
    ("delay", "One-way delay"),
    ("loss", "Part of the packets that is lost: 2%"),
    ("duplicate", "Part of the packets that comes twice: 2%"),
    ("reorder", "Part of the packets that is overtaken: 2%"),
    ("drop", "Data segments that are lost, counted from 1: [3, 7]"),
    ("to", "The direction this acts in: remote or local; both by default"),
];
