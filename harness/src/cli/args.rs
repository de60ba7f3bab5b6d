//! Arguments and their descriptions.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::front::pkt::Variant;

const EXIT_STATUS: &str = "Exit status: 0 all as expected; 1 something was not; 2 a case or an argument is wrong, \
    or nothing is selected; 3 the target cannot run here, or skipped everything; 4 nothing failed, but something \
    stayed inconclusive.";

/// TCP conformance tests as scripts: inject segments, make socket calls, assert on what comes back.
#[derive(Debug, Parser)]
#[command(name = "tcpdrill", version = env!("TCPDRILL_VERSION"), max_term_width = 100, after_help = EXIT_STATUS)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) color: colorchoice_clap::Color,

    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run cases on one or more targets
    Run(RunArguments),
    /// Read cases and say what is wrong with them, without running any
    Check(LookArguments),
    /// Run cases on two targets, or take two traces, and show where they differ
    Compare(CompareArguments),
    /// Name the tests that are selected, one a line
    List(LookArguments),
    /// Write the JSON Schema of case files, for editors
    Schema(SchemaArguments),
    /// Show what happens in a test, step by step, and why it fails if it does
    Explain(ExplainArguments),
    /// Derive verdicts again from traces, without the target
    Replay(ReplayArguments),
    /// Count which requirements the cases are about, and how targets did in them
    Coverage(CoverageArguments),
    /// Say whether the Linux target can run on this machine, and if not, why
    Doctor(LookArguments),
    /// Write packetdrill scripts as cases in YAML
    Import(ImportArguments),
    /// Write a new case that passes, with comments that say how to go on
    New(NewArguments),
    /// Write the completions of a shell to standard output
    Completions(CompletionsArguments),
    /// Write the manual page to standard output, or the pages of all commands into a folder
    Man(ManArguments),
}

#[derive(Debug, Default, Args)]
pub(super) struct SelectArguments {
    /// Files, folders or ids of cases; 'FILE[PATTERN]' takes the variants that match a shell pattern. Without any:
    /// the folder cases, or without that the cases inside this program
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<String>,

    /// Only tests whose id contains this text
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<String>,

    /// Only variants that match this shell pattern: 'ipv6', 'ip=v4*'
    #[arg(long, value_name = "PATTERN")]
    pub(super) variant: Option<String>,

    #[command(flatten)]
    pub(super) scripts: ScriptArguments,

    /// Only the I-th of N parts of what is selected
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub(super) shard: Option<(usize, usize)>,
}

/// What is said of packetdrill scripts outside of them.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "packetdrill scripts")]
pub(super) struct ScriptArguments {
    /// What a word of a script stands for; may be given several times
    #[arg(short = 'D', long = "define", value_name = "NAME=VALUE", value_parser = definition)]
    pub(super) definitions: Vec<(String, String)>,

    /// How far off a time may be, in microseconds, instead of what the script says or 4000
    #[arg(long, alias = "tolerance_usecs", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) tolerance_usecs: Option<u32>,

    /// Also check what packetdrill leaves unchecked: segments after the last expectation, checksums
    #[arg(long)]
    pub(super) strict: bool,

    /// Run the commands of scripts in a shell, in the namespace of the case (target linux only)
    #[arg(long)]
    pub(super) allow_shell: bool,
}

#[derive(Debug, Args)]
pub(super) struct LookArguments {
    #[command(flatten)]
    pub(super) select: SelectArguments,

    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub(super) select: SelectArguments,

    /// What to test; may be given several times
    #[arg(long, value_name = "NAME", default_value = "bundled")]
    pub(super) target: Vec<String>,

    /// How many tests to run at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) jobs: Option<u16>,

    /// How to report on standard output
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(super) format: ReportFormat,

    /// Also write a report into a file, such as junit=report.xml; may be given several times
    #[arg(long, value_name = "FORMAT=FILE", value_parser = report)]
    pub(super) report: Vec<(ReportFormat, PathBuf)>,

    /// A line for each run, and which took longest
    #[arg(short, long)]
    pub(super) verbose: bool,

    /// Only what is not as expected
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// Where captures and traces go
    #[arg(long, value_name = "DIR", default_value = "captures")]
    pub(super) captures: PathBuf,

    /// How often to run each test
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) repeat: u32,

    /// Seed of everything that is drawn by chance
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,

    /// Also run tests that take more than 5 s on a real clock
    #[arg(long)]
    pub(super) slow: bool,
}

#[derive(Debug, Args)]
pub(super) struct CoverageArguments {
    #[command(flatten)]
    pub(super) select: SelectArguments,

    /// Run the cases on it and say how it did; with --from, of which target to take verdicts. May be given several times
    #[arg(long, value_name = "NAME")]
    pub(super) target: Vec<String>,

    /// Take verdicts from traces (a folder of captures) or from what run --format json wrote, instead of running
    #[arg(long, value_name = "PATH", conflicts_with = "slow")]
    pub(super) from: Option<PathBuf>,

    /// Name the testable requirements that no step checks
    #[arg(long)]
    pub(super) missing: bool,

    /// Name the requirements whose id matches a shell pattern, and the cases about each
    #[arg(long, value_name = "PATTERN")]
    pub(super) id: Option<String>,

    /// Name the requirements that each case is about
    #[arg(long, conflicts_with_all = ["missing", "id"])]
    pub(super) by_case: bool,

    /// Also run tests that take more than 5 s on a real clock
    #[arg(long)]
    pub(super) slow: bool,

    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// One test, by file or id, with its variant: 'connect/refused[ip=v6]'. Or the .trace.jsonl of a run, which is
    /// explained without running it again
    #[arg(value_name = "CASE")]
    pub(super) case: String,

    #[command(flatten)]
    pub(super) scripts: ScriptArguments,

    /// What to run it on
    #[arg(long, value_name = "NAME", default_value = "bundled")]
    pub(super) target: String,

    /// Where capture and trace go
    #[arg(long, value_name = "DIR", default_value = "captures")]
    pub(super) captures: PathBuf,

    /// Seed of everything that is drawn by chance
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
}

#[derive(Debug, Args)]
pub(super) struct CompareArguments {
    #[command(flatten)]
    pub(super) select: SelectArguments,

    /// The two targets. Without it and with two traces, or two folders of traces, as paths, these are compared
    #[arg(long, value_name = "A,B", value_delimiter = ',', num_args = 1)]
    pub(super) targets: Vec<String>,

    /// Leave out this field or kind of difference: win, options, timing ..; may be given several times
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub(super) ignore: Vec<String>,

    /// Show both exchanges of every test that differs, not only of a single one
    #[arg(long)]
    pub(super) ladders: bool,

    /// How many tests to run at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) jobs: Option<u16>,

    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,

    /// Where captures and traces go
    #[arg(long, value_name = "DIR", default_value = "captures")]
    pub(super) captures: PathBuf,

    /// Seed of everything that is drawn by chance
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,

    /// Also run tests that take more than 5 s on a real clock
    #[arg(long)]
    pub(super) slow: bool,
}

#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// Which files it is for
    #[arg(value_enum, default_value_t = FileKind::Case)]
    pub(super) of: FileKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FileKind {
    /// Cases
    Case,
    /// Fixtures
    Fixture,
}

#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// Traces that runs have left, or folders of them
    #[arg(value_name = "TRACE", required = true)]
    pub(super) traces: Vec<PathBuf>,

    /// How to report
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// A script, or a folder of scripts
    #[arg(value_name = "PATH")]
    pub(super) path: PathBuf,

    /// Where the case of a single script goes, instead of standard output
    #[arg(short, long, value_name = "FILE", conflicts_with = "out")]
    pub(super) output: Option<PathBuf>,

    /// The folder in which the cases go, instead of beside the scripts
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,

    /// Only this variant: ipv4, ipv4-mapped-ipv6 or ipv6
    #[arg(long, value_name = "NAME", value_parser = variant)]
    pub(super) variant: Option<Variant>,

    #[command(flatten)]
    pub(super) scripts: ScriptArguments,
}

#[derive(Debug, Args)]
pub(super) struct NewArguments {
    /// The file to write: FOLDER/AREA/NAME.yaml, e.g. cases/mine/first.yaml
    #[arg(value_name = "PATH")]
    pub(super) path: PathBuf,

    /// The target opens the connection
    #[arg(long, conflicts_with = "server")]
    pub(super) client: bool,

    /// The peer opens the connection; so it is without either
    #[arg(long)]
    pub(super) server: bool,

    /// What the case states, in one sentence
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) title: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// Whose
    #[arg(value_enum)]
    pub(super) shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Where the pages go
    #[arg(value_name = "DIR")]
    pub(super) folder: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// One object a line
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// For people
    Text,
    /// One object a line
    Json,
    /// JUnit's XML, as CI systems read it
    Junit,
    /// Test Anything Protocol
    Tap,
}

fn report(text: &str) -> Result<(ReportFormat, PathBuf), String> {
    let parsed = text.split_once('=').and_then(|(format, path)| {
        let format = ReportFormat::from_str(format, false).ok()?;
        (!path.is_empty()).then(|| (format, PathBuf::from(path)))
    });
    parsed.ok_or_else(|| "write it as FORMAT=FILE with text, json, junit or tap: junit=report.xml".to_owned())
}

fn definition(text: &str) -> Result<(String, String), String> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    match text.split_once('=') {
        Some((name, value)) if is_name(name) => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE: -D COOKIE=00ff12ab".to_owned()),
    }
}

fn variant(text: &str) -> Result<Variant, String> {
    Variant::from_name(text).ok_or_else(|| {
        let names = Variant::ALL.map(Variant::name);
        format!("one of {}", names.join(", "))
    })
}

fn shard(text: &str) -> Result<(usize, usize), String> {
    let parsed =
        text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
    match parsed {
        Some((index, count)) if 1 <= index && index <= count => Ok((index, count)),
        _ => Err("write it as I/N with 1 <= I <= N: 2/5 is the second of five parts".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        super::Arguments::command().debug_assert();
    }

    #[test]
    fn reports() {
        let parsed = super::report("junit=a=b.xml").ok();
        assert_eq!(parsed, Some((super::ReportFormat::Junit, "a=b.xml".into())));
        for wrong in ["junit", "junit=", "xml=a", "=a", "JUNIT=a"] {
            assert!(super::report(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shards() {
        for (text, parsed) in
            [("1/1", Some((1, 1))), ("2/5", Some((2, 5))), ("0/5", None), ("6/5", None), ("x", None)]
        {
            assert_eq!(super::shard(text).ok(), parsed, "{text}");
        }
    }
}
