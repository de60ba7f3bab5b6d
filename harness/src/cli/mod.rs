//! The command line. Its options, formats and exit statuses are an interface that scripts depend on.

mod args;
mod check;
mod compare;
mod coverage;
mod doctor;
mod explain;
mod import;
mod interrupt;
mod known;
mod list;
mod man;
mod new;
mod output;
mod replay;
mod reports;
mod run;
mod schema;
mod targets;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use output::Output;

/// All as expected.
pub const SUCCESS: u8 = 0;
/// Something was not as expected.
pub const FAILURE: u8 = 1;
/// A case or an argument is wrong, or nothing was selected.
pub const WRONG: u8 = 2;
/// The target cannot run here, or skipped everything.
pub const UNUSABLE: u8 = 3;

/// Runs the program with the arguments of this process.
#[must_use]
pub fn main() -> ExitCode {
    // Clap ends the process with status 2 where an argument is wrong.
    let arguments = Arguments::parse();
    arguments.color.write_global();
    let mut output = Output::new();
    let status = match arguments.command {
        Command::Run(options) => run::run(&options, &mut output),
        Command::Check(options) => check::check(&options, &mut output),
        Command::Compare(options) => compare::compare(&options, &mut output),
        Command::List(options) => list::list(&options, &mut output),
        Command::Schema(options) => schema::schema(&options, &mut output),
        Command::Coverage(options) => coverage::coverage(&options, &mut output),
        Command::Doctor(options) => doctor::doctor(&options, &mut output),
        Command::Explain(options) => explain::explain(&options, &mut output),
        Command::Replay(options) => replay::replay(&options, &mut output),
        Command::Import(options) => import::import(&options, &mut output),
        Command::New(options) => new::new(&options, &mut output),
        Command::Completions(options) => man::completions(&options, &mut output),
        Command::Man(options) => man::man(&options, &mut output),
    };
    ExitCode::from(status)
}
