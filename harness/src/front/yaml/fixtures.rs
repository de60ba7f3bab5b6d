//! Fixtures: files that bring a case to where its story starts.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;

use crate::case::{FileId, nearest};
use crate::front::Library;

use super::cursor::Cursor;
use super::document::{Document, Role, document};
use super::lowerer::{Clock, Lowerer, Meaning, Scope};
use super::replace::{Environment, replace};
use super::report::{Fault, Lowers, Parse, Phase, Report, Reported};
use super::text::Text;
use super::tree;
use super::unused;

/// How many fixtures may use each other in a row.
const DEEPEST: usize = 16;

/// Fixtures read so far.
pub(super) struct Fixtures<'l> {
    pub(super) library: &'l dyn Library,
    read: BTreeMap<String, Option<Rc<Document>>>,
}

impl<'l> Fixtures<'l> {
    pub(super) fn new(library: &'l dyn Library) -> Self {
        Self { library, read: BTreeMap::new() }
    }

    /// The fixture with this name; `None` if there is none.
    fn get(&mut self, name: &str, report: &mut Report) -> Option<Lowers<Rc<Document>>> {
        if !self.read.contains_key(name) {
            let (path, text) = self.library.fixture(name)?;
            let file: FileId = report.sources.add(&path, &text);
            let read = tree::read(&text, file, report)
                .and_then(|root| {
                    let document = document(&root, file, Role::Fixture, report)?;
                    unused::warn(&root, &document, report);
                    Ok(document)
                })
                .ok()
                .map(Rc::new);
            self.read.insert(name.to_owned(), read);
        }
        let read = self.read.get(name)?;
        Some(read.clone().ok_or(Reported))
    }
}

/// `name = fixture(parameter=value, ..)`, as stretches of its text.
struct Use {
    alias: Option<Range<usize>>,
    name: Range<usize>,
    arguments: Vec<(Range<usize>, Range<usize>)>,
}

fn dashed_name(cursor: &mut Cursor<'_>) -> Option<Range<usize>> {
    cursor.skip_spaces();
    let rest = cursor.rest();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let range = cursor.position()..cursor.position() + length;
    cursor.advance(length);
    (length > 0).then_some(range)
}

fn read_use(text: &Text) -> Parse<Use> {
    let mut cursor = Cursor::new(text);
    let missing = |cursor: &mut Cursor<'_>| {
        cursor.unexpected("a fixture").help("as in server(win=1000)").phase(Phase::Expansion)
    };
    let mut name = dashed_name(&mut cursor).ok_or_else(|| missing(&mut cursor))?;
    let mut alias = None;
    if cursor.take("=") {
        alias = Some(name);
        name = dashed_name(&mut cursor).ok_or_else(|| missing(&mut cursor))?;
    }
    let mut arguments = Vec::new();
    let in_phase = |fault: Fault| fault.phase(Phase::Expansion);
    cursor.expect("(").map_err(|fault| in_phase(fault.help("a fixture is used as in server()")))?;
    if !cursor.take(")") {
        loop {
            let at = cursor.position();
            let key = dashed_name(&mut cursor);
            let (Some(key), true) = (key, cursor.take("=")) else {
                cursor.seek(at);
                let fault = cursor.unexpected("parameter=value");
                return Err(in_phase(fault));
            };
            arguments.push((key, argument(&mut cursor).map_err(in_phase)?));
            if cursor.take(")") {
                break;
            }
            cursor.expect(",").map_err(in_phase)?;
        }
    }
    cursor.finish().map_err(in_phase)?;
    Ok(Use { alias, name, arguments })
}

/// A value: in quotes, or up to the next comma or closing bracket.
fn argument(cursor: &mut Cursor<'_>) -> Parse<Range<usize>> {
    cursor.skip_spaces();
    let rest = cursor.rest();
    let start = cursor.position();
    if let Some(inner) = rest.strip_prefix('"') {
        let Some(length) = inner.find('"') else {
            return Err(Fault::new(start..cursor.end(), "the quotes are not closed"));
        };
        cursor.advance(length + 2);
        return Ok(start + 1..start + 1 + length);
    }
    let mut depth = 0_usize;
    let mut length = rest.len();
    for (at, c) in rest.char_indices() {
        match c {
            '(' => depth += 1,
            ')' | ',' if depth == 0 => {
                length = at;
                break;
            }
            ')' => depth -= 1,
            _ => {}
        }
    }
    cursor.advance(length);
    Ok(start..start + rest[..length].trim_end().len())
}

impl Lowerer<'_, '_> {
    /// All fixtures that a file starts from.
    pub(super) fn given(&mut self, uses: &[Text]) {
        for text in uses {
            let _ = self.use_fixture(text);
        }
        let first = self.steps.len();
        let scope = self.scope();
        scope.first = first;
        scope.clock = Clock::START;
    }

    fn use_fixture(&mut self, written: &Text) -> Lowers<()> {
        let text = self.replaced(written)?;
        let used = self.parse(&text, |_| read_use(&text))?;
        let at = text.at(used.name.clone());
        if self.through.len() >= DEEPEST {
            return Err(self.report.error(Phase::Expansion, at, "fixtures use each other in a circle"));
        }
        let name = &text.as_str()[used.name.clone()];
        let fixture = match self.fixtures.get(name, self.report) {
            Some(read) => read?,
            None => return Err(self.no_fixture(&text, name, used.name)),
        };
        let scope = self.fixture_scope(&text, &used, &fixture)?;
        self.scopes.push(scope);
        self.through.push(at);
        self.given(&fixture.given);
        self.steps(&fixture.steps);
        self.through.pop();
        let inner = self.scopes.pop();
        if let Some(inner) = inner {
            self.export(&text, &used, &fixture, &inner);
        }
        Ok(())
    }

    fn no_fixture(&mut self, text: &Text, name: &str, range: Range<usize>) -> Reported {
        let names = self.fixtures.library.fixtures();
        let help = match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("known: {}", names.join(", ")),
        };
        let fault = Fault::new(range, format!("no fixture \"{name}\""));
        self.fault(text, fault.help(help).phase(Phase::Expansion))
    }

    /// The names a fixture starts with: what is given in advance, its parameters, its own texts.
    fn fixture_scope(&mut self, text: &Text, used: &Use, fixture: &Document) -> Lowers<Scope> {
        let source = text.as_str();
        let level = self.scopes.len();
        let mut known: Environment = self.advance_names();
        for (name, _, default) in &fixture.params {
            let default = match replace(default, &known, level) {
                Ok(default) => default.at_level(level),
                Err(fault) => return Err(self.fault(default, fault)),
            };
            known.insert(name.clone(), default);
        }
        let mut flow = self.scope().flow;
        for (key, value) in &used.arguments {
            let name = &source[key.clone()];
            let argument = text.slice(value.clone());
            if name == "flow" {
                flow = Some(self.flow(Some(&argument), text.at(value.clone()))?);
            } else if fixture.params.iter().any(|(known, ..)| known == name) {
                known.insert(name.to_owned(), argument);
            } else {
                return Err(self.no_parameter(text, used, name, key.clone(), fixture));
            }
        }
        for (name, ..) in &fixture.params {
            let given = used.arguments.iter().any(|(key, _)| &source[key.clone()] == name);
            if !given && known[name].as_str() == "required" {
                let fault =
                    Fault::new(used.name.clone(), format!("{} needs {name}", &source[used.name.clone()]));
                let fault = fault.help(format!("{name}=..."));
                return Err(self.fault(text, fault.phase(Phase::Expansion)));
            }
        }
        for (name, _, own) in &fixture.texts {
            known.insert(name.clone(), own.clone().at_level(level));
        }
        Ok(Scope::new(known, flow))
    }

    fn no_parameter(
        &mut self,
        text: &Text,
        used: &Use,
        name: &str,
        key: Range<usize>,
        fixture: &Document,
    ) -> Reported {
        let names: Vec<&str> =
            fixture.params.iter().map(|(name, ..)| name.as_str()).chain(["flow"]).collect();
        let help = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("one of {}", names.join(", ")),
        };
        let fixture = &text.as_str()[used.name.clone()];
        let fault = Fault::new(key, format!("{fixture} has no parameter \"{name}\""));
        self.fault(text, fault.help(help).phase(Phase::Expansion))
    }

    /// `$ip`, `$mtu` and `$mss`, which every file knows.
    fn advance_names(&self) -> Environment {
        let Some(story) = self.scopes.first() else {
            return Environment::new();
        };
        ["ip", "mtu", "mss"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), story.known.get(name)?.clone())))
            .collect()
    }

    fn export(&mut self, text: &Text, used: &Use, fixture: &Document, inner: &Scope) {
        let at = text.at(used.alias.clone().unwrap_or(used.name.clone()));
        let alias = used.alias.clone().map(|alias| &text.as_str()[alias]);
        for (index, export) in fixture.exports.iter().enumerate() {
            let own = export.as_str();
            let Some(Meaning::Descriptor(id)) = inner.names.get(own).map(|named| &named.meaning) else {
                let text = format!("the fixture exports \"{own}\" and never binds it");
                self.report.error(Phase::Names, export.whole(), text);
                continue;
            };
            let name = match (alias, index) {
                (None, _) => own.to_owned(),
                (Some(alias), 0) => alias.to_owned(),
                (Some(alias), _) => format!("{alias}.{own}"),
            };
            if let Some(shown) = self.descriptors.get_mut(id.0) {
                shown.clone_from(&name);
            }
            self.bind(&name, Meaning::Descriptor(*id), at);
        }
    }
}
