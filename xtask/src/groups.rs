//! Which tests start servers of their own, and `.config/nextest.toml`, which lets few of them run at once.
//!
//! They are found by what they call: a test is in a group if it, or a function of its file that it calls, starts a
//! server or a cluster. So nobody keeps a list.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::report::Report;
use crate::workspace::Package;

const CONFIGURATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.config/nextest.toml");

/// The part of the file before the lists.
const HEAD: &str = "\
# `cargo xtask groups` writes this file: it finds the tests by what they call.

# A cluster is three servers that elect leaders: two at once on a small machine are late for everything.
[test-groups]
cluster = { max-threads = 1 }
server = { max-threads = 4 }

[profile.default.junit]
path = \"junit.xml\"
";

/// What starts servers, the strongest first: the group, what is called, and whether its tests go first. Those that run one
/// after the other would else be what everything waits for in the end.
const GROUPS: [(&str, [&str; 2], u8); 2] = [
    ("cluster", ["Cluster::start(", "Cluster::builder("], 50),
    ("server", ["Server::start(", "Server::builder("], 10),
];

/// Writes the file anew.
pub(crate) fn write(packages: &[Package]) -> Result<(), String> {
    let text = configuration(packages)?;
    if let Some(folder) = Path::new(CONFIGURATION).parent() {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::write(CONFIGURATION, text).map_err(|error| format!("{CONFIGURATION}: {error}"))?;
    println!(".config/nextest.toml is written");
    Ok(())
}

/// Whether the file is what it should be.
pub(crate) fn check(report: &mut Report, packages: &[Package]) {
    const NAME: &str = "groups of tests with servers of their own";

    let start = std::time::Instant::now();
    match configuration(packages) {
        Err(error) => report.fail(NAME, &error),
        Ok(text) if fs::read_to_string(CONFIGURATION).is_ok_and(|found| found == text) => {
            report.pass(NAME, start.elapsed());
        }
        Ok(_) => report.fail(
            NAME,
            ".config/nextest.toml is not of these tests: run `cargo xtask groups`",
        ),
    }
}

fn configuration(packages: &[Package]) -> Result<String, String> {
    let mut text = HEAD.to_owned();
    let mut grouped = BTreeSet::new();
    for (group, calls, priority) in GROUPS {
        let mut filters = Vec::new();
        for package in packages.iter().filter(|package| package.member) {
            for root in &package.tests {
                let mut found = BTreeSet::new();
                let folder = root.parent().unwrap_or(root);
                visit(folder, "", &calls, &mut found)?;
                found.retain(|test| grouped.insert((package.name.clone(), test.clone())));
                if !found.is_empty() {
                    let tests: Vec<_> = found.into_iter().collect();
                    filters.push(format!(
                        "  (package({}) & test(/^({})$/))",
                        package.name,
                        tests.join("|\n    ")
                    ));
                }
            }
        }
        // In the regular expression the line breaks between names do not count.
        let filter = filters.join(" |\n").replace("test(/^", "test(/(?x)^");
        let _ = write!(
            text,
            "\n[[profile.default.overrides]]\nfilter = '''\n{filter}\n'''\ntest-group = \"{group}\"\npriority = {priority}\n"
        );
    }
    Ok(text)
}

/// The tests of the files under a folder, by their names, that call one of these.
fn visit(
    folder: &Path,
    module: &str,
    calls: &[&str],
    found: &mut BTreeSet<String>,
) -> Result<(), String> {
    let failed = |error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else {
            continue;
        };
        let inner = match name {
            "main" => String::new(),
            name => format!("{module}{name}::"),
        };
        if path.is_dir() {
            visit(&path, &inner, calls, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).map_err(failed)?;
            found.extend(tests_that_call(&source, calls).map(|test| format!("{inner}{test}")));
        }
    }
    Ok(())
}

/// The tests of a source that call one of these, themselves or through other items of the source.
fn tests_that_call(source: &str, calls: &[&str]) -> impl Iterator<Item = String> {
    let items = items(source);
    let mut calls: BTreeSet<String> = calls.iter().map(|&call| call.to_owned()).collect();
    loop {
        let known = calls.len();
        for item in &items {
            if mentions(item, &calls) {
                calls.extend(called_as(item));
            }
        }
        if calls.len() == known {
            break;
        }
    }
    items.into_iter().filter_map(move |item| {
        if !mentions(item, &calls) {
            return None;
        }
        match name_after(item, "fn ") {
            Some(name) if item.contains("test]\n") || item.contains("::test(") => Some(name.into()),
            // A macro makes tests of it, whose names only it knows.
            None if item.contains("!(") && !item.contains("impl ") => Some(".*".into()),
            _ => None,
        }
    })
}

/// The items of a source: each ends where a line begins with what closes it.
fn items(source: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for line in source.split_inclusive('\n') {
        end += line.len();
        if line.starts_with('}') || line.starts_with(')') {
            items.push(&source[start..end]);
            start = end;
        }
    }
    items
}

/// How an item is called: a function by its name, what a type does by the type's.
fn called_as(item: &str) -> Option<String> {
    let outside = item
        .lines()
        .find(|line| line.starts_with("impl ") || line.contains("fn "))?;
    let ty = name_after(outside, " for ").or_else(|| name_after(outside, "impl "));
    ty.filter(|_| outside.starts_with("impl "))
        .map(|ty| format!("{ty}::"))
        .or_else(|| name_after(outside, "fn ").map(|name| format!("{name}(")))
}

fn mentions(item: &str, calls: &BTreeSet<String>) -> bool {
    let is_whole = |at: usize| !item[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let mut calls = calls.iter();
    calls.any(|call| {
        item.match_indices(call.as_str())
            .any(|(at, _)| is_whole(at))
    })
}

fn name_after<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    let name = text.split_once(keyword)?.1;
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    (end > 0).then(|| &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r"
use eventmodel_nats_harness::{Server, shared_server};

struct Hotel(Server);

impl Hotel {
    async fn open() -> Self {
        Self(Server::start().await.unwrap())
    }
}

async fn with_guests() -> Hotel {
    Hotel::open().await
}

stories!(async || {
    Hotel::open().await
});

#[tokio::test]
async fn by_itself() {
    let server = Server::builder().start().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn by_a_function() {
    let hotel = with_guests().await;
}

#[tokio::test]
async fn with_a_shared_one() {
    let server = shared_server().await.unwrap();
    let other = AnotherServer::start();
}
";

    #[test]
    fn a_test_is_found_by_what_it_calls_itself_or_through_its_file() {
        let found: Vec<_> = tests_that_call(SOURCE, &GROUPS[1].1).collect();
        assert_eq!(found, [".*", "by_itself", "by_a_function"]);
    }
}
