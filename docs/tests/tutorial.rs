//! The tutorial shows a program that exists: all of it, and nothing else.

use std::collections::BTreeMap;

use crate::documents::{files, parts, read};

/// The files of the program, by the name that they have in the tutorial.
fn program() -> BTreeMap<String, String> {
    let sources = files("docs/tutorial/src", "rs").into_iter().map(|path| {
        let name = path.file_name().expect("a file").to_string_lossy();
        (format!("src/{name}"), read(&path))
    });
    sources.collect()
}

/// A block starts with the name of its file, then comes a part of it.
fn shown() -> Vec<(String, String)> {
    let (blocks, _) = parts(&read("docs/tutorial.md"));
    let rust = blocks.into_iter().filter(|block| block.language == "rust");
    rust.map(|block| {
        let (first, code) = block.code.split_once('\n').expect("a line");
        let file = first
            .strip_prefix("// ")
            .unwrap_or_else(|| panic!("which file? {first}"));
        (file.to_owned(), code.trim().to_owned())
    })
    .collect()
}

#[test]
fn every_block_is_a_part_of_the_program() {
    let program = program();
    for (file, code) in shown() {
        let source = program
            .get(&file)
            .unwrap_or_else(|| panic!("there is no {file}"));
        assert!(source.contains(&code), "{file} has no such part:\n{code}");
    }
}

#[test]
fn every_line_of_the_program_is_shown() {
    let shown = shown();
    for (file, source) in program() {
        let blocks = shown.iter().filter(|(of, _)| *of == file);
        let rest = blocks.fold(source, |source, (_, code)| {
            source.replacen(code.as_str(), "", 1)
        });
        assert_eq!(rest.trim(), "", "of {file} the tutorial does not show this");
    }
}
