//! The page of errors names all of them.

use crate::documents::{files, read};

/// Whose errors are on the page.
const CRATES: [&str; 3] = ["eventmodel", "eventmodel-http", "eventmodel-nats"];

/// The section of the document under a heading that names this.
fn section<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let heading = format!("`{name}`");
    let mut sections = document.split("\n## ").skip(1);
    sections.find(|section| {
        section
            .lines()
            .next()
            .is_some_and(|line| line.contains(&heading))
    })
}

/// What the rows of a section's table are for.
fn rows(section: &str) -> Vec<String> {
    let row = |line: &str| {
        line.strip_prefix("| `")?
            .split('`')
            .next()
            .map(str::to_owned)
    };
    section.lines().filter_map(row).collect()
}

/// The public enums of errors in a source, each with its variants.
fn error_enums(source: &str) -> Vec<(String, Vec<String>)> {
    let mut enums = Vec::new();
    for (start, _) in source.match_indices("\npub enum ") {
        let before = source[..start].rsplit("\n\n").next().unwrap_or_default();
        if !before.contains("thiserror::Error") {
            continue;
        }
        let body = &source[start + "\npub enum ".len()..];
        let name = body
            .split(|c: char| !c.is_alphanumeric())
            .next()
            .unwrap_or_default();
        let body = body.split("\n}").next().unwrap_or_default();
        let variants = body.lines().skip(1).filter_map(|line| {
            let line = line.strip_prefix("    ")?;
            let end = line
                .find(|c: char| !c.is_alphanumeric())
                .unwrap_or(line.len());
            line.starts_with(|c: char| c.is_ascii_uppercase())
                .then(|| line[..end].to_owned())
        });
        enums.push((name.to_owned(), variants.collect()));
    }
    enums
}

#[test]
fn every_variant_of_every_error_is_described_and_no_other() {
    let document = read("docs/errors.md");
    let (mut missing, mut unknown) = (Vec::new(), Vec::new());
    let mut seen = 0;
    let sources = CRATES
        .iter()
        .flat_map(|folder| files(&format!("{folder}/src"), "rs"));
    for path in sources {
        for (name, variants) in error_enums(&read(&path)) {
            seen += 1;
            // The one that has no variant is never met.
            if name == "NoRejection" {
                continue;
            }
            let Some(section) = section(&document, &name) else {
                missing.push(name);
                continue;
            };
            let rows = rows(section);
            for variant in variants.iter().filter(|variant| !rows.contains(variant)) {
                missing.push(format!("{name}::{variant}"));
            }
            for row in rows.iter().filter(|row| !variants.contains(row)) {
                unknown.push(format!("{name}::{row}"));
            }
        }
    }
    assert!(seen > 10, "only {seen} enums of errors were found");
    assert!(missing.is_empty(), "not described: {missing:#?}");
    assert!(unknown.is_empty(), "described, and not there: {unknown:#?}");
}

#[test]
fn every_problem_of_the_http_adapter_is_in_the_table() {
    let document = read("docs/errors.md");
    let kinds = read("eventmodel/src/transport/kinds.rs");
    let (_, kinds) = kinds.split_once("\nkinds! {").expect("the table of kinds");
    let code = |line: &str| line.split('"').nth(1).map(str::to_owned);
    let codes = kinds.lines().filter(|line| line.contains(" = \""));
    let codes: Vec<String> = codes.filter_map(code).collect();
    assert!(codes.len() > 10, "only {codes:?} were found");
    let (_, section) = document.split_once("\n## HTTP\n").expect("its section");
    let table = section.split("\n### ").next().unwrap_or_default();
    let cells = table.lines().filter_map(|line| line.split('|').nth(2));
    let described: Vec<&str> = cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    for code in &codes {
        assert!(
            described.contains(&code.as_str()),
            "`{code}` is not described"
        );
    }
    for code in described.iter().filter(|code| **code != "code") {
        assert!(
            codes.iter().any(|known| known == code),
            "`{code}` is not there"
        );
    }
}
