//! The page of errors names all of them.

use crate::documents::{files, read};

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
fn every_variant_of_every_error_is_described() {
    let document = read("docs/errors.md");
    let mut missing = Vec::new();
    let mut seen = 0;
    for path in files("eventmodel/src", "rs") {
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
            let described = |variant: &&String| !section.contains(&format!("| `{variant}`"));
            let variants = variants.iter().filter(described);
            missing.extend(variants.map(|variant| format!("{name}::{variant}")));
        }
    }
    assert!(seen > 10, "only {seen} enums of errors were found");
    assert!(missing.is_empty(), "not described: {missing:#?}");
}

#[test]
fn every_problem_of_the_http_adapter_is_in_the_table() {
    let document = read("docs/errors.md");
    let kinds = read("eventmodel/src/adapter/kinds.rs");
    let (_, kinds) = kinds.split_once("\nkinds! {").expect("the table of kinds");
    let mut seen = 0;
    for line in kinds.lines().filter(|line| line.contains(" = \"")) {
        let code = line.split('"').nth(1).expect("a code");
        seen += 1;
        assert!(
            document.contains(&format!("`{code}`")),
            "`{code}` is not described"
        );
    }
    assert!(seen > 10, "only {seen} kinds of problems were found");
}
