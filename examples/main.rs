//! The `simpleflow` command with the examples in it.

use std::process::ExitCode;

// Linking them in is what registers them.
use examples as _;

fn main() -> ExitCode {
    simpleflow::main()
}
