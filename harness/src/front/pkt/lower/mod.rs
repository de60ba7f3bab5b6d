//! From the syntax tree of a script to the case that it is in one variant.
//!
//! Each event becomes one step, or more at the same moment. What cannot be lowered is listed in
//! [`Case::lacking`]; what the language itself calls wrong is a mistake of that variant.

mod calls;
mod code;
mod commands;
mod icmp;
mod options;
mod outer;
mod packets;
mod sockets;
mod times;
mod variant;

use std::collections::{BTreeMap, BTreeSet};

use crate::case::{
    Action, Blocks, Capability, Case, Claim, DescriptorId, Expr, IpVersion, Lacking, Link, Location, Offload,
    Origin, Payload, Place, Rules, Scalar, Setting, Sources, Step, Syscall, ThreadId, ValueSpec, When,
};
use crate::front::{Diagnostic, Diagnostics};

use super::script::{Call, Event, EventKind, Node, Script};
use super::{Files, Options};

use commands::Stands;
use sockets::Sockets;
use times::Times;
use variant::World;

pub use variant::Variant;

/// The thread that makes ordinary calls.
const MAIN: ThreadId = ThreadId(0);
/// The thread that makes calls that block.
const BLOCKING: ThreadId = ThreadId(1);

/// What an event comes to: a step at its time.
#[derive(Clone, Debug)]
struct Effect {
    action: Action,
    /// A name under which it keeps what happened.
    name: Option<String>,
}

impl From<Action> for Effect {
    fn from(action: Action) -> Self {
        Self { action, name: None }
    }
}

/// A descriptor of a script: its number there, as long as it is open.
#[derive(Clone, Copy, Debug)]
struct Open {
    number: i64,
    id: DescriptorId,
}

/// What is known while a script is lowered.
struct Context<'a> {
    /// Addresses, ports, rules.
    world: World,
    /// What is said outside the script.
    options: &'a Options,
    /// Files that it names.
    files: &'a dyn Files,
    sources: &'a Sources,
    /// Which socket is under test, and what is known of it.
    sockets: Sockets,
    times: Times,
    /// Names of descriptors: a [`DescriptorId`] is an index.
    descriptors: Vec<String>,
    open: Vec<Open>,
    /// Files of zeros that commands have made.
    zeros: BTreeMap<String, u64>,
    /// The code of the script so far.
    code: code::Code,
    /// The step that kept counters, and the name it kept them under.
    counted: Option<(usize, String)>,
    /// The link as it is at this point of the script.
    link: Link,
    needs: BTreeSet<Capability>,
    /// Made before the first step.
    settings: Vec<Setting>,
    steps: Vec<Step>,
    lacking: Vec<Lacking>,
    wrong: Vec<Diagnostic>,
    /// A call could not be lowered: what sockets and descriptors there are is not known any more.
    is_blind: bool,
}

/// Lowers a script: the case it is in this variant.
///
/// # Errors
/// What the language calls wrong.
pub fn lower(
    script: &Script,
    sources: Sources,
    id: &str,
    variant: Variant,
    options: &Options,
    files: &dyn Files,
) -> Result<Case, Diagnostics> {
    let mut context = Context::new(script, &sources, variant, options, files);
    let before = context.before(script);
    let first_link = context.link.clone();
    let given = context.steps.len();
    context.times.start = given;
    for event in script.events.iter().skip(before) {
        context.event(event);
    }
    if context.world.dry_run {
        context.steps.truncate(given);
    }
    let Context { world, sockets, descriptors, settings, mut steps, lacking, wrong, mut needs, .. } = context;
    if !wrong.is_empty() {
        return Err(Diagnostics { sources, list: wrong });
    }
    if world.ip != IpVersion::V4 {
        needs.insert(Capability::Ipv6);
    }
    forget_unused(&mut steps);
    Ok(Case {
        id: id.to_owned(),
        title: title(script, id),
        why: None,
        covers: Vec::new(),
        tags: Vec::new(),
        needs,
        ip: world.ip,
        flows: sockets.into_flows(),
        descriptors,
        threads: threads(&steps),
        settings,
        link: first_link,
        rules: Rules::Packetdrill(world.rules),
        steps,
        given,
        lacking,
        sources,
    })
}

/// The threads that make calls.
fn threads(steps: &[Step]) -> Vec<String> {
    let blocks = |step: &Step| matches!(step.action, Action::Call { thread, .. } if thread == BLOCKING);
    let second = steps.iter().any(blocks).then_some("blocking");
    ["main"].into_iter().chain(second).map(str::to_owned).collect()
}

/// Steps keep what they look at under a name. Where nothing asks for it they need not.
fn forget_unused(steps: &mut [Step]) {
    let mut asked = BTreeSet::new();
    for step in steps.iter() {
        let Action::Assert(claims) = &step.action else { continue };
        for place in claims.iter().flat_map(Claim::expressions).flat_map(Expr::places) {
            if let Place::Captured { step, .. } = place {
                asked.insert(*step);
            }
        }
    }
    for (index, step) in steps.iter_mut().enumerate() {
        if !asked.contains(&index) {
            step.name = None;
        }
    }
}

/// Settings made together: of two of one name the later counts.
fn settle(settings: &mut Vec<Setting>, more: Vec<Setting>) {
    for setting in more {
        settings.retain(|known| known.name != setting.name);
        settings.push(setting);
    }
}

/// What a script says of itself: the first line of its first comment.
fn title(script: &Script, id: &str) -> String {
    let words = script.comments.iter().flat_map(|comment| comment.value.lines()).map(|line| {
        line.trim().trim_start_matches(['/', '*']).trim_end_matches(['/', '*']).trim().to_owned()
    });
    let mut words = words.filter(|line| !line.is_empty());
    words.next().unwrap_or_else(|| id.to_owned())
}

impl<'a> Context<'a> {
    fn new(
        script: &Script,
        sources: &'a Sources,
        variant: Variant,
        options: &'a Options,
        files: &'a dyn Files,
    ) -> Self {
        let (world, lacking, wrong) = World::new(script, variant, options);
        let (mtu, joined_from) = (world.mtu, world.joined_from);
        let mut context = Self {
            sockets: Sockets::new(world.local, world.remote),
            world,
            options,
            files,
            sources,
            times: Times::default(),
            descriptors: Vec::new(),
            open: Vec::new(),
            zeros: BTreeMap::new(),
            code: code::Code::default(),
            counted: None,
            link: Link { mtu, offload: Offload::Tso, joined_from, ..Link::default() },
            needs: BTreeSet::new(),
            settings: Vec::new(),
            steps: Vec::new(),
            lacking,
            wrong,
            is_blind: false,
        };
        if let Some(protocol) = &script.out_of_scope {
            context.lacks(protocol.at, protocol.value);
        }
        context
    }

    /// Something that the harness cannot do: the case is skipped, saying so.
    fn lacks(&mut self, at: Location, what: impl Into<String>) {
        let lacking = Lacking { at, what: what.into() };
        if !self.lacking.contains(&lacking) {
            self.lacking.push(lacking);
        }
    }

    /// Something that the language calls wrong.
    fn wrong(&mut self, at: Location, text: impl Into<String>) {
        self.wrong.push(Diagnostic::error(at, text));
    }

    /// The same with help.
    fn wrong_help(&mut self, at: Location, text: impl Into<String>, help: impl Into<String>) {
        self.wrong.push(Diagnostic::error(at, text).with_help(help));
    }

    /// The same of something that what could not be lowered before may be the cause of.
    fn wrong_here(&mut self, at: Location, text: impl Into<String>) {
        if !self.is_blind {
            self.wrong(at, text);
        }
    }

    /// The open descriptor that a script calls by this number.
    fn descriptor(&mut self, number: &Node<i64>) -> Option<DescriptorId> {
        let open = self.open.iter().rfind(|open| open.number == number.value).map(|open| open.id);
        if open.is_none() {
            self.wrong_here(number.at, format!("no open descriptor {} at this point", number.value));
        }
        open
    }

    /// A call makes a descriptor that the script calls by this number from here on, until it closes it. Only `accept`
    /// may do so while the number stands for another, which it does again after that.
    fn bind(&mut self, number: &Node<i64>, accepts: bool) -> Option<DescriptorId> {
        if !accepts && self.open.iter().any(|open| open.number == number.value) {
            self.wrong_here(number.at, format!("descriptor {} is open already", number.value));
            return None;
        }
        let name = format!("fd{}", number.value);
        let again =
            self.descriptors.iter().filter(|known| **known == name || known.starts_with(&format!("{name}_")));
        let again = again.count();
        let name = if again == 0 { name } else { format!("{name}_{}", again + 1) };
        let id = DescriptorId(self.descriptors.len());
        self.descriptors.push(name);
        self.open.push(Open { number: number.value, id });
        Some(id)
    }

    /// The descriptor of the socket under test, if it has one that is open.
    fn descriptor_under_test(&self) -> Option<DescriptorId> {
        let id = self.sockets.descriptor_under_test()?;
        self.open.iter().any(|open| open.id == id).then_some(id)
    }

    /// The index that the next step will have.
    fn next_step(&self) -> usize {
        self.steps.len()
    }

    /// The command before the first event, and what options want run before it. Returns how many events that were.
    fn before(&mut self, script: &Script) -> usize {
        let mut commands = std::mem::take(&mut self.world.init_scripts);
        let first = script.events.first().filter(|event| event.time.is_none());
        if let Some(Event { kind: EventKind::Command(command), .. }) = first {
            commands.push(command.clone());
        }
        for command in commands {
            for effect in commands::command(self, &command, Stands::Before) {
                match effect.action {
                    Action::Set(settings) => settle(&mut self.settings, settings),
                    Action::Link(link) => self.link = link,
                    action => {
                        let origin = self.origin(command.at, command.at.start);
                        self.push(Effect { action, name: effect.name }, When::NOW, origin);
                    }
                }
            }
        }
        usize::from(first.is_some())
    }

    fn event(&mut self, event: &Event) {
        let Some(time) = &event.time else {
            if let EventKind::Command(command) = &event.kind {
                commands::command(self, command, Stands::After);
            }
            return;
        };
        let when = self.time(time, event.until.as_ref());
        let after_time = event.until.as_ref().map_or(time.at.end, |until| until.at.end);
        let origin = self.origin(event.at, after_time);
        let effects: Vec<Effect> = match &event.kind {
            EventKind::Packet(packet) => self.packet(packet).into_iter().map(Effect::from).collect(),
            EventKind::Call(call) => {
                let blocks = self.blocks(time, event.until.as_ref());
                self.call(call, blocks).into_iter().map(Effect::from).collect()
            }
            EventKind::Command(command) => {
                let effects = commands::command(self, command, Stands::Event);
                for effect in &effects {
                    if let Action::Link(link) = &effect.action {
                        self.link = link.clone();
                    }
                }
                effects
            }
            EventKind::Code(code) => code::code(self, code),
        };
        // The next event counts from this one, even where nothing is done.
        let nothing = || vec![Effect::from(Action::Set(Vec::new()))];
        let effects = if effects.is_empty() { nothing() } else { effects };
        for (index, effect) in effects.into_iter().enumerate() {
            let when = if index == 0 { when.clone() } else { When::NOW };
            self.push(effect, when, origin.clone());
        }
    }

    fn push(&mut self, effect: Effect, when: When, origin: Origin) {
        let Effect { action, name } = effect;
        self.steps.push(Step { when, action, name, covers: Vec::new(), note: None, origin });
    }

    /// Where an event stands, and its words from this byte on.
    fn origin(&self, at: Location, from: usize) -> Origin {
        let text =
            self.sources.file(at.file).and_then(|file| file.text.get(from..at.end)).unwrap_or_default();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Origin { at, text, through: Vec::new(), cell: None }
    }

    /// A call, and what it means for the sockets of the script.
    fn call(&mut self, call: &Call, blocks: Blocks) -> Option<Action> {
        let Some(made) = calls::call(self, call) else {
            self.is_blind = true;
            return None;
        };
        let calls::Made { call: made, data, binds, mut outcome } = made;
        let succeeds = call.result.value >= 0;
        let is_blocking = blocks != Blocks::No;
        self.sockets.about_to(&made);
        if succeeds {
            let accepted = self.sockets.returned(&made, &binds, is_blocking);
            match accepted {
                Ok(Some(peer)) => outcome.gives = Some(self.peer_address(peer)),
                Ok(None) => {}
                Err(text) => self.wrong_here(call.name.at, text),
            }
            if let Syscall::Close { fd } = &made {
                self.open.retain(|open| open.id != *fd);
            }
        }
        let data = match &made {
            Syscall::Sendto { fd, count: Scalar::Known(count), .. } if self.sockets.pings(*fd) => {
                self.echo_request(*count)
            }
            _ => data,
        };
        let thread = if is_blocking { BLOCKING } else { MAIN };
        Some(Action::Call { thread, call: made, data, binds, blocks, outcome })
    }

    /// What is sent on a socket for ICMP messages: so many bytes, of which the first says what message it is.
    fn echo_request(&self, count: i64) -> Payload {
        let mut bytes = vec![0; usize::try_from(count).unwrap_or(0)];
        if let Some(kind) = bytes.first_mut() {
            *kind = if self.world.ip.wire_is_v6() { 128 } else { 8 };
        }
        Payload::Bytes(bytes)
    }

    /// That `accept` gives this peer's address.
    fn peer_address(&self, peer: std::net::SocketAddr) -> ValueSpec {
        let address = self.world.for_call(peer);
        ValueSpec::Address(Some(address.ip()), address.port(), address.port())
    }
}
