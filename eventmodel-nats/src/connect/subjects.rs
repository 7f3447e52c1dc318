//! Subjects and patterns, compared as the servers do.

use async_nats::jetstream::stream::Config;
use eventmodel::record::SubjectPattern;

/// The subjects that a stream does not yet take.
pub(crate) fn misses(config: &Config, subjects: &[String]) -> Vec<String> {
    let covered = |subject: &&String| config.subjects.iter().any(|taken| covers(taken, subject));
    subjects
        .iter()
        .filter(|subject| !covered(subject))
        .cloned()
        .collect()
}

/// Whether every subject that fits `inner` fits `outer`.
pub(crate) fn covers(outer: &str, inner: &str) -> bool {
    let (mut outer, mut inner) = (outer.split('.'), inner.split('.'));
    loop {
        match (outer.next(), inner.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(token)) if token != ">" => {}
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

/// The patterns without those that another one covers; `None` if two of them overlap otherwise, which no consumer
/// takes.
pub(crate) fn disjoint(patterns: &[SubjectPattern]) -> Option<Vec<String>> {
    let mut kept: Vec<&SubjectPattern> = Vec::with_capacity(patterns.len());
    for pattern in patterns {
        if kept
            .iter()
            .any(|other| covers(other.as_str(), pattern.as_str()))
        {
            continue;
        }
        kept.retain(|other| !covers(pattern.as_str(), other.as_str()));
        kept.push(pattern);
    }
    let overlap = kept
        .iter()
        .enumerate()
        .any(|(n, pattern)| kept[..n].iter().any(|other| other.overlaps(pattern)));
    (!overlap).then(|| {
        kept.into_iter()
            .map(|pattern| pattern.as_str().to_owned())
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_fits_it() {
        for (outer, inner) in [
            ("a.*", "a.b"),
            ("a.*", "a.*"),
            ("a.>", "a.*.b"),
            ("a.>", "a.>"),
            (">", "a"),
        ] {
            assert!(covers(outer, inner), "{outer} {inner}");
        }
        for (outer, inner) in [
            ("a.*", "a.>"),
            ("a.*", "a.b.c"),
            ("a.b", "a.*"),
            ("a.>", "a"),
            ("*.b", "a.*"),
        ] {
            assert!(!covers(outer, inner), "{outer} {inner}");
        }
    }

    #[test]
    fn overlapping_patterns_are_merged_or_given_up() {
        let patterns = |texts: &[&str]| -> Vec<SubjectPattern> {
            texts
                .iter()
                .map(|text| SubjectPattern::new(text).unwrap())
                .collect()
        };
        assert_eq!(
            disjoint(&patterns(&["a.b", "a.*", "c.*", "a.b"])).unwrap(),
            ["a.*", "c.*"]
        );
        assert_eq!(disjoint(&patterns(&["a.*.c", "a.b.*"])), None);
        assert_eq!(disjoint(&[]).unwrap(), Vec::<String>::new());
    }
}
