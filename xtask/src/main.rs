//! The chores of this workspace, so that they are the same for everyone and need no tool but Rust.
//!
//! `cargo xtask test` is the test command, `cargo xtask lint` all that is checked beside it. Both go on after a
//! failure, to report everything at once, and say what they could not do.

use std::process::ExitCode;

mod lint;
mod msrv;
mod report;
mod test;
mod workspace;

use report::Report;

const USAGE: &str = "\
Usage: cargo xtask <command>

  test   all tests of the workspace with all features, the documentation's examples, the examples' build
  lint   format, clippy, each feature alone, rustdoc, the oldest supported Rust, licences of dependencies
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut report = Report::new();
    let result = match arguments[..] {
        ["test"] => {
            test::run(&mut report);
            Ok(())
        }
        ["lint"] => lint::run(&mut report),
        [] | ["help" | "-h" | "--help"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("cargo xtask: unknown: {}\n\n{USAGE}", arguments.join(" "));
            return ExitCode::from(2);
        }
    };
    if let Err(error) = result {
        report.fail("xtask", &error);
    }
    report.finish()
}
