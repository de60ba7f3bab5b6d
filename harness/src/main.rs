//! The program `tcpdrill`: see the library's module `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tcpdrill::cli::main()
}
