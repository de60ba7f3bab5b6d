//! What a command does, as steps.

use super::{Deed, NotUnderstood, Surroundings, understand};
use crate::case::{Action, Capability, Claim, CompareOp, Expr, Link, Offload, Place, Said, Setting, Syscall};
use crate::front::pkt::script::Node;

use super::super::{Context, Effect, settle};

/// Which place in a script a command has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Stands {
    /// Before the first event.
    Before,
    /// An event.
    Event,
    /// After the last event.
    After,
}

/// Lowers a command to what it does, in order; nothing where it does nothing that matters.
pub(in super::super) fn command(
    context: &mut Context<'_>,
    command: &Node<String>,
    stands: Stands,
) -> Vec<Effect> {
    let files = context.files;
    let read = |path: &str| files.read(path).ok_or_else(|| format!("{path} cannot be read"));
    let around = Surroundings { remote: context.world.remote.ip(), read: &read };
    let deeds = match understand(&command.value, around) {
        Ok(deeds) => deeds,
        Err(_) if context.options.allow_shell => return vec![in_shell(context, &command.value)],
        Err(not @ NotUnderstood { .. }) => {
            context.lacks(command.at, not.to_string());
            return Vec::new();
        }
    };
    let mut lowering = Lowering { context, stands, effects: Vec::new() };
    for deed in deeds {
        if let Err(lacking) = lowering.deed(deed) {
            lowering.context.lacks(command.at, lacking);
        }
    }
    lowering.effects
}

/// A command that the target is to run.
fn in_shell(context: &mut Context<'_>, command: &str) -> Effect {
    let path = context.sources.files.first().map_or("", |file| file.path.as_str());
    let folder = path.rfind('/').map_or(".", |end| &path[..=end]).to_owned();
    let place = Expr::Place(Place::Command { text: command.to_owned(), folder });
    let truth = Expr::Compare(Box::new(place), vec![(CompareOp::Eq, Expr::Int(0))]);
    Effect::from(Action::Assert(vec![Claim::from(truth)]))
}

struct Lowering<'c, 'a> {
    context: &'c mut Context<'a>,
    stands: Stands,
    effects: Vec<Effect>,
}

impl Lowering<'_, '_> {
    fn deed(&mut self, deed: Deed) -> Result<(), String> {
        match deed {
            Deed::Set(setting) => self.set(setting),
            Deed::Offload(offload) => {
                let link = self.link();
                if link.offload != offload && self.stands == Stands::Event {
                    let word = if offload == Offload::None { "off" } else { "on" };
                    return Err(format!("switching segmentation offload {word} while the script runs"));
                }
                self.effects.push(Action::Link(Link { offload, ..link }).into());
            }
            Deed::Mtu(mtu) => {
                let link = self.link();
                self.effects.push(Action::Link(Link { mtu, ..link }).into());
            }
            Deed::CountersFrom => self.count(),
            Deed::CounterGrew(name) => self.counter_grew(name),
            Deed::Listens(port) => self.listens(port),
            Deed::File { path, length } => {
                self.context.zeros.insert(path, length);
            }
            Deed::Fails(why) => self.assert(never(format!("the command fails: {why}"))),
        }
        Ok(())
    }

    /// The link as it is after what was done so far.
    fn link(&self) -> Link {
        let changed = self.effects.iter().rev().find_map(|effect| match &effect.action {
            Action::Link(link) => Some(link),
            _ => None,
        });
        changed.unwrap_or(&self.context.link).clone()
    }

    fn set(&mut self, setting: Setting) {
        if self.stands == Stands::After {
            return;
        }
        match self.effects.last_mut().map(|effect| &mut effect.action) {
            Some(Action::Set(settings)) => settle(settings, vec![setting]),
            _ => self.effects.push(Action::Set(vec![setting]).into()),
        }
    }

    fn assert(&mut self, claim: Claim) {
        self.effects.push(Action::Assert(vec![claim]).into());
    }

    /// A step that keeps the counters which later commands look at; those add themselves.
    fn count(&mut self) {
        if self.stands != Stands::Event {
            return;
        }
        let step = self.context.next_step() + self.effects.len();
        let name = format!("counters{}", step + 1);
        self.context.counted = Some((step, name.clone()));
        self.effects.push(Effect { action: Action::Assert(Vec::new()), name: Some(name) });
    }

    fn counter_grew(&mut self, name: String) {
        self.context.needs.insert(Capability::Counters);
        let counter = Expr::Place(Place::Counter(name.clone()));
        let before = match self.context.counted.clone() {
            Some((step, kept)) => {
                let not_negative = vec![(CompareOp::Ge, Expr::Int(0))];
                let looked = Claim::from(Expr::Compare(Box::new(counter.clone()), not_negative));
                let action = self.context.steps.get_mut(step).map(|step| &mut step.action);
                if let Some(Action::Assert(claims)) = action
                    && !claims.contains(&looked)
                {
                    claims.push(looked);
                }
                Expr::Place(Place::Captured { step, name: kept, path: vec!["counter".to_owned(), name] })
            }
            None => Expr::Int(0),
        };
        self.assert(Claim::from(Expr::Compare(Box::new(counter), vec![(CompareOp::Gt, before)])));
    }

    fn listens(&mut self, port: u16) {
        let listening = self.context.steps.iter().rev().find_map(|step| match &step.action {
            Action::Call { call: Syscall::Listen { fd, .. }, .. } => Some(*fd),
            _ => None,
        });
        let listening = listening.filter(|id| self.context.open.iter().any(|open| open.id == *id));
        let claim = match listening {
            Some(id) if port == self.context.world.local.port() => {
                let name = self.context.descriptors.get(id.0).cloned().unwrap_or_default();
                let place = Expr::Place(Place::Descriptor { id, name, field: "state".to_owned() });
                let is = vec![(CompareOp::Eq, Expr::Symbol("LISTEN".to_owned()))];
                self.context.needs.insert(Capability::Inspect);
                Claim::from(Expr::Compare(Box::new(place), is))
            }
            _ => never(format!("no socket listens on port {port}")),
        };
        self.assert(claim);
    }
}

/// What never holds, and why.
fn never(why: String) -> Claim {
    let truth = Expr::Compare(Box::new(Expr::Int(1)), vec![(CompareOp::Eq, Expr::Int(0))]);
    Claim { truth, written: Some("the command's status is 0".to_owned()), says: vec![Said::Text(why)] }
}
