//! The `intake` program with an integrator's plugin linked in.
//!
//! `cargo run --example custom_validator -- plugins` lists it; a configuration switches it on: see
//! `docs/writing-a-plugin.md`.

use no_programs as _;

fn main() -> std::process::ExitCode {
    intake::program::main()
}
