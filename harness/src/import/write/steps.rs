//! Steps, one for each event.

use crate::case::{
    Action, Blocks, Case, Claim, Expected, Expr, Isn, Link, Num, OptionSpec, OptionsSpec, Outcome, Payload,
    Place, ResultSpec, Said, Scalar, Setting, Step, Syscall, ThreadId, TimeSpec, Transport,
};

use super::calls::call;
use super::constants::known;
use super::packets::packet;
use super::times::{time, when};
use super::values::{Names, hex, returns};
use super::yaml::{Yaml, literal};

/// What cannot be written.
pub(in crate::import) type Lacking = String;

type Entries = Vec<(String, Yaml)>;

/// Writes the steps of a case. The link is as it is before the step.
pub(super) struct Steps<'a> {
    pub(super) case: &'a Case,
    pub(super) link: Link,
}

impl Steps<'_> {
    fn names(&self) -> Names<'_> {
        Names { ip: self.case.ip, descriptors: &self.case.descriptors }
    }

    /// A step as a map.
    pub(super) fn step(&mut self, step: &Step) -> Result<Yaml, Lacking> {
        let mut entries: Entries = Vec::new();
        let time = when(&step.when).ok_or("a time that is computed")?;
        if let Some((key, text)) = time {
            entries.push((key.to_owned(), Yaml::Text(text)));
        }
        match &step.action {
            Action::Call { thread, call, data, binds, blocks, outcome } => {
                self.call(&mut entries, call, binds, *thread, blocks, outcome)?;
                match data {
                    Payload::Zeros => {}
                    Payload::Bytes(bytes) => put(&mut entries, "data", &hex(bytes)),
                    Payload::Pattern(_) | Payload::Any => return Err("bytes other than zeros".to_owned()),
                }
            }
            Action::Inject { packet, .. } if leaves_open(packet) => {
                return Err("a number that is left open in a packet that is sent".to_owned());
            }
            Action::Inject { flow, packet, isn: None } => {
                self.packet("inject", flow.0, packet, &mut entries)?;
            }
            Action::Expect { flow, expected: Expected::Packet(packet), isn } => {
                self.packet("expect", flow.0, packet, &mut entries)?;
                match isn {
                    Some(Isn::New) => put(&mut entries, "isn", "new"),
                    Some(Isn::As(number)) => put(&mut entries, "isn", &number.to_string()),
                    None => {}
                }
            }
            Action::Assert(claims) => entries.push(("assert".to_owned(), assertion(claims)?)),
            Action::Set(list) => entries.push(("set".to_owned(), settings(list))),
            Action::Link(link) => {
                entries.push(("link".to_owned(), self.link_change(link)?));
                self.link = link.clone();
            }
            _ => return Err("such a step".to_owned()),
        }
        if let Some(name) = &step.name {
            put(&mut entries, "as", name);
        }
        Ok(Yaml::Map(entries))
    }

    fn call(
        &self,
        entries: &mut Entries,
        syscall: &Syscall<Scalar>,
        binds: &[crate::case::DescriptorId],
        thread: ThreadId,
        blocks: &Blocks,
        outcome: &Outcome,
    ) -> Result<(), Lacking> {
        let lacks = || format!("this call of {}", syscall.name());
        let names: Option<Vec<String>> = binds.iter().map(|id| self.names().descriptor(*id)).collect();
        let names = names.ok_or_else(lacks)?.join(", ");
        let text = literal(&call(syscall, self.names()).ok_or_else(lacks)?);
        put(entries, "call", &if names.is_empty() { text } else { format!("{names} = {text}") });
        if thread.0 != 0 {
            let name = self.case.threads.get(thread.0).ok_or_else(lacks)?;
            put(entries, "thread", name);
        }
        match blocks {
            Blocks::No => {}
            Blocks::For { from: TimeSpec::Known(from), to: TimeSpec::Known(to) } if from == to => {
                put(entries, "blocks", &time(*from));
            }
            Blocks::For { .. } | Blocks::UntilReturns | Blocks::Forever => return Err(lacks()),
        }
        if let ResultSpec::Value(number) = &outcome.result
            && number.known().is_some_and(|number| number < 0)
        {
            return Err(format!("a call that returns {number}, which no call does,"));
        }
        if let Some(text) = returns(&outcome.result, usual(syscall)) {
            put(entries, "returns", &text);
        }
        if let Some(gives) = &outcome.gives {
            let key = match syscall {
                Syscall::Getsockopt { name, .. } if known(name) == crate::case::constant("SO_ERROR") => {
                    "ee_errno"
                }
                _ => "",
            };
            let gives = self.names().gives(gives, key).ok_or_else(lacks)?;
            entries.push(("gives".to_owned(), gives));
        }
        Ok(())
    }

    fn packet(
        &self,
        kind: &str,
        flow: usize,
        spec: &crate::case::PacketSpec,
        entries: &mut Entries,
    ) -> Result<(), Lacking> {
        if let Some(what) = unwritable(spec) {
            return Err(what.to_owned());
        }
        let packet = packet(spec, self.case.ip).ok_or("this packet")?;
        entries.push((kind.to_owned(), packet));
        if self.case.flows.len() > 1 {
            let name = self.case.flows.get(flow).map(|flow| flow.name.as_str()).unwrap_or_default();
            put(entries, "flow", name);
        }
        Ok(())
    }

    /// What is different about the link.
    fn link_change(&self, link: &Link) -> Result<Yaml, Lacking> {
        if link.offload != self.link.offload {
            return Err("a change of the offload while the script runs".to_owned());
        }
        Ok(Yaml::map([("mtu", Yaml::text(link.mtu.to_string()))]))
    }
}

fn put(entries: &mut Entries, key: &str, text: &str) {
    entries.push((key.to_owned(), Yaml::text(text)));
}

/// What a call returns that says nothing of it.
fn usual(syscall: &Syscall<Scalar>) -> Option<i64> {
    if matches!(syscall, Syscall::Poll { .. } | Syscall::EpollWait { .. } | Syscall::Select { .. }) {
        return None;
    }
    if let Syscall::Fcntl { command, .. } = syscall
        && known(command) == crate::case::constant("F_GETFL")
    {
        return None;
    }
    syscall.counts().unwrap_or_default().into_iter().map(known).sum()
}

/// Whether some number of a segment may be any.
fn leaves_open(spec: &crate::case::PacketSpec) -> bool {
    let Transport::Tcp(tcp) = &spec.transport else { return false };
    let stamps = match &tcp.options {
        OptionsSpec::Exactly(items) => items.as_slice(),
        OptionsSpec::Unwritten | OptionsSpec::Including(_) | OptionsSpec::Raw(_) => &[],
    };
    let stamps = stamps.iter().filter_map(|item| match &item.option {
        OptionSpec::Timestamps { val, ecr } => Some([val, ecr]),
        _ => None,
    });
    let numbers = [Some(&tcp.seq), tcp.ack.as_ref()].into_iter().flatten();
    numbers.chain(stamps.flatten()).any(|number| *number == Num::any())
}

/// What of a packet the notation has no words for.
fn unwritable(spec: &crate::case::PacketSpec) -> Option<&'static str> {
    if !spec.ip.encapsulation.is_empty() {
        return Some("a packet in a tunnel (GRE, MPLS, IP in IP)");
    }
    match &spec.transport {
        Transport::Udp(_) => Some("UDP"),
        Transport::Icmp(icmp) => match &icmp.quote {
            crate::case::Quote::Packet(quote) if matches!(quote.transport, Transport::Udp(_)) => {
                Some("UDP in an ICMP message")
            }
            _ => None,
        },
        Transport::Tcp(tcp) if matches!(tcp.options, OptionsSpec::Raw(_)) => Some("options as bytes"),
        Transport::Tcp(_) | Transport::Bytes(_) => None,
    }
}

/// Settings by name. Those that may be missing have a dash in front.
pub(super) fn settings(list: &[Setting]) -> Yaml {
    let entry = |setting: &Setting| {
        let dash = if setting.optional { "-" } else { "" };
        (format!("{dash}{}", setting.name), Yaml::Text(literal(&setting.value)))
    };
    Yaml::Map(list.iter().map(entry).collect())
}

fn assertion(claims: &[Claim]) -> Result<Yaml, Lacking> {
    let mut items: Vec<Yaml> = claims.iter().map(claim).collect::<Result<_, _>>()?;
    Ok(if items.len() == 1 { items.remove(0) } else { Yaml::List(items) })
}

fn claim(claim: &Claim) -> Result<Yaml, Lacking> {
    for place in claim.expressions().flat_map(Expr::places) {
        if let Place::Command { text, .. } = place {
            return Err(format!("the command \"{}\", which a shell is to run", text.trim()));
        }
    }
    let truth = plain(&claim.truth);
    if claim.says.is_empty() {
        return Ok(Yaml::Text(truth));
    }
    let says: String = claim
        .says
        .iter()
        .map(|part| match part {
            Said::Text(text) => literal(text),
            Said::Value(expr) => format!("$({})", plain(expr)),
        })
        .collect();
    Ok(Yaml::map([("that", Yaml::Text(truth)), ("says", Yaml::Text(says))]))
}

/// An expression, without the brackets that stand around all of it.
fn plain(expr: &Expr) -> String {
    let text = expr.to_string();
    match expr {
        Expr::Binary(..) | Expr::And(_) | Expr::Or(_) => {
            text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).map_or(text.clone(), str::to_owned)
        }
        _ => text,
    }
}
