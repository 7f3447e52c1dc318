//! What is wrong with a text, whatever the compiler says: a string literal that has lost the `\` at the end of a line,
//! and a path of somebody's machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::report::Report;

/// So many blanks in a row between two words of a string literal are no layout.
const BLANKS: usize = 6;

/// How paths of a machine begin. In two parts: this file has none.
const MACHINE: [(&str, &str); 5] = [
    ("/ho", "me/"),
    ("/ro", "ot/"),
    ("/Us", "ers/"),
    ("/wo", "rk/"),
    ("C:\\Us", "ers"),
];

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

pub(crate) fn check(report: &mut Report) -> Result<(), String> {
    const NAME: &str = "texts";

    let start = Instant::now();
    let mut found = Vec::new();
    for path in sources(Path::new(ROOT))? {
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let name = path.strip_prefix(ROOT).unwrap_or(&path).display();
        let mut says = |line: usize, what: &str| found.push(format!("{name}:{line}: {what}"));
        for line in machine_paths(&text) {
            says(line, "a path of a machine");
        }
        if path.extension().is_some_and(|extension| extension == "rs") {
            for line in lost_line_ends(&text) {
                says(line, "a run of blanks in a string literal: is a `\\` lost?");
            }
        }
    }
    if found.is_empty() {
        report.pass(NAME, start.elapsed());
    } else {
        report.fail(NAME, &found.join("\n"));
    }
    Ok(())
}

/// The sources and documents under a folder, but nothing that is built or hidden.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|e| e.to_string())?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name == "target" || name.starts_with('.') {
                continue;
            }
            let extension = path.extension().unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if ["rs", "md", "toml"].iter().any(|known| extension == *known) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The lines with a path of a machine.
fn machine_paths(text: &str) -> impl Iterator<Item = usize> {
    let has_one = |line: &str| {
        let mut begins = MACHINE.iter().map(|(one, two)| [*one, *two].concat());
        begins.any(|begin| {
            let mut at = line.match_indices(&begin);
            // Not the end of another path, or of an address.
            at.any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '.'))
        })
    };
    let lines = text.lines().enumerate();
    lines.filter_map(move |(n, line)| has_one(line).then_some(n + 1))
}

/// The lines with a run of blanks inside a string literal. Raw ones are written as they are meant.
fn lost_line_ends(source: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (source, 1);
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            // A character, and not a lifetime.
            '\'' if rest.starts_with("'\"'") => 3,
            '\'' if rest.starts_with("'\\") => {
                rest[3..].find('\'').map_or(rest.len(), |end| end + 4)
            }
            'r' => raw(rest).unwrap_or(1),
            '"' => {
                let length = literal(rest);
                let lines = rest[..length].lines().enumerate();
                let runs = lines.filter(|(_, text)| has_run(text));
                found.extend(runs.map(|(n, _)| line + n));
                length
            }
            c => c.len_utf8(),
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

/// The length of a literal that begins here.
fn literal(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a raw literal, if one begins here.
fn raw(text: &str) -> Option<usize> {
    let hashes = text[1..].chars().take_while(|c| *c == '#').count();
    let body = text[1 + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end)?;
    Some(1 + hashes + 1 + length + end.len())
}

/// Whether there is a run between two words of a line of a literal.
fn has_run(line: &str) -> bool {
    let words = line.trim().trim_matches('"').trim();
    words.contains(&" ".repeat(BLANKS))
}

#[cfg(test)]
mod tests {
    use super::{lost_line_ends, machine_paths};

    #[test]
    fn a_lost_line_end_is_found_and_nothing_else_is() {
        let source = r##"
            // "in a      comment"
            let fine = "one \
                        text";
            let raw = r#"a "      b"#;
            let blanks = "          ";
            let quote = ('"', '\'', 'a');
            fn life<'a>(text: &'a str) {}
            let lost = "one                      text";
            let two = "fine
                       lost      too";
        "##;
        assert_eq!(lost_line_ends(source), [9, 11]);
    }

    #[test]
    fn a_path_of_a_machine_is_found_and_no_address_is() {
        let home = ["/ho", "me/ada/hotel"].concat();
        let text = format!("fine: https://example.org{home}\nin {home}\n/tmp/hotel");
        assert_eq!(machine_paths(&text).collect::<Vec<_>>(), [2]);
    }
}
