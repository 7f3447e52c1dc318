//! Links between the documents lead somewhere.

use std::path::Path;

use crate::documents::{files, parts, read};

#[test]
fn every_link_to_a_file_leads_to_one() {
    let documents = files("", "md");
    let mut dead = Vec::new();
    for document in documents {
        let folder = document.parent().unwrap_or(Path::new("."));
        let (_, text) = parts(&read(&document));
        for link in text.split("](").skip(1) {
            let target = link.split(')').next().unwrap_or_default();
            if target.contains("://") || target.starts_with('#') {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let found = folder.join(file).exists()
                && (heading.is_empty() || anchors(&read(folder.join(file))).any(|a| a == heading));
            if !found {
                dead.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

/// The anchors of a document's headings, as they are made on a forge.
fn anchors(document: &str) -> impl Iterator<Item = String> {
    let (_, text) = parts(document);
    let headings: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect();
    headings.into_iter()
}
