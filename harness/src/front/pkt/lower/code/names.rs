//! Names that code finds set.

use crate::case::{BinaryOp, DescriptorId, Expr, FieldKind, Place, descriptor_field};
use crate::time::Span;

/// States of a connection, as the kernel numbers them.
const STATES: [&str; 11] = [
    "TCP_ESTABLISHED",
    "TCP_SYN_SENT",
    "TCP_SYN_RECV",
    "TCP_FIN_WAIT1",
    "TCP_FIN_WAIT2",
    "TCP_TIME_WAIT",
    "TCP_CLOSE",
    "TCP_CLOSE_WAIT",
    "TCP_LAST_ACK",
    "TCP_LISTEN",
    "TCP_CLOSING",
];
/// States of congestion control, from 0.
const CONGESTION: [&str; 5] =
    ["TCP_CA_Open", "TCP_CA_Disorder", "TCP_CA_CWR", "TCP_CA_Recovery", "TCP_CA_Loss"];
/// Bits of `tcpi_options`, from the lowest.
const OPTIONS: [&str; 8] = [
    "TCPI_OPT_TIMESTAMPS",
    "TCPI_OPT_SACK",
    "TCPI_OPT_WSCALE",
    "TCPI_OPT_ECN",
    "TCPI_OPT_ECN_SEEN",
    "TCPI_OPT_SYN_DATA",
    "TCPI_OPT_USEC_TS",
    "TCPI_OPT_TFO_CHILD",
];

/// The number a name always stands for.
pub(super) fn constant(name: &str) -> Option<i64> {
    let at = |names: &[&str]| names.iter().position(|known| *known == name).map(|place| place as i64);
    at(&STATES)
        .map(|place| place + 1)
        .or_else(|| at(&CONGESTION))
        .or_else(|| at(&OPTIONS).map(|place| 1 << place))
}

/// What a name of the socket under test stands for: a number in the units of the kernel.
pub(super) fn of_socket(name: &str, id: DescriptorId, descriptor: &str) -> Option<Expr> {
    let is_ours =
        ["tcpi_", "SK_MEMINFO_", "bbr_", "dctcp_", "tcpv_"].iter().any(|prefix| name.starts_with(prefix))
            || ["tcp_rtt", "tcp_minrtt"].contains(&name);
    let kind = descriptor_field(name).filter(|_| is_ours)?;
    let place = Expr::Place(Place::Descriptor { id, name: descriptor.to_owned(), field: name.to_owned() });
    Some(in_units(place, kind))
}

/// A time as the number that the kernel gives for it.
pub(super) fn in_units(place: Expr, kind: FieldKind) -> Expr {
    let unit = match kind {
        FieldKind::Micros => Span::micros(1),
        FieldKind::Millis => Span::millis(1),
        FieldKind::Integer | FieldKind::State => return place,
    };
    Expr::Binary(BinaryOp::Div, Box::new(place), Box::new(Expr::Time(unit)))
}
