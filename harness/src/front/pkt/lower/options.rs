//! Options of a script and of the command line.

use std::net::IpAddr;

use crate::case::{Lacking, Location, nearest};
use crate::front::Diagnostic;
use crate::front::pkt::Options;
use crate::front::pkt::script::{Node, Script, Setting};
use crate::time::Span;

use super::variant::{Variant, World};

/// What an option is to this harness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// It is honoured.
    Honoured,
    /// It changes nothing here.
    Ignored,
    /// It asks for what the harness cannot do.
    Refused,
}

/// All options, whether they take a value, and what they are.
const OPTIONS: &[(&str, bool, Meaning)] = &[
    ("ip_version", true, Meaning::Ignored),
    ("local_ip", true, Meaning::Honoured),
    ("remote_ip", true, Meaning::Honoured),
    ("gateway_ip", true, Meaning::Ignored),
    ("netmask_ip", true, Meaning::Ignored),
    ("bind_port", true, Meaning::Honoured),
    ("connect_port", true, Meaning::Honoured),
    ("mtu", true, Meaning::Honoured),
    ("mss", true, Meaning::Honoured),
    ("speed", true, Meaning::Ignored),
    ("tolerance_usecs", true, Meaning::Honoured),
    ("tolerance_percent", true, Meaning::Honoured),
    ("tcp_ts_tick_usecs", true, Meaning::Honoured),
    ("tcp_ts_ecr_scaled", false, Meaning::Honoured),
    ("strict_segments", false, Meaning::Honoured),
    ("non_fatal", true, Meaning::Honoured),
    ("init_scripts", true, Meaning::Honoured),
    ("define", true, Meaning::Ignored),
    ("D", true, Meaning::Ignored),
    ("dry_run", false, Meaning::Honoured),
    ("send_omit_free", false, Meaning::Ignored),
    ("is_anyip", false, Meaning::Refused),
    ("code_command", true, Meaning::Ignored),
    ("code_format", true, Meaning::Ignored),
    ("code_sockopt", true, Meaning::Ignored),
    ("verbose", false, Meaning::Ignored),
    ("v", false, Meaning::Ignored),
    ("debug", false, Meaning::Ignored),
    ("so_filename", true, Meaning::Refused),
    ("so_flags", true, Meaning::Refused),
    ("wire_client", false, Meaning::Refused),
    ("wire_server", false, Meaning::Refused),
    ("wire_server_ip", true, Meaning::Refused),
    ("wire_server_at", true, Meaning::Refused),
    ("wire_server_port", true, Meaning::Refused),
    ("wire_client_dev", true, Meaning::Refused),
    ("wire_server_dev", true, Meaning::Refused),
    ("psp_udp_port", true, Meaning::Refused),
];

/// Who says an option. Of several the later counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The script: what the variant says counts for more.
    Script,
    CommandLine,
}

struct Applying<'w> {
    world: &'w mut World,
    variant: Variant,
    lacking: Vec<Lacking>,
    wrong: Vec<Diagnostic>,
}

/// Applies all options to a world. Returns what is lacking and what is wrong.
pub(super) fn apply(
    world: &mut World,
    variant: Variant,
    script: &Script,
    options: &Options,
) -> (Vec<Lacking>, Vec<Diagnostic>) {
    let mut applying = Applying { world, variant, lacking: Vec::new(), wrong: Vec::new() };
    for setting in &script.options {
        applying.one(setting, By::Script);
    }
    if variant == Variant::Ipv6 {
        // With its longer header this makes the MSS that of IPv4.
        applying.world.mtu = 1520;
    }
    let nowhere = Location { file: crate::case::FileId(0), start: 0, end: 0 };
    for (name, value) in &options.settings {
        let node = |text: &String| Node { value: text.clone(), at: nowhere };
        let value = (!value.is_empty()).then(|| node(value));
        applying.one(&Setting { name: node(name), value }, By::CommandLine);
    }
    (applying.lacking, applying.wrong)
}

impl Applying<'_> {
    fn one(&mut self, setting: &Setting, by: By) {
        let name = setting.name.value.as_str();
        let Some((_, takes_value, meaning)) = OPTIONS.iter().find(|(known, ..)| *known == name) else {
            let mut wrong = Diagnostic::error(setting.name.at, format!("unknown option --{name}"));
            let known = OPTIONS.iter().map(|(known, ..)| *known);
            wrong.help = nearest(name, known).map(|known| format!("did you mean --{known}?"));
            self.wrong.push(wrong);
            return;
        };
        match (takes_value, &setting.value) {
            (true, None) => self.mistake(setting.name.at, format!("--{name} needs a value")),
            (false, Some(value)) => self.mistake(value.at, format!("--{name} takes no value")),
            (false, None) if *meaning == Meaning::Honoured => self.switch(name),
            (true, Some(value)) if *meaning == Meaning::Honoured => self.value(name, value, by),
            _ => {}
        }
        if *meaning == Meaning::Refused {
            self.lacks(setting.name.at, format!("the option --{name}"));
        }
    }

    fn mistake(&mut self, at: Location, text: String) {
        self.wrong.push(Diagnostic::error(at, text));
    }

    fn lacks(&mut self, at: Location, what: String) {
        self.lacking.push(Lacking { at, what });
    }

    fn switch(&mut self, name: &str) {
        match name {
            "tcp_ts_ecr_scaled" => self.world.rules.scaled_echo = true,
            "strict_segments" => self.world.rules.whole_segments = true,
            "dry_run" => self.world.dry_run = true,
            _ => {}
        }
    }

    fn value(&mut self, name: &str, value: &Node<String>, by: By) {
        match name {
            "local_ip" | "remote_ip" => self.address(name == "remote_ip", value, by),
            "bind_port" => {
                if let Some(port) = self.number(value, 1, 65_535) {
                    self.world.local.set_port(port);
                }
            }
            "connect_port" => {
                if let Some(port) = self.number(value, 1, 65_535) {
                    self.world.remote.set_port(port);
                }
            }
            "mtu" => self.world.mtu = self.number(value, 0, 65_535).unwrap_or(self.world.mtu),
            "mss" => self.world.joined_from = self.number(value, 1, 65_535),
            "tolerance_usecs" => {
                if let Some(micros) = self.number(value, 1, i64::from(i32::MAX)) {
                    self.world.rules.tolerance = Span::micros(micros);
                }
            }
            "tolerance_percent" => self.percent(value),
            "tcp_ts_tick_usecs" => {
                if let Some(micros) = self.number(value, 0, 1_000_000) {
                    self.world.rules.tick = Span::micros(micros);
                }
            }
            "non_fatal" => {
                for word in value.value.split([',', ' ']).filter(|word| !word.is_empty()) {
                    match word {
                        "packet" => self.world.rules.lenient = true,
                        "syscall" => {}
                        _ => self
                            .mistake(value.at, format!("--non_fatal knows packet and syscall, not {word}")),
                    }
                }
            }
            "init_scripts" => {
                let commands = value.value.split(',').filter(|command| !command.trim().is_empty());
                let commands = commands.map(|command| Node { value: command.to_owned(), at: value.at });
                self.world.init_scripts = commands.collect();
            }
            _ => {}
        }
    }

    fn number<T: TryFrom<i64>>(&mut self, value: &Node<String>, least: i64, most: i64) -> Option<T> {
        let number = value.value.trim().parse().ok().filter(|number| (least..=most).contains(number));
        let number = number.and_then(|number: i64| T::try_from(number).ok());
        if number.is_none() {
            self.mistake(value.at, format!("this is a number from {least} to {most}"));
        }
        number
    }

    fn percent(&mut self, value: &Node<String>) {
        let percent =
            value.value.trim().parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a million")]
        match percent {
            Some(percent) => self.world.rules.per_million = (percent * 10_000.0).round() as u32,
            None => self.mistake(value.at, "this is a percentage from 0 to 100".to_owned()),
        }
    }

    /// The addresses of a variant are those of its command line: what a script says itself does not count.
    fn address(&mut self, of_peer: bool, value: &Node<String>, by: By) {
        let text = value.value.split('/').next().unwrap_or_default();
        let Ok(address) = text.parse::<IpAddr>() else {
            self.mistake(value.at, format!("{text} is no address"));
            return;
        };
        if by == By::Script {
            return;
        }
        if address.is_ipv6() != (self.variant == Variant::Ipv6) || !self.world.knows(address, of_peer) {
            let whose = if of_peer { "remote" } else { "local" };
            self.lacks(value.at, format!("the {whose} address {address}"));
            return;
        }
        let end = if of_peer { &mut self.world.remote } else { &mut self.world.local };
        end.set_ip(address);
    }
}
