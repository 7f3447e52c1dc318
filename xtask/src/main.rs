//! The chores of this workspace, so that they are the same for everyone and need little but Rust.
//!
//! `cargo xtask test` is the test command, `cargo xtask lint` all that is checked beside it. These two go on after a
//! failure, to report everything at once, and say what they could not do.

use std::process::ExitCode;

mod bench;
mod campaign;
mod groups;
mod lint;
mod msrv;
mod nats;
mod report;
mod slowest;
mod test;
mod text;
mod version;
mod workspace;

use report::Report;

const USAGE: &str = "\
Usage: cargo xtask <command>

  test   all tests of the workspace with all features, the documentation's examples, a check of the example programs
  lint   format, texts, clippy, each feature alone, rustdoc, the oldest supported Rust, packages, licences of dependencies
  campaign [part ..]
         what takes hours, in parts: the JetStream store with each pinned version of the server; the hotel, views and
         automations on clusters that are broken under load; many seeds and histories. A part is named by how its name
         begins. Results are in target/campaign.tsv; what has passed on the same commit is not run again
  groups writes .config/nextest.toml: which tests start servers of their own
  nats   prints the path of the nats-server that the tests run against, installing it if need be;
         `nats <version>`: of one of the versions pinned in xtask/src/nats/package.rs
  bench nats
         the JetStream store beside async-nats by hand: prints a table and writes it to docs/benchmarks/nats.md;
         `bench nats hot`, `three`, `cold`, `long`, `reading`, `automation`: a part of it, printed only;
         with valgrind, the instructions of a command and of an event, too
  bench memory
         the instructions of a command on the store in memory, and of an event's headers; needs valgrind
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
        ["campaign", ref parts @ ..] => campaign::run(&mut report, parts),
        ["groups"] => workspace::packages().and_then(|packages| groups::write(&packages)),
        ["lint"] => lint::run(&mut report),
        ["bench", "nats", ref parts @ ..] => {
            bench::nats(&mut report, parts);
            Ok(())
        }
        ["bench", "memory"] => {
            bench::memory(&mut report);
            Ok(())
        }
        ["nats", ref version @ ..] if version.len() <= 1 => {
            return match nats::obtain(version.first().copied()) {
                Ok(binary) => {
                    println!("{}", binary.display());
                    ExitCode::SUCCESS
                }
                Err(error) => {
                    eprintln!("cargo xtask nats: {error}");
                    ExitCode::FAILURE
                }
            };
        }
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
