//! Which tests took longest, as nextest has written it down.

use std::path::PathBuf;
use std::{fs, io};

use crate::workspace;

const SHOWN: usize = 10;

/// Where the default profile writes it: `.config/nextest.toml`.
fn path() -> Result<PathBuf, String> {
    Ok(workspace::target_directory()?.join("nextest/default/junit.xml"))
}

/// Removes what an earlier run has left.
pub(crate) fn forget() -> Result<(), String> {
    let path = path()?;
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(format!("{}: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Prints the slowest tests of the last run, and what all took together. Nothing without nextest.
pub(crate) fn print() -> Result<(), String> {
    let Ok(written) = fs::read_to_string(path()?) else {
        return Ok(());
    };
    let mut tests: Vec<(f32, &str, &str)> = written.lines().filter_map(test).collect();
    tests.sort_by(|a, b| b.0.total_cmp(&a.0));
    let total: f32 = tests.iter().map(|(seconds, ..)| seconds).sum();
    println!(
        "\n== the slowest of {} tests, which took {total:.0} s one after the other",
        tests.len()
    );
    for (seconds, binary, name) in tests.iter().take(SHOWN) {
        println!("{seconds:8.1} s  {binary} {name}");
    }
    Ok(())
}

/// `<testcase name=".." classname=".." .. time="1.234">`: the time, the binary, the name.
fn test(line: &str) -> Option<(f32, &str, &str)> {
    let attributes = line.trim_start().strip_prefix("<testcase ")?;
    let value = |name: &str| {
        let start = format!("{name}=\"");
        let at = match attributes.strip_prefix(&*start) {
            Some(rest) => rest,
            None => attributes.split_once(&*format!(" {start}"))?.1,
        };
        at.split('"').next()
    };
    Some((
        value("time")?.parse().ok()?,
        value("classname")?,
        value("name")?,
    ))
}
