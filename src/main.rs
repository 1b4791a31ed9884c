//! `intake`: see `intake --help`, and [`intake::program`].

use std::process::ExitCode;

fn main() -> ExitCode {
    intake::program::main()
}
