//! The page of the architecture names tests and files that exist.

use crate::documents::{files, read, root};

/// Where the files are that the page names.
const SOURCES: [&str; 5] = [
    "",
    "eventmodel/src",
    "eventmodel-derive/src",
    "eventmodel-http/src",
    "eventmodel-nats/src",
];

#[test]
fn what_the_architecture_names_is_there() {
    let document = read("ARCHITECTURE.md");
    let tests = document.lines().filter(|line| line.starts_with("| "));
    let tests: Vec<&str> = tests
        .filter_map(|row| row.split('|').nth(3))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    let code: Vec<String> = files("", "rs").iter().map(read).collect();
    let is_test = |name: &&str| {
        let function = format!("fn {name}(");
        code.iter().any(|code| code.contains(&function))
    };
    let named = document.split('`').skip(1).step_by(2);
    let files: Vec<&str> = named.filter(|name| name.ends_with(".rs")).collect();
    let is_file = |name: &&str| {
        let mut sources = SOURCES.iter();
        sources.any(|source| root().join(source).join(name).is_file())
    };

    assert!(tests.len() > 30 && files.len() > 30, "{tests:?} {files:?}");
    let tests: Vec<_> = tests.into_iter().filter(|name| !is_test(name)).collect();
    assert!(tests.is_empty(), "no such tests: {tests:#?}");
    let files: Vec<_> = files.into_iter().filter(|name| !is_file(name)).collect();
    assert!(files.is_empty(), "no such files: {files:#?}");
}
