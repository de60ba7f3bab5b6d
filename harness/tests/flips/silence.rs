//! Silences: a segment that nobody asked for is put into the trace, and the trace is judged again.

use tcpdrill::case::{Action, Addresses, Case, DEFAULT_PORT};
use tcpdrill::run::{RunOptions, replay, run_case};
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::trace::{Entry, Trace};
use tcpdrill::verdict::Verdict;
use tcpdrill::wire::{Body, Flags, Ip, Ipv4, Ipv6, Lies, Packet, Tcp, build};

use super::Tally;

/// Puts a reset into the middle of each silence of the case.
pub(crate) fn disturb(case: &Case, tally: &mut Tally) {
    let run = run_case(case, &BundledFactory::new(), RunOptions::default());
    let trace = run.trace.expect("the case ran");
    for (index, step) in case.steps.iter().enumerate() {
        if !matches!(step.action, Action::Silent { .. }) {
            continue;
        }
        let end = run.report.moments[index].expect("the case passed, so each silence ended").0;
        let place = trace.entries.iter().position(|entry| *entry == Entry::Reached(end));
        let place = place.expect("the engine waited for the end of the silence");
        let mut disturbed: Trace = trace.clone();
        disturbed.entries.insert(place, Entry::Emitted { at: end - 1_000, packet: unsolicited(case) });
        tally.flipped += 1;
        let verdict = replay(case, &disturbed).map(|report| report.verdict);
        if !matches!(verdict, Ok(Verdict::Fail(_))) {
            tally.survivors.push(format!("{}: silence of step {index}: {verdict:?}", case.id));
        }
    }
}

fn unsolicited(case: &Case) -> Vec<u8> {
    let addresses = Addresses(case.ip);
    let (src, dst) = (addresses.local(1), addresses.remote(1));
    let ip = match (src, dst) {
        (std::net::IpAddr::V4(src), std::net::IpAddr::V4(dst)) => Ip::V4(Ipv4::new(src, dst)),
        (std::net::IpAddr::V6(src), std::net::IpAddr::V6(dst)) => Ip::V6(Ipv6::new(src, dst)),
        _ => unreachable!("both ends of a link are of one version"),
    };
    let tcp = Tcp { sport: DEFAULT_PORT, dport: DEFAULT_PORT, flags: Flags::RST, ..Tcp::default() };
    build(&Packet { ip, body: Body::Tcp(tcp) }, &Lies::default()).concat()
}
